"""The script a hand would write: polars, COPY into a staging table, one merge.

`bare.py FEED POSTGRESQL_URL` prints the seconds it took. No validation, no rejects, no history, no
removals, nothing that a crash would leave to resume.
"""

import sys
import time
from pathlib import Path

import polars as pl
import psycopg

_COLUMNS = (
    "sku text, name text, brand text, category text, price numeric, currency text, "
    "quantity bigint, availability text, description text, url text"
)
_NAMES = tuple(column.split()[0] for column in _COLUMNS.split(", "))
_CHUNK = 1024 * 1024


def load(feed: Path, url: str) -> None:
    """Load a feed into the table `bare`."""
    names = ", ".join(_NAMES)
    changes = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
    differs = " OR ".join(f"bare.{name} IS DISTINCT FROM excluded.{name}" for name in _NAMES[1:])
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS bare ({_COLUMNS}, PRIMARY KEY (sku))".encode())
        cursor.execute("CREATE TEMP TABLE staging (LIKE bare) ON COMMIT DROP")
        frame = pl.read_csv(feed, schema_overrides={"price": pl.String})
        with cursor.copy(f"COPY staging ({names}) FROM STDIN (FORMAT csv)".encode()) as copy:
            for part in frame.iter_slices(50_000):
                copy.write(part.write_csv(include_header=False).encode())
        cursor.execute(
            f"INSERT INTO bare ({names}) SELECT {names} FROM staging "
            f"ON CONFLICT (sku) DO UPDATE SET {changes} WHERE {differs}".encode()
        )


if __name__ == "__main__":
    begun = time.perf_counter()
    load(Path(sys.argv[1]), sys.argv[2])
    print(time.perf_counter() - begun)
