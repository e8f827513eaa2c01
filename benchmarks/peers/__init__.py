"""Alternatives to this tap, configured as well as their documentation allows."""
