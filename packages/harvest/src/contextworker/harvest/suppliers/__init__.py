"""Suppliers: one TOML file each."""

from contextworker.harvest.suppliers.binding import Binding
from contextworker.harvest.suppliers.defaults import DEFAULT_MAPPINGS, mapping_for
from contextworker.harvest.suppliers.directory import SupplierDirectory
from contextworker.harvest.suppliers.mapping import Mapping
from contextworker.harvest.suppliers.source import Source
from contextworker.harvest.suppliers.supplier import Supplier

__all__ = [
    "DEFAULT_MAPPINGS",
    "Binding",
    "Mapping",
    "Source",
    "Supplier",
    "SupplierDirectory",
    "mapping_for",
]
