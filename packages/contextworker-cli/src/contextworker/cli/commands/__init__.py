"""One file per command; a command's docstring and types are its help."""
