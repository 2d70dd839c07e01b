"""Task `params`: what can be measured, in few units."""
