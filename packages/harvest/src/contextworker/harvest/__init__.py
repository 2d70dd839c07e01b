"""Supplier feeds become products in the Brain."""
