"""What a user can run: a sync with progress and a summary, `--test`, `--plan` and `--about`."""
