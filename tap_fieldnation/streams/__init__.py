"""The Singer streams. Uses `reading` and `api`, which do not depend on this package."""
