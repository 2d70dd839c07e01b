"""A feed's rows as products: what its reader yields, mapped block by block."""

from collections.abc import Iterator
from pathlib import Path

from contextworker.brain import FeedState
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.suppliers import Supplier

_ROWS_AT_ONCE = 2_000
_BLOCK_ROWS = 25_000


class FeedReading:
    """Reads one feed to its end; what it says of itself is known then."""

    def __init__(self, supplier: Supplier, feed: Feed, previous: FeedState | None) -> None:
        """Prepare to read a feed; `previous` is what it was at the last harvest."""
        self._feed = feed
        self._mapper = ProductMapper.of(
            supplier, feed, previous_columns=previous.columns if previous else ()
        )
        self.is_partial = False
        self.warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The feed's columns, as far as it has been read."""
        return self._mapper.columns

    def read(self, path: Path) -> Iterator[Mapped]:
        """Yield the feed's rows, mapped.

        Raises:
            FeedError: It cannot be read, lacks a column that is needed, or has no rows.
        """
        rows: list[RawRow | BadRow] = []
        is_empty = True
        for item in READERS[self._feed.format](path, self._feed):
            is_empty = False
            if not isinstance(item, Block):
                rows.append(item)
            if rows and (isinstance(item, Block) or len(rows) == _ROWS_AT_ONCE):
                yield self._mapper.map_rows(rows)
                rows = []
            if isinstance(item, Block):
                self.is_partial = self.is_partial or item.is_partial
                for piece in _pieces(item):
                    yield self._mapper.map_block(piece)
        if rows:
            yield self._mapper.map_rows(rows)
        self.warnings = (*self._feed.guesses, *self._mapper.finish())
        if is_empty:
            raise FeedError(
                f"the feed {self._feed.source} has no rows; ask the supplier for a new export"
            )


def _pieces(block: Block) -> Iterator[Block]:
    """Cut a block: rows that are short in a feed are as long as others once they are mapped."""
    for start in range(0, block.frame.height, _BLOCK_ROWS):
        yield block.slice(start, _BLOCK_ROWS)
