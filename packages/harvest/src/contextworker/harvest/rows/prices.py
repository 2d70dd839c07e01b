"""Prices: numbers with a currency, for a number of pieces, in the currency that is wanted."""

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel.numbers import is_currency, list_currencies

from contextworker.harvest.rows.numbers import (
    AmbiguousNumberError,
    DecimalMark,
    means_currency,
    parse_number,
    split_currency,
)
from contextworker.harvest.rows.problems import RowProblemError
from contextworker.harvest.rows.texts import is_blank, shown, text

MAX_AMOUNT = 10**12
MAX_DIGITS = 10
"""After the decimal mark: as many as a store keeps."""
CURRENCIES = frozenset(list_currencies(locale="en"))

_CURRENCY_LENGTH = 32
_CONVERTED_DIGITS = 2
# Wide enough for any amount and rate to be multiplied exactly, and divided closely.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Price:
    """An amount, as a product has it; both are None where the feed has none."""

    amount: Decimal | None
    currency: str | None


NO_PRICE = Price(None, None)


@dataclass(frozen=True, slots=True)
class PriceReader:
    """Reads the prices of one supplier."""

    currency: str | None = None
    """What the supplier's prices are in, where a row does not say."""
    mark: DecimalMark = None
    divisor: Decimal | None = None
    convert_to: str | None = None
    digits: int | None = None

    def read(
        self, value: Any, currency: Any = None, pieces: Any = None, rates: Any = None
    ) -> Price:
        """Read a price; blank is none.

        Args:
            value: A number, or text that may carry a currency sign, such as `1 234,50 €`.
            currency: The row's own currency.
            pieces: How many the price is for.
            rates: A JSON object of what one unit of each currency is worth.

        Raises:
            RowProblemError: It is no price, is one in two ways, is negative, is in another
                currency, or cannot be converted.
        """
        own = currency_code(text(currency, field="currency", longest=_CURRENCY_LENGTH))
        if is_blank(value):
            return NO_PRICE
        number, sign = split_currency(value) if isinstance(value, str) else (value, "")
        found = self.currency_of(value, sign, own)
        amount = self._amount(number, value)
        digits = self.digits
        amount = self._apiece(amount, pieces)
        if self.convert_to is not None and found != self.convert_to:
            amount = _converted(amount, found, self.convert_to, rates)
            found = self.convert_to
            digits = _CONVERTED_DIGITS if digits is None else digits
        if digits is not None or self.divisor is not None or not is_blank(pieces):
            digits = MAX_DIGITS if digits is None else digits
            amount = amount.quantize(Decimal(1).scaleb(-digits), context=_CONTEXT)
        if amount > MAX_AMOUNT:
            raise RowProblemError("bad_price", f"the price {shown(value)} is too large to be one")
        exponent = amount.normalize(_CONTEXT).as_tuple().exponent
        if isinstance(exponent, int) and -exponent > MAX_DIGITS:
            raise RowProblemError(
                "invalid_value",
                f"price_retail cannot be stored: {shown(value)} has more than {MAX_DIGITS} digits "
                "after the decimal mark",
            )
        return Price(amount.copy_abs(), found)  # -0 is 0

    def _amount(self, number: Any, value: Any) -> Decimal:
        try:
            amount = parse_number(number, self.mark)
        except AmbiguousNumberError as error:
            raise ambiguous("price", value) from error
        except ValueError as error:
            reason = f"the price {shown(value)} is no number{self._other_mark(number)}"
            raise RowProblemError("bad_price", reason) from error
        if amount < 0:
            raise RowProblemError("bad_price", f"the price {shown(value)} is negative")
        if amount > MAX_AMOUNT:
            raise RowProblemError("bad_price", f"the price {shown(value)} is too large to be one")
        return amount

    def _other_mark(self, number: Any) -> str:
        """Say what to do where only the decimal mark is not the one that is expected."""
        if self.mark is None:
            return ""
        other: DecimalMark = "," if self.mark == "." else "."
        try:
            parse_number(number, other)
        except ValueError:
            return ""
        return (
            f' with the decimal mark "{self.mark}"; if the feed writes "{other}", set decimal = '
            f'"{other}" under [mapping]'
        )

    def _apiece(self, amount: Decimal, pieces: Any) -> Decimal:
        if self.divisor is not None:
            return _CONTEXT.divide(amount, self.divisor)
        if is_blank(pieces):
            return amount
        try:
            number = parse_number(pieces, self.mark)
        except ValueError:
            number = Decimal(0)
        if not 0 < number <= MAX_AMOUNT:
            raise RowProblemError(
                "bad_price", f"the price is for {shown(pieces)} pieces, which is no number above 0"
            )
        return _CONTEXT.divide(amount, number)

    def currency_of(self, value: Any, sign: str, own: str | None) -> str | None:
        """Return the currency of a price with this beside its number.

        Raises:
            RowProblemError: It is in another currency than it should be.
        """
        expected = own or self.currency
        if not sign:
            return expected
        code = sign.upper()
        # Where prices are converted, whichever currency stands beside one is welcome.
        if (expected is None or (own is None and self.convert_to)) and code in CURRENCIES:
            return code
        if expected is None:
            raise RowProblemError(
                "wrong_currency",
                f"the price {shown(value)} has {sign!r} beside the number; "
                "say which currency it is in the supplier file",
            )
        if not means_currency(sign, expected):
            raise RowProblemError(
                "wrong_currency",
                f"the price {shown(value)} has {sign!r} beside the number, not {expected}",
            )
        return expected


def currency_code(value: str | None) -> str | None:
    """Read an ISO currency code.

    Raises:
        RowProblemError: There is no such currency.
    """
    if value is None:
        return None
    if not is_currency(code := value.upper(), locale="en"):
        raise RowProblemError("wrong_currency", f"{value!r} is no ISO 4217 currency code")
    return code


def ambiguous(field: str, value: Any) -> RowProblemError:
    """Return the problem of a number that reads two ways."""
    return RowProblemError(
        f"ambiguous_{field}",
        f"the {field} {shown(value)} can be read in two ways; "
        'say decimal = "," or decimal = "." in the [mapping] of the supplier file',
    )


def _converted(amount: Decimal, source: str | None, target: str, rates: Any) -> Decimal:
    if source is None:
        raise RowProblemError(
            "no_rate", "the price has no currency that it could be converted from"
        )
    table = _rates(rates if isinstance(rates, str) else json.dumps(rates, default=str))
    for code in (source, target):
        if code not in table:
            raise RowProblemError("no_rate", f"the feed has no rate for {code}")
    product = _CONTEXT.multiply(amount, table[source])
    return _CONTEXT.divide(product, table[target])


@lru_cache(maxsize=64)  # a feed has the same rates on every row
def _rates(value: str) -> dict[str, Decimal]:
    try:
        table = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {code: rate for code, given in table.items() if (rate := _rate(given)) is not None}


def _rate(given: Any) -> Decimal | None:
    try:
        rate = Decimal(str(given))
    except InvalidOperation:
        return None
    # Beyond these, no two currencies are, and the sums would lose digits.
    return rate if rate.is_finite() and Decimal("1e-9") <= rate <= Decimal("1e9") else None
