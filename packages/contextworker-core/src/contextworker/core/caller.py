"""The rights of whoever started a run, for workflows that act in their caller's name.

A route that says `needs_caller` gets them as a memo of its runs, written by the gateway from the
verified token. What such a run asks of the gateway later, it asks with these rights and no others:
calls carry them as metadata, and the gateway narrows the rights of the calling service to them.
"""

from typing import Final

from pydantic import Field

from contextworker.core.messages import Message, TenantId

MEMO_KEY: Final = "contextworker.caller"
"""Under which a run's memo holds its CallerRights."""

METADATA_KEY: Final = "contextworker-on-behalf-of-bin"
"""Under which a gRPC call carries the CallerRights that it is made with, as JSON."""


class CallerRights(Message):
    """Who started a run, and what they may do."""

    subject: str = Field(min_length=1, description="Who, as the token named them.")
    tenant_id: TenantId = Field(description="The one tenant that the run is about.")
    permissions: tuple[str, ...] | None = Field(
        default=None, description="Permissions and scopes, sorted; null for every one."
    )

    def lacks(self, permission: str) -> bool:
        """Tell whether they do not hold a permission."""
        return self.permissions is not None and permission not in self.permissions
