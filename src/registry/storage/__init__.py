"""The only SQL. Functions take a connection and return domain objects."""
