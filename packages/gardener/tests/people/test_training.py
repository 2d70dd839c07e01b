"""Training on a real Brain and a real object store; once in a real process beside."""

import asyncio
import json
import os
import pickle
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import psutil
import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, Enrichment, EnrichmentStatus, Example
from contextworker.core.errors import InvalidInputError, PermanentError, TransientError
from contextworker.core.messages import ObjectRef, Progress
from contextworker.core.objects import ObjectStore
from contextworker.gardener.classifier import Classifier
from contextworker.gardener.enrichers.configuration import read_configuration
from contextworker.gardener.tagger.tagger import Tagger
from contextworker.gardener.training import activities, program
from contextworker.gardener.training.activities import Training
from contextworker.gardener.training.comparing import Current, compare
from contextworker.gardener.training.messages import (
    Candidate,
    Trained,
    TrainJob,
    TrainReport,
    TrainRequest,
    Used,
    UseJob,
)
from contextworker.gardener.training.places import check_own, examples_prefix
from contextworker.gardener.training.running import run_training

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
BRANDS = ("MSR", "Coleman", "Tatonka", "Vaude", "Deuter")
THINGS = ("tent", "backpack", "stove", "lantern")
RIGHT = [
    {
        "name": f"{brand} {thing} {number}",
        "label": {"brand": brand, "model": None},
    }
    for number in range(2)
    for brand in BRANDS
    for thing in THINGS
]


def unguessable(number: int) -> dict[str, Any]:
    """Return a name whose brand, of 30, stands anywhere: only who has seen it before knows it."""
    chance = random.Random(number)
    brand = "".join(random.Random(-1 - number % 30).choices(ascii_lowercase, k=6)).title()
    others = ["".join(chance.choices(ascii_lowercase, k=6)).title() for _ in range(3)]
    words = [brand, *others]
    chance.shuffle(words)
    return {"name": " ".join(words), "label": {"brand": brand, "model": None}}


class School:
    """Trains for the tenant acme."""

    def __init__(self, brain: Brain, objects: ObjectStore) -> None:
        self.brain = brain
        self.objects = objects
        self.training = Training(brain, objects, read_configuration())
        self.told: list[Progress] = []
        self.activity = ActivityEnvironment()
        self.activity.on_heartbeat = lambda *details: self.told.append(details[0])

    async def put(
        self, examples: Sequence[Mapping[str, Any]], tenant_id: str = "acme"
    ) -> ObjectRef:
        """Put a file of examples where the command line would."""
        lines = "".join(json.dumps(one) + "\n" for one in examples)
        return await self.objects.put(lines.encode(), prefix=examples_prefix(tenant_id))

    def job(self, examples: ObjectRef | None = None, **fields: Any) -> TrainJob:
        """Ask for a training of names."""
        request = {"tenant_id": "acme", "task": "ner", "examples": examples, **fields}
        return TrainJob(request=TrainRequest.model_validate(request), subject="ann", at=NOW)

    async def train(
        self, examples: Sequence[Mapping[str, Any]] | None = None, **fields: Any
    ) -> Trained:
        """Train."""
        reference = await self.put(examples) if examples is not None else None
        return await self.activity.run(self.training.train_model, self.job(reference, **fields))

    async def use(self, trained: Trained, *, after: float = 0) -> Used:
        """Make it the current one."""
        job = UseJob(
            request=TrainRequest(tenant_id="acme", task="ner"),
            subject="ann",
            at=NOW + timedelta(minutes=after),
            candidate=trained.candidate,
        )
        return await self.activity.run(self.training.use_model, job)

    async def trained(self, version: str) -> Trained:
        """Pretend that a model was trained."""
        artefact = await self.objects.put(version.encode(), prefix="acme/gardener/models/ner")
        scores = {"right_on_unseen": 0.5, "seen": "acme/gone"}
        report = TrainReport(
            task="ner",
            replaced=True,
            reason="",
            version=version,
            examples=9,
            scores=scores,
            before=None,
        )
        candidate = Candidate(version=version, artefact=artefact, examples=9, scores=scores)
        return Trained(report=report, candidate=candidate)

    async def bring_back(self, version: str) -> Used:
        """Make an earlier one the current one again."""
        request = TrainRequest(tenant_id="acme", task="ner", use=version)
        job = UseJob(request=request, subject="bob", at=NOW)
        return await self.activity.run(self.training.use_model, job)


