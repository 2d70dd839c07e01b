"""The modules: what they announced, their versions, who works for them, what waits."""
