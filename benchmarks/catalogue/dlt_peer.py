# /// script
# requires-python = ">=3.11"
# dependencies = ["dlt[postgres]==1.31.0", "pyarrow==26.0.1"]
# ///
"""dlt loading a feed: `dlt_peer.py arrow|rows [--parquet] FEED POSTGRESQL_URL` prints the seconds.

Both ways merge by sku. `arrow` yields what pyarrow reads from the CSV, block by block; `rows`
yields a dict for each row. Both go through COPY (`loader_file_format="csv"`), which is the fastest
of what `dlt[postgres]` brings; with `--parquet`, which needs ADBC's driver besides, through that.
"""

import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

import dlt  # type: ignore[import-not-found] # installed for this script alone
import pyarrow.csv  # type: ignore[import-not-found] # installed for this script alone


def blocks(feed: Path) -> Iterator[Any]:
    """Yield the feed as record batches of pyarrow."""
    with pyarrow.csv.open_csv(feed) as reader:
        for batch in reader:
            yield pyarrow.Table.from_batches([batch])


def rows(feed: Path) -> Iterator[dict[str, Any]]:
    """Yield the feed as dicts, numbers as numbers."""
    with feed.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {**row, "price": float(row["price"]), "quantity": int(row["quantity"])}


def load(way: str, file_format: str, feed: Path, url: str) -> None:
    """Load a feed into the table `products` of the schema `dlt_WAY`."""
    read = blocks if way == "arrow" else rows
    resource = dlt.resource(
        read(feed), name="products", primary_key="sku",
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            f"peer_{way}",
            pipelines_dir=folder,
            destination=dlt.destinations.postgres(url.replace("@/", ":none@localhost/")),
            dataset_name=f"dlt_{way}",
        )
        pipeline.run(resource, loader_file_format=file_format).raise_on_failed_jobs()


if __name__ == "__main__":
    begun = time.perf_counter()
    chosen = "parquet" if "--parquet" in sys.argv else "csv"
    load(sys.argv[1], chosen, Path(sys.argv[-2]), sys.argv[-1])
    print(time.perf_counter() - begun)
