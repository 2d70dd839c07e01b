"""Whatever batches come in whatever order, a store equals a dictionary that counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextworker.brain import Brain, ProductRecord, UpsertCounts, product_id

_tenants = count()

Call = tuple[str, list[ProductRecord]]


@dataclass
class Row:
    """A product in the model, with what tells how a run touched it."""

    content: ProductRecord
    inserted_by: str
    seen_by: str
    counted_in: object
    updated_by: str | None = None


@dataclass
class Model:
    """What upserting means, in the plainest words."""

    rows: dict[str, Row] = field(default_factory=dict)

    def upsert(self, products: Sequence[ProductRecord], run_id: str) -> UpsertCounts:
        """Store a batch."""
        last = {item.sku: item for item in products}
        call = (run_id, frozenset((sku, item.content_hash) for sku, item in last.items()))
        counts = UpsertCounts()
        for sku, item in last.items():
            row = self.rows.setdefault(sku, Row(item, run_id, run_id, call))
            if row.content.content_hash != item.content_hash:
                row.updated_by = run_id
            if row.seen_by != run_id:
                row.seen_by, row.counted_in = run_id, call
            row.content = item
            if row.counted_in == call:
                counts += UpsertCounts(
                    inserted=row.inserted_by == run_id,
                    updated=row.inserted_by != run_id and row.updated_by == run_id,
                    unchanged=run_id not in (row.inserted_by, row.updated_by),
                )
        return counts


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
calls = st.lists(st.tuples(st.sampled_from("12"), st.lists(products, max_size=4)), max_size=5)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=calls, repeats=st.booleans())
async def test_store_equals_model(brain: Brain, history: list[Call], repeats: bool) -> None:  # noqa: FBT001
    """Contents and counts agree with the model after every call, repeated or not."""
    tenant, model = f"model-{next(_tenants)}", Model()
    for run_id, batch in history:
        for _ in range(2 if repeats else 1):
            expected = model.upsert(batch, run_id)
            assert expected == await brain.upsert_products(tenant, batch, run_id=run_id)
    stored = await brain.list_products(tenant)
    assert {product_id(tenant, "d", sku) for sku in model.rows} == {i.product_id for i in stored}
    for item in stored:
        content = model.rows[item.sku].content
        assert content == ProductRecord(**{n: getattr(item, n) for n in ProductRecord.model_fields})
        assert content.content_hash == item.content_hash
