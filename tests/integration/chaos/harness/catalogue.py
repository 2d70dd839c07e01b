"""What a supplier sells, how that changes, and so what the Brain has to have in the end."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

_BRANDS = ("Varga", "Lagalb", "Nordlys", "Hollow Pine")
_KINDS = ("tent", "jacket", "backpack", "sleeping bag", "stove")
_REASONS = ("bad_price", "missing_name", "bad_quantity")
HEADER = "sku,name,brand,category,price,stock"


@dataclass(frozen=True)
class Row:
    """A product as the feed has it."""

    sku: str
    name: str
    brand: str
    category: str
    price: Decimal
    stock: int

    def __str__(self) -> str:
        return f"{self.sku},{self.name},{self.brand},{self.category},{self.price},{self.stock}"


Change = tuple[str, str, str, str]
"""sku, field, old, new: an entry of the history."""


@dataclass
class Catalogue:
    """One supplier's products, version by version."""

    tenant_id: str
    supplier: str
    chance: random.Random
    size: int = 60
    version: int = 0
    listed: dict[str, Row] = field(default_factory=dict)
    removed: dict[str, Row] = field(default_factory=dict)
    """As they were last."""
    history: Counter[Change] = field(default_factory=Counter)
    bad_rows: list[tuple[str, str]] = field(default_factory=list)
    """Each with the reason why it must be rejected."""
    duplicates: list[str] = field(default_factory=list)

    def advance(self) -> None:
        """Make the next version: some prices and stocks differ, some products come and go."""
        self.version += 1
        if self.version == 1:
            for number in range(self.size):
                self._add(f"{self.supplier}-{number}")
        else:
            self._come_and_go()
            self._change()
            for number in range(self.chance.randint(0, 5)):
                self._add(f"{self.supplier}-v{self.version}-{number}")
        count = self.chance.randint(1, 6)
        self.bad_rows = [self._bad(number) for number in range(count)]
        skus = sorted(self.listed)
        self.duplicates = [
            f"{sku},Replaced,Nobody,tent,1.00,1" for sku in self.chance.sample(skus, 2)
        ]

    @property
    def feed(self) -> bytes:
        """The version as the supplier's server sends it."""
        products = [str(row) for row in self.listed.values()]
        lines = [*self.duplicates, *products, *(line for line, _ in self.bad_rows)]
        return "\n".join([HEADER, *lines, ""]).encode()

    @property
    def rows(self) -> int:
        """How many rows the feed has."""
        return len(self.duplicates) + len(self.listed) + len(self.bad_rows)

    def _add(self, sku: str) -> None:
        kind = self.chance.choice(_KINDS)
        name = f"{self.chance.choice(_BRANDS)} {kind} {sku}"
        self.listed[sku] = Row(
            sku, name, self.chance.choice(_BRANDS), kind, self._price(), self.chance.randint(0, 99)
        )

    def _change(self) -> None:
        for sku in self.chance.sample(sorted(self.listed), 10):
            row = self.listed[sku]
            price, stock = self._price(), self.chance.randint(100, 199)
            if price != row.price:
                self.history[sku, "price_retail", str(row.price), str(price)] += 1
            if stock != row.stock:
                self.history[sku, "quantity", str(row.stock), str(stock)] += 1
            self.listed[sku] = replace(row, price=price, stock=stock)

    def _come_and_go(self) -> None:
        back = self.chance.sample(sorted(self.removed), len(self.removed) // 3)
        for sku in self.chance.sample(sorted(self.listed), 3):
            self.removed[sku] = self.listed.pop(sku)
            self.history[sku, "listed", "true", "false"] += 1
        for sku in back:
            self.listed[sku] = self.removed.pop(sku)
            self.history[sku, "listed", "false", "true"] += 1

    def _bad(self, number: int) -> tuple[str, str]:
        reason = self.chance.choice(_REASONS)
        sku = f"{self.supplier}-bad-{self.version}-{number}"
        lines = {
            "bad_price": f"{sku},Broken tent,Varga,tent,dear,1",
            "missing_name": f"{sku},,Varga,tent,10.00,1",
            "bad_quantity": f"{sku},Broken tent,Varga,tent,10.00,some",
        }
        return lines[reason], reason

    def _price(self) -> Decimal:
        return Decimal(self.chance.randint(100, 99999)) / 100
