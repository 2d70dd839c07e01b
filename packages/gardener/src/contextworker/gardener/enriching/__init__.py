"""A run: claim pending products, enrich them, settle what was found."""
