"""When an entry of a product stays as it is, and what tells."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from json import JSONEncoder
from typing import Any, Final

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
_ENCODE: Final = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_DIGEST_BYTES: Final = 8


def hash_inputs(reads: frozenset[str], text: ProductText, results: Mapping[str, TaskResult]) -> str:
    """Return `field,field:hash;task,task:hash` of what was read of the text and earlier tasks.

    It names what it was made of, so an answer is recognised as still good by what its own answerer
    read, whoever answers today. The same in every process and release.
    """
    return ";".join(_hash(group, text, results) for group in _groups(reads))


def reads_of(inputs: str) -> frozenset[str]:
    """Return what an entry was made from, by its `inputs`."""
    groups = (group.rpartition(":")[0] for group in inputs.split(";"))
    return frozenset(name for group in groups for name in _split(group))


def _hash(names: str, text: ProductText, results: Mapping[str, TaskResult]) -> str:
    parts = []
    for name in _split(names):
        if name == "params":
            parts += [f"{key}\x01{value}" for key, value in sorted(text.params.items())]
        elif name in TEXT_FIELDS:
            parts.append(getattr(text, name))
        elif (result := results.get(name.removeprefix(TASK))) and result.result:
            # Not its confidence: what a person confirmed is what was guessed before.
            said = _ENCODE(result.result)
            if ".0" in said or "e+" in said:
                said = _ENCODE(_plain(result.result))
            parts.append(f"{result.status.value}\x01{said}")
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
def _groups(reads: frozenset[str]) -> tuple[str, ...]:
    groups = (",".join(sorted(reads & TEXT_FIELDS)), ",".join(sorted(reads - TEXT_FIELDS)))
    return tuple(group for group in groups if group)


@lru_cache(maxsize=1024)
def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split(",")) if names else ()


def _plain(value: Any) -> Any:
    """Return a result as it comes back from the Brain: 2.0 as 2, a tuple as a list."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
