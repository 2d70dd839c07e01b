"""`contextworker gardener`: what is sent, and what a person is told."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from scripted_gateway import Hang, ScriptedGateway, refusal

from contextworker.brain import (
    Edge,
    Enrichment,
    EnrichmentStatus,
    ModelRecord,
    ProductRecord,
    Relation,
    open_brain,
)

Call = Callable[..., Any]
RUN = {"workflow_id": "gardener_review-acme-1", "run_id": "r"}
STARTED: dict[str, Any] = {**RUN, "status": "started"}
ITEM = {
    "product_id": "0b6c1d7e",
    "task": "taxonomy",
    "sku": "CT-1",
    "supplier_code": "camp",
    "name": "Mystery [bold]thing",
    "category": "Zelte",
    "result": {"id": "camping", "name": "Camping", "path": ["Camping"]},
    "confidence": 0.659,
    "source": "names",
    "reason": "'camping' points to Camping, but not surely",
    "at": "2026-11-22T10:00:00Z",
}
REPORT: dict[str, Any] = {
    "task": "ner",
    "replaced": True,
    "reason": "it is right in 93.0%, the current one in 91.0%",
    "version": "3f2a9c",
    "examples": 1200,
    "scores": {"right_on_unseen": 0.93, "brand": {"f1": 0.95}},
    "before": {"right_on_unseen": 0.91, "brand": {"f1": 0.94}},
    "reopened": 12,
}


def closed(result: Any = None, **more: Any) -> list[Any]:
    """Answer a start, and then what follows the run."""
    return [STARTED, [{**RUN, "status": "completed", "result": result, **more}]]


def decided(*products: dict[str, Any], action: str = "accept") -> list[Any]:
    """Answer a decision."""
    done = sum(product["decided"] for product in products)
    return closed(
        {"task": "taxonomy", "action": action, "decided": done, "products": list(products)}
    )


def words(text: str) -> str:
    """Text without what lays it out."""
    return " ".join(text.split())


def test_what_is_in_review_is_listed(ask: Call, gateway: ScriptedGateway) -> None:
    """What the supplier says above what was found, how surely, and why it is in doubt."""
    options = ("--task", "taxonomy", "--supplier", "camp", "--limit", "1", "--tenant", "acme")
    second = {**ITEM, "task": "ner", "result": {}, "reason": "no brand"}
    called = ask(
        "gardener",
        "review",
        "list",
        *options,
        answers=closed({"items": [ITEM, second], "next": "n"}),
    )

    assert 0 == called.code, called.err
    assert [
        "0b6c1d7e camp CT-1",
        "name Mystery [bold]thing",
        "category Zelte",
        "taxonomy Camping (camping) 65% 'camping' points to Camping, but not surely",
        "ner nothing no brand",
    ] == [words(line) for line in called.out.splitlines() if line.strip()]
    decide = "contextworker gardener review accept 0b6c1d7e --task taxonomy --tenant acme"
    assert decide in called.err
    assert "There are more: --after n" in called.err
    sent = {"task": "taxonomy", "supplier_code": "camp", "limit": 1, "tenant_id": "acme"}
    assert {"workflow_type": "gardener_review", **sent} == gateway.payloads[0]


def test_nothing_in_review_is_said(ask: Call) -> None:
    """And is no failure; as JSON it is an empty page."""
    page: dict[str, Any] = {"items": [], "next": None}
    called = ask("gardener", "review", "list", answers=closed(page))
    nothing = "Nothing is in review; --tenant names another tenant.\n"
    assert (0, "", nothing) == (called.code, called.out, called.err)
    called = ask("gardener", "review", "list", "--tenant", "acme", answers=closed(page))
    assert "Nothing is in review for 'acme'.\n" == called.err
    called = ask("gardener", "review", "list", "--json", answers=closed(page))
    assert page == json.loads(called.out)


def test_decisions_are_told_one_by_one(ask: Call, gateway: ScriptedGateway) -> None:
    """What was passed over is told why, and by the exit code."""
    taken = {"product_id": "a", "decided": True, "status": "done", "result": ITEM["result"]}
    kept = {"product_id": "b", "decided": False, "message": "it changed just now"}
    called = ask(
        "gardener", "review", "accept", "a", "b", "--task", "taxonomy", answers=decided(taken, kept)
    )

    assert (1, "a accepted: Camping (camping); the product is done\n") == (called.code, called.out)
    assert "b passed over: it changed just now\n" == called.err
    assert {
        "workflow_type": "gardener_review",
        "action": "accept",
        "task": "taxonomy",
        "product_ids": ["a", "b"],
    } == gateway.payloads[0]


def test_what_may_not_be_read_is_done_all_the_same(ask: Call) -> None:
    """Nobody should decide it again for an error that came after it."""
    denied = refusal(StatusCode.PERMISSION_DENIED, "PERMISSION_MISSING", "WatchTask takes more")
    called = ask(*("gardener", "review", "accept", "a", "--task", "ner"), answers=[STARTED, denied])

    assert 1 == called.code
    assert "but not read what becomes of it: WatchTask takes more" in called.err
    assert f"It is done all the same, as {STARTED['workflow_id']}." in called.err


def test_what_is_right_is_written_as_fields_are(ask: Call, gateway: ScriptedGateway) -> None:
    """As `start` has them."""
    taken = {"product_id": "a", "decided": True, "status": "review"}
    called = ask(
        *("gardener", "review", "correct", "a", "--task", "ner", "brand=MSR", "model:=null"),
        answers=decided(taken, action="correct"),
    )

    assert (0, "a corrected; the product is review\n") == (called.code, called.out)
    assert {"brand": "MSR", "model": None} == gateway.payloads[0]["correction"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("accept", "--task", "ner"), "Say which products: "),
        (("correct", "a", "--task", "ner"), "Say what is right, such as category=Tents"),
        (("correct", "a", "MSR", "--task", "ner"), "'MSR' is no field: write key=value"),
        (("reject", *("x",) * 201, "--task", "ner"), "201 products are too many; 200 at once."),
    ],
    ids=["no-product", "no-correction", "no-field", "too-many"],
)
def test_a_wrong_command_line_is_told(call: Call, arguments: tuple[str, ...], says: str) -> None:
    """Before anybody is asked."""
    called = call("gardener", "review", *arguments)
    assert 2 == called.code
    assert f"error: {says}" in called.err


def test_an_unknown_task_is_told(call: Call) -> None:
    """With those there are."""
    called = call("gardener", "review", "reject", "a", "--task", "colour")
    assert 2 == called.code
    assert "tech" in called.err


def test_a_refusal_is_told_in_the_gardeners_words(ask: Call) -> None:
    """Without the workflow's name, which nobody has asked for."""
    error = {"type": "InvalidInputError", "message": "the taxonomy has no category 'x'"}
    failed = {**RUN, "status": "failed", "error": error}
    called = ask(
        *("gardener", "review", "correct", "a", "id=x", "--task", "taxonomy"),
        answers=[STARTED, [failed]],
    )
    assert (1, "error: The taxonomy has no category 'x'.\n") == (called.code, called.err)


