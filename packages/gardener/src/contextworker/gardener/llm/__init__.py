"""Ask a language model about what the local enrichers left in doubt."""
