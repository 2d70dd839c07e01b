"""Questions to Temporal's visibility, and the tokens of further pages."""
