"""The system under chaos, and everything around it that a fault can touch."""
