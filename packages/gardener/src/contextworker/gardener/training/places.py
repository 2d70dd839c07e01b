"""Where what training reads and writes stands in the object store, all under the tenant's name."""

from contextworker.core.errors import InvalidInputError
from contextworker.core.messages import ObjectRef


def models_prefix(tenant_id: str, task: str) -> str:
    """Return where artefacts of a task's models stand."""
    return f"{tenant_id}/gardener/models/{task}"


def examples_prefix(tenant_id: str) -> str:
    """Return where files of examples stand."""
    return f"{tenant_id}/gardener/examples"


def check_own(reference: ObjectRef, tenant_id: str) -> None:
    """Refuse a reference to what is not the tenant's own.

    Raises:
        InvalidInputError: It stands under another name, or leaves its own by `..`.
    """
    first, *rest = reference.key.split("/")
    if first != tenant_id or not rest or {"", ".", ".."}.intersection(rest):
        raise InvalidInputError(
            f"the file of examples must stand under {tenant_id}/ in the object store, such as "
            f"{examples_prefix(tenant_id)}/…; {reference.key} does not"
        )
