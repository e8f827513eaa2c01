"""What a user would pick instead of this tap, set up as well as its documentation allows."""
