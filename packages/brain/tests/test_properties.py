"""Whatever batches come in whatever order, a store equals a dictionary that counts."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextworker.brain import (
    Availability,
    Brain,
    ProductRecord,
    UpsertCounts,
    open_brain,
    product_id,
)
from contextworker.brain.frames import content_hash, frame_of
from contextworker.brain.frames import product_id as product_id_of
from contextworker.brain.values import canonical_decimal

_tenants = count()

Call = list[ProductRecord] | list[str]


def _is_finite(params: dict[str, Any]) -> bool:
    return "Infinity" not in json.dumps(params)


@pytest.fixture(scope="module")
async def database(new_url: Callable[[], str]) -> AsyncIterator[Brain]:
    """Open a database's own store."""
    async with open_brain(new_url()) as opened:
        yield opened


@dataclass
class Model:
    """What upserting and removing mean, in the plainest words."""

    rows: dict[str, ProductRecord] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    history: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)

    def upsert(self, products: Sequence[ProductRecord]) -> UpsertCounts:
        """Store a batch."""
        counts = UpsertCounts()
        for sku, item in {item.sku: item for item in products}.items():
            old = self.rows.get(sku)
            changed = old is not None and old.content_hash != item.content_hash
            counts += UpsertCounts(
                inserted=old is None,
                updated=changed or sku in self.removed,
                unchanged=not (old is None or changed or sku in self.removed),
            )
            if old is not None and old.price_retail != item.price_retail:
                self.history.append((sku, "price_retail", _text(old), _text(item)))
            if sku in self.removed:
                self.removed.discard(sku)
                self.history.append((sku, "listed", "false", "true"))
            self.rows[sku] = item
        return counts

    def remove(self, skus: Iterable[str]) -> int:
        """Mark products as removed."""
        gone = {sku for sku in skus if sku in self.rows} - self.removed
        self.removed |= gone
        self.history += [(sku, "listed", "true", "false") for sku in gone]
        return len(gone)


def _text(item: ProductRecord) -> str | None:
    return None if item.price_retail is None else canonical_decimal(item.price_retail)


products = st.builds(
    ProductRecord,
    sku=st.sampled_from("abcde"),
    name=st.sampled_from(["Tent", "Намет"]),
    dealer_code=st.just("d"),
    price_retail=st.none() | st.decimals(0, 10, places=1),
    params=st.dictionaries(
        st.sampled_from("xy"),
        st.booleans()
        | st.text(max_size=2).filter(lambda text: "\x00" not in text and text.isprintable()),
        max_size=1,
    ),
)
skus = st.lists(st.sampled_from("abcde"), max_size=4)
calls = st.lists(st.lists(products, max_size=4) | skus, max_size=6)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=calls, repeats=st.booleans())
async def test_store_equals_model(brain: Brain, calls: list[Call], repeats: bool) -> None:  # noqa: FBT001
    """Contents, counts and history agree with the model after every call, repeated or not."""
    tenant, model = f"model-{next(_tenants)}", Model()
    for call in calls:
        records = [item for item in call if isinstance(item, ProductRecord)]
        names = [item for item in call if isinstance(item, str)]
        for _ in range(2 if repeats else 1):
            stored = await brain.upsert_products(tenant, records, run_id="1")
            assert model.upsert(records) == stored
            removed = await brain.remove_products(tenant, names, dealer_code="d", run_id="1")
            assert model.remove(names) == removed
    found = await brain.list_products(tenant, include_removed=True)
    assert {product_id(tenant, "d", sku) for sku in model.rows} == {i.product_id for i in found}
    assert model.removed == {item.sku for item in found if item.removed_at is not None}
    for item in found:
        content = model.rows[item.sku]
        assert content == ProductRecord(**{n: getattr(item, n) for n in ProductRecord.model_fields})
        assert content.content_hash == item.content_hash
    entries = [e for sku in "abcde" for e in await brain.product_history(tenant, sku=sku)]
    assert sorted(map(repr, model.history)) == sorted(
        repr((e.sku, e.field.value, e.old, e.new)) for e in entries
    )


anything = st.text(st.characters(blacklist_characters="\x00", codec="utf-8"), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=5,
)
records = st.builds(
    ProductRecord,
    sku=anything.filter(len),
    name=anything.filter(len),
    dealer_code=st.just("d é"),
    dealer_name=anything,
    category=st.none() | anything,
    brand_name=st.none() | anything,
    description=st.none() | anything,
    quantity=st.none() | st.integers(-(2**63), 2**63 - 1),
    price_retail=st.none()
    | st.decimals(-(10**18), 10**18, places=10)
    | st.decimals(0, 99, places=2),
    currency=st.none() | anything,
    availability=st.none() | st.sampled_from(Availability),
    params=st.dictionaries(anything, values, max_size=3).filter(_is_finite),
    url=st.none() | anything,
    image_url=st.none() | anything,
    status=anything.filter(len),
)


@settings(max_examples=60, deadline=None)
@given(batch=st.lists(records, min_size=1, max_size=3))
def test_frame_hashes_as_records_do(batch: list[ProductRecord]) -> None:
    """Hashes and ids made of a frame's columns are those of its records."""
    frame = frame_of(batch)
    hashed = frame.select(content_hash("d é"), product_id_of("t", "d é"))
    assert [item.content_hash for item in batch] == frame["content_hash"].to_list()
    assert frame["content_hash"].to_list() == hashed["content_hash"].to_list()
    assert [product_id("t", "d é", item.sku) for item in batch] == hashed["product_id"].to_list()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(records, min_size=1, max_size=5, unique_by=lambda item: item.sku))
async def test_anything_comes_back(database: Brain, batch: list[ProductRecord]) -> None:
    """Whatever texts, numbers and objects a batch holds, they come back as they were."""
    tenant = f"any-{next(_tenants)}"
    counts = await database.store_products(tenant, frame_of(batch), dealer_code="d é", run_id="1")
    assert UpsertCounts(inserted=len(batch)) == counts
    found = {item.sku: item for item in await database.list_products(tenant)}
    for item in batch:
        stored = {name: getattr(found[item.sku], name) for name in ProductRecord.model_fields}
        assert item == ProductRecord(**stored)
        assert item.content_hash == found[item.sku].content_hash
    (known,) = [f async for f in database.known_products(tenant, dealer_code="d é")]
    assert {(i.sku, i.content_hash, False) for i in batch} == set(known.rows())
