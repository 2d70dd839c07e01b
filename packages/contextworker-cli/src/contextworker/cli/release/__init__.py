"""Releasing one member of a workspace: its version, its changelog, its commit and tag."""
