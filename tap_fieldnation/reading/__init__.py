"""What to read, in which order, and how we know that it was all. Knows nothing of streams and Singer messages."""
