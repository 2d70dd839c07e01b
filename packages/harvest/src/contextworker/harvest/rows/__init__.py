"""Rows: what a supplier's columns mean, and whether a row is a product."""
