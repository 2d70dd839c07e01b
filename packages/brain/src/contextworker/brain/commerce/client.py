"""Calls of a CommerceService: each with a deadline, few at once, again where that may help."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import stamina
from grpc import aio

from contextcore import ContextUnit, UnitError, commerce_pb2, commerce_pb2_grpc
from contextcore.origin import new_id
from contextworker.brain.commerce.address import CommerceAddress
from contextworker.brain.commerce.faults import in_a_sentence, may_pass
from contextworker.core.errors import ConfigurationError, PermanentError
from contextworker.core.tracing.carrying import current_metadata

_log = logging.getLogger(__name__)

_PROVENANCE = "worker:brain"
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.2
_MAX_PAUSE_S = 2.0


class CommerceClient:
    """A connection to one CommerceService; it speaks in payloads."""

    def __init__(
        self, channel: aio.Channel, address: CommerceAddress, *, timeout_s: float, concurrency: int
    ) -> None:
        self.name = address.name
        self._stub: Any = commerce_pb2_grpc.CommerceServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {address.token}"),) if address.token else ()
        self._timeout_s = timeout_s
        # Held through a call's pauses too: where the service is away, few calls wait for it.
        self._places = asyncio.Semaphore(concurrency)

    async def ping(self) -> None:
        """Return when the service answers, be it that it has no answer to an empty question.

        Raises:
            TransientError: It does not answer now.
            ConfigurationError: It lets nobody in, or what answers is something else.
        """
        try:
            await self.get_products("", [], trace_id=new_id())
        except ConfigurationError:
            raise
        except PermanentError as error:
            _log.debug("the commerce service at %s answers a ping: %s", self.name, error)

    async def upsert(self, payload: Mapping[str, Any], *, trace_id: str) -> str:
        """Store a product and return the service's id of it.

        Raises:
            TransientError: The service does not answer now.
            PermanentError: It refuses the product.
        """
        what = f"product {payload['sku']!r} of {payload['dealer_code']}"
        reply = await self._ask("UpsertDealerProduct", payload, what, trace_id)
        product_id = reply.get("product_id")
        if not isinstance(product_id, str) or not product_id:
            raise PermanentError(
                f"the commerce service at {self.name} stored {what} without naming its product_id"
            )
        return product_id

    async def update_enrichment(self, payload: Mapping[str, Any], *, trace_id: str) -> None:
        """Store a product's enrichment.

        Raises:
            NotFoundError: The service does not have the product.
            TransientError: It does not answer now.
            PermanentError: It refuses the enrichment.
        """
        what = f"the enrichment of product {payload['product_id']}"
        await self._ask("UpdateEnrichment", payload, what, trace_id)

    async def get_products(
        self, tenant_id: str, service_ids: Sequence[str], *, trace_id: str
    ) -> list[dict[str, Any]]:
        """Return what the service tells of products; in any order, without those it lacks.

        Raises:
            TransientError: The service does not answer now.
            PermanentError: It refuses the question.
        """
        payload = {"tenant_id": tenant_id, "product_ids": list(service_ids)}
        what = f"{len(service_ids)} products of {tenant_id}"
        replies: list[list[Any]] = await self._call("GetProducts", payload, what, trace_id)
        return [self._read(reply, what) for reply in replies]

    async def _ask(
        self, rpc: str, payload: Mapping[str, Any], what: str, trace_id: str
    ) -> dict[str, Any]:
        traced = {**payload, "trace_id": trace_id}
        reply = self._read(await self._call(rpc, traced, what, trace_id), what)
        if reply.get("success") is not True:
            said = reply.get("message") or "it gives no reason"
            raise PermanentError(f"the commerce service at {self.name} refuses {what}: {said}")
        return reply

    async def _call(self, rpc: str, payload: Mapping[str, Any], what: str, trace_id: str) -> Any:
        message = self._written(payload, what, trace_id)
        method = getattr(self._stub, rpc)
        metadata = (*self._metadata, *current_metadata())
        try:
            async with self._places:
                async for attempt in stamina.retry_context(
                    on=may_pass,
                    attempts=_ATTEMPTS,
                    timeout=None,
                    wait_initial=_FIRST_PAUSE_S,
                    wait_max=_MAX_PAUSE_S,
                    wait_jitter=_FIRST_PAUSE_S,
                ):
                    with attempt:
                        call = method(message, timeout=self._timeout_s, metadata=metadata)
                        if isinstance(call, aio.UnaryStreamCall):
                            return [reply async for reply in call]
                        return await call
        except aio.AioRpcError as error:
            # Not `from`: see `contextworker.brain.sql.faults`.
            raise in_a_sentence(error, what, self.name) from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _written(self, payload: Mapping[str, Any], what: str, trace_id: str) -> Any:
        try:
            unit = ContextUnit(
                trace_id=trace_id,
                payload=dict(payload),
                provenance=[_PROVENANCE],
            )
            return unit.to_protobuf(commerce_pb2)
        except UnitError as error:
            raise PermanentError(f"{what} cannot be sent to {self.name}: {error}") from error

    def _read(self, reply: Any, what: str) -> dict[str, Any]:
        try:
            return ContextUnit.from_protobuf(reply).payload
        except UnitError as error:
            raise PermanentError(
                f"the commerce service at {self.name}, asked for {what}, answers with what is no "
                f"valid unit: {error}"
            ) from error


@asynccontextmanager
async def connect(
    address: CommerceAddress, *, timeout_s: float, concurrency: int
) -> AsyncIterator[CommerceClient]:
    """Open a channel, and close it on leaving; nothing is sent yet."""
    channel = (
        aio.insecure_channel(address.target, options=address.options)
        if address.credentials is None
        else aio.secure_channel(address.target, address.credentials, options=address.options)
    )
    async with channel:
        yield CommerceClient(channel, address, timeout_s=timeout_s, concurrency=concurrency)
