"""What the pages of a built site lead to, and what they load."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {"img": "src", "link": "href", "script": "src", "source": "src", "iframe": "src"}


@dataclass
class Links(HTMLParser):
    """One page: what it names, where it leads, what a browser loads to show it."""

    names: set[str] = field(default_factory=set)
    leads: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin an empty page."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names and where it leads."""
        values = dict(attrs)
        self.names.update(name for key in ("id", "name") if (name := values.get(key)))
        if tag == "a" and (target := values.get("href")):
            self.leads.append(target)
        if (key := _LOADS.get(tag)) and (loaded := values.get(key)):
            self.loads.append(loaded)


def read(site: Path) -> dict[Path, Links]:
    """Read every page of a site."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    return pages


def broken(pages: dict[Path, Links]) -> list[str]:
    """List what leads to no page, no file or no part of a page."""
    found = []
    for path, page in pages.items():
        for target in page.leads + page.loads:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue  # elsewhere; a page that is shown at any address has absolute links
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if file.is_dir():
                file /= "index.html"
            anchor = unquote(parts.fragment)
            missing = anchor and file in pages and anchor not in pages[file].names
            if not file.exists() or missing:
                found.append(f"{path.name} leads to {target}")
    return found


def foreign(pages: dict[Path, Links]) -> list[str]:
    """List what a browser would load from another machine."""
    return [
        f"{path.name} loads {target}"
        for path, page in pages.items()
        for target in page.loads
        if urlsplit(target).netloc
    ]
