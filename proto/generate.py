"""Generate the Python code of the wire contracts: `uv run proto/generate.py`, `--check` in CI.

The descriptors keep their bare file names (`context_unit.proto` is part of the contract), so the
generated modules import each other by bare name too; one rewrite makes those imports absolute.
"""

import argparse
import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped] # has none

PROTO = Path(__file__).parent
TARGET = PROTO.parent / "packages/contextworker-core/src/contextcore"
BARE_IMPORT = re.compile(
    r"^import (context_unit_pb2|worker_pb2|commerce_pb2)(?: as (\w+))?$", re.MULTILINE
)


def generate(into: Path) -> None:
    """Write the modules and typed stubs of every contract into a folder."""
    contracts = sorted(PROTO.glob("*.proto"))
    services = [path for path in contracts if "\nservice " in path.read_text()]
    _protoc(contracts, f"--python_out={into}", f"--mypy_out={into}")
    _protoc(services, f"--grpc_python_out={into}", f"--mypy_grpc_out={into}")
    for path in into.glob("*_pb2*.py*"):
        path.write_text(BARE_IMPORT.sub(_absolute, path.read_text()))


def _protoc(contracts: list[Path], *outputs: str) -> None:
    includes = [f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}"]
    if code := protoc.main(["protoc", *includes, *outputs, *map(str, contracts)]):
        sys.exit(code)


def _absolute(match: re.Match[str]) -> str:
    module, alias = match.groups()
    return f"from contextcore import {module} as {alias or module}"


def main() -> None:
    """Generate in place, or with --check exit 1 and name the files that are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if stale")
    if not parser.parse_args().check:
        generate(TARGET)
        return
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        expected = {path.name: path.read_text() for path in fresh.iterdir()}
        actual = {path.name: path.read_text() for path in TARGET.glob("*_pb2*")}
        stale = sorted(
            name
            for name in expected.keys() | actual.keys()
            if expected.get(name) != actual.get(name)
        )
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; run `uv run proto/generate.py` and commit")


if __name__ == "__main__":
    main()
