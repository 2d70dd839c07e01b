"""Add the pages that are made from the code, at every build: so they cannot be stale."""

import command_line
import payloads
import plots
import wire
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {
    "reference/command-line.md": command_line.page,
    "reference/payloads.md": payloads.page,
    "reference/wire.md": wire.page,
    "operations/plots.md": plots.page,
}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Write each page into the site, not into the folder."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files
