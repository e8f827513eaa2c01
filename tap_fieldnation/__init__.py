"""Singer tap for Field Nation: work orders, their child records, and company data."""
