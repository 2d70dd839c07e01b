"""Suppliers, looks at their feeds, and their rejects, on the command line."""

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_gateway import ScriptedGateway

from contextworker.brain import Brain, RejectRecord, UpsertCounts, open_brain

Call = Callable[..., Any]
Store = Callable[[Callable[[Brain], Awaitable[object]]], None]


@pytest.fixture
def suppliers(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of supplier files: `shop`, mapped, and `new`, not yet."""
    call()  # clears the environment
    folder = tmp_path / "suppliers"
    folder.mkdir()
    feed = "sku,title,price\na1,Tent,9.50\n,Mat,8.50\na3,Cup,x\n"
    (folder / "feed.csv").write_text(feed, encoding="utf-8")
    head = 'name = "Shop"\ncurrency = "EUR"\n[[sources]]\nurl = "feed.csv"\n'
    mapping = '[mapping]\nsku = "sku"\nname = "title"\nprice_retail = "price"\n'
    (folder / "shop.toml").write_text(f"{head}{mapping}[retry]\nmaximum_attempts = 3\n")
    (folder / "new.toml").write_text(head)
    monkeypatch.setenv("CONTEXTWORKER_SUPPLIERS_DIR", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return what writes into a Brain that the commands then read."""
    call()
    url = f"sqlite:///{tmp_path}/brain.db"
    monkeypatch.setenv("BRAIN_URL", url)

    def write(work: Callable[[Brain], Awaitable[object]]) -> None:
        async def opened() -> None:
            async with open_brain(url) as brain:
                await work(brain)

        asyncio.run(opened())

    return write


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, call: Call) -> Iterator[ScriptedGateway]:
    """A scripted gateway that the commands ask."""
    call()
    gateway = ScriptedGateway()
    gateway.start()
    monkeypatch.setenv("WORKER_ADDRESS", gateway.address)
    yield gateway
    gateway.stop()


def reject(row: int, **raw: Any) -> RejectRecord:
    """Return a reject of the feed."""
    return RejectRecord(
        source="feed.csv", row_number=row, reason_code="bad_price", reason="No price.", raw=raw
    )


async def run(brain: Brain, run_id: str, *rejects: RejectRecord, supplier: str = "shop") -> None:
    """Store a completed run with rejects."""
    await brain.start_run("t", run_id=run_id, workflow_id=f"w-{run_id}", supplier_code=supplier)
    await brain.record_rejects("t", run_id=run_id, rejects=rejects)
    await brain.finish_run(
        "t", run_id=run_id, counts=UpsertCounts(inserted=1), rejected=len(rejects)
    )


def words(text: str) -> str:
    """Text without what lays it out."""
    return " ".join(text.split())


@pytest.mark.usefixtures("suppliers")
def test_suppliers(call: Call, store: Store) -> None:
    """Each supplier with its feeds, its retries, and how its last harvest went."""
    store(lambda brain: run(brain, "1"))
    called = call("harvest", "suppliers", "--tenant", "t")
    assert 0 == called.code
    assert "shop Shop file://" in words(called.out)
    assert "3 times, 2 to 120 s apart completed 20" in words(called.out)
    new, shop = json.loads(call("harvest", "suppliers", "--tenant", "t", "--json").out)
    assert ("new", None) == (new["code"], new["last_run"])
    assert ("shop", "EUR", 3, "completed") == (
        shop["code"],
        shop["currency"],
        shop["retry"]["fetch"]["maximum_attempts"],
        shop["last_run"]["status"],
    )


def test_suppliers_without_a_brain(call: Call, suppliers: Path) -> None:
    """They are listed all the same, a wrong file with what is wrong, and it is said why."""
    (suppliers / "torn.toml").write_text("name = ")
    called = call("harvest", "suppliers")
    assert 0 == called.code
    assert "Last harvests are not shown: There is no Brain here" in called.err
    assert "cannot be read" in words(called.out)
    assert ["new", "shop", "torn"] == [
        item["code"] for item in json.loads(call("harvest", "suppliers", "--json").out)
    ]


