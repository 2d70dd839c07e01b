"""What enrichers see of a product, and what they say of it."""

import math
import unicodedata
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from json import JSONEncoder
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from contextworker.brain.models import Record

NAME_LIMIT = 400
"""Characters of a name, brand or category that enrichers see; the rest of a longer one is cut."""
TEXT_LIMIT = 4000
"""Characters of a description that enrichers see."""
PARAM_LIMIT = 100
"""Parameters of a product that enrichers see."""

_CANONICAL: Final = JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode
_MARKS: Final = frozenset("\u2122\u2120")  # the signs of trade and service marks


class ResultStatus(StrEnum):
    """What became of one task for one product; the later in this list, the worse."""

    DONE = "done"
    PENDING = "pending"
    """In doubt, and a costly enricher is still to be asked."""
    REVIEW = "review"
    ERROR = "error"


def clean(text: str, limit: int) -> str:
    """Return text in NFKC with single spaces, at most `limit` characters, encodable in UTF-8."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        # As most are: only spaces can be wrong with it.
        return text if "  " not in text and text.strip() == text else " ".join(text.split())
    encodable = text[:limit].encode("utf-8", "replace").decode("utf-8")
    # NFKC would make letters of them, at the end of the brand that has them.
    printable = "".join(
        char if char.isprintable() and char not in _MARKS else " " for char in encodable
    )
    return " ".join(unicodedata.normalize("NFKC", printable).split())[:limit].rstrip()


def _clean_name(value: object) -> str:
    return clean(str(value), NAME_LIMIT) if value is not None else ""


def _clean_text(value: object) -> str:
    return clean(str(value), TEXT_LIMIT) if value is not None else ""


class ProductText(BaseModel):
    """A product as enrichers see it: clean, bounded text, whatever the supplier sent."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    content_hash: str = Field(description="Of the product this text was taken from.")
    name: Annotated[str, BeforeValidator(_clean_name)] = ""
    category: Annotated[str, BeforeValidator(_clean_name)] = ""
    brand_name: Annotated[str, BeforeValidator(_clean_name)] = ""
    description: Annotated[str, BeforeValidator(_clean_text)] = ""
    url: Annotated[str, BeforeValidator(_clean_name)] = ""
    params: dict[str, str] = Field(default_factory=dict)

    @field_validator("params", mode="before")
    @classmethod
    def _flatten(cls, params: dict[str, Any] | None) -> dict[str, str]:
        """Keep parameters that are words or numbers; nested ones say nothing to an enricher."""
        return {
            _clean_name(key): _clean_name(value)
            for key, value in list((params or {}).items())[:PARAM_LIMIT]
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        }


class TaskResult(Record):
    """What one enricher says of one product."""

    status: ResultStatus
    result: dict[str, Any] = Field(default_factory=dict, description="The enricher's own fields.")
    confidence: float = Field(ge=0, le=1)
    source: str = Field(default="", description="Who answered, such as `classifier@3f2a9c`.")
    reason: str | None = Field(default=None, description="Why it is in review or in error.")
    tokens: int = Field(default=0, ge=0, description="That a language model took for it.")
    cost_usd: float = Field(default=0.0, ge=0)

    @cached_property
    def canonical(self) -> str:
        """The result as one JSON text: the same when it comes back from the Brain."""
        text = _CANONICAL(self.result)
        return _CANONICAL(_plain(self.result)) if ".0" in text or "e+" in text else text

    @classmethod
    def judged(
        cls,
        result: dict[str, Any],
        *,
        confidence: float,
        threshold: float,
        source: str,
        doubt: str,
    ) -> "TaskResult":
        """Make a result: done from the threshold on, below it in review with the doubt."""
        # Down, not to the nearest: 0.799 must not be shown as the 0.8 that would have been done.
        confidence = math.floor(min(max(confidence, 0.0), 1.0) * 1000 + 1e-6) / 1000
        done = confidence >= threshold
        return cls.of_checked(
            {
                "status": ResultStatus.DONE if done else ResultStatus.REVIEW,
                "result": result,
                "confidence": confidence,
                "source": source,
                "reason": None if done else doubt,
                "tokens": 0,
                "cost_usd": 0.0,
            }
        )

    @classmethod
    def failed(cls, reason: str) -> "TaskResult":
        """Make the result of a product that could not be enriched."""
        return cls(status=ResultStatus.ERROR, confidence=0, reason=reason)


class TaskEntry(TaskResult):
    """What stands in a product's `enrichment` for a task."""

    at: datetime = Field(description="When it was stored.")
    inputs: str = Field(description="A hash of what the enricher read: the same, no new answer.")


def _plain(value: Any) -> Any:
    """Return a result as it comes back from the Brain: 2.0 as 2, a tuple as a list."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
