"""Bearer tokens, verified: what the services that callers reach have in common; an extra."""
