"""`contextworker objects …`: what lies in the object store."""

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.table import Table

from contextworker.cli.address import store_url
from contextworker.cli.commands.options import Json
from contextworker.cli.output.console import err, out, print_json
from contextworker.core.objects import ObjectStore
from contextworker.core.payload_cleaning import OldPayloads, first_day_kept, old_payloads
from contextworker.core.payload_cleaning import clean as clean_payloads

app = App(name="objects", help="Clean the object store up.")


@app.command
async def clean(
    *,
    older_than: Annotated[
        int,
        Parameter(
            name="--older-than",
            help="Days. A run that is older cannot be read any more, nor go on.",
            validator=Number(gte=1),
        ),
    ],
    dry_run: Annotated[
        bool, Parameter(name="--dry-run", negative=(), help="Show what would go, and keep it.")
    ] = False,
    json: Json = False,
) -> None:
    """Delete large payloads of runs that were stored more than so many days ago.

    Workers do so by themselves after CONTEXTWORKER_PAYLOAD_RETENTION_DAYS; this is for a store that
    has to be emptied sooner. Feeds, models and snapshots of programs stay.
    """
    store = ObjectStore.from_url(store_url())
    if dry_run:
        found = await old_payloads(store, before=first_day_kept(older_than))
    else:
        found = await clean_payloads(store, retention_days=older_than)
    if json:
        print_json([{"tenant_id": item.tenant_id, "day": item.day.isoformat()} for item in found])
    elif found:
        out().print(_table(found))
        err().print("Nothing was deleted." if dry_run else "Deleted.", markup=False)
    else:
        err().print(f"No payloads are older than {older_than} days.", markup=False)


def _table(found: list[OldPayloads]) -> Table:
    table = Table("tenant", "stored on", box=None, pad_edge=False)
    for item in found:
        table.add_row(item.tenant_id, item.day.isoformat())
    return table
