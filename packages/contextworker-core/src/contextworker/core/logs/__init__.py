"""What every process writes to standard error: bounded records, without secrets."""
