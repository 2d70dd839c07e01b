"""Suppliers: one TOML file each, whose name without `.toml` is the supplier's code."""

import codecs
import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from babel.numbers import is_currency
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from contextworker.harvest.errors import SupplierError
from contextworker.harvest.messages import (
    ALL_SUPPLIERS,
    SUPPLIER_CODE_MAX_LENGTH,
    SUPPLIER_CODE_PATTERN,
    FeedFormat,
    Retry,
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _text_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"{name!r} is no known encoding; try utf-8, windows-1251 or windows-1252"
        ) from None
    return codec.name


def _currency_code(code: str) -> str:
    if not is_currency(code, locale="en"):
        raise ValueError(f"{code!r} is no ISO 4217 currency code such as EUR")
    return code


Currency = Annotated[str, AfterValidator(_currency_code)]


class Source(_Section):
    """One feed. A path without a scheme is relative to the supplier file's folder."""

    url: str = Field(min_length=1)
    format: FeedFormat | None = None
    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    delimiter: str | None = Field(default=None, pattern=r'^[^"\r\n]$')
    sheet: str | None = None

    @field_validator("url")
    @classmethod
    def _understood(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"", "file", "http", "https"}:
            raise ValueError("a feed is a path or a file://, http:// or https:// address")
        if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
            raise ValueError("a file:// address has three slashes and an absolute path")
        if parts.scheme in {"http", "https"} and not _has_host(parts):
            raise ValueError(
                "the address has no proper host and port; in a user or password write / as %2F, "
                "? as %3F, # as %23 and @ as %40"
            )
        return url

    @property
    def is_remote(self) -> bool:
        """Whether a server has to be asked for it."""
        return urlsplit(self.url).scheme in {"http", "https"}

    @property
    def public_url(self) -> str:
        """The address without user, password and query, which may hold secrets."""
        if not self.is_remote:
            return self.url
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        query = "?…" if parts.query else ""
        return f"{parts.scheme}://{host}{parts.path}{query}"


def _has_host(parts: SplitResult) -> bool:
    try:
        return parts.hostname is not None and parts.port != 0
    except ValueError:  # it quotes what stands for the port: perhaps half a password
        return False


class Constant(_Section):
    """A value that every row gets: `{ value = "Nordlys" }`."""

    value: str | int | float


Binding = str | Constant


class Mapping(_Section):
    """Which column each field of a product comes from."""

    sku: str = Field(min_length=1)
    name: str = Field(min_length=1)
    category: Binding | None = None
    category_separator: str | None = Field(default=None, min_length=1)
    brand_name: Binding | None = None
    description: Binding | None = None
    quantity: Binding | None = None
    price_retail: Binding | None = None
    currency: Binding | None = None
    url: Binding | None = None
    image_url: Binding | None = None
    status: Binding | None = None
    params: dict[str, str] = Field(default_factory=dict)
    required: frozenset[
        Literal[
            "brand_name", "category", "currency", "description", "price_retail", "quantity", "url"
        ]
    ] = frozenset()
    decimal: Literal[".", ","] | None = None

    @field_validator("params", mode="before")
    @classmethod
    def _params_by_name(cls, params: Any) -> Any:
        """Read a list of columns as a table in which each keeps its name."""
        if isinstance(params, list):
            return {str(column): column for column in params}
        return params

    @model_validator(mode="after")
    def _required_is_mapped(self) -> Self:
        """Refuse a mapping that would reject every row."""
        for field in sorted(self.required):
            if getattr(self, field) is None and field != "currency":
                raise ValueError(f"{field} is required but mapped to no column")
        return self

    @property
    def bindings(self) -> dict[str, Binding]:
        """Field to column or constant, for the fields that are mapped; without params."""
        fields = Mapping.model_fields.keys() - {
            "params",
            "required",
            "decimal",
            "category_separator",
        }
        return {field: bound for field in fields if (bound := getattr(self, field)) is not None}

    @property
    def columns(self) -> frozenset[str]:
        """Every column the feed must have."""
        bound = (item for item in self.bindings.values() if isinstance(item, str))
        return frozenset(bound) | frozenset(self.params.values())


