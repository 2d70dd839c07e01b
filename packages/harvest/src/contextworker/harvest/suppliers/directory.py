"""The folder of supplier files: `CODE.toml`, whose name without `.toml` is the supplier's code."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contextworker.harvest.errors import SupplierError
from contextworker.harvest.messages import (
    ALL_SUPPLIERS,
    SUPPLIER_CODE_MAX_LENGTH,
    SUPPLIER_CODE_PATTERN,
    Retry,
)
from contextworker.harvest.suppliers.binding import Binding, toml_key
from contextworker.harvest.suppliers.defaults import completed
from contextworker.harvest.suppliers.mapping import Mapping, Selection
from contextworker.harvest.suppliers.retry import RetrySection
from contextworker.harvest.suppliers.source import Source
from contextworker.harvest.suppliers.supplier import Supplier


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

    def usable(self) -> tuple[str, ...]:
        """List the codes without files whose names cannot be one.

        Raises:
            SupplierError: The folder is missing.
        """
        return tuple(filter(_is_code, self._names()))

    def has(self, code: str) -> bool:
        """Tell whether there is a file for a supplier; what it says may be wrong."""
        return _is_code(code) and (self._folder / f"{code}.toml").is_file()

    def load(self, code: str) -> Supplier:
        """Read one supplier's file.

        Raises:
            SupplierError: There is none (the known ones are named), or it is wrong (file, line or
                key, and what to do).
        """
        codes = self.usable()
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
    if left_out := _left_out(supplier):
        raise SupplierError(f"supplier file {path}: {'; '.join(left_out)}")
    sources = tuple(_resolve(source, path.parent) for source in supplier.sources)
    return supplier.model_copy(update={"sources": sources})


def _left_out(supplier: Supplier) -> list[str]:
    """Say what a mapping lacks, where that is certain before a feed is seen.

    Without any mapping a file is still good for looking at the feed.
    """
    if not supplier.mapping.model_fields_set:
        return []
    mappings = [completed(supplier.mapping, source.format) for source in supplier.sources]
    known = [
        mapping.problems()
        for mapping, source in zip(mappings, supplier.sources, strict=True)
        if source.format is not None
    ]
    return list(dict.fromkeys(problem for problems in known for problem in problems))


def _resolve(source: Source, folder: Path) -> Source:
    if urlsplit(source.url).scheme:
        return source
    return source.model_copy(update={"url": (folder / source.url).resolve().as_uri()})


_SECTIONS: dict[str, type[BaseModel]] = {
    "sources": Source,
    "mapping": Mapping,
    "retry": RetrySection,
}


def _section(place: tuple[int | str, ...]) -> type[BaseModel]:
    """Return what the table with a key is."""
    match place:
        case ("mapping", "only" | "except", _):
            return Selection
        case ("mapping", _, _, *_):
            return Binding
        case ("retry", _, _):
            return Retry
        case (section, _, *_):
            return _SECTIONS.get(str(section), Supplier)
        case _:
            return Supplier


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
    where = ".".join(str(part) for part in problem["loc"]).replace("params.named.", "params.")
    if problem["type"] == "missing":
        return f"{where} is missing"
    if problem["type"] == "extra_forbidden":
        section = _section(problem["loc"])
        known = sorted(toml_key(name) for name in section.model_fields if name != "code")
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return f"{where} is not a known key; {hint}"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
