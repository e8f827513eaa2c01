"""The Singer streams. Uses `reading` and `api`; neither of them knows of this package."""
