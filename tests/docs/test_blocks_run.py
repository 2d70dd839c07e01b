"""Every code block of the documentation does what it says, on one real stack."""

from pathlib import Path
from typing import Any

import pytest
from code_blocks import ROOT, CodeBlock, blocks_of, pages
from reader import Reader, not_printed

RUN = {"bash", "console", "python"}


def _pages_that_run() -> list[Path]:
    return [
        page
        for page in pages()
        if any(block.language in RUN and not block.skipped for block in blocks_of(page))
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", _pages_that_run(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed(page: Path, reader: Reader) -> None:
    """From its first block to its last, in one folder, what one does being there for the next."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks_of(page):
        if block.skipped:
            continue
        try:
            reader.follow(block, names)
        except BaseException as error:
            error.add_note(f"in the {block.language} block at {block.place}")
            raise


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ("a  b\n…\nd 1", "a b\nc\nd     1\n", ""),
        ("took … ms", "took 3 ms", ""),
        ("took … ms", "took 3 s", "took … ms"),
        ("b\na", "a\nb\n", "a"),
    ],
    ids=["lines left out", "part of a line", "wrong end", "wrong order"],
)
def test_what_a_page_shows_is_held_against_what_is_printed(
    shown: str, printed: str, missing: str
) -> None:
    """An ellipsis stands for what differs from run to run, and nothing else does."""
    assert missing == not_printed(shown, printed)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", "assert 1 == 2"),
        ("bash", "uv run contextworker status nobody-has-this"),
        ("bash", "false\ntrue"),
        ("console", "$ uv run contextworker modules\nsomething else"),
    ],
    ids=["python", "command", "not the last line", "output"],
)
def test_a_broken_block_is_found(language: str, source: str, reader: Reader) -> None:
    """A runner that lets everything pass would be worth nothing."""
    block = CodeBlock(page=ROOT / "README.md", line=1, language=language, source=source)

    with pytest.raises(AssertionError):
        reader.follow(block, {})
