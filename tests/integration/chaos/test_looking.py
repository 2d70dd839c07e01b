"""What the checks go by is really seen: violations planted in a running system are found."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.callers import Callers
from harness.ledger import Ledger
from harness.load import Load
from harness.processes import Process
from harness.system import ChaosSystem, chaos_system
from invariants.check import violations
from invariants.looking import look

SERVICES = ("gateway", "harvest-1")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # every wait in it is bounded
_PATIENCE_S = 60


@dataclass(frozen=True)
class Quiet:
    """A system in which a tenant was harvested, and nothing goes on."""

    system: ChaosSystem
    ledger: Ledger
    callers: Callers

    async def found(self, expected: set[str]) -> set[str]:
        """Return the checks that object, once they are the expected ones: lists are late."""
        deadline = time.monotonic() + _PATIENCE_S
        while (found := await self._found()) != expected and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        return found

    async def _found(self) -> set[str]:
        seen = await look(self.system, self.ledger, self.callers)
        harvested = {code: one for code, one in self.system.catalogues.items() if one.version}
        sentences = violations(harvested, self.ledger, seen, modules=self.system.modules)
        return {sentence.partition(":")[0] for sentence in sentences}

    async def change(self, statement: str) -> None:
        """Change the Brain behind everybody's back."""
        [changed] = await self.system.brain.rows(f"{statement} RETURNING 1")
        assert (1,) == changed


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[Quiet]:
    """Two versions harvested, so that there is a history."""
    async with (
        chaos_system(tmp_path, seed=1, on_sqlite=True, services=SERVICES) as system,
        system.client() as client,
    ):
        callers = Callers(system, Ledger(), client)
        for _ in range(2):
            await Load(system, callers, ["bravo"]).settle()
        yield Quiet(system, callers.ledger, callers)


async def test_what_is_planted_is_found(quiet: Quiet) -> None:
    """One after the other, each by the check it is meant for."""
    assert set() == await quiet.found(set())

    await quiet.change("UPDATE products SET price_retail = '0.01' WHERE sku = 'bravo-a-1'")
    wrong = {"products_as_fed"}
    assert wrong == await quiet.found(wrong)

    columns = "tenant_id, product_id, dealer_code, sku, field, old, new, run_id, changed_at"
    await quiet.change(
        f"INSERT INTO product_history ({columns}) SELECT {columns} FROM product_history LIMIT 1"
    )
    wrong = {"products_as_fed", "each_change_once"}
    assert wrong == await quiet.found(wrong)

    await quiet.change("DELETE FROM rejects WHERE rowid = (SELECT min(rowid) FROM rejects)")
    wrong = {"products_as_fed", "each_change_once", "no_reject_lost"}
    assert wrong == await quiet.found(wrong)


async def test_what_stays_behind_is_found(quiet: Quiet) -> None:
    """An object, a temporary file, a process of a worker that is gone, a run of nobody."""
    system = quiet.system
    half = system.store / "bravo" / "harvest" / "bravo-a" / "feeds" / f"{'0' * 64}#1"
    half.write_text("half")
    wrong = {"no_object_left"}
    assert wrong == await quiet.found(wrong)

    (system.temporary("harvest-1") / "left").write_text("over")
    wrong = {"no_object_left", "no_temporary_file_left"}
    assert wrong == await quiet.found(wrong)

    temporal = await system.temporal.connect()
    await temporal.start_workflow("harvest", id="nobody", task_queue="nowhere")
    wrong = {"no_object_left", "no_temporary_file_left", "one_run_each", "every_run_ends"}
    assert wrong == await quiet.found(wrong)


async def test_a_process_that_outlives_its_own_is_found(quiet: Quiet) -> None:
    """Whatever it was started by is killed; it stays in that one's session."""
    command = ["sh", "-c", "sleep 300 & echo started; wait"]
    process = Process("parent", command, os.environ, quiet.system.folder)
    quiet.system.processes["parent"] = process
    process.start()
    async with asyncio.timeout(_PATIENCE_S):
        while "started" not in process.log.read_text():
            await asyncio.sleep(0.05)
    assert set() == await quiet.found(set())

    process.kill()

    wrong = {"no_process_left"}
    assert wrong == await quiet.found(wrong)
