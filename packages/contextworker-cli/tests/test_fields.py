"""Fields of a payload as they are written on a command line."""

from typing import Any

import pytest

from contextworker.cli.client.fields import parse_fields
from contextworker.cli.errors import UsageError


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("supplier_code=camping-trade", {"supplier_code": "camping-trade"}),
        ("supplier_code=123", {"supplier_code": "123"}),
        ("note=", {"note": ""}),
        ("url=http://x/?a=b&c:=d", {"url": "http://x/?a=b&c:=d"}),
        ("full=true", {"full": "true"}),
        ("full:=true", {"full": True}),
        ("n:=5", {"n": 5}),
        ("n:=null", {"n": None}),
        ('tags:=["a", 1]', {"tags": ["a", 1]}),
        ('name:="x=y"', {"name": "x=y"}),
        ("text=two\nlines", {"text": "two\nlines"}),
    ],
)
def test_a_field_is_a_string_after_equals_and_json_after_colon_equals(
    field: str, expected: dict[str, Any]
) -> None:
    """HTTPie's rule: nothing after `=` is ever turned into a number."""
    assert expected == parse_fields([field])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (["camping"], "is no field"),
        (["=x"], "is no field"),
        (["a=1", "a=2"], "'a' is given twice"),
        (["n:=five"], "is no JSON"),
        (["n:="], "is no JSON"),
        (["n:=NaN"], "is no JSON"),
    ],
)
def test_what_is_no_field_is_refused_in_a_sentence(fields: list[str], says: str) -> None:
    """A slip of the keyboard is named, not sent."""
    with pytest.raises(UsageError, match=says):
        parse_fields(fields)


@pytest.mark.parametrize("field", ["n:=" + "[1, " * 10_000, "x" * 10_000], ids=["json", "field"])
def test_what_is_long_is_not_repeated_whole(field: str) -> None:
    """Data that somebody put on the command line; the sentence about it must not scroll away."""
    with pytest.raises(UsageError) as refused:
        parse_fields([field])
    assert len(str(refused.value)) < 300
