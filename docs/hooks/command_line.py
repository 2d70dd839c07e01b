"""The page of every command: from the command line's own parser."""

from cyclopts.docs.markdown import generate_markdown_docs

from contextworker.cli.app import make_app

_HEAD = """# Every command

Written from the command line's own parser, as `contextworker COMMAND --help` shows it. [The command
line](../members/command-line.md) tells what to use when, with examples.

"""


def page() -> str:
    """Return the page."""
    # The site has a table of contents on every page.
    return _HEAD + generate_markdown_docs(
        make_app(), heading_level=2, generate_toc=False, no_root_title=True
    )
