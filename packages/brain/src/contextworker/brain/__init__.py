"""The Brain: the store of products, rejects and runs, behind a small protocol."""

from contextworker.brain.identity import product_id
from contextworker.brain.models import (
    Availability,
    Claim,
    Edge,
    Enrichment,
    EnrichmentStatus,
    Example,
    FeedState,
    HistoryEntry,
    HistoryField,
    LastHarvest,
    ModelRecord,
    Product,
    ProductRecord,
    Reject,
    RejectRecord,
    Relation,
    RunRecord,
    RunStatus,
    SupplierState,
    UpsertCounts,
)
from contextworker.brain.opening import open_brain
from contextworker.brain.protocol import Brain
from contextworker.brain.settings import BrainSettings

__all__ = [
    "Availability",
    "Brain",
    "BrainSettings",
    "Claim",
    "Edge",
    "Enrichment",
    "EnrichmentStatus",
    "Example",
    "FeedState",
    "HistoryEntry",
    "HistoryField",
    "LastHarvest",
    "ModelRecord",
    "Product",
    "ProductRecord",
    "Reject",
    "RejectRecord",
    "Relation",
    "RunRecord",
    "RunStatus",
    "SupplierState",
    "UpsertCounts",
    "open_brain",
    "product_id",
]
