"""Feeds: fetching a supplier's file, knowing it for what it is, reading its rows."""
