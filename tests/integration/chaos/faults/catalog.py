"""Every kind of fault: what it can strike, how often it is drawn, how long it lasts."""

from dataclasses import dataclass, replace

from harness.names import BRAIN, DISK, LINKS, POSTGRESQL, PROCESSES, SERVICES, SUPPLIER, TO_BRAIN


@dataclass(frozen=True)
class Kind:
    """One way in which something fails."""

    name: str
    targets: tuple[str, ...]
    weight: int
    lasts_s: tuple[float, float] = (0, 0)
    amount: tuple[float, float] = (0, 0)
    """What it means depends on the kind: seconds of delay, bytes a second, seconds of a jump."""


CATALOG = (
    Kind("kill", PROCESSES, 14, lasts_s=(0, 3)),
    Kind("freeze", PROCESSES, 8, lasts_s=(0.5, 8)),
    Kind("restart", SERVICES, 6),
    Kind("delay", LINKS, 6, lasts_s=(1, 5), amount=(0.02, 0.5)),
    Kind("throttle", LINKS, 4, lasts_s=(1, 5), amount=(500, 20_000)),
    Kind("silence", LINKS, 7, lasts_s=(1, 8)),
    Kind("cut", LINKS, 6),
    Kind("reset", LINKS, 7),
    Kind("refuse", LINKS, 6, lasts_s=(1, 5)),
    Kind("half_close", LINKS, 4),
    # PostgreSQL's clients have TCP find this out, and to TCP a link answers.
    Kind("lose", tuple(link for link in LINKS if link not in TO_BRAIN), 4),
    Kind("slow", TO_BRAIN, 4, lasts_s=(2, 6), amount=(0.05, 0.4)),
    Kind("lock", (BRAIN,), 4, lasts_s=(1, 7)),
    Kind("kill_backend", (POSTGRESQL,), 4),
    Kind("error", (SUPPLIER,), 3, lasts_s=(2, 6)),
    Kind("too_many", (SUPPLIER,), 2, lasts_s=(2, 6)),
    Kind("hang", (SUPPLIER,), 3, lasts_s=(2, 8)),
    Kind("truncate", (SUPPLIER,), 3, lasts_s=(2, 6)),
    Kind("garbage", (SUPPLIER,), 3, lasts_s=(2, 6)),
    Kind("garbage_packed", (SUPPLIER,), 2, lasts_s=(2, 6)),
    Kind("full", (DISK,), 5, lasts_s=(1, 5)),
    Kind("clock", (*SERVICES, POSTGRESQL), 8, lasts_s=(2, 10), amount=(-7200, 7200)),
)


def of_sqlite() -> tuple[Kind, ...]:
    """Return what can happen where the Brain is a file: there, the disk is full more often."""
    gone = {POSTGRESQL, BRAIN, *TO_BRAIN}
    kinds = [
        replace(kind, targets=tuple(target for target in kind.targets if target not in gone))
        for kind in CATALOG
    ]
    return tuple(
        replace(kind, weight=30) if kind.name == "full" else kind for kind in kinds if kind.targets
    )
