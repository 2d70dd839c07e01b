"""What a worker announces of its module, so that gateways can route to it.

It is kept as metadata of the module's Worker Deployment version in Temporal: it outlives the
worker, and Temporal stays the only store.
"""

import json
from typing import Any

from pydantic import Field, JsonValue
from temporalio.api.common.v1 import Payload

from contextworker.core.errors import ConfigurationError
from contextworker.core.messages import Message
from contextworker.core.registry import ModuleConfig

METADATA_KEY = "contextworker.routes"
_MAX_BYTES = 100 * 1024


class AnnouncedRoute(Message):
    """One workflow type, as a gateway needs to know it."""

    workflow_type: str
    description: str = ""
    workflow_id: str | None = Field(default=None, description="Template over payload fields.")
    payload_schema: dict[str, JsonValue] | None = Field(
        default=None, description="JSON Schema that a StartWorkflow payload must fit."
    )
    summary: str | None = Field(
        default=None, description="Template over payload fields, of a run's summary."
    )
    search_attributes: dict[str, str] = Field(
        default_factory=dict, description="Payload fields by the search attributes they fill."
    )
    needs_caller: bool = Field(
        default=False, description="Whether runs are given the rights of whoever starts them."
    )


class Announcement(Message):
    """A module's routes and where they run."""

    format: int = Field(default=1, description="Grows when a reader must know more to be right.")
    module: str
    task_queue: str
    routes: tuple[AnnouncedRoute, ...]

    @classmethod
    def of(cls, module: ModuleConfig) -> "Announcement":
        """Describe a module."""
        return cls(
            module=module.name,
            task_queue=module.queue,
            routes=tuple(
                AnnouncedRoute(
                    workflow_type=route.workflow_type,
                    description=route.description,
                    workflow_id=route.workflow_id,
                    payload_schema=route.payload.model_json_schema() if route.payload else None,
                    summary=route.summary,
                    search_attributes=dict(route.search_attributes),
                    needs_caller=route.needs_caller,
                )
                for route in module.routes
            ),
        )

    def to_payload(self) -> Payload:
        """Encode as `json/plain`, the same bytes for the same content.

        Raises:
            ConfigurationError: The schemas are too large for a version's metadata.
        """
        data = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()
        if len(data) > _MAX_BYTES:
            raise ConfigurationError(
                f"module {self.module!r} announces {len(data):,} bytes of routes; "
                f"{_MAX_BYTES:,} is the most. Shorten its payload models."
            )
        return Payload(metadata={"encoding": b"json/plain"}, data=data)

    @classmethod
    def from_payload(cls, payload: Payload) -> "Announcement":
        """Decode what `to_payload` wrote, or what a newer worker did.

        Raises:
            ValueError: The metadata is no announcement.
        """
        content: Any = json.loads(payload.data)
        return cls.model_validate(content, extra="ignore")
