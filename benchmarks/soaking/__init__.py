"""A module whose activities fail now and then, and what is seen of it over a long time."""
