"""A tagger that learns to find brand, model and so on in names, from names with known ones."""
