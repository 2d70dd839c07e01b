"""Task `ner`: what a product is and what it is called."""
