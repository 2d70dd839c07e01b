"""Nothing stays behind: no process, object, file, connection or lock."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from harness.catalogue import Catalogue
from harness.names import TO_BRAIN
from harness.system import POOL_SIZE

from invariants.seen import Seen

MODULES = frozenset({"gardener", "harvest", "sandbox"})
_FEED = re.compile(r"(?P<tenant>[^/]+)/harvest/(?P<supplier>[^/]+)/feeds/[0-9a-f]{64}")
_EMPTY = re.compile(r"[^/]+/(sandbox|harvest/[^/]+/runs)/")
_KNOWLEDGE = re.compile(r"[^/]+/gardener/[0-9a-f]{64}")


def no_process_left(seen: Seen) -> Iterator[str]:
    """Whoever was started by a killed process has ended, too."""
    for process in seen.processes:
        yield f"the process lives on: {process}"


def no_object_left(catalogues: Mapping[str, Catalogue], seen: Seen) -> Iterator[str]:
    """The store has each supplier's latest feed, what gardeners know, and nothing else."""
    feeds: Counter[str] = Counter()
    for path in seen.objects:
        if feed := _FEED.fullmatch(path):
            feeds[feed["supplier"]] += 1
        elif not (_KNOWLEDGE.fullmatch(path) or _EMPTY.fullmatch(path)):
            yield f"the object store still has {path}"
    for supplier in sorted(catalogues.keys() | feeds.keys()):
        if feeds[supplier] != 1:
            yield f"the object store has {feeds[supplier]} feeds of {supplier}, not one"


def no_temporary_file_left(seen: Seen) -> Iterator[str]:
    """What a process writes for a moment is gone with the moment."""
    for path in seen.temporary_files:
        yield f"the temporary file is still there: {path}"


def no_connection_left(seen: Seen) -> Iterator[str]:
    """PostgreSQL has the connections of the pools, all of them idle, and no lock of anybody."""
    most = POOL_SIZE * len(TO_BRAIN)
    if seen.connections.total() > most:
        yield f"PostgreSQL has {seen.connections.total()} connections, the pools hold {most}"
    for state in sorted(seen.connections.keys() - {"idle"}):
        yield f"PostgreSQL has {seen.connections[state]} connections that are {state!r}"
    if seen.advisory_locks:
        yield f"PostgreSQL has {seen.advisory_locks} advisory locks"


def the_gateway_answers(seen: Seen, modules: AbstractSet[str]) -> Iterator[str]:
    """It knows every module that runs."""
    if seen.gateway != modules:
        yield f"the gateway routes to {seen.gateway}, not to {modules}"
