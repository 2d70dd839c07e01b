"""The sandbox module."""
