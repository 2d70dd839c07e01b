"""XLSX, XLS and ODS."""
