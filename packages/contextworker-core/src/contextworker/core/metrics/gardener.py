"""What the gardener counts. A batch is counted by the attempt that settles it.

Where a worker ends between settling and counting, that batch is not counted; an attempt that only
finds out what an earlier one settled counts nothing.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from contextworker.core.metrics.instruments import Counter, Gauge, Histogram

_REQUEST_USD: Final = (0.0001, 0.001, 0.01, 0.1, 1)


class EntryKind(NamedTuple):
    """What a task's entry says. `source` is its kind: the word before the colon."""

    task: str
    status: str
    source: str


class TenantProducts(NamedTuple):
    """How a tenant's products stand."""

    tenant: str
    status: str


class Reviewed(NamedTuple):
    """What a person decided."""

    tenant: str
    task: str
    decision: str


class Claims(NamedTuple):
    """What became of claims on products."""

    event: str


class Limit(NamedTuple):
    """How far a run came to its cost limit."""

    tenant: str
    reached: str


class Asked(NamedTuple):
    """Whose questions a language model was asked."""

    tenant: str
    model: str


class Tokens(NamedTuple):
    """The tokens of those questions."""

    tenant: str
    model: str
    direction: str


class ClaimEvent(StrEnum):
    """What became of a claim."""

    RENEWED = "renewed"
    LOST = "lost"
    """Its lease ended before it was renewed: others may have its products."""


class Reached(StrEnum):
    """How far a run came to its cost limit."""

    NEAR = "near"
    """Four fifths of it are spent."""
    LIMIT = "limit"
    """Products were left, because another question could have passed it."""


class Direction(StrEnum):
    """Of tokens."""

    INPUT = "input"
    OUTPUT = "output"


ENRICHED = Counter(
    "contextworker_gardener_enriched",
    "Entries of products that were written, by task, status and kind of source.",
    EntryKind,
)
ENRICHED_PRODUCTS = Counter(
    "contextworker_gardener_products",
    "Products that took their enrichment, by tenant and status.",
    TenantProducts,
)
REVIEWED = Counter(
    "contextworker_gardener_reviewed", "Results that people decided, by decision.", Reviewed
)
CATALOGUE = Gauge(
    "contextworker_gardener_catalogue_products",
    "A tenant's products by enrichment status, by the Brain; every worker tells the same.",
    TenantProducts,
)
CLAIMS = Counter(
    "contextworker_gardener_claims", "Claims on products whose lease was renewed, or lost.", Claims
)
COST_LIMITS = Counter(
    "contextworker_gardener_cost_limits",
    "Runs that came near their cost limit, or to it. Counted by workflow code, not in replays.",
    Limit,
)
LLM_TOKENS = Counter(
    "contextworker_llm_tokens",
    "Tokens that language models took and gave, as their servers say, or at most.",
    Tokens,
)
LLM_COST = Histogram(
    "contextworker_llm_cost_usd",
    "What each attempt to ask a language model cost, in US dollars; the sum is what was spent.",
    Asked,
    buckets=_REQUEST_USD,
)
