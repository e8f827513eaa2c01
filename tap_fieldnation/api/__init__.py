"""Field Nation's REST API over HTTP. Independent of streams and Singer messages."""
