"""What training saw of each word: how often, and as part of which attribute."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contextworker.gardener.tagger.lexicon import bucket

_OFTEN: Final = 0.3
_QUARTERS: Final = 4

Roles = Mapping[str, frozenset[str]]
"""word -> attributes it is part of, in one example."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a word, as features."""

    shared: tuple[str, ...]
    """For every attribute: how common it is, and what it mostly is."""
    own: tuple[tuple[str, str], ...]
    """attribute -> how often it is part of that one."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Counts over the examples of a training."""

    names: Mapping[str, int]
    """word -> names that have it."""
    roles: Mapping[str, Mapping[str, int]]
    """word -> attribute -> names in which it is part of that."""

    @classmethod
    def gather(cls, names: Iterable[tuple[Sequence[str], Roles]]) -> "Knowledge":
        """Count over names and the roles of their words."""
        counts: Counter[str] = Counter()
        roles: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for keys, own in names:
            # Never by the order of a set: the next process has another one.
            counts.update(list(dict.fromkeys(keys)))
            for word, attributes in own.items():
                roles[word].update(sorted(attributes))
        return cls(counts, roles)

    def facts(self, word: str, less: Roles | None = None) -> Facts:
        """Return what is known of a word.

        Args:
            word: Case-folded.
            less: The roles in the example itself, not counted while it is learnt from: or every
                word would look known.
        """
        count = self.names.get(word, 0)
        if less is None:
            return self._made(count, self.roles.get(word, {}))
        roles = dict(self.roles.get(word, {}))
        for attribute in less.get(word, ()):
            roles[attribute] -= 1
        return self._made(count - 1, roles)

    @staticmethod
    def _made(count: int, roles: Mapping[str, int]) -> Facts:
        if count <= 0:
            return Facts(("df0", "K=?"), ())
        main = min(roles, key=lambda attribute: (-roles[attribute], attribute), default="")
        kind = f"K={main}" if main and roles[main] > _OFTEN * count else "K=O"
        own = tuple(
            (attribute, f"Q{int(_QUARTERS * min(seen / count, 1))}")
            for attribute, seen in roles.items()
            if seen > 0
        )
        return Facts((f"df{bucket(count)}", kind), own)
