"""Measure the gardener: `uv run benchmarks/gardener.py PART`, of which `--help` says more.

- `taxonomy`: how well categories are learnt, how sure the classifier is, and how fast.
- `attributes`: how well brand, model and other attributes are read in names.
- `speed`: a catalogue gone through, from claim to store.
"""

import sys

from gardening import attributes, speed, taxonomy

PARTS = {"taxonomy": taxonomy.main, "attributes": attributes.main, "speed": speed.main}


def main(arguments: list[str]) -> None:
    """Run a part with its own arguments."""
    if not arguments or arguments[0] not in PARTS:
        print(__doc__, file=sys.stdout if arguments[:1] in (["-h"], ["--help"]) else sys.stderr)
        sys.exit(0 if arguments[:1] in (["-h"], ["--help"]) else 2)
    PARTS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
