"""Task `taxonomy`: categories, and how a product is put into one."""
