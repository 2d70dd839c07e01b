"""A server on loopback that speaks OpenAI's chat completions, as well or as badly as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

_DRIP_S: Final = 0.005
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that was sent."""
        body: dict[str, Any] = json.loads(self.raw)
        return body

    @property
    def instructions(self) -> str:
        """What the model was told."""
        return "\n".join(m["content"] for m in self.body["messages"] if m["role"] == "system")

    @property
    def products(self) -> list[dict[str, Any]]:
        """What it was asked about."""
        said = [m["content"] for m in self.body["messages"] if m["role"] == "user"]
        products: list[dict[str, Any]] = json.loads(said[-1])["products"]
        return products


@dataclass(frozen=True)
class Reply:
    """What the server sends back."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    drips: bool = False
    """Byte by byte."""
    cut: bool = False
    """The connection ends in the middle."""
    held: bool = False
    """Nothing is ever sent."""


Model = Callable[[Asked], list[Any]]
Scripted = Reply | Callable[[Asked], Reply]


def completion(
    asked: Asked,
    text: str,
    *,
    usage: tuple[int, int] | None = (100, 20),
    finish: str | None = None,
    **message: Any,
) -> Reply:
    """Wrap a model's words as the request asks for: in a tool's call, or as they are."""
    tools = asked.body.get("tools")
    if tools:
        function = {"name": tools[0]["function"]["name"], "arguments": text}
        said: dict[str, Any] = {
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
    else:
        said = {"content": text}
    choice = {
        "index": 0,
        "finish_reason": finish or ("tool_calls" if tools else "stop"),
        "message": {"role": "assistant", **said, **message},
    }
    return as_json({"choices": [choice], **used(usage)})


def used(usage: tuple[int, int] | None) -> dict[str, Any]:
    """Return the `usage` of a completion."""
    if usage is None:
        return {}
    given, taken = usage
    return {
        "usage": {
            "prompt_tokens": given,
            "completion_tokens": taken,
            "total_tokens": given + taken,
        }
    }


def as_json(content: Mapping[str, Any], **reply: Any) -> Reply:
    """Reply with a completion's JSON, or an error's."""
    whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", **content}
    return Reply(json.dumps(whole).encode(), **reply)


def failing(status: int, message: str = "", *, code: str | None = None, **headers: str) -> Reply:
    """Reply with an error as OpenAI words it."""
    error = {"message": message, "type": "error", "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": error}).encode(), status=status, headers=named)


def answering(answers: list[Any], **how: Any) -> Callable[[Asked], Reply]:
    """Script one reply: these answers."""
    return lambda asked: completion(asked, json.dumps({"answers": answers}), **how)


def said(text: str, **how: Any) -> Callable[[Asked], Reply]:
    """Script one reply: these words."""
    return lambda asked: completion(asked, text, **how)


class LlmServer:
    """Replies with what is scripted, then as the model does."""

    def __init__(self, model: Model, scheme: str) -> None:
        self._scheme = scheme
        self.model = model
        self.usage: Callable[[Asked], tuple[int, int] | None] = lambda _: (100, 20)
        self.script: list[Scripted] = []
        self.asked: list[Asked] = []
        self.let_go = asyncio.Event()
        """Somebody hung up on a reply that was held."""
        self.port = 0

    @property
    def url(self) -> str:
        """Its `base_url`."""
        return f"{self._scheme}://127.0.0.1:{self.port}/v1"

    def reply(self, asked: Asked) -> Reply:
        """Decide what to send."""
        self.asked.append(asked)
        if self.script:
            scripted = self.script.pop(0)
            return scripted if isinstance(scripted, Reply) else scripted(asked)
        return completion(
            asked, json.dumps({"answers": self.model(asked)}), usage=self.usage(asked)
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak HTTP/1.1 on one connection."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    await self._send(await _read(reader), reader, writer)
        finally:
            writer.close()

    async def _send(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        reply = self.reply(asked)
        if reply.held:
            await reader.read(1)
            self.let_go.set()
            raise ConnectionError
        headers = {
            "content-type": reply.content_type,
            "content-length": str(len(reply.body)),
            **reply.headers,
        }
        head = f"HTTP/1.1 {reply.status} .\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
        )
        writer.write(f"{head}\r\n".encode())
        if reply.cut:
            writer.write(reply.body[: len(reply.body) // 2])
            await writer.drain()
            raise ConnectionError
        if reply.drips:
            for byte in reply.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(_DRIP_S)
        else:
            writer.write(reply.body)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(_HEAD_END)).decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0].split()[1], headers, body)


@asynccontextmanager
async def llm_server(model: Model, tls: ssl.SSLContext | None = None) -> AsyncIterator[LlmServer]:
    """Run a server until the block ends."""
    served = LlmServer(model, "https" if tls else "http")
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
