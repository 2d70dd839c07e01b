"""What the gardener works out about a product, one file per task."""
