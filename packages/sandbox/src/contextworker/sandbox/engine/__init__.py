"""The interpreter: a warm pool of processes, what a turn may use, and how it ends."""
