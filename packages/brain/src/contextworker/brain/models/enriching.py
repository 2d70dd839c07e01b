"""Enriching: what is claimed, found out, decided and learned of products."""

from enum import StrEnum
from functools import cached_property

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import to_json

from contextworker.brain.models.products import EnrichmentStatus, Product
from contextworker.brain.models.record import Record
from contextworker.brain.values import Code, Instant, Int64, JsonObject, Text, canonical_json


class Relation(StrEnum):
    """What a product has to do with something else."""

    BRAND = "brand"
    CATEGORY = "category"
    TECHNOLOGY = "technology"
    MATERIAL = "material"


class Edge(Record):
    """One relation of a product, in the tenant's graph."""

    product_id: str
    relation: Relation
    target: Code = Field(description="Identifies what it points to, such as a category's id.")
    name: Text = Field(description="The target's name, as shown.")
    confidence: float = Field(ge=0, le=1)

    @property
    def cursor(self) -> str:
        """Where the next page starts: give it as `after`."""
        return canonical_json([self.product_id, self.relation.value, self.target])


class Enrichment(Record):
    """What the gardener found out about one product."""

    product_id: str
    content_hash: str = Field(description="Of the product it was computed from.")
    status: EnrichmentStatus
    results: JsonObject = Field(description="task -> its entry, as the gardener's README has it.")
    over: JsonObject | None = Field(
        default=None,
        description="Stored without a claim, only over these results: whoever else wrote since is "
        "not overwritten. None: over whatever there is.",
    )
    edges: tuple[Edge, ...] | None = Field(
        default=None, description="All the product's relations from now on; None leaves them be."
    )

    @cached_property
    def results_json(self) -> str:
        """The results as they are stored."""
        return to_json(self.results).decode()

    @field_validator("status")
    @classmethod
    def _is_an_outcome(cls, status: EnrichmentStatus) -> EnrichmentStatus:
        if status is EnrichmentStatus.PENDING:
            raise ValueError(
                "an enrichment is done, review, error or waiting; pending is what it ends"
            )
        return status

    @field_validator("edges")
    @classmethod
    def _are_its_own(
        cls, edges: tuple[Edge, ...] | None, info: ValidationInfo
    ) -> tuple[Edge, ...] | None:
        product_id = info.data.get("product_id")
        for edge in edges or ():
            if edge.product_id != product_id:
                raise ValueError(f"an edge of product {edge.product_id} is not {product_id}'s")
        return edges


class Claim(Record):
    """Products that one worker has to itself until the lease ends."""

    claim_id: str
    products: tuple[Product, ...] = ()
    settled: tuple[str, ...] | None = Field(
        default=None, description="Where the claim is settled: the products that took a result."
    )
    held_elsewhere: bool = Field(
        default=False, description="Others wait too, but are in the hands of other claims."
    )


class Example(Record):
    """What a person said of a product: what models of a task learn from."""

    example_id: str = Field(description="One of the same id replaces it.")
    task: Code
    product_id: str | None = None
    text: JsonObject = Field(description="The product as enrichers saw it then.")
    label: JsonObject = Field(description="The task's right result.")
    decided_by: Text
    decided_at: Instant


class ModelRecord(Record):
    """A trained model: where its artefact is, and how good it was found to be."""

    task: Code
    version: Code = Field(description="Of the artefact's content.")
    object_key: Text
    size: Int64 = Field(ge=0, description="Bytes.")
    examples: Int64 = Field(ge=0, description="It was trained on.")
    scores: JsonObject = Field(description="By cross-validation.")
    trained_by: Text
    trained_at: Instant