class Supplier(_Section):
    """One configured source of feeds."""

    code: str
    name: str = Field(min_length=1)
    currency: Currency | None = None
    sources: tuple[Source, ...] = Field(min_length=1)
    mapping: Mapping
    retry: Retry = Retry()


class SupplierDirectory:
    """The folder of supplier files, read anew at every call: an edit needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def codes(self) -> tuple[str, ...]:
        """List every supplier's code, sorted.

        Raises:
            SupplierError: The folder is missing, or a file's name cannot be a code.
        """
        codes = self._names()
        for code in codes:
            if not _is_code(code):
                raise SupplierError(
                    f"supplier file {self._folder / code}.toml: rename it; a supplier code is "
                    f"{SUPPLIER_CODE_MAX_LENGTH} lower-case letters, digits, '-' or '_' at most, "
                    f"and not {ALL_SUPPLIERS!r}"
                )
        return codes

    def load(self, code: str) -> Supplier:
        """Read one supplier's file.

        Raises:
            SupplierError: There is none (the known ones are named), or it is wrong (file, line or
                key, and what to do).
        """
        codes = tuple(filter(_is_code, self._names()))
        if code not in codes:
            known = ", ".join(codes) or f"none; put CODE.toml files into {self._folder}"
            raise SupplierError(f"there is no supplier {code!r}; known suppliers: {known}")
        path = self._folder / f"{code}.toml"
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError, OSError) as error:
            raise SupplierError(f"supplier file {path} cannot be read: {error}") from error
        return _parse(content, code=code, path=path)

    def _names(self) -> tuple[str, ...]:
        if not self._folder.is_dir():
            raise SupplierError(
                f"the suppliers folder {self._folder} does not exist; "
                "set CONTEXTWORKER_SUPPLIERS_DIR to the folder with your supplier files"
            )
        # Hidden files are what editors and file servers leave beside the real ones.
        files = (path.stem for path in self._folder.glob("*.toml") if path.name[0] != ".")
        return tuple(sorted(files))


def _is_code(code: str) -> bool:
    return (
        re.fullmatch(SUPPLIER_CODE_PATTERN.strip("^$"), code) is not None
        and len(code) <= SUPPLIER_CODE_MAX_LENGTH
        and code != ALL_SUPPLIERS
    )


def _parse(content: dict[str, Any], *, code: str, path: Path) -> Supplier:
    if "code" in content:
        raise SupplierError(
            f"supplier file {path}: code is not a known key; the file's name is the code"
        )
    try:
        supplier = Supplier.model_validate({**content, "code": code})
    except ValidationError as error:
        problems = "; ".join(_sentences(error.errors()))
        raise SupplierError(f"supplier file {path}: {problems}") from error
    sources = tuple(_resolve(source, path.parent) for source in supplier.sources)
    return supplier.model_copy(update={"sources": sources})


def _resolve(source: Source, folder: Path) -> Source:
    if urlsplit(source.url).scheme:
        return source
    return source.model_copy(update={"url": (folder / source.url).resolve().as_uri()})


_SECTIONS: dict[str, type[BaseModel]] = {"sources": Source, "mapping": Mapping, "retry": Retry}


def _sentences(problems: list[ErrorDetails]) -> list[str]:
    """Say what is wrong; a list whose every item is wrong is not called empty besides."""
    within = {problem["loc"][:1] for problem in problems if len(problem["loc"]) > 1}
    return [
        _sentence(problem)
        for problem in problems
        if not (problem["type"] == "too_short" and problem["loc"] in within)
    ]


def _sentence(problem: ErrorDetails) -> str:
    """Say what is wrong with a key as a person would."""
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{where} is missing"
    if problem["type"] == "extra_forbidden":
        section = _SECTIONS.get(str(problem["loc"][0]), Supplier)
        known = sorted(section.model_fields.keys() - {"code"})
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return f"{where} is not a known key; {hint}"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
