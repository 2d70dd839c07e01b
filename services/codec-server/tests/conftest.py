"""What the tests of the codec server share."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

# As the gateway's tests do: test files in importlib mode cannot import one another.
sys.path.insert(0, str(Path(__file__).parent / "test-support"))

from codec_calls import SECRET, Caller, served, token


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def anybody() -> AsyncIterator[Caller]:
    """Ask a codec server that authenticates nobody."""
    async with served() as caller:
        yield caller


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operator() -> AsyncIterator[Caller]:
    """Ask a codec server that takes tokens, with one that is good for acme."""
    async with served(codec_auth_secret=SECRET, bearer=token()) as caller:
        yield caller
