"""The code blocks of the documentation, as Sybil finds them in Markdown.

A block may be told apart by what stands around it, which a reader does not see:

- `<!--- skip: next "reason" -->` before a block: it cannot be run here, for that reason.
- `<!--- invisible-code: python` ... `-->`: runs in the block's place in the page, and is not shown.
- a title, as in ```` ```toml title="camping.toml" ````: the block is that file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sybil import Document, Region
from sybil.parsers.abstract.lexers import LexerCollection
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer
from sybil.parsers.markdown.skip import SkipParser

ROOT = Path(__file__).parents[3]
_BLOCKS = LexerCollection(
    [
        FencedCodeBlockLexer(r".+", mapping={"language": "info", "source": "source"}),
        DirectiveInHTMLCommentLexer(
            "invisible-code", arguments=".+", mapping={"arguments": "info", "source": "source"}
        ),
    ]
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class CodeBlock:
    """One block of a page.

    Attributes:
        page: The Markdown file.
        line: Where the block begins.
        language: What it is written in; empty where the page does not say.
        source: Its text.
        title: The file that it is, where it is one.
        skipped: Why it is not run; None where it is.
    """

    page: Path
    line: int
    language: str
    source: str
    title: str | None = None
    skipped: str | None = None

    @property
    def place(self) -> str:
        """Where to look, as editors open it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """List every page whose blocks are code of this project, in the order they are run in."""
    return [
        ROOT / "README.md",
        *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted(ROOT.glob("docs/**/*.md")),
        *sorted(ROOT.glob("packages/*/README.md")),
        *sorted(ROOT.glob("services/*/README.md")),
        *(ROOT / name / "README.md" for name in ("deploy", "examples")),
    ]


@cache
def blocks_of(page: Path) -> tuple[CodeBlock, ...]:
    """Return a page's blocks in their order; read once, for many tests ask."""
    found: list[CodeBlock] = []
    reason: str | None = None
    for example in Document.parse(str(page), _parse, SkipParser()).examples():
        if not isinstance(example.parsed, CodeBlock):
            action, said = example.parsed
            if action != "next" or not (said or "").strip('"'):
                raise ValueError(
                    f'{page}:{example.line}: write <!--- skip: next "why it cannot be run" -->'
                )
            reason = said.strip('"')
            continue
        found.append(replace(example.parsed, line=example.line, skipped=reason))
        reason = None
    return tuple(found)


def _parse(document: Document) -> Iterator[Region]:
    for lexed in _BLOCKS(document):
        info = lexed.lexemes["info"].split()
        title = _TITLE.search(lexed.lexemes["info"])
        yield Region(
            lexed.start,
            lexed.end,
            CodeBlock(
                page=Path(document.path),
                line=0,
                language=info[0],
                source=lexed.lexemes["source"].text,
                title=title[1] if title else None,
            ),
            lambda _: None,
        )
