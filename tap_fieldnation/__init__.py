"""Singer tap for Field Nation: work orders, what hangs on them, and company data."""
