"""The content of a work order: about ninety sections, each generated on demand from seed, id and state."""
