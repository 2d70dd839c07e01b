"""A CommerceService over real gRPC, with its products in memory, that can be told to fail.

It runs in a thread of its own, so that it answers whatever the test's thread does. It takes what
the contract says, and refuses the rest.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from grpc import aio

from contextcore import ContextUnit, commerce_pb2_grpc

_PRODUCT: dict[str, Any] = {
    "tenant_id": str,
    "dealer_code": str,
    "dealer_name": str,
    "sku": str,
    "name": str,
    "category": str | None,
    "brand_name": str | None,
    "quantity": int | str | None,
    "price_retail": float | int | str | None,
    "currency": str | None,
    "params": dict,
    "status": str,
    "trace_id": str,
}
_ENRICHMENT: dict[str, Any] = {
    "tenant_id": str,
    "product_id": str,
    "enrichment": dict,
    "status": str,
    "trace_id": str,
}
_QUESTION: dict[str, Any] = {"tenant_id": str, "product_ids": list}


@dataclass
class Orders:
    """How the service is to fail, and what it saw."""

    unavailable: int = 0
    """How many of the next calls it has no time for."""
    exhausted: int = 0
    silent: bool = False
    """Whether it takes calls and never answers."""
    silent_after: int | None = None
    """How many SKUs it stores before it is silent."""
    delay_s: float = 0.0
    """How long it takes over a call."""
    together: int = 0
    """How many calls must have been there at once before it answers any."""
    refused: dict[str, str] = field(default_factory=dict)
    """SKU -> the message of a `success: false`."""
    aborted: dict[str, grpc.StatusCode] = field(default_factory=dict)
    """SKU -> the status that its upsert ends with."""
    token: str | None = None
    dies_after: int | None = None
    """How many more upserts it stores before it is gone, without an answer to the last."""

    calls: int = 0
    most_at_once: int = 0
    upserts: Counter[str] = field(default_factory=Counter)
    """SKU -> how often it was stored."""
    traces: set[str] = field(default_factory=set)
    traceparents: set[str] = field(default_factory=set)
    """What W3C's trace context says of the spans that called."""


class CommerceService:
    """The service at `url`; what it stores survives `stop` and `start`."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.orders = Orders()
        self.products: dict[str, dict[str, Any]] = {}
        """By the service's own ids."""
        self.host = "127.0.0.1" if credentials is None else "localhost"
        self._credentials = credentials
        self._ids: dict[tuple[str, str, str], str] = {}
        self._running = 0
        # Keeps the port while the service is down: nobody else is given it.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port: int = self._place.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._gone: asyncio.Event

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "grpc" if self._credentials is None else "grpcs"
        return f"{scheme}://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._place.close()

    def start(self) -> None:
        """Start to answer."""
        ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(ready),))
        self._thread.start()
        assert ready.wait(60)

    def stop(self) -> None:
        """Go, and leave every call without an answer."""
        if self._thread is not None and self._thread.is_alive():
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._gone.set)
        self.gone()

    def gone(self) -> None:
        """Wait until it is."""
        if self._thread is not None:
            self._thread.join(60)
            assert not self._thread.is_alive()
            self._thread = None

    def stored(self, tenant_id: str) -> dict[str, dict[str, Any]]:
        """Return a tenant's products by SKU."""
        products = list(self.products.values())  # at once: the server's thread adds some meanwhile
        return {item["sku"]: item for item in products if item["tenant_id"] == tenant_id}

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._gone, self._running = asyncio.get_running_loop(), asyncio.Event(), 0
        server = aio.server()
        commerce_pb2_grpc.add_CommerceServiceServicer_to_server(_Servicer(self), server)
        address = f"127.0.0.1:{self.port}"
        if self._credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, self._credentials)
        await server.start()
        ready.set()
        await self._gone.wait()
        await server.stop(None)

    async def enter(self, context: Any) -> None:
        """Begin a call as ordered."""
        orders = self.orders
        orders.calls += 1
        carried = dict(context.invocation_metadata()).get("traceparent")
        if carried is not None:
            orders.traceparents.add(carried)
        self._running += 1
        orders.most_at_once = max(orders.most_at_once, self._running)
        try:
            if orders.token is not None:
                sent = dict(context.invocation_metadata()).get("authorization")
                if sent != f"Bearer {orders.token}":
                    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
            if orders.unavailable > 0:
                orders.unavailable -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "try later")
            if orders.exhausted > 0:
                orders.exhausted -= 1
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
            if orders.silent:
                await asyncio.Event().wait()
            while orders.most_at_once < orders.together:
                await asyncio.sleep(0.001)
            await asyncio.sleep(orders.delay_s)
        finally:
            self._running -= 1

    async def upsert(self, payload: dict[str, Any]) -> str:
        """Store a product under an id of the service's own."""
        if len(self.orders.upserts) == self.orders.silent_after:
            await asyncio.Event().wait()
        key = (payload["tenant_id"], payload["dealer_code"], payload["sku"])
        product_id = self._ids.setdefault(key, f"c-{len(self._ids) + 1}")
        old = self.products.get(product_id, {"enrichment": {}, "description": None})
        self.products[product_id] = {**old, **payload, "id": product_id}
        self.orders.upserts[payload["sku"]] += 1
        if self.orders.dies_after is not None:
            self.orders.dies_after -= 1
            if self.orders.dies_after <= 0:
                self.orders.dies_after = None
                self._gone.set()
                await asyncio.Event().wait()
        return product_id