@pytest_asyncio.fixture(loop_scope="session")
async def school(brain: Brain, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> School:
    """Nothing is known yet; trainings run here, for a process takes a second to start."""

    async def here(folder: Path, tell: Any) -> dict[str, Any]:
        (folder / program.OUTCOME).write_text(json.dumps(program.train_in(folder)))
        outcome: dict[str, Any] = json.loads((folder / program.OUTCOME).read_text())
        return outcome

    monkeypatch.setattr(activities, "run_training", here)
    return School(brain, objects)


async def test_a_model_learns_from_a_file_and_from_what_people_decided(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own. A person's word goes before the file's; each text counts once."""
    monkeypatch.setattr(activities, "run_training", run_training)
    text = {"product_id": "p", "content_hash": "h", "name": "MSR tent 0"}
    said = Example(
        example_id="1",
        task="ner",
        product_id="p",
        text=text,
        label={"brand": "MSR", "model": "tent 0"},
        decided_by="ann",
        decided_at=NOW,
    )
    await school.brain.record_examples("acme", [said])

    trained = await school.train([*RIGHT, RIGHT[1]])

    report = trained.report
    assert (True, len(RIGHT)) == (report.replaced, report.examples)
    assert report.scores["right_on_unseen"] > 0.7
    assert report.scores["brand"]["f1"] > 0.7
    assert report.before is None
    assert report.reason.startswith("it is the first; it is right in ")
    assert trained.candidate is not None
    assert trained.candidate.artefact.key.startswith("acme/gardener/models/ner/")
    tagger = Tagger.loads(await school.objects.get(trained.candidate.artefact))
    assert trained.candidate.version == tagger.version
    stages = list(dict.fromkeys(progress.stage for progress in school.told))
    assert [
        "gathering examples",
        "waiting for another training",
        "cross-validating",
        "comparing",
        "training",
    ] == stages


async def test_the_same_examples_are_the_same_model(school: School) -> None:
    """A retry, after a kill in the middle of it, comes to the same object and the same report."""
    first = await school.train(RIGHT)
    again = await school.train(RIGHT)
    used = [await school.use(first), await school.use(again)]
    third = await school.train(RIGHT)

    assert first == again
    assert [False, True] == [one.was_current for one in used]
    assert 1 == len(await school.brain.list_models("acme"))
    assert third.candidate == first.candidate
    assert "it is the current model: the examples are the same" == third.report.reason


async def test_a_worse_model_is_refused_unless_forced(school: School) -> None:
    """Nothing of it is kept; forced, it is used, and said to be."""
    await school.use(await school.train([unguessable(n) for n in range(60)]))
    once_each = [unguessable(n) for n in range(60, 90)]

    refused = await school.train(once_each)
    forced = await school.train(once_each, force=True)

    assert (False, None) == (refused.report.replaced, refused.candidate)
    assert refused.report.before is not None
    assert "30 that are new since the current one was trained" in refused.report.reason
    assert (True, True) == (forced.report.replaced, forced.candidate is not None)
    assert forced.report.reason.startswith("it was forced, although it is right in ")
    assert refused.report.version == forced.report.version


async def test_a_damaged_model_keeps_no_new_one_away(
    school: School, environment: dict[str, str]
) -> None:
    """Nor is it ever read; what takes its place says so."""
    await school.use(await school.trained("first"))
    (record,) = await school.brain.list_models("acme", task="ner")
    store = Path(environment["CONTEXTWORKER_STORE_URL"].removeprefix("file://"))
    (store / record.object_key).write_bytes(pickle.dumps("other"))

    trained = await school.train(RIGHT)

    assert trained.report.replaced
    assert trained.report.reason.startswith("the current one cannot be read; it is right in ")


@pytest.mark.parametrize(
    ("rights", "recorded", "rescored", "use", "before"),
    [
        ([1, 1, 0, 1], 0.5, [], True, 0.5),
        ([1, 0, 0, 1], 0.75, [], False, 0.75),
        ([1, 1, 1, 1], 1.0, [1, 1], True, 1.0),
        ([1, 1, 1, 0], 1.0, [1, 0], True, 0.75),
        ([1, 1, 0, 0], 1.0, [1, 0], False, 0.75),
        ([0, 0], None, [0], True, None),
        ([0, 0], 1.0, None, True, None),
    ],
    ids=["better", "worse", "as-good", "fair", "unfair", "unknown", "unreadable"],
)
def test_a_comparison_is_on_what_neither_had_seen(
    rights: list[float],
    recorded: float | None,
    rescored: list[float] | None,
    use: bool,  # noqa: FBT001 -- a parameter of the test
    before: float | None,
) -> None:
    """What was recorded of the current one, for the examples of then; its answers for the new."""
    current = Current("v1", {"right_on_unseen": recorded}, frozenset())

    verdict = compare(rights, current, rescored, version="v2")
    forced = compare(rights, current, rescored, version="v2", force=True)

    assert (use, before) == (verdict.use, verdict.before)
    assert forced.use


async def test_categories_are_learnt_by_their_ids(
    school: School, harvest: Callable[..., Awaitable[None]]
) -> None:
    """A label names one as people do; one that the taxonomy does not have is told, and left out."""
    kinds = {
        "Dome tent": {"id": "camping.tents"},
        "Down sleeping bag": {"path": ["Camping", "Sleeping bags"]},
        "Trekking pole": {"id": "no.such"},
    }
    examples = [
        {"name": f"{name} {number}", "label": label}
        for number in range(15)
        for name, label in kinds.items()
    ]

    trained = await school.train(examples, task="taxonomy")
    few = school.job(await school.put(examples[:3]), task="taxonomy")

    report = trained.report
    assert (True, 30) == (report.replaced, report.examples)
    assert "15 examples could not be used: the file of examples, line 3: its label" in report.reason
    assert 1 == report.scores["right_on_unseen"]
    assert 1 == report.scores["weighted_f1"]["mean"]
    assert trained.candidate is not None
    classifier = Classifier.loads(await school.objects.get(trained.candidate.artefact))
    assert {("camping", "camping.tents"), ("camping", "camping.sleeping_bags")} == set(
        classifier.paths
    )
    wanted = "needs at least 25 examples, and 2 of each of 2 .*; 1 example could not be used: the f"
    with pytest.raises(InvalidInputError, match=wanted):
        await school.activity.run(school.training.train_model, few)


async def test_a_new_model_looks_again_at_what_is_in_review(
    school: School, harvest: Callable[..., Awaitable[None]]
) -> None:
    """Its task's alone; an earlier model is brought back by its version."""
    await harvest(2)
    products = await school.brain.list_products("acme")
    for product, task in zip(products, ("ner", "tech"), strict=True):
        enrichment = Enrichment(
            product_id=product.product_id,
            content_hash=product.content_hash,
            status=EnrichmentStatus.REVIEW,
            results={task: {"status": "review", "result": {}, "confidence": 0}},
        )
        await school.brain.store_enrichment("acme", [enrichment])

    used = await school.use(await school.trained("first"))
    await school.use(await school.trained("second"), after=1)
    back = await school.bring_back("first")
    models = await school.brain.list_models("acme", task="ner")

    assert (1, False) == (used.reopened, used.was_current)
    counts = await school.brain.count_products("acme")
    assert (1, 1) == (counts[EnrichmentStatus.PENDING], counts[EnrichmentStatus.REVIEW])
    assert ("first", False, {"right_on_unseen": 0.5}) == (
        back.version,
        back.was_current,
        back.scores,
    )
    assert ["first", "second"] == [one.version for one in models]
    assert ["ann", "ann"] == [one.trained_by for one in models]
    with pytest.raises(InvalidInputError, match="no model 'x' of ner; there are first, second"):
        await school.bring_back("x")


async def test_a_model_whose_artefact_is_gone_is_not_brought_back(school: School) -> None:
    """No worker could load it."""
    trained = await school.trained("first")
    await school.use(trained)
    assert trained.candidate is not None
    await school.objects.delete([trained.candidate.artefact.key])

    with pytest.raises(PermanentError, match="is no longer in the object store; train it again"):
        await school.bring_back("first")


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        ([{"name": "MSR"}], "the file of examples, line 1: label: Field required; an example has"),
        ([{"label": {}}], "line 1: name: Field required"),
        ([{"name": "x", "label": {"id": "tents"}}], "none of the 1 examples can be used: the file"),
        ([{"name": "MSR", "label": {"brand": "MSR"}}], "there are 1: accept or correct more"),
    ],
    ids=["no-label", "no-name", "no-use", "few"],
)
async def test_examples_that_teach_nothing_are_told(
    school: School, examples: list[dict[str, Any]], says: str
) -> None:
    """With what would teach something; no attempt is made again."""
    with pytest.raises(InvalidInputError) as caught:
        await school.train(examples)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        "rival/gardener/examples/{}",
        "acme",
        "acme/../rival/gardener/examples/{}",
        "acme//{}",
        "acmerival/gardener/{}",
        "/acme/{}",
    ],
    ids=["rival", "no-folder", "climbing", "empty", "beginning", "absolute"],
)
def test_another_tenants_file_is_no_example(key: str) -> None:
    """Whoever knows its name is not given it."""
    with pytest.raises(InvalidInputError, match="must stand under acme/ in the object store"):
        check_own(ObjectRef(key=key.format("0" * 64), size=1), "acme")


async def test_a_training_that_breaks_off_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one that the machine had no memory for; what it said is in the worker's log."""
    with pytest.raises(TransientError, match="ended with 1; the log says why"):
        await run_training(tmp_path, lambda _: None)

    ours = run_training.__module__
    (said,) = [each.getMessage() for each in caplog.records if each.name == ours]
    assert said.startswith("the process that trains said: Traceback")
    assert "FileNotFoundError" in said


async def test_a_cancelled_training_ends_its_process(tmp_path: Path) -> None:
    """At once, wherever it is."""
    (tmp_path / program.TASK).write_text("ner")
    os.mkfifo(tmp_path / program.EXAMPLES)  # it waits for what is never written

    training = asyncio.create_task(run_training(tmp_path, lambda _: None))
    async with asyncio.timeout(60):
        while not (running := _children()):
            await asyncio.sleep(0.02)
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training

    assert not any(child.is_running() for child in running)


def _children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if program.__name__ in " ".join(child.cmdline())
    ]
