"""What to read, in which order, and whether it is complete. Independent of streams and Singer messages."""
