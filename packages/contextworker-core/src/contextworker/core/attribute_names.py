"""What the search attributes are called by which runs are found; see `search_attributes`.

Apart from those, so that who merely registers a module does not load Temporal's SDK.
"""

from typing import Final

MODULE: Final = "Module"
SUPPLIER: Final = "SupplierCode"

ROUTE_ATTRIBUTES: Final = frozenset({SUPPLIER})
"""Those that a route may fill from a field of its payload."""
