"""Which fault strikes what, when and for how long: all of it from one number."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from faults.catalog import CATALOG, Kind


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    at_s: float
    kind: str
    target: str
    lasts_s: float = 0
    amount: float = 0

    def __str__(self) -> str:
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        amount = f" ({self.amount:+,.2f})" if self.amount else ""
        return f"{self.at_s:7.2f} s  {self.kind:<14} {self.target}{amount}{lasts}"


@dataclass(frozen=True)
class Schedule:
    """A round's faults, in the order of their times; they overlap."""

    seed: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        faults = "\n".join(f"  {fault}" for fault in self.faults)
        return (
            f"the schedule of seed {self.seed}, to be repeated with "
            f"`--chaos-seed {self.seed}`:\n{faults}"
        )


def schedule(
    seed: int, *, seconds: float, per_minute: float, kinds: Sequence[Kind] = CATALOG
) -> Schedule:
    """Draw the faults of one round; the same arguments give the same faults."""
    chance = random.Random(seed)
    weights = [kind.weight for kind in kinds]
    faults, at_s = [], 0.0
    while (at_s := at_s + chance.expovariate(per_minute / 60)) < seconds:
        [kind] = chance.choices(kinds, weights)
        faults.append(
            Fault(
                at_s=round(at_s, 2),
                kind=kind.name,
                target=chance.choice(kind.targets),
                lasts_s=round(chance.uniform(*kind.lasts_s), 2),
                amount=round(chance.uniform(*kind.amount), 2),
            )
        )
    return Schedule(seed, tuple(faults))
