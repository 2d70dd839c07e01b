"""How much one tenant may ask of a gateway."""
