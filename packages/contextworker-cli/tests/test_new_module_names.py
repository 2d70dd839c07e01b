"""What a module may be called, and what is said where it may not."""

import pytest

from contextworker.cli.errors import UsageError
from contextworker.cli.scaffold.names import MAX_LENGTH, ModuleName


@pytest.mark.parametrize(
    ("typed", "package", "dashed"),
    [
        ("inventory", "inventory", "inventory"),
        ("price-watch", "price_watch", "price-watch"),
        ("price_watch", "price_watch", "price-watch"),
        ("a", "a", "a"),
        ("etl2-run", "etl2_run", "etl2-run"),
        ("x" * MAX_LENGTH, "x" * MAX_LENGTH, "x" * MAX_LENGTH),
    ],
    ids=["plain", "dash", "underscore", "letter", "digit", "longest"],
)
def test_a_name_has_two_forms(typed: str, package: str, dashed: str) -> None:
    """Dash or underscore, it is the same module."""
    name = ModuleName.parse(typed)

    assert (package, dashed) == (name.package, name.dashed)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("Inventory", "How about 'inventory'?"),
        ("PriceWatch", "How about 'price-watch'?"),
        ("2x", "a letter first"),
        ("2-fast", "How about 'fast'?"),
        ("price watch", "How about 'price-watch'?"),
        ("price--watch", "How about 'price-watch'?"),
        ("price_", "How about 'price'?"),
        ("price.watch", "How about 'price-watch'?"),
        ("../price", "How about 'price'?"),
        ("прайс", "is no name for a module"),
        ("", "'' is no name for a module"),
        ("inventory\n", "is no name for a module"),
        ("x" * (MAX_LENGTH + 1), "31 characters"),
        ("class", "a word of Python's own"),
        ("email", "email-jobs"),
        ("contextworker", "without ContextWorker's own name."),
        ("contextworker-inventory", "How about 'inventory'?"),
        ("contextcore", "without ContextWorker's own name."),
    ],
    ids=lambda value: value if value.isascii() and value.isprintable() else ascii(value)[:12],
)
def test_a_wrong_name_is_told_with_a_better_one(typed: str, says: str) -> None:
    """Whoever mistypes sees what to type."""
    with pytest.raises(UsageError) as caught:
        ModuleName.parse(typed)

    assert says in str(caught.value)
    assert 2 == caught.value.exit_code
