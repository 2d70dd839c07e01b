"""A catalogue of invented products, as large as asked for and always the same."""

from collections.abc import Iterator

import polars as pl

COLUMNS = (
    "sku", "name", "brand", "category", "price", "currency", "quantity", "availability",
    "description", "url",
)  # fmt: skip
CURRENCY = "EUR"
SLICE = 100_000

_BRANDS = tuple(
    f"{first}{last}"
    for first in ("Nord", "Vega", "Alto", "Kiru", "Brann", "Ostra", "Pelm", "Quin", "Rask", "Tove")
    for last in ("lys", "dal", "mark", "via", "sen", "tur", "wind", "fjell", "berg", "nova")
)
_KINDS = (
    ("tent", "Camping > Tents > Trekking tents"),
    ("sleeping bag", "Camping > Sleeping > Sleeping bags"),
    ("stove", "Camping > Kitchen > Stoves"),
    ("headlamp", "Camping > Light > Headlamps"),
    ("rope", "Climbing > Ropes"),
    ("jacket", "Clothing > Men > Jackets"),
    ("rucksack", "Luggage > Rucksacks"),
    ("water bottle", "Camping > Kitchen > Bottles"),
)
_TEXTS = (
    "Light and sturdy; made for long tours in bad weather and folded in a minute.",
    "Weighs little, lasts long, and is mended with what every shop on the way has.",
    'Fits 15" notebooks, maps and a litre of water in the side pockets.',
    "Vom Händler geprüft. Für Frühling, Sommer und Herbst. Waschbar bei 30 Grad.",
    "A classic of its kind since 1987 that comes with a spare set of everything.",
)


def slices(rows: int, *, changed: int = 0, reverse: bool = False) -> Iterator[pl.DataFrame]:
    """Yield the catalogue by slices of 100,000 products.

    Args:
        rows: Products in all.
        changed: How many of them, spread evenly, have another price than they have otherwise.
        reverse: The last one first.
    """
    every = rows // changed if changed else 0
    starts = range(0, rows, SLICE)
    for start in reversed(starts) if reverse else starts:
        part = _slice(start, min(start + SLICE, rows), every)
        yield part.reverse() if reverse else part


def _slice(start: int, end: int, every: int) -> pl.DataFrame:
    number = pl.int_range(start, end, eager=True, dtype=pl.Int64).alias("number")
    cents = pl.col("number") * 7919 % 99_000 + 99
    if every:
        cents = cents + (pl.col("number") % every == 0).cast(pl.Int64)
    kind = pl.col("number") % len(_KINDS)
    text = pl.col("number") * 31 % len(_TEXTS)
    brand = pl.col("number") * 17 % len(_BRANDS)
    quantity = pl.col("number") * 13 % 250
    return (
        number.to_frame()
        .with_columns(
            brand=_pick(_BRANDS, brand),
            kind=_pick(tuple(name for name, _ in _KINDS), kind),
            category=_pick(tuple(path for _, path in _KINDS), kind),
            text=_pick(_TEXTS, text),
            digits=pl.col("number").cast(pl.String).str.zfill(8),
            quantity=quantity,
            availability=pl.when(quantity > 0)
            .then(pl.lit("in_stock"))
            .otherwise(pl.lit("out_of_stock")),
            price=(cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2),
            currency=pl.lit(CURRENCY),
        )
        .select(
            sku=pl.lit("BX-") + pl.col("digits"),
            name=pl.concat_str("brand", pl.lit(" "), "kind", pl.lit(" no. "), "number"),
            brand="brand",
            category="category",
            price="price",
            currency="currency",
            quantity="quantity",
            availability="availability",
            description=pl.concat_str("text", pl.lit(" Article "), "digits", pl.lit(".")),
            url=pl.lit("https://shop.example.com/p/") + pl.col("digits"),
        )
    )


def _pick(words: tuple[str, ...], index: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(words)).gather(index)