def test_a_gardener_that_is_away_is_told(ask: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision waits for it; a person need not."""
    monkeypatch.setattr("contextworker.cli.commands.gardener.asking._PATIENCE_S", 5)
    called = ask("gardener", "review", "list", answers=[STARTED, [STARTED, Hang()]])
    assert 1 == called.code
    assert "No gardener has answered within 5 s; is its worker running?" in called.err
    assert f"contextworker status {RUN['workflow_id']}" in called.err


def test_no_gateway_is_told(call: Call) -> None:
    """As for every command."""
    called = call("gardener", "review", "list", "--address", "127.0.0.1:1")
    assert (1, True) == (called.code, "No gateway answers at 127.0.0.1:1." in called.err)


def test_a_run_takes_its_cost_limit_along(ask: Call, gateway: ScriptedGateway) -> None:
    """In the unit's metrics, where every service reads it."""
    started = {"workflow_id": "gardener-acme", "run_id": "r", "status": "started"}
    called = ask(
        *("gardener", "run", "--tenant", "acme", "--cost-limit", "0.5", "--supplier", "camp"),
        answers=[started],
    )
    assert (0, "gardener-acme started\n") == (called.code, called.out)
    assert 0.5 == gateway.asked[0].unit.metrics.cost_limit_usd
    assert ["cli:start_workflow"] == gateway.asked[0].unit.provenance
    sent = {"workflow_type": "gardener", "tenant_id": "acme", "supplier_code": "camp"}
    assert [sent] == gateway.payloads


def test_a_run_that_is_joined_keeps_its_own_limit(ask: Call) -> None:
    """Nobody is to believe that money is safe."""
    joined = {"workflow_id": "gardener-acme", "run_id": "r", "status": "already_running"}
    called = ask("gardener", "run", "--cost-limit", "1", answers=[joined])
    assert "its own cost limit holds, not this one" in called.err


def test_a_run_that_is_joined_looks_at_nothing_again(ask: Call, gateway: ScriptedGateway) -> None:
    """Unless it does so already; nobody should wait for what will not come."""
    joined = {"workflow_id": "gardener-acme", "run_id": "r", "status": "already_running"}
    called = ask("gardener", "run", "--again", "review", answers=[joined])
    assert "start this once more when it has ended" in called.err
    assert [{"workflow_type": "gardener", "again": "review"}] == gateway.payloads


def test_a_training_shows_its_scores(
    ask: Call, gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side with the current model's; the file travels by the object store."""
    (tmp_path / "labels.jsonl").write_text("{}\n")
    store = tmp_path / "objects"
    monkeypatch.setenv("CONTEXTWORKER_STORE_URL", store.as_uri())
    called = ask(
        *("gardener", "train", "--task", "ner", "--examples", "labels.jsonl", "--tenant", "acme"),
        answers=closed(REPORT),
    )

    assert 0 == called.code, called.err
    out = words(called.out)
    assert (
        "right on unseen 93.0% 91.0% brand f1 95.0% 94.0% model ner 3f2a9c examples 1,200 used yes"
        in out
    )
    assert "looked at again 12 products in review" in out
    reference = gateway.payloads[0].pop("examples")
    assert {
        "workflow_type": "gardener_train",
        "task": "ner",
        "force": False,
        "tenant_id": "acme",
    } == gateway.payloads[0]
    assert reference["key"].startswith("acme/gardener/examples/")
    assert b"{}\n" == (store / reference["key"]).read_bytes()


def test_a_model_that_is_refused_is_told_by_the_exit_code(ask: Call) -> None:
    """Scripts stop there."""
    refused = {**REPORT, "replaced": False, "reopened": 0}
    called = ask("gardener", "train", answers=closed(refused))
    assert (1, True) == (called.code, "used no" in words(called.out))


def test_a_training_under_way_is_not_joined(ask: Call) -> None:
    """It is of other examples, perhaps of another task."""
    called = ask("gardener", "train", answers=[{**STARTED, "status": "already_running"}])
    assert 1 == called.code
    assert "Another training is under way, so this one was not started." in called.err


@pytest.mark.parametrize(
    ("name", "says", "code"),
    [("nothing.jsonl", "cannot be read: No such file", 1), ("empty.jsonl", "is empty", 2)],
    ids=["missing", "empty"],
)
def test_a_file_that_is_none_is_told(
    call: Call, tmp_path: Path, name: str, says: str, code: int
) -> None:
    """Before anything is started."""
    (tmp_path / "empty.jsonl").touch()
    called = call("gardener", "train", "--examples", name)
    assert (code, True) == (called.code, f"error: {name} {says}" in called.err)


def test_a_file_needs_its_tenant_where_a_token_is_sent(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be put under another's name, which the gateway then refuses."""
    (tmp_path / "labels.jsonl").write_text("{}\n")
    monkeypatch.setenv("WORKER_TOKEN", "t")
    called = call("gardener", "train", "--examples", "labels.jsonl")
    assert (2, True) == (called.code, "error: Say --tenant, too: labels.jsonl" in called.err)


def test_a_store_that_nobody_names_is_told(call: Call, tmp_path: Path) -> None:
    """Its workers would look for the file elsewhere."""
    (tmp_path / "labels.jsonl").write_text("{}\n")
    called = call("gardener", "train", "--examples", "labels.jsonl")
    assert 1 == called.code
    assert "set CONTEXTWORKER_STORE_URL as it is set for them" in called.err


def test_an_earlier_model_is_brought_back(ask: Call, gateway: ScriptedGateway) -> None:
    """By its version."""
    called = ask(
        *("gardener", "models", "use", "3f2a9c", "--task", "ner"),
        answers=closed({**REPORT, "before": None, "reason": "it was brought back"}),
    )
    assert (0, True) == (called.code, "it was brought back" in called.out)
    sent = {"workflow_type": "gardener_train", "task": "ner", "use": "3f2a9c"}
    assert [sent] == gateway.payloads[:1]


def test_models_and_relations_are_listed(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the Brain, as products are."""
    call()
    url = f"sqlite:///{tmp_path}/brain.db"
    monkeypatch.setenv("BRAIN_URL", url)
    asyncio.run(_remember(url))

    models = call("gardener", "models", "--tenant", "acme")
    edges = call("brain", "edges", "--tenant", "acme", "--relation", "brand")
    none = call("gardener", "models", "--tenant", "nobody")

    assert 0 == models.code == edges.code == none.code
    lines = [words(line) for line in models.out.splitlines() if "ner" in line]
    assert "ner v2 current 2026-11-02 00:00 ann 9 right on unseen 50.0%" == lines[0]
    assert "ner v1 2026-11-01 00:00 ann 9 right on unseen 50.0%" == lines[1]
    assert "brand msr MSR 90%" in words(edges.out)
    assert "Tents" not in edges.out
    assert "No model is trained for 'nobody'" in none.err
    found = json.loads(call("gardener", "models", "--tenant", "acme", "--json").out)
    assert ["v2", "v1"] == [model["version"] for model in found]


async def _remember(url: str) -> None:
    async with open_brain(url) as brain:
        for day in (1, 2):
            await brain.record_model(
                "acme",
                ModelRecord(
                    task="ner",
                    version=f"v{day}",
                    object_key="k",
                    size=1,
                    examples=9,
                    scores={"right_on_unseen": 0.5, "seen": "k"},
                    trained_by="ann",
                    trained_at=datetime(2026, 11, day, tzinfo=UTC),
                ),
            )
        await brain.upsert_products(
            "acme", [ProductRecord(sku="1", name="Tent", dealer_code="camp")], run_id="r"
        )
        [product] = await brain.list_products("acme")
        kinds = [(Relation.BRAND, "msr", "MSR"), (Relation.CATEGORY, "camping.tents", "Tents")]
        edges = tuple(
            Edge(
                product_id=product.product_id,
                relation=relation,
                target=target,
                name=name,
                confidence=0.9,
            )
            for relation, target, name in kinds
        )
        enrichment = Enrichment(
            product_id=product.product_id,
            content_hash=product.content_hash,
            status=EnrichmentStatus.DONE,
            results={},
            edges=edges,
        )
        await brain.store_enrichment("acme", [enrichment])
