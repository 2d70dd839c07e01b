"""Labelled products: how they are read from files and from what people decided."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.base import ProductText

MOST_EXAMPLES: Final = 100_000
"""That one model is trained on; of more, the first ones."""

_LONGEST_LINE: Final = 1_000_000
_DIGEST_BYTES: Final = 8
_SHOWN: Final = 120
_TEXT_FIELDS: Final = ("name", "category", "brand_name", "description", "url", "params")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A product as enrichers see it, and the task's right result."""

    text: ProductText
    label: Mapping[str, Any]
    where: str = ""
    """Which line of a file, or whose decision, for messages."""

    @property
    def same_text(self) -> str:
        """What two examples of one text have in common, whatever their labels."""
        return _digest([getattr(self.text, name) for name in _TEXT_FIELDS])

    @property
    def fingerprint(self) -> str:
        """What tells whether a model has learnt from this very example."""
        return _digest([self.same_text, self.label])

    def dump(self) -> str:
        """Write it as a line of the file that training reads."""
        text = self.text.model_dump(mode="json")
        return json.dumps({"text": text, "label": dict(self.label)}, ensure_ascii=False) + "\n"

    @classmethod
    def load(cls, line: str) -> "Labelled":
        """Read what `dump` wrote."""
        read = json.loads(line)
        return cls(ProductText.model_validate(read["text"]), read["label"])


class _Line(BaseModel):
    """A line of a file of examples."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1)
    category: str | None = None
    brand: str | None = None
    brand_name: str | None = None
    description: str | None = None
    url: str | None = None
    params: dict[str, Any] | None = None
    label: dict[str, Any]


def read_file(path: Path, name: str) -> Iterator[Labelled]:
    """Read a JSON Lines file of examples; empty lines are passed over.

    Args:
        path: Where it is.
        name: What a person calls it.

    Raises:
        InvalidInputError: It cannot be read, or a line is no example; says which.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as lines:
            while line := lines.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise InvalidInputError(
                        f"{name}, line {number}, is longer than {_LONGEST_LINE:,} characters"
                    )
                if line.strip():
                    yield _read(line, f"{name}, line {number}")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{name} is no text in UTF-8, after line {number}") from None
    except OSError as error:
        raise InvalidInputError(f"{name} cannot be read: {error.strerror}") from None


def _read(line: str, where: str) -> Labelled:
    try:
        read = _Line.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise InvalidInputError(
            f"{where}: {key}: {first['msg']}; an example has a `name`, a `label`, and what else is "
            "known of the product"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{where} is no JSON: {str(error)[:_SHOWN]}") from None
    text = ProductText(
        product_id="",
        content_hash="",
        name=read.name,
        category=read.category or "",
        brand_name=read.brand or read.brand_name or "",
        description=read.description or "",
        url=read.url or "",
        params=read.params or {},
    )
    return Labelled(text, read.label, where)


def _digest(value: Any) -> str:
    encoded = json.dumps(value, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.blake2b(encoded.encode(), digest_size=_DIGEST_BYTES).hexdigest()
