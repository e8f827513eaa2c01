"""What a user can ask the tap for: to sync, with progress and a summary, `--test`, `--plan` and `--about`."""
