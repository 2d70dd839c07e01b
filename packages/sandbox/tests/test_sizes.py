"""How large text is where it travels."""

import pytest
from pydantic_core import to_json

from contextworker.sandbox.sizes import cut, written_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("abc", 3), ("é€😀", 9), ("a\n\tb\r", 5), ("\0", 6), ("\x1b[0m\0", 15)],
)
def test_control_characters_take_six_bytes(text: str, size: int) -> None:
    """As JSON writes them."""
    assert size == written_bytes(text)


@pytest.mark.parametrize(
    ("text", "size", "head"),
    [
        ("abc", 3, "abc"),
        ("abc", 2, "ab"),
        ("é€", 4, "é"),
        ("\0\0\0", 12, "\0\0"),
        ("ab\0", 7, "a"),
        ("abc", 0, ""),
    ],
)
def test_a_cut_text_fits(text: str, size: int, head: str) -> None:
    """Whole characters of it."""
    assert head == cut(text, size)


def test_no_text_takes_more_than_twice_that() -> None:
    """Quotes, backslashes and line ends are what JSON doubles, and no more."""
    texts = [chr(code) * 10 for code in range(0x300)]

    assert [] == [text for text in texts if len(to_json(text)) > 2 * written_bytes(text) + 2]
