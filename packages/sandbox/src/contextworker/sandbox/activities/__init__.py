"""The activities: turns of code, and the calls that it makes."""
