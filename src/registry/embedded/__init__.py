"""PostgreSQL for a machine that has none."""
