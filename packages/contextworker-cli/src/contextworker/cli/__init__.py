"""The `contextworker` command: a local stack, a demo, and a client for any gateway."""
