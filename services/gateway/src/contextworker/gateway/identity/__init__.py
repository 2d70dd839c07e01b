"""Who calls, for which tenants, and with which permissions."""
