"""What a work order says: about ninety sections, each drawn from seed, id and state when it is asked for."""
