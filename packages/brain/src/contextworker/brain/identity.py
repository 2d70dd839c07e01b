"""What a product is called: an id made from its key, so that every retry says the same one."""

from uuid import UUID, uuid5

NAMESPACE = UUID("5c0f6a4e-5d0b-5c57-9a3e-2f0a4f6a1d37")


def product_id(tenant_id: str, dealer_code: str, sku: str) -> str:
    """Return the id of the product with this key: a UUIDv5 over tenant, dealer code and SKU.

    The id is a function of the key, so it is known before the product is stored, is the same in
    every store, and differs between tenants. It must never change: other systems keep it.
    """
    # No part can hold a NUL (the records refuse it), so two keys never join to one name.
    return str(uuid5(NAMESPACE, f"{tenant_id}\x00{dealer_code}\x00{sku}"))
