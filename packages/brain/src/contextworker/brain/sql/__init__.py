"""The stores in SQL databases: SQLite and PostgreSQL, by one schema and one set of statements."""
