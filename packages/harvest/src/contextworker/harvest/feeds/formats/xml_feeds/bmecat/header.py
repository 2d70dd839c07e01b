"""What a BMEcat header says of the whole catalogue."""

from dataclasses import dataclass
from typing import Self

from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name, text_of


@dataclass(frozen=True, slots=True)
class CatalogHeader:
    """Where a product says nothing else, this holds."""

    language: str | None = None
    currency: str | None = None
    picture_root: str = ""
    """The address that names of pictures are relative to."""

    @classmethod
    def read(cls, header: Element) -> Self:
        """Read a HEADER."""
        language = currency = None
        picture_root = ""
        for element in header.iter("{*}LANGUAGE", "{*}CURRENCY", "{*}MIME_ROOT"):
            text = (text_of(element) or "").strip()
            name = local_name(element.tag)
            if name == "LANGUAGE":
                if language is None or element.get("default") == "true":
                    language = text.lower() or None
            elif name == "CURRENCY":
                currency = currency or text.upper() or None
            elif text.startswith(("http://", "https://")):
                picture_root = text.rstrip("/") + "/"
        return cls(language, currency, picture_root)
