"""When an entry of a product stays as it is, and what tells."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from pydantic import ValidationError

from contextworker.gardener.enrichers.base import (
    ProductText,
    ResultStatus,
    TaskEntry,
    TaskResult,
)

LLM: Final = "llm:"
PERSON: Final = "person:"
"""What a source begins with where a language model or a person answered."""

TEXT_FIELDS: Final = frozenset(ProductText.model_fields) - {"product_id", "content_hash"}

TASK: Final = "task:"
"""What a name in `reads` begins with where a field has the same name as the task."""

_TOGETHER: Final = "+"
_DIGEST_BYTES: Final = 8


def hash_inputs(
    reads: frozenset[str],
    text: ProductText,
    results: Mapping[str, TaskResult],
    *,
    known: dict[str, str] | None = None,
) -> str:
    """Return `field,field:hash;task,task:hash` of what was read of the text and earlier tasks.

    It names what it was made of, so an answer is recognised as still good by what its own answerer
    read, whoever answers today. The same in every process and release.

    Args:
        reads: Names of fields and tasks.
        text: The product.
        results: Of the tasks before this one.
        known: Hashes of this product's fields by their names, which several tasks may read.
    """
    known = {} if known is None else known
    fields, tasks = _groups(reads)
    if fields and fields not in known:
        known[fields] = _hash(fields, text, results)
    if not tasks:
        return known[fields] if fields else ""
    read = _hash(tasks, text, results)
    return f"{known[fields]};{read}" if fields else read


def reads_of(inputs: str) -> frozenset[str]:
    """Return what an entry was made from, by its `inputs`."""
    groups = (group.rpartition(":")[0] for group in inputs.split(";"))
    return frozenset(name for group in groups for name in _split(group))


def _hash(names: str, text: ProductText, results: Mapping[str, TaskResult]) -> str:
    fields = vars(text)
    parts = []
    for name in _split(names):
        if name == "params":
            parts += [f"{key}\x01{value}" for key, value in sorted(text.params.items())]
        elif name in TEXT_FIELDS:
            parts.append(fields[name])
        elif (result := results.get(name.removeprefix(TASK))) and result.result:
            # Not its confidence: what a person confirmed is what was guessed before.
            parts.append(f"{result.status.value}\x01{result.canonical}")
        parts.append("\0")
    digest = blake2b("\x02".join(parts).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
    return f"{names}:{digest.hexdigest()}"


def asked(sources: tuple[str, ...], best: int) -> str:
    """Return the source of an answer nobody was sure of: the surest first, then the others."""
    rest = [source for index, source in enumerate(sources) if index != best]
    return _TOGETHER.join([sources[best], *rest]) if sources else ""


def still_good(
    entry: object,
    text: ProductText,
    results: Mapping[str, TaskResult],
    *,
    sources: tuple[str, ...],
    llm: str | None,
) -> TaskEntry | None:
    """Return the entry if it stays as it is, or None where the task is to be done.

    Args:
        entry: What stands in the product's enrichment.
        text: The product today.
        results: What the tasks before this one have.
        sources: Who would answer today.
        llm: The language model that would be asked in doubt.
    """
    if not isinstance(entry, dict) or not isinstance(inputs := entry.get("inputs"), str):
        return None
    status, source = entry.get("status"), str(entry.get("source", ""))
    if not (status == ResultStatus.DONE or source.startswith(PERSON)):
        if status == ResultStatus.REVIEW and source.startswith(LLM):
            same = source == f"{LLM}{llm}"
        else:
            wanted = ResultStatus.REVIEW if llm is None else ResultStatus.PENDING
            same = status == wanted and _same(source, sources)
        if not same:
            return None
    # What a person said of a text holds, whatever other tasks make of it meanwhile.
    groups = inputs.split(";")[:1] if source.startswith(PERSON) else inputs.split(";")
    for group in groups:
        if group and group != _hash(group.rpartition(":")[0], text, results):
            return None
    try:
        return TaskEntry.model_validate(entry)
    except ValidationError:
        return None  # written by something else: done again


def _same(source: str, sources: tuple[str, ...]) -> bool:
    return set(source.split(_TOGETHER) if source else ()) == set(sources)


@lru_cache(maxsize=1024)
def _groups(reads: frozenset[str]) -> tuple[str, str]:
    return ",".join(sorted(reads & TEXT_FIELDS)), ",".join(sorted(reads - TEXT_FIELDS))


@lru_cache(maxsize=1024)
def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split(",")) if names else ()
