"""Looking at a supplier's feeds without storing anything: what each column becomes, and why not."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contextworker.brain import RejectRecord
from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError, FeedUnavailableError, SupplierError
from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher
from contextworker.harvest.feeds.formats import READERS, WORKBOOKS, check_workbook
from contextworker.harvest.guess import GuessedMapping, guess
from contextworker.harvest.kinds import Kind, kind_of, texts
from contextworker.harvest.messages import Feed
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.suppliers import Mapping, Source, Supplier, mapping_for
from contextworker.harvest.suppliers.labels import source_label

ROWS = 5_000
"""How many of a feed's first rows are looked at."""
_SAMPLES = 500
_SHOWN_VALUES = 3
_MOST_COLUMNS = 500


@dataclass(frozen=True)
class ColumnReport:
    """What a column holds, and what of a product is made of it."""

    column: str
    kind: Kind
    fields: tuple[str, ...]
    values: tuple[str, ...]
    """The first ones that differ."""


@dataclass(frozen=True)
class SourceReport:
    """What one source looks like."""

    source: str
    problem: str | None = None
    """Why nothing, or nothing more, can be told."""
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    size: int = 0
    rows: int = 0
    """Rows looked at."""
    is_whole: bool = False
    """They are all there are."""
    columns: tuple[ColumnReport, ...] = ()
    is_guessed: bool = False
    """The mapping is the guess, for there is none."""
    guess: str | None = None
    """A `[mapping]` to paste, where there is none."""
    products: tuple[dict[str, Any], ...] = ()
    product_count: int = 0
    rejects: tuple[RejectRecord, ...] = ()
    reject_counts: dict[str, int] = field(default_factory=dict)
    filtered: int = 0
    drift: str | None = None
    """Why a harvest would refuse the feed for its columns."""
    warnings: tuple[str, ...] = ()


class Checker:
    """Fetches, detects, reads and maps the first rows of feeds; stores nothing."""

    def __init__(self, fetcher: Fetcher, *, max_workbook_bytes: int) -> None:
        self._fetcher = fetcher
        self._max_workbook_bytes = max_workbook_bytes

    async def check(self, supplier: Supplier, number: int, *, sample: int) -> SourceReport:
        """Look at a supplier's source.

        Args:
            supplier: Whose.
            number: Which of its sources, from 0.
            sample: How many products and rejects to show.
        """
        source, label = supplier.sources[number], source_label(supplier, number)
        with tempfile.TemporaryDirectory(prefix="contextworker-check-") as folder:
            try:
                got = await self._fetcher.fetch(source, Path(folder), None, lambda *_: None)
            except (FeedError, FeedUnavailableError, SupplierError) as error:
                return SourceReport(source=label, problem=str(error))
            assert isinstance(got, Fetched)  # nothing was known of it
            return await asyncio.to_thread(self._look, supplier, source, label, got, sample)

    def _look(
        self, supplier: Supplier, source: Source, label: str, got: Fetched, sample: int
    ) -> SourceReport:
        report = SourceReport(source=label, size=got.path.stat().st_size)
        try:
            found = detect(got.path, name=got.name, content_type=got.content_type, source=source)
        except FeedError as error:
            return replace(report, problem=str(error))
        report = replace(
            report,
            format=found.format,
            encoding=found.encoding,
            delimiter=found.delimiter,
            warnings=found.guesses,
        )
        feed = Feed(
            source=label,
            format=found.format,
            encoding=found.encoding,
            delimiter=found.delimiter,
            sheet=source.sheet,
            items=source.items,
            raw=ObjectRef(key="unstored", size=report.size),
            guesses=found.guesses,
        )
        head = _Head()
        try:
            if found.format in WORKBOOKS:
                check_workbook(got.path, source=label, max_bytes=self._max_workbook_bytes)
            head.read(READERS[found.format](got.path, feed))
        except FeedError as error:
            report = replace(report, problem=str(error))
        report = replace(report, rows=head.rows, is_whole=head.is_whole)
        return _mapped(report, supplier, feed, head, sample)


