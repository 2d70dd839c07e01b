"""Whose a run or a schedule is: its tenant, and the scopes it takes to see or change it."""
