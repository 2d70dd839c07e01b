"""The gardener: products in the Brain become enriched products."""
