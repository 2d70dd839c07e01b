"""The gardener as callers and workers see it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import WorkerRegistry
from contextworker.gardener.enriching.messages import GardenerRequest, Settled, Spent, Totals
from contextworker.gardener.module import module, open_activities


def test_the_module_is_announced() -> None:
    """One installed worker; one run per tenant at a time."""
    [found] = WorkerRegistry.discover().select(["gardener"])

    assert found is module
    assert "gardener-tasks" == found.queue
    assert ("gardener", "gardener-{tenant_id}", GardenerRequest) in [
        (route.workflow_type, route.workflow_id, route.payload) for route in found.routes
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"batch_size": 1001},
        {"parallel": 0},
        {"parallel": 33},
        {"max_batches": 0},
        {"supplier_code": ""},
        {"so_far": {"totals": {"batches": 1_000_000}}},
    ],
    ids=lambda wrong: "-".join(f"{key}={value}"[:20] for key, value in wrong.items()),
)
def test_a_wrong_request_is_refused(wrong: dict[str, object]) -> None:
    """Also the totals of a continued run, which only the workflow itself may bring."""
    with pytest.raises(ValidationError):
        GardenerRequest.model_validate({"tenant_id": "acme", **wrong})


def test_totals_add_up() -> None:
    """An idle batch counts as a batch, an empty claim does not; what was spent always counts."""
    idle = Settled(claimed=2, changed=2)
    useful = Settled(
        claimed=4,
        stored=3,
        changed=1,
        kept=1,
        by_status={"done": 2},
        by_task={"taxonomy": {"done": 1, "review": 1}},
        spent=Spent(tokens=5, cost_usd=0.5),
    )
    empty = Settled(cut_off=True, spent=Spent(unsure_usd=0.25))

    totals = Totals().plus(idle).plus(useful).plus(useful).plus(empty).plus(idle)

    assert (
        Totals(
            batches=4,
            stored=6,
            kept=2,
            changed=6,
            by_status={"done": 4},
            by_task={"taxonomy": {"done": 2, "review": 2}},
            spent=Spent(tokens=10, cost_usd=1.0, unsure_usd=0.25),
            idle=1,
        )
        == totals
    )
    assert 4 == totals.products


async def test_a_wrong_configuration_stops_the_worker_at_its_start(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the Brain is opened, and migrated; in a sentence that names the file."""
    config = tmp_path / "gardener.toml"
    config.write_text('[default.taxonomy]\nfile = "gone.toml"\n', encoding="utf-8")
    monkeypatch.setenv("CONTEXTWORKER_GARDENER_CONFIG", str(config))

    with pytest.raises(ConfigurationError, match=r"gone\.toml"):
        async with open_activities():
            pass

    assert not (tmp_path / "brain.db").exists()


async def test_a_language_model_without_its_key_stops_the_worker_at_its_start(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than fail when the first product waits for it."""
    config = tmp_path / "gardener.toml"
    config.write_text(
        "[tenants.acme.llm]\n"
        'base_url = "https://models.example/v1"\nmodel = "small"\napi_key_env = "NO_SUCH_KEY"\n'
        "input_usd_per_million = 1.0\noutput_usd_per_million = 2.0\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("CONTEXTWORKER_GARDENER_CONFIG", str(config))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)

    with pytest.raises(ConfigurationError, match="set NO_SUCH_KEY"):
        async with open_activities():
            pass


async def test_a_language_model_without_the_extra_stops_the_worker_at_its_start(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names what to install."""
    config = tmp_path / "gardener.toml"
    config.write_text(
        '[default.llm]\nbase_url = "https://models.example/v1"\nmodel = "small"\n'
        "input_usd_per_million = 1.0\noutput_usd_per_million = 2.0\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("CONTEXTWORKER_GARDENER_CONFIG", str(config))
    monkeypatch.setattr("contextworker.gardener.enriching.asking.find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"install contextworker-gardener\[llm\]"):
        async with open_activities():
            pass
