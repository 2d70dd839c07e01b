"""Feeds in XML: Google, YML, BMEcat, and what they share."""
