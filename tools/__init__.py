"""What the repository's own chores need, and no user of the tap."""
