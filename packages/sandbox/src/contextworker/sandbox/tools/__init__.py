"""What code may call: the platform itself, and what packages offer."""
