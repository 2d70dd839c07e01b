"""Write the tables of every metric: `uv run docs/metrics.py`; `--check` fails if they are stale."""

import argparse
import sys
from pathlib import Path
from typing import Any

import contextworker.core.metrics  # noqa: F401 # with it, all instruments are declared
from contextworker.core.metrics.instruments import Instrument, declared

TARGET = Path(__file__).parent / "operations" / "metrics.md"
MARK = "<!-- metrics: written by docs/metrics.py -->\n"
ROOMS = {
    "gateway": "The gateway",
    "harvest": "Harvests",
    "gardener": "The gardener",
    "llm": "Language models",
    "sandbox": "The sandbox",
    "brain": "The Brain",
    "object_store": "The object store",
    "decryption": "Encryption",
    "codec_server": "The codec server",
}


def page() -> str:
    """Return the page: what people wrote, and the tables after the mark."""
    written, mark, _ = TARGET.read_text(encoding="utf-8").partition(MARK)
    return written + mark + "".join(_table(room, title) for room, title in ROOMS.items())


def _table(room: str, title: str) -> str:
    rows = [_row(each) for each in declared() if each.name.startswith(f"contextworker_{room}_")]
    head = f"\n## {title}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n"
    return head + "".join(rows)


def _row(each: Instrument[Any, Any]) -> str:
    labels = ", ".join(f"`{label}`" for label in each.labels)
    return f"| `{each.exported_name}` | {each.kind} | {labels} | {each.description} |\n"


def main() -> None:
    """Write the page, or with --check exit 1 where it is stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if stale")
    if not parser.parse_args().check:
        TARGET.write_text(page(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != page():
        sys.exit("docs/operations/metrics.md is stale; run `uv run docs/metrics.py` and commit")


if __name__ == "__main__":
    main()
