"""Decrypts what Temporal holds, for its UI and its command line, and for nobody else."""
