"""The records that modules hand to the Brain and get back."""

from contextworker.brain.models.enriching import (
    Claim,
    Edge,
    Enrichment,
    Example,
    ModelRecord,
    Relation,
)
from contextworker.brain.models.harvests import (
    FeedState,
    LastHarvest,
    Reject,
    RejectRecord,
    RunRecord,
    RunStatus,
    SupplierState,
    UpsertCounts,
)
from contextworker.brain.models.products import (
    CONTENT_FIELDS,
    Availability,
    EnrichmentStatus,
    HistoryEntry,
    HistoryField,
    Product,
    ProductFields,
    ProductRecord,
)
from contextworker.brain.models.record import Record

__all__ = [
    "CONTENT_FIELDS",
    "Availability",
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
    "ProductFields",
    "ProductRecord",
    "Record",
    "Reject",
    "RejectRecord",
    "Relation",
    "RunRecord",
    "RunStatus",
    "SupplierState",
    "UpsertCounts",
]
