"""The core client as the command line uses it: where it connects, and how its failures read."""
