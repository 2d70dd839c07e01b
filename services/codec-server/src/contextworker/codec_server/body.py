"""Reads a request: payloads as JSON, within bounds."""

import asyncio

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from starlette.requests import ClientDisconnect, Request
from temporalio.api.common.v1 import Payload, Payloads

from contextworker.codec_server.refusals import RefusedError

MAX_PAYLOADS = 1000
"""Payloads of one request: an event of Temporal's has a few."""

_MAX_DEPTH = 8
_IN_A_THREAD_BYTES = 64 * 1024  # what takes longer than a handing over


async def read_payloads(request: Request, *, max_bytes: int) -> list[Payload]:
    """Return the payloads of a request.

    Raises:
        RefusedError: It is too large, or is not what Temporal's tools send.
    """
    body = await _bytes(request, max_bytes)
    if len(body) > _IN_A_THREAD_BYTES:
        payloads = await asyncio.to_thread(_parsed, body)
    else:
        payloads = _parsed(body)
    if len(payloads) > MAX_PAYLOADS:
        raise RefusedError(
            413, f"the request has {len(payloads):,} payloads; send at most {MAX_PAYLOADS:,}"
        )
    return payloads


async def _bytes(request: Request, max_bytes: int) -> bytes:
    told = request.headers.get("content-length", "")
    too_large = RefusedError(
        413,
        f"the request is larger than {max_bytes:,} bytes (CONTEXTWORKER_CODEC_MAX_REQUEST_BYTES); "
        "ask for fewer payloads at once",
    )
    if told.isdecimal() and int(told) > max_bytes:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > max_bytes:
                raise too_large
            parts.append(part)
    except ClientDisconnect:
        raise RefusedError(400, "the request ended half-way") from None
    return b"".join(parts)


def _parsed(body: bytes) -> list[Payload]:
    message = Payloads()
    try:
        json_format.Parse(body, message, ignore_unknown_fields=True, max_recursion_depth=_MAX_DEPTH)
    # UnicodeDecodeError is a ValueError; RecursionError: the JSON reader's own, of nested lists.
    except (json_format.ParseError, DecodeError, ValueError, RecursionError):
        # Without the reader's words, which quote what was sent.
        raise RefusedError(
            400,
            'the request is not what Temporal\'s tools send: {"payloads": [{"metadata": '
            '{"encoding": "<base64>"}, "data": "<base64>"}]} as JSON',
        ) from None
    return list(message.payloads)
