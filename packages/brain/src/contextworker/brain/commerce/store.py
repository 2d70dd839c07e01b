"""The Brain behind a CommerceService: the service has the products, a ledger all the rest."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from contextworker.brain.commerce import sent
from contextworker.brain.commerce.client import CommerceClient
from contextworker.brain.commerce.concurrently import concurrently
from contextworker.brain.commerce.faults import NotFoundError
from contextworker.brain.commerce.merging import merged
from contextworker.brain.commerce.outgoing import (
    Outgoing,
    again,
    record_outgoing,
    removal,
    rows_outgoing,
)
from contextworker.brain.commerce.payloads import enrichment_payload
from contextworker.brain.commerce.sent import Sent
from contextworker.brain.identity import product_id
from contextworker.brain.models import (
    Enrichment,
    Example,
    Product,
    ProductRecord,
    SupplierState,
    UpsertCounts,
)
from contextworker.brain.sql.database import Database
from contextworker.brain.sql.enrichment import claiming
from contextworker.brain.sql.extra import needing_frames
from contextworker.brain.sql.store import SqlBrain
from contextworker.core.tracing import follow_trace

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")

_BATCH: Final = 500
"""Products sent between two notes of what was sent."""
_OUT_OF_STEP: Final = "out of step with the service"


class CommerceBrain(SqlBrain):
    """Implements `Brain`: what is written goes to the service first, then into the ledger.

    So a crash between the two repeats what the service takes any number of times, and loses
    nothing. The ledger is an SQL Brain: what the contract has no word for is its own affair.
    """

    def __init__(self, ledger: Database, service: CommerceClient) -> None:
        super().__init__(ledger)
        self._ledger = ledger
        self._service = service

    async def ping(self) -> None:
        """Implement Brain."""
        await super().ping()
        await self._service.ping()

    async def known_products(
        self, tenant_id: str, *, dealer_code: str
    ) -> AsyncIterator["pl.DataFrame"]:
        """Implement Brain; what the service has otherwise than the ledger counts as changed."""
        with needing_frames():
            from contextworker.brain.commerce.known import known  # noqa: PLC0415 # needs the extra

        async with self._ledger.reading_as(tenant_id) as connection:
            async for frame in known(
                connection, tenant_id, dealer_code=dealer_code, service=self._service.name
            ):
                yield frame

    async def supplier_state(self, tenant_id: str, *, dealer_code: str) -> SupplierState | None:
        """Implement Brain; where products are out of step, the feeds count as never read so."""
        state = await super().supplier_state(tenant_id, dealer_code=dealer_code)
        if state is None or await self._ledger.read_as(
            tenant_id, sent.is_in_step, dealer_code=dealer_code, service=self._service.name
        ):
            return state
        return state.model_copy(update={"config_digest": _OUT_OF_STEP})

    async def store_products(
        self, tenant_id: str, products: "pl.DataFrame", *, dealer_code: str, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        with needing_frames():
            from contextworker.brain.sql.batch import check  # noqa: PLC0415 # needs the extra

        check(products)
        await self._send(tenant_id, rows_outgoing(tenant_id, dealer_code, products))
        return await super().store_products(
            tenant_id, products, dealer_code=dealer_code, run_id=run_id
        )

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        last = {(item.dealer_code, item.sku): item for item in products}
        await self._send(tenant_id, (record_outgoing(tenant_id, item) for item in last.values()))
        return await super().upsert_products(tenant_id, products, run_id=run_id)

    async def remove_products(
        self, tenant_id: str, skus: Sequence[str], *, dealer_code: str, run_id: str
    ) -> int:
        """Implement Brain; the service gets each product with the status `removed`."""
        ids = [product_id(tenant_id, dealer_code, sku) for sku in skus]
        for batch in _batches(ids):
            products = await super().get_products(tenant_id, batch)
            await self._send(tenant_id, map(removal, products))
        return await super().remove_products(
            tenant_id, skus, dealer_code=dealer_code, run_id=run_id
        )

    async def get_products(self, tenant_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Implement Brain: the service's products, with what only the ledger knows of them."""
        trace_id = follow_trace()
        found: list[Product] = []
        for batch in _batches(product_ids):
            products = await super().get_products(tenant_id, batch)
            ours = await self._sent(tenant_id, [item.product_id for item in products])
            ids = [item.service_id for item in ours.values()]
            told = {
                str(reply.get("id")): reply
                for reply in await self._service.get_products(tenant_id, ids, trace_id=trace_id)
            }
            found += [
                merged(item, reply, self._service.name)
                for item in products
                if (key := ours.get(item.product_id)) and (reply := told.get(key.service_id))
            ]
        return found

    async def store_enrichment(
        self,
        tenant_id: str,
        enrichments: Sequence[Enrichment],
        *,
        examples: Sequence[Example] = (),
    ) -> tuple[str, ...]:
        """Implement Brain."""
        await self._send_enrichments(tenant_id, enrichments)
        return await super().store_enrichment(tenant_id, enrichments, examples=examples)

    async def settle_claim(
        self, tenant_id: str, *, claim_id: str, enrichments: Sequence[Enrichment]
    ) -> tuple[str, ...]:
        """Implement Brain."""
        held = await self._ledger.read_as(tenant_id, claiming.held, claim_id=claim_id)
        await self._send_enrichments(
            tenant_id, [item for item in enrichments if item.product_id in held]
        )
        return await super().settle_claim(tenant_id, claim_id=claim_id, enrichments=enrichments)

    async def _send_enrichments(self, tenant_id: str, enrichments: Sequence[Enrichment]) -> None:
        trace_id = follow_trace()
        last = {item.product_id: item for item in enrichments}
        for batch in _batches(list(last)):
            products = await super().get_products(tenant_id, batch)
            current = {
                item.product_id: item
                for item in products
                if item.content_hash == last[item.product_id].content_hash
                and last[item.product_id].over in (None, item.enrichment)
            }
            ours = await self._sent(tenant_id, list(current))
            await concurrently(
                self._enrich(item, last[key], ours.get(key), trace_id)
                for key, item in current.items()
            )

    async def _enrich(
        self, product: Product, enrichment: Enrichment, known: Sent | None, trace_id: str
    ) -> None:
        if known is not None:
            try:
                return await self._update(product, enrichment, known, trace_id)
            except NotFoundError:
                pass
        # The service has lost it, or is another one now: it gets the product before its enrichment.
        (known,) = await self._deliver(product.tenant_id, [again(product)], trace_id)
        return await self._update(product, enrichment, known, trace_id)

    async def _update(
        self, product: Product, enrichment: Enrichment, known: Sent, trace_id: str
    ) -> None:
        payload = enrichment_payload(product.tenant_id, known.service_id, enrichment)
        await self._service.update_enrichment(payload, trace_id=trace_id)

    async def _send(self, tenant_id: str, products: Iterable[Outgoing]) -> None:
        """Send what the service does not have so already."""
        trace_id, rest = follow_trace(), iter(products)
        while batch := list(islice(rest, _BATCH)):
            known = await self._sent(tenant_id, [item.product_id for item in batch])
            due = [
                item
                for item in batch
                if item.product_id not in known or known[item.product_id].mark != item.mark
            ]
            await self._deliver(tenant_id, due, trace_id)

    async def _deliver(
        self, tenant_id: str, batch: Sequence[Outgoing], trace_id: str
    ) -> list[Sent]:
        done: list[Sent] = []

        async def deliver(item: Outgoing) -> None:
            service_id = await self._service.upsert(item.payload, trace_id=trace_id)
            done.append(Sent(item.product_id, service_id, item.mark))

        try:
            await concurrently(deliver(item) for item in batch)
        finally:
            # Also where one of them failed: the next attempt goes on with what is missing.
            if done:
                await self._ledger.write_as(tenant_id, sent.note, done, service=self._service.name)
        return done

    async def _sent(self, tenant_id: str, product_ids: Sequence[str]) -> dict[str, Sent]:
        return await self._ledger.read_as(
            tenant_id, sent.find, product_ids, service=self._service.name
        )


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
