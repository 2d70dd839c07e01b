"""Whether a block is right as it stands: each language by what reads it in earnest."""

import ast
import base64
import csv
import itertools
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from code_blocks import ROOT, CodeBlock
from ruamel.yaml import YAML

from contextworker.core.client import Schedule
from contextworker.core.encryption.key_file import KeyFile
from contextworker.gardener.enrichers.categories.taxonomy import load_taxonomy
from contextworker.gardener.enrichers.configuration import read_configuration
from contextworker.gardener.enrichers.terms.tech_file import load_tech
from contextworker.harvest.suppliers import SupplierDirectory
from contextworker.sandbox.limits import read_limits

_PACKAGED = ROOT / "packages/gardener/src/contextworker/gardener/data"
_COMMAND = re.compile(r"^\$ (.*)", re.MULTILINE)
_OURS = re.compile(r"(?<![\w/.])(?:deploy|examples|benchmarks|\.ci|proto)/[\w./-]*\w")
# The reader makes it.
_MADE = {"deploy/.env"}


def check(block: CodeBlock, folder: Path) -> None:
    """Read a block as its language is read.

    Args:
        block: What to read.
        folder: An empty one, for the files that readers want.

    Raises:
        Exception: The reader's own, or a KeyError where nothing reads such a block.
    """
    if block.language not in _READERS:
        raise KeyError(f"{block.place}: nothing reads {block.language!r}; add it to {__file__}")
    _READERS[block.language](block, folder)


def _python(block: CodeBlock, folder: Path) -> None:
    compile(block.source, block.place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _bash(block: CodeBlock, folder: Path) -> None:
    _shell_reads(block.source)


def _console(block: CodeBlock, folder: Path) -> None:
    commands = _COMMAND.findall(block.source)
    if not commands:
        raise ValueError("a console block shows its commands behind `$ `")
    _shell_reads("\n".join(commands))


def _shell_reads(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SyntaxError(done.stderr)
    missing = {name for name in _OURS.findall(script) if not (ROOT / name).exists()} - _MADE
    if missing:
        raise FileNotFoundError(f"the repository has no {', '.join(sorted(missing))}")


def _json(block: CodeBlock, folder: Path) -> None:
    try:
        json.loads(block.source)
    except json.JSONDecodeError:  # JSON Lines
        for line in block.source.splitlines():
            json.loads(line)


def _csv(block: CodeBlock, folder: Path) -> None:
    if len({len(row) for row in csv.reader(block.source.splitlines(), strict=True)}) != 1:
        raise ValueError("its rows have not all as many cells as its header")


def _yaml(block: CodeBlock, folder: Path) -> None:
    list(YAML(typ="safe").load_all(block.source))


def _toml(block: CodeBlock, folder: Path) -> None:
    tables = tomllib.loads(block.source)
    file = folder / "block.toml"
    file.write_text(block.source, encoding="utf-8")
    if "sources" in tables:
        SupplierDirectory(folder).load("block")
    elif "schedules" in tables:
        for schedule in tables["schedules"]:
            Schedule(**schedule)
    elif "keys" in tables:
        _keys(block, file)
    elif "category" in tables:
        load_taxonomy(file)
    elif "technology" in tables or "material" in tables:
        load_tech(file)
    elif tables.keys() & {"default", "tenants"} and not block.skipped:
        _configuration(tables, file)


def _keys(block: CodeBlock, file: Path) -> None:
    """Read a file of keys, which are left out of a page."""
    made = itertools.count(1)
    source = re.sub(
        "…", lambda _: base64.b64encode(bytes([next(made)] * 32)).decode(), block.source
    )
    file.write_text(source, encoding="utf-8")
    file.chmod(0o600)
    KeyFile(file).read()


def _configuration(tables: dict[str, Any], file: Path) -> None:
    """Read what is told by tenant: the sandbox's limits have numbers, the gardener tables."""
    if any(isinstance(value, int) for value in tables.get("default", {}).values()):
        read_limits(file)
        return
    shutil.copy(_PACKAGED / "taxonomy.toml", file.parent)
    (file.parent / "google_product_taxonomy.txt").write_text("1 - Animals\n3 - Animals > Pets\n")
    (file.parent / "labels.jsonl").write_text("{}\n")
    read_configuration(file)


def _as_it_stands(block: CodeBlock, folder: Path) -> None:
    """Text is for people; of the others, what reads them is on no machine that builds this."""


_READERS: dict[str, Callable[[CodeBlock, Path], None]] = {
    "bash": _bash,
    "console": _console,
    "csv": _csv,
    "dockerfile": _as_it_stands,
    "js": _as_it_stands,
    "json": _json,
    "promql": _as_it_stands,  # tests/integration/test_monitoring.py asks the rules themselves
    "proto": _as_it_stands,
    "python": _python,
    "sql": _as_it_stands,
    "text": _as_it_stands,
    "toml": _toml,
    "yaml": _yaml,
}
