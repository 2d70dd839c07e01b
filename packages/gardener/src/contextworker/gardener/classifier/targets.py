"""Categories as numbers that a linear model can aim at."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contextworker.gardener.classifier.examples import Path

Floats = NDArray[np.float32]

MOST_OUTPUTS: Final = 512
"""Categories that have an output each."""

WIDTH: Final = 256
"""Outputs where there are more: every category has a code of so many numbers."""


def decisive_level(paths: Collection[Path]) -> int:
    """Return the first level at which paths differ, the top one being 0.

    Where a shop sells tents and stoves and all of it is camping, anybody is right at the top level.
    """
    levels = range(max(map(len, paths)))
    return next((level for level in levels if len({path[: level + 1] for path in paths}) > 1), 0)


@dataclass(frozen=True)
class Targets:
    """The categories, and what a model aims at for each.

    With an output per category, a model aims at how alike the product's category is to each of
    them: the share of levels that they have in common, the leaf counted twice. So a model learns
    the hierarchy, and never answers with levels that contradict each other. With fewer outputs,
    every node has a random code, a category the sum of the codes on its path, and codes of
    categories are as alike, nearly, as the categories.

    Attributes:
        paths: In order.
        width: How many numbers are aimed at.
    """

    paths: tuple[Path, ...]
    width: int

    @cached_property
    def codes(self) -> Floats:
        """What is aimed at, a row per category."""
        return self._random_codes() if self.coded else self._likeness()

    @property
    def coded(self) -> bool:
        """Whether categories are more than outputs."""
        return len(self.paths) > self.width

    @cached_property
    def starts(self) -> tuple[NDArray[np.int64], ...]:
        """For each level, at which categories another node begins; paths are in order."""
        return tuple(
            np.array(
                [
                    place
                    for place, path in enumerate(self.paths)
                    if place == 0 or path[:level] != self.paths[place - 1][:level]
                ]
            )
            for level in range(1, max(map(len, self.paths)) + 1)
        )

    @cached_property
    def nodes(self) -> NDArray[np.int64]:
        """Which node of each level (a row) each category (a column) is of."""
        places = np.arange(len(self.paths))
        return np.stack([np.searchsorted(start, places, "right") - 1 for start in self.starts])

    @cached_property
    def decisive(self) -> int:
        """The level by which an answer is judged."""
        return decisive_level(self.paths)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Levels of each category."""
        return np.fromiter(map(len, self.paths), np.int64, len(self.paths))

    def _likeness(self) -> Floats:
        common = np.zeros((len(self.paths), len(self.paths)), dtype=np.float32)
        for level, nodes in enumerate(self.nodes):
            deep = self.lengths > level
            common += (nodes[:, None] == nodes) & deep[:, None] & deep
        common += np.eye(len(self.paths), dtype=np.float32)
        norms = np.sqrt(np.diag(common))
        return np.asarray(common / np.outer(norms, norms), dtype=np.float32)

    def _random_codes(self) -> Floats:
        random = np.random.Generator(np.random.PCG64(0))
        codes = self._signs(random, len(self.paths))  # of the leaf, for itself
        for level, nodes in enumerate(self.nodes):
            signs = self._signs(random, len(self.starts[level]))
            codes += signs[nodes] * (self.lengths > level)[:, None]
        codes /= np.sqrt(self.width * (self.lengths[:, None] + 1))
        return codes.astype(np.float32)

    def _signs(self, random: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return random.integers(0, 2, size=(rows, self.width)) * np.float64(2) - 1


def targets_of(paths: Sequence[Path], *, most: int) -> tuple[Targets, NDArray[np.int64]]:
    """Return the categories of examples, and which of them each example has.

    Args:
        paths: One per example.
        most: Outputs of all examples together, from which on categories have codes.
    """
    known = tuple(sorted(set(paths)))
    numbers = {path: number for number, path in enumerate(known)}
    each = len(known) <= MOST_OUTPUTS and len(known) * len(paths) <= most
    width = len(known) if each else min(len(known), WIDTH)
    return Targets(known, width), np.array([numbers[path] for path in paths])
