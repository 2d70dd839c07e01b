"""What a person or a program reads: streams, tables, statuses, live progress."""
