"""`contextworker gardener …`: run it, decide what it doubts, train its models."""
