"""Modules' versions in Temporal: how they stand, and which one new runs start on."""
