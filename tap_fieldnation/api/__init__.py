"""Field Nation's REST API over HTTP. Knows nothing of streams and Singer messages."""
