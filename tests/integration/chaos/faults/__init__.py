"""What goes wrong: a schedule made from a seed, and what carries it out."""
