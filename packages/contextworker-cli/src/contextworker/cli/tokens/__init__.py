"""Bearer tokens for development: signing them, and the keys to sign with."""
