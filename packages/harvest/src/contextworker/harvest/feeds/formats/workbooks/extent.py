"""How much room the cells of a sheet take."""

from dataclasses import dataclass


@dataclass(slots=True)
class Extent:
    """How far out the cells of a sheet are, and how long the texts in them."""

    rows: int = 0
    columns: int = 0
    text: int = 0
    """Bytes; a text counts as often as cells show it."""
    is_held: bool = False
    """Calamine holds this sheet whichever is read."""

    @property
    def cells(self) -> int:
        """Cells of the block from the first one to the last."""
        return self.rows * self.columns

    def reach(self, *, row: int, column: int) -> None:
        """Take in a cell, counted from 1."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)
