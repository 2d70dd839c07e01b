"""A new module's place: its name, the workspace around it, and the lists it has to be in."""
