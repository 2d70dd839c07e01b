"""What the gardener works out about a product: a room for each task, and what they share."""