@pytest.mark.usefixtures("suppliers")
def test_check(call: Call, tmp_path: Path) -> None:
    """What a harvest would make of the feed, with nothing stored."""
    called = call("harvest", "check", "shop", "--sample", "1")
    assert 0 == called.code, called
    out = words(called.out)
    assert "csv, utf-8, delimiter ',', 48 bytes, all 3 rows" in out
    assert "title text name Tent, Mat, Cup" in out
    assert "a1 Tent 9.50 EUR" in out
    assert "the column 'sku' is empty" in out
    assert "1 product, 2 rejects (1 missing sku, 1 bad price)" in out
    assert ["suppliers"] == [path.name for path in tmp_path.iterdir()]
    (report,) = json.loads(call("harvest", "check", "shop", "--json").out)
    assert ("csv", "a1", "9.5", [3, 4]) == (
        report["format"],
        report["products"][0]["sku"],
        report["products"][0]["price_retail"],
        [item["row_number"] for item in report["rejects"]],
    )


def test_check_of_an_unmapped_feed(call: Call, suppliers: Path) -> None:
    """A guess is printed, ready to be pasted: with it, the feed can be harvested."""
    called = call("harvest", "check", "new")
    assert 1 == called.code
    guess = called.out[called.out.index("[mapping]") :]
    assert 'sku = "sku"  # a1, a3\nname = "title"  # Tent, Mat\n' in guess
    with (suppliers / "new.toml").open("a") as file:
        file.write(guess)
    assert 0 == call("harvest", "check", "new").code


@pytest.mark.usefixtures("suppliers")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check", "nobody"], 1, "there is no supplier 'nobody'; known suppliers: new, shop"),
        (["check"], 2, "requires an argument"),
        (["check", "shop", "--sample", "0"], 2, "Must be >= 1"),
        (["rejects", "export", "a.xlsx"], 2, "let its name end in .csv or .jsonl"),
        (["rejects", "list"], 1, "There is no Brain here"),
        (["rejects", "replay", "shop"], 1, "There is no Brain here"),
    ],
)
def test_mistakes(call: Call, arguments: list[str], code: int, said: str) -> None:
    """A person's mistake is told in a sentence."""
    called = call("harvest", *arguments)
    assert code == called.code
    assert said in words(called.err + called.out)


def test_a_feed_that_changed(call: Call, suppliers: Path) -> None:
    """A lost column makes the exit code 1, and is told as a harvest would."""
    (suppliers / "feed.csv").write_text("sku,title,salePrice\na1,Tent,9.50\n")
    called = call("harvest", "check", "shop")
    assert 1 == called.code
    assert "the likeliest new one is 'salePrice'" in words(called.out)


def test_rejects_are_listed(call: Call, store: Store) -> None:
    """By supplier, by run, and those only that are still to be replayed."""

    async def work(brain: Brain) -> None:
        await run(brain, "1", reject(2, sku="a"), reject(3, sku="b"))
        await run(brain, "2", reject(4, sku="c"), supplier="other")
        await brain.resolve_rejects("t", run_id="1", rows=[("feed.csv", 2)], resolved_run_id="3")

    store(work)

    def rows(*arguments: str) -> list[int]:
        called = call("harvest", "rejects", "list", "--tenant", "t", *arguments, "--json")
        return [item["row_number"] for item in json.loads(called.out)]

    assert [2, 3, 4] == rows()
    assert [2, 3] == rows("--supplier", "shop")
    assert [4] == rows("--run", "2")
    assert [3] == rows("--supplier", "shop", "--unresolved")
    assert [2] == rows("--limit", "1")
    called = call("harvest", "rejects", "list", "--tenant", "t", "--limit", "1")
    assert "feed.csv 2 No price. sku=a" in words(called.out)


