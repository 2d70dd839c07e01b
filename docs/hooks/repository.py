"""Put the repository's own pages into the site, and lead links to where they are read there.

A README is written for the folder it is in. Here it becomes a page of the site as it stands. A link
to a file of the repository leads to its page, where it has one, else to the file on GitHub: so the
same text is right in both places.
"""

import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = "https://github.com/ContextUnity/contextworker/blob/main"
PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "README.md": "project/readme.md",
    "SECURITY.md": "operations/security.md",
    "benchmarks/RESULTS.md": "operations/measured.md",
    "packages/brain/README.md": "members/brain.md",
    "packages/contextworker-cli/README.md": "members/command-line.md",
    "packages/contextworker-core/README.md": "members/core.md",
    "packages/gardener/README.md": "members/gardener.md",
    "packages/harvest/README.md": "members/harvest.md",
    "packages/sandbox/README.md": "members/sandbox.md",
    "services/codec-server/README.md": "members/codec-server.md",
    "services/gateway/README.md": "members/gateway.md",
}
_SOURCES = {page: source for source, page in PAGES.items()}
# Folders that a text names in place of their README.
_FOLDERS = {posixpath.dirname(source): page for source, page in PAGES.items() if "/" in source}
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=\))")
_CODE = re.compile(r"^( *)(`{3,}).*?^\1\2`*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each README, unless a page of that name is written by hand."""
    for source, page in PAGES.items():
        if files.get_file_from_path(page) is None:
            files.append(File.generated(config, page, abs_src_path=source))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Lead the links of a page to pages of the site, or to the repository."""
    here = page.file.src_uri
    source = _SOURCES.get(here, f"docs/{here}")
    code = [match.span() for match in _CODE.finditer(markdown)]

    def lead(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in code):
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        anchor = match[2] or ""
        if written := PAGES.get(target) or _FOLDERS.get(target):
            return posixpath.relpath(written, posixpath.dirname(here) or ".") + anchor
        if target.startswith("docs/") and not target.endswith(".py"):
            to = target.removeprefix("docs/")
            return posixpath.relpath(to, posixpath.dirname(here) or ".") + anchor
        return f"{REPOSITORY}/{target}{anchor}"

    return _LINK.sub(lead, markdown)