class _Head:
    """The first rows of a feed, with samples of its columns."""

    def __init__(self) -> None:
        self.items: list[Block | Row] = []
        self.rows = 0
        self.is_whole = False
        self.samples: dict[str, list[Any]] = {}

    def read(self, items: Iterator[Block | Row]) -> None:
        """Take rows until there are enough."""
        for item in items:
            room = ROWS - self.rows
            if room <= 0:
                return
            if isinstance(item, Block):
                taken = item.slice(0, room)
                self.rows += taken.frame.height
                for name in taken.frame.columns:
                    self._note(name, taken.frame[name].head(_SAMPLES).to_list())
                self.items.append(taken)
                if taken.frame.height < item.frame.height:
                    return
                continue
            self.rows += 1
            self.items.append(item)
            if isinstance(item, RawRow):
                for name, value in item.values.items():
                    self._note(name, [value])
        self.is_whole = True

    def _note(self, column: str, values: Sequence[Any]) -> None:
        if column in self.samples or len(self.samples) < _MOST_COLUMNS:
            known = self.samples.setdefault(column, [])
            known += values[: _SAMPLES - len(known)]


def _mapped(
    report: SourceReport, supplier: Supplier, feed: Feed, head: _Head, sample: int
) -> SourceReport:
    mapping: Mapping | None = None
    guessed: GuessedMapping | None = None
    try:
        mapping = mapping_for(supplier, feed.format)
    except SupplierError as error:
        guessed = guess(tuple(head.samples), head.samples)
        report = replace(report, guess=guessed.toml, is_guessed=True)
        if supplier.mapping.model_fields_set:
            report = replace(report, problem=report.problem or str(error), is_guessed=False)
        elif not guessed.missing:
            mapping = Mapping.model_validate(guessed.mapping)
    used = mapping or (supplier.mapping if supplier.mapping.model_fields_set else None)
    report = replace(report, columns=_columns(head, used))
    if mapping is None or not head.items:
        return report
    mapper = (
        ProductMapper(supplier, feed.source, mapping)
        if report.is_guessed
        else ProductMapper.of(supplier, feed)
    )
    return _with_products(report, mapper, head, sample)


def _with_products(
    report: SourceReport, mapper: ProductMapper, head: _Head, sample: int
) -> SourceReport:
    products: list[dict[str, Any]] = []
    rejects: list[RejectRecord] = []
    codes: Counter[str] = Counter()
    count = filtered = 0
    drift, warnings = None, report.warnings
    try:
        for item in head.items:
            mapped = mapper.map_block(item) if isinstance(item, Block) else mapper.map_rows([item])
            count += mapped.products.height
            filtered += mapped.filtered
            codes.update(reject.reason_code for reject in mapped.rejects)
            rejects += mapped.rejects[: sample - len(rejects)]
            products += mapped.products.head(sample - len(products)).to_dicts()
        warnings = (*warnings, *mapper.finish())
    except FeedError as error:
        drift = str(error)
    return replace(
        report,
        products=tuple(products),
        product_count=count,
        rejects=tuple(rejects),
        reject_counts=dict(codes.most_common()),
        filtered=filtered,
        drift=drift,
        warnings=warnings,
    )


def _columns(head: _Head, mapping: Mapping | None) -> tuple[ColumnReport, ...]:
    uses = _uses(mapping) if mapping else {}
    rest = ("params",) if mapping and mapping.params.everything else ()
    return tuple(
        ColumnReport(
            column=column,
            kind=kind_of(values),
            fields=uses.get(column, rest),
            values=tuple(list(dict.fromkeys(texts(values)))[:_SHOWN_VALUES]),
        )
        for column, values in head.samples.items()
    )


def _uses(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    bound = [
        *mapping.bindings.items(),
        *((f"params.{name}", item) for name, item in mapping.params.named.items()),
    ]
    if mapping.params.object is not None:
        bound.append(("params", mapping.params.object))
    uses: dict[str, tuple[str, ...]] = {}
    for name, item in bound:
        for column in dict.fromkeys((*item.origins, *item.further)):
            uses[column] = (*uses.get(column, ()), name)
    return uses
