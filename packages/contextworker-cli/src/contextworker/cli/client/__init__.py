"""A gateway as its client sees it: calls, replies, failures, and following a workflow."""
