"""Learn from labelled examples, and replace a model only by a better one."""