class _Servicer(commerce_pb2_grpc.CommerceServiceServicer):
    def __init__(self, service: CommerceService) -> None:
        self._service = service

    async def UpsertDealerProduct(  # noqa: N802 # the contract's name
        self, request: Any, context: Any
    ) -> Any:
        unit, payload = await self._read(request, context, _PRODUCT)
        orders, sku = self._service.orders, payload["sku"]
        if sku in orders.aborted:
            await context.abort(orders.aborted[sku], "not that one")
        if sku in orders.refused:
            return _reply(unit, {"success": False, "message": orders.refused[sku]})
        product_id = await self._service.upsert(payload)
        return _reply(unit, {"success": True, "product_id": product_id})

    async def GetProducts(  # noqa: N802 # the contract's name
        self, request: Any, context: Any
    ) -> AsyncIterator[Any]:
        unit, payload = await self._read(request, context, _QUESTION)
        names = ("id", "name", "category", "description", "brand_name", "params", "enrichment")
        for product_id in payload["product_ids"]:
            item = self._service.products.get(product_id)
            if item is not None and item["tenant_id"] == payload["tenant_id"]:
                yield _reply(unit, {name: item[name] for name in names})

    async def UpdateEnrichment(  # noqa: N802 # the contract's name
        self, request: Any, context: Any
    ) -> Any:
        unit, payload = await self._read(request, context, _ENRICHMENT)
        item = self._service.products.get(payload["product_id"])
        if item is None or item["tenant_id"] != payload["tenant_id"]:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such product")
            raise AssertionError
        item["enrichment"], item["enrichment_status"] = payload["enrichment"], payload["status"]
        return _reply(unit, {"success": True})

    async def _read(
        self, request: Any, context: Any, contract: dict[str, Any]
    ) -> tuple[ContextUnit, dict[str, Any]]:
        await self._service.enter(context)
        unit = ContextUnit.from_protobuf(request)
        payload = unit.payload
        self._service.orders.traces.add(unit.trace_id)
        wrong = [
            name
            for name in payload.keys() | contract.keys()
            if name not in contract or not isinstance(payload.get(name), contract[name])
        ]
        if wrong or payload.get("trace_id", unit.trace_id) != unit.trace_id:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"wrong: {sorted(wrong)}")
        return unit, payload


def _reply(unit: ContextUnit, payload: dict[str, Any]) -> Any:
    return unit.child(payload, provenance="commerce:reply").to_protobuf()
