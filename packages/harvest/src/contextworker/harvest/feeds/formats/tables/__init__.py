"""Rows of text with a delimiter: CSV, TSV and the formats that are written so."""
