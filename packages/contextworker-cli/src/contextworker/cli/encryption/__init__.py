"""Keys in files, as the command line writes them."""
