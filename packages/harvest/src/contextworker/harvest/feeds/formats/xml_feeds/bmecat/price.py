"""Which of a BMEcat product's prices is the one to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

# A list price before what is recommended, net before gross, and what one customer pays last.
PRICE_TYPES = ("net_list", "nrp", "gros_list", "net_customer", "net_customer_exp")
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Price:
    """One ARTICLE_PRICE or PRODUCT_PRICE, as its texts say."""

    kind: str
    amount: str
    currency: str | None
    factor: str | None
    lower_bound: str | None

    @classmethod
    def read(cls, kind: str, fields: Mapping[str, str]) -> "Price":
        """Read a price from the texts of its children."""
        return cls(
            kind,
            fields.get("PRICE_AMOUNT", ""),
            fields.get("PRICE_CURRENCY"),
            fields.get("PRICE_FACTOR"),
            fields.get("LOWER_BOUND"),
        )

    def each(self, price_quantity: str | None) -> str:
        """Return the price of one order unit: the amount times its factor, by its quantity.

        An amount that is no number is returned as it stands.
        """
        amount, factor = _number(self.amount), _number(self.factor)
        quantity = _number(price_quantity)
        if amount is None or ((factor is None or factor == 1) and (not quantity or quantity == 1)):
            return self.amount
        each = amount * (1 if factor is None else factor) / (quantity or 1)
        try:
            exact = each.quantize(_PLACES).normalize()
        except InvalidOperation:
            return self.amount
        return format(exact, "f")


def best_price(prices: list[Price]) -> Price | None:
    """Return the price by the order of PRICE_TYPES, then for the smallest quantity."""
    given = [price for price in prices if price.amount.strip()]
    return min(given, key=lambda price: (_rank(price.kind), _lower_bound(price)), default=None)


def _rank(kind: str) -> int:
    return PRICE_TYPES.index(kind) if kind in PRICE_TYPES else len(PRICE_TYPES)


def _lower_bound(price: Price) -> Decimal:
    found = _number(price.lower_bound)
    return Decimal(1) if found is None else found


def _number(text: str | None) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 12 else None  # noqa: PLR2004 - beyond any price
