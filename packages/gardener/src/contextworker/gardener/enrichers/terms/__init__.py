"""Task `tech`: technologies and materials of a vocabulary."""
