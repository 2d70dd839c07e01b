"""Opening the Brain that a URL names."""

from contextlib import AbstractAsyncContextManager

from contextworker.brain.protocol import Brain


def open_brain(url: str | None = None) -> AbstractAsyncContextManager[Brain]:
    """Open the store at a URL, or at BRAIN_URL."""
    raise NotImplementedError