@pytest.mark.parametrize("count", [3, 2500])
def test_rejects_are_exported(call: Call, store: Store, tmp_path: Path, count: int) -> None:
    """Each with its row, as a table whose columns are the feed's, or as JSON lines."""
    raws: list[dict[str, Any]] = [
        {"sku": "=a", "reason": "Ціна"},
        {"sku": None, "deep": [1, {"x": "\n"}]},
    ]
    rejects = [reject(n, **raws[n % 2]) for n in range(count)]
    store(lambda brain: run(brain, "1", *rejects))
    called = call("harvest", "rejects", "export", "out.csv", "--tenant", "t")
    assert (0, f"{count:,} rejects in out.csv\n") == (called.code, called.err)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert count == len(table)
    assert {
        "run_id": "1",
        "source": "feed.csv",
        "row_number": "1",
        "reason_code": "bad_price",
        "reason": "No price.",
        "resolved_run_id": "",
        "sku": "",
        "row.reason": "",
        "deep": '[1, {"x": "\\n"}]',
    } == table[1]
    assert ("=a", "Ціна") == (table[2]["sku"], table[2]["row.reason"])
    assert 0 == call("harvest", "rejects", "export", "out.JSONL", "--tenant", "t").code
    lines = (tmp_path / "out.JSONL").read_text(encoding="utf-8").splitlines()
    assert raws[1] == json.loads(lines[1])["raw"]
    assert count == len(lines)


def test_export_leaves_what_it_cannot_replace(call: Call, store: Store, tmp_path: Path) -> None:
    """A folder that is not there is told, and no half-written file is left."""
    store(lambda brain: run(brain, "1", reject(1)))
    called = call("harvest", "rejects", "export", "no/out.csv", "--tenant", "t")
    assert 1 == called.code
    assert "no/out.csv cannot be written: No such file or directory." in called.err
    assert 0 == call("harvest", "rejects", "export", "none.csv", "--tenant", "nobody").code
    assert [] == [path.name for path in tmp_path.iterdir() if "part" in path.name]


def test_replay(call: Call, store: Store, gateway: ScriptedGateway) -> None:
    """The latest run with rejects that wait is replayed, and followed to its end."""

    async def work(brain: Brain) -> None:
        await run(brain, "1", reject(2))
        await run(brain, "2", reject(2))
        await run(brain, "3", reject(2), supplier="other")
        await run(brain, "4", reject(5))
        await brain.resolve_rejects("t", run_id="4", rows=[("feed.csv", 5)], resolved_run_id="5")
        await brain.start_run("t", run_id="6", workflow_id="w", supplier_code="shop")
        await brain.record_rejects("t", run_id="6", rejects=[reject(1)])

    store(work)
    end = {"workflow_id": "w", "status": "completed", "result": {"inserted": 1, "rejected": 0}}
    gateway.answers = [{"workflow_id": "w", "run_id": "r"}, [end]]
    called = call("harvest", "rejects", "replay", "shop", "--tenant", "t")
    assert 0 == called.code, called.err
    assert {
        "workflow_type": "harvest",
        "supplier_code": "shop",
        "tenant_id": "t",
        "replay_run_id": "2",
    } == gateway.payloads[0]
    assert "w replays 2" in called.err
    assert "result inserted 1" in words(called.out)


def test_replay_of_a_run(call: Call, gateway: ScriptedGateway) -> None:
    """A run that is named needs no Brain; a replay that failed is exit code 1, also as JSON."""
    end = {"workflow_id": "w", "status": "failed", "error": {"type": "x", "message": "No."}}
    gateway.answers = [{"workflow_id": "w", "run_id": "r"}, [end]]
    called = call("harvest", "rejects", "replay", "shop", "--run", "9", "--json")
    assert 1 == called.code
    assert "failed" == json.loads(called.out)["status"]
    assert ("9", "default") == (
        gateway.payloads[0]["replay_run_id"],
        gateway.payloads[0]["tenant_id"],
    )


def test_replay_while_a_harvest_is_under_way(call: Call, gateway: ScriptedGateway) -> None:
    """A harvest that was joined is no replay, and not taken for one."""
    gateway.answers = [{"workflow_id": "w", "run_id": "r", "status": "already_running"}]
    called = call("harvest", "rejects", "replay", "shop", "--run", "9")
    assert 1 == called.code
    assert "A harvest of shop is under way, so its rejects were not replayed." in called.err
    assert "watch w" in called.err


def test_nothing_to_replay(call: Call, store: Store) -> None:
    """Where no reject waits, nothing is started."""
    store(lambda brain: run(brain, "1"))
    called = call("harvest", "rejects", "replay", "shop", "--tenant", "t")
    assert 1 == called.code
    assert "There is nothing to replay: no run of 'shop' has unresolved rejects" in called.err
