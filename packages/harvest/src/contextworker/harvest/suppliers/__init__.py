"""Suppliers: one TOML file each."""

from contextworker.harvest.suppliers.directory import SupplierDirectory
from contextworker.harvest.suppliers.mapping import Binding, Constant, Mapping
from contextworker.harvest.suppliers.source import Source
from contextworker.harvest.suppliers.supplier import Supplier

__all__ = ["Binding", "Constant", "Mapping", "Source", "Supplier", "SupplierDirectory"]
