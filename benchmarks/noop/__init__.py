"""One workflow with one activity that does nothing, as a module."""
