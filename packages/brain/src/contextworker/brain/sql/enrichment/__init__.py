"""Claims, results, relations, examples and models: what the gardener asks of the Brain."""
