"""Which workflow type goes where: what modules announce, and the workflow ids their runs get."""
