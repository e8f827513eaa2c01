"""Measurements: each module is a command that prints a table and writes JSON beside it, in `benchmarks/results`."""
