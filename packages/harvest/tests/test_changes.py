"""What a feed changes is what a dictionary of it says, whatever the order and the repetitions."""

from collections.abc import AsyncIterator

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from contextworker.brain.frames import KNOWN_SCHEMA
from contextworker.harvest.changes import Comparison, Known

SKUS = st.integers(0, 12).map(str)
CONTENTS = st.sampled_from("xyz")


async def stored(rows: dict[str, tuple[str, bool]]) -> Known:
    """Return what is known, told in frames of three rows."""
    frame = pl.DataFrame(
        [(sku, content, removed) for sku, (content, removed) in rows.items()],
        schema=KNOWN_SCHEMA,
        orient="row",
    )

    async def frames() -> AsyncIterator[pl.DataFrame]:
        for piece in frame.iter_slices(3):
            yield piece

    return await Known.load(frames())


@given(
    known=st.dictionaries(SKUS, st.tuples(CONTENTS, st.booleans())),
    feed=st.lists(st.lists(st.tuples(SKUS, CONTENTS), max_size=5), max_size=5),
    rejected=st.lists(SKUS, max_size=3),
    withdrawn=st.lists(SKUS, max_size=3),
    is_whole=st.booleans(),
)
async def test_a_plan(
    *,
    known: dict[str, tuple[str, bool]],
    feed: list[list[tuple[str, str]]],
    rejected: list[str],
    withdrawn: list[str],
    is_whole: bool,
) -> None:
    """Every row and product is counted once, and of each sku only the last row is written."""
    comparison = Comparison(await stored(known))
    written: list[tuple[str, str]] = []
    for rows in feed:
        frame = pl.DataFrame(rows, schema=["sku", "content_hash"], orient="row").cast(pl.String)
        written += comparison.select(frame).rows()
    comparison.note(tuple(rejected))
    withdrawn = [sku for sku in withdrawn if sku in known]
    comparison.withdraw(tuple(withdrawn))
    plan = comparison.finish(is_whole=is_whole)

    every = [row for rows in feed for row in rows]
    last = {sku: content for sku, content in every if sku not in withdrawn}
    listed = {sku for sku, (_, removed) in known.items() if not removed}
    same = {sku for sku in listed if last.get(sku) == known[sku][0]}
    missing = listed - last.keys() - set(rejected) if is_whole else set()
    gone = listed & set(withdrawn) | missing
    assert (
        len(last.keys() - known.keys()),
        len((last.keys() & known.keys()) - same),
        len((last.keys() & known.keys()) - listed),
        len(same),
        len(gone),
        len(every) - len(last),
        len(listed),
    ) == (
        plan.inserted,
        plan.updated,
        plan.returned,
        plan.unchanged,
        plan.removed,
        plan.duplicates,
        plan.listed,
    )
    left_out = set(plan.superseded.tolist())
    assert {sku: content for sku, content in last.items() if sku not in same} == dict(
        row for number, row in enumerate(written) if number not in left_out
    )
    assert len(written) - len(left_out) == plan.inserted + plan.updated
    frame = pl.DataFrame({"sku": sorted(known)}, schema={"sku": pl.String})
    assert sorted(gone) == comparison.gone(frame).to_list()
    assert sorted(same) == comparison.unchanged(frame).to_list()


async def test_many_are_compared_in_parts() -> None:
    """Among many skus exactly the repeated ones are found, whatever their order."""
    comparison = Comparison(await stored({}))
    for start in range(0, 1_500_000, 50_000):
        numbers = pl.int_range(start, start + 50_000, eager=True) % 1_200_000
        sku = numbers.cast(pl.String)
        comparison.select(pl.DataFrame({"sku": sku, "content_hash": sku}))
    plan = comparison.finish(is_whole=True)
    assert (1_200_000, 300_000) == (plan.inserted, plan.duplicates)
    assert list(range(300_000)) == plan.superseded.tolist()
