"""Writes payloads as an answer: piece by piece, and to whoever takes them in time.

Whole, in JSON, an answer would be in memory several times over, for as long as somebody is slow to
read it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from google.protobuf import json_format
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from temporalio.api.common.v1 import Payload

_log = logging.getLogger(__name__)
_IN_A_THREAD_BYTES = 64 * 1024  # what takes longer than a handing over
_PIECE_BYTES = 256 * 1024


class PayloadsAnswer(StreamingResponse):
    """An answer that nobody stores."""

    media_type = "application/json"

    def __init__(self, payloads: Iterable[Payload], *, within_s: float) -> None:
        """Answer with payloads, to be taken within so many seconds."""
        super().__init__(_written(payloads), headers={"Cache-Control": "no-store"})
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; who does not take it in time is cut off."""
        try:
            async with asyncio.timeout(self._within_s):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            _log.info("an answer was not taken within %g s", self._within_s)


async def _written(payloads: Iterable[Payload]) -> AsyncIterator[bytes]:
    yield b'{"payloads":['
    before = b""
    for payload in payloads:
        if payload.ByteSize() > _IN_A_THREAD_BYTES:
            text = await asyncio.to_thread(_as_json, payload)
        else:
            text = _as_json(payload)
        yield before
        for start in range(0, len(text), _PIECE_BYTES):
            yield text[start : start + _PIECE_BYTES]
        before = b","
    yield b"]}"


def _as_json(payload: Payload) -> bytes:
    return json_format.MessageToJson(payload, indent=None).encode()
