"""Every code block of the documentation is right as it stands; test_blocks_run.py runs them."""

from pathlib import Path

import pytest
from code_blocks import ROOT, CodeBlock, blocks_of, pages
from reading import check

# Few of the things that need nothing but this machine cannot be run here.
MOST_SKIPPED = 1 / 4
ELSEWHERE = {"it needs Docker and a registry", "it needs a cluster"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_reads_such_a_block_reads_it(page: Path, tmp_path: Path) -> None:
    """Python compiles, shells parse it, supplier files and configurations are accepted."""
    wrong = []
    for index, block in enumerate(blocks_of(page)):
        folder = tmp_path / str(index)
        folder.mkdir()
        try:
            check(block, folder)
        except Exception as error:  # noqa: BLE001 # each reader has errors of its own
            wrong.append(f"{block.place}: {type(error).__name__}: {error}")

    assert [] == wrong


def test_what_is_not_run_says_why() -> None:
    """Blocks for a cluster, a cloud or somebody's password are the exception."""
    blocks = [block for page in pages() for block in blocks_of(page)]
    skipped = [block for block in blocks if block.skipped]
    would_run = [block for block in blocks if block.language in {"bash", "console", "python"}]

    assert [] == [block.place for block in skipped if len(str(block.skipped).split()) < 3]
    assert sum(block.skipped not in ELSEWHERE for block in skipped) < MOST_SKIPPED * len(would_run)


def test_a_skip_without_a_reason_is_refused(tmp_path: Path) -> None:
    """Nobody can say `not this one` and leave it at that."""
    page = tmp_path / "page.md"
    page.write_text("<!--- skip: next -->\n```bash\nkubectl get pods\n```\n")

    with pytest.raises(ValueError, match=r"page.md:1: write <!--- skip: next"):
        blocks_of(page)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", "def f(:"),
        ("bash", "if true"),
        ("bash", "docker compose -f deploy/compose.yml up"),
        ("console", "no command"),
        ("json", "{'a': 1}"),
        ("yaml", "a: [1"),
        ("toml", 'name = "A"\nsources = [{ uri = "x" }]'),
        ("toml", "[default]\ntimeout = 5"),
        ("toml", '[default]\nenrichers = ["names"]'),
        ("toml", '[[schedules]]\nid = "nightly"'),
        ("ruby", "puts 1"),
    ],
    ids=[
        "python",
        "bash",
        "file",
        "console",
        "json",
        "yaml",
        "supplier",
        "limit",
        "gardener",
        "schedule",
        "language",
    ],
)
def test_what_is_wrong_is_found(language: str, source: str, tmp_path: Path) -> None:
    """A check that lets everything pass would be worth nothing."""
    block = CodeBlock(page=ROOT / "README.md", line=1, language=language, source=source)

    with pytest.raises(Exception):  # noqa: B017, PT011 # each reader has errors of its own
        check(block, tmp_path)
