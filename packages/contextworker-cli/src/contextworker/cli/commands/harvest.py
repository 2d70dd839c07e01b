"""`contextworker harvest …`: suppliers, their feeds, and their rejects."""

import asyncio
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from contextworker.brain import RunRecord
from contextworker.cli.address import suppliers_folder
from contextworker.cli.commands.options import Json, Tenant
from contextworker.cli.commands.rejects import app as rejects
from contextworker.cli.commands.stored import open_stored
from contextworker.cli.errors import BrainError
from contextworker.cli.output.check_view import check_view, dumped
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.supplier_table import SupplierLine, supplier_table
from contextworker.core.errors import ContextWorkerError
from contextworker.core.messages import DEFAULT_TENANT
from contextworker.harvest.errors import SupplierError
from contextworker.harvest.suppliers import SupplierDirectory

if TYPE_CHECKING:
    from contextworker.harvest.checking import SourceReport

app = App(name="harvest", help="Suppliers: list them, look at their feeds, replay their rejects.")
app.command(rejects, name="rejects")


@app.command
async def suppliers(*, tenant: Tenant = DEFAULT_TENANT, json: Json = False) -> None:
    """List the supplier files, with each one's last harvest where the Brain can be asked."""
    folder = suppliers_folder()
    directory = SupplierDirectory(folder)
    codes = await asyncio.to_thread(directory.codes)
    runs = await _last_runs(tenant, codes)
    lines = []
    for code in codes:
        try:
            lines.append(SupplierLine.of(directory.load(code), runs.get(code)))
        except SupplierError as error:
            lines.append(SupplierLine(code=code, error=str(error), last_run=runs.get(code)))
    if json:
        print_json([line.model_dump(mode="json") for line in lines])
    elif lines:
        out().print(supplier_table(lines))
    else:
        err().print(f"There is no supplier in {folder}; put CODE.toml files there.", markup=False)


@app.command
async def check(
    supplier: Annotated[str, Parameter(help="Its code: the name of its file without .toml.")],
    /,
    *,
    sample: Annotated[
        int,
        Parameter(help="How many products and rejects to show.", validator=Number(gte=1, lte=1000)),
    ] = 20,
    json: Json = False,
) -> int:
    """Look at a supplier's feeds, storing nothing: what a harvest would make of their first rows.

    Shows what each column becomes, the first products, the first rejects with their reasons, and
    for a feed without a mapping a guess to paste. Exit code 1: a feed could not be harvested so.
    """
    # Only this command needs polars, and the others start in a third of the time.
    from contextworker.harvest.checking import Checker  # noqa: PLC0415
    from contextworker.harvest.feeds.fetch import Fetcher, fetch_limits  # noqa: PLC0415
    from contextworker.harvest.settings import HarvestSettings  # noqa: PLC0415

    loaded = SupplierDirectory(suppliers_folder()).load(supplier)
    settings = HarvestSettings()
    checker = Checker(
        Fetcher(fetch_limits(settings), environment=os.environ),
        max_workbook_bytes=settings.harvest_max_workbook_bytes,
    )
    reports = []
    for number in range(len(loaded.sources)):
        report = await checker.check(loaded, number, sample=sample)
        reports.append(report)
        if not json:
            _show(report, supplier)
    if json:
        print_json([dumped(report) for report in reports])
    is_ready = all(
        report.problem is None and report.drift is None and report.guess is None
        for report in reports
    )
    return 0 if is_ready else 1


def _show(report: "SourceReport", supplier: str) -> None:
    out().print(check_view(report, supplier_code=supplier))
    if report.guess:
        out().print(f"\n{report.guess}", style="cyan", markup=False, soft_wrap=True, end="")
    out().print()


async def _last_runs(tenant: str, codes: Iterable[str]) -> dict[str, RunRecord]:
    """Ask the Brain how each supplier's last harvest went; without one, nobody can say."""
    found: dict[str, RunRecord] = {}
    try:
        async with open_stored() as brain:
            for code in codes:
                for run in await brain.list_runs(tenant, supplier_code=code, limit=1):
                    found[code] = run
    except (BrainError, ContextWorkerError) as error:
        err().print(f"Last harvests are not shown: {error}", markup=False)
    return found
