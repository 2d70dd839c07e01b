"""Runs in Temporal: starting them, and telling how they stand."""
