"""Schedules: Temporal's own, kept for a tenant, and registered as a set."""
