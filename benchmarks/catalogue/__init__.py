"""What `harvest.py` measures with: a catalogue, its feeds, and the peers that load it."""
