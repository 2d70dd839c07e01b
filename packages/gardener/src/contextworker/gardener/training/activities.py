"""The activities of training: gather examples, train beside the worker, use what is no worse."""

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from temporalio import activity

from contextworker.brain.models import EnrichmentStatus, ModelRecord
from contextworker.brain.protocol import Brain
from contextworker.core.errors import InvalidInputError, PermanentError
from contextworker.core.heartbeats import Heart, beating
from contextworker.core.messages import ObjectRef, Progress
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity
from contextworker.gardener.enrichers.configuration import Configuration
from contextworker.gardener.training import program
from contextworker.gardener.training.comparing import RIGHT, SEEN, Current, compare
from contextworker.gardener.training.examples import read_file
from contextworker.gardener.training.gathering import Gathering
from contextworker.gardener.training.labels import CategoryLabels, Labels, name_labels
from contextworker.gardener.training.messages import (
    Candidate,
    TrainActivities,
    Trained,
    TrainJob,
    TrainReport,
    TrainRequest,
    Used,
    UseJob,
)
from contextworker.gardener.training.places import check_own, models_prefix
from contextworker.gardener.training.running import run_training

_VERSIONS: Final = 1000
_SHOWN: Final = 5


class Training(TrainActivities):
    """Trains models of a Brain's tenants; artefacts go into the object store."""

    def __init__(self, brain: Brain, objects: ObjectStore, configuration: Configuration) -> None:
        self._brain = brain
        self._objects = objects
        self._configuration = configuration
        # A training takes a processor, and up to a gigabyte or two.
        self._one_at_a_time = asyncio.Lock()

    @property
    def all(self) -> tuple[Activity, ...]:
        """Every activity of trainings."""
        return (self.train_model, self.use_model)

    @activity.defn(name="train_model")
    async def train_model(self, job: TrainJob) -> Trained:
        """Train and score a model; one that is to be used goes into the object store.

        Safe to retry: the same examples give the same model, the same model the same object, and
        nothing else is written.
        """
        request = job.request
        async with beating(Progress(stage="gathering examples", unit="examples")) as heart:
            with tempfile.TemporaryDirectory(prefix="contextworker-training-") as name:
                folder = Path(name)
                gathered = await self._gather(request, folder, heart)
                current = await self._current(request, gathered.fingerprints, folder)
                heart.beat(Progress(stage="waiting for another training", unit="steps"))
                async with self._one_at_a_time:
                    try:
                        outcome = await run_training(folder, heart.beat)
                    except InvalidInputError as error:
                        # Too few, it may be, because most could not be used.
                        raise InvalidInputError("; ".join([str(error), *gathered.notes])) from error
                return await self._judged(
                    request, gathered, current, outcome, folder / program.MODEL
                )

    @activity.defn(name="use_model")
    async def use_model(self, job: UseJob) -> Used:
        """Make a model the current one, and have it look at what is in review.

        Safe to retry: a model recorded again is the current one still, and what waits already is
        not made to wait again.
        """
        request = job.request
        async with beating():
            known = await self._brain.list_models(
                request.tenant_id, task=request.task, limit=_VERSIONS
            )
            record = _new(job, job.candidate) if job.candidate else _earlier(request, known)
            if not await self._objects.has(_artefact(record)):
                raise PermanentError(
                    f"the model {record.version} is no longer in the object store; train it again"
                )
            await self._brain.record_model(request.tenant_id, record)
            reopened = await self._brain.reopen_products(
                request.tenant_id, status=EnrichmentStatus.REVIEW, task=request.task
            )
        return Used(
            version=record.version,
            examples=record.examples,
            scores=_told(record.scores),
            was_current=bool(known) and known[0].version == record.version,
            reopened=reopened,
        )

    async def _gather(self, request: TrainRequest, folder: Path, heart: Heart) -> Gathering:
        """Write the examples of a training into its folder."""
        if request.examples is not None:
            check_own(request.examples, request.tenant_id)
        labels = await asyncio.to_thread(self._labels, request)
        await asyncio.to_thread((folder / program.TASK).write_text, request.task)
        with (folder / program.EXAMPLES).open("w", encoding="utf-8") as file:
            gathered = Gathering(request.task, labels, file)
            await gathered.add_decided(self._brain, request.tenant_id)
            heart.beat(_progress(gathered))
            if request.examples is not None:
                async with self._objects.local_copy(request.examples) as copy:
                    await gathered.add_file(read_file(copy, "the file of examples"))
                heart.beat(_progress(gathered))
            configured = self._configuration.of(request.tenant_id).examples_file(request.task)
            if configured is not None:
                await gathered.add_file(read_file(configured, configured.name))
                heart.beat(_progress(gathered))
        gathered.check()
        return gathered

    def _labels(self, request: TrainRequest) -> Labels:
        if request.task == "taxonomy":
            return CategoryLabels(self._configuration.taxonomy(request.tenant_id))
        return name_labels

    async def _current(
        self, request: TrainRequest, fingerprints: Sequence[str], folder: Path
    ) -> Current | None:
        """Return the current model, and lay it and what is new to it beside the examples."""
        for record in await self._brain.list_models(request.tenant_id, task=request.task, limit=1):
            if not await self._objects.has(_artefact(record)):
                continue
            current = Current(record.version, record.scores, await self._seen(record))
            new_since = json.dumps(current.new_since(fingerprints))
            try:
                data = await self._objects.get(_artefact(record))
            except PermanentError:
                data = b""  # damaged: no model, which must not keep a new one away
            await asyncio.to_thread((folder / program.CURRENT).write_bytes, data)
            await asyncio.to_thread((folder / program.NEW_SINCE).write_text, new_since)
            return current
        return None

    async def _seen(self, record: ModelRecord) -> frozenset[str]:
        """Return the fingerprints of what a model was trained on."""
        key = record.scores.get(SEEN)
        seen = ObjectRef(key=str(key), size=0)
        if key is None or not await self._objects.has(seen):
            return frozenset()
        try:
            return frozenset(json.loads(await self._objects.get(seen)))
        except PermanentError:  # damaged: what it knew may count as new
            return frozenset()

    async def _judged(
        self,
        request: TrainRequest,
        gathered: Gathering,
        current: Current | None,
        outcome: Mapping[str, Any],
        model: Path,
    ) -> Trained:
        """Compare, and keep the model where it is to be used."""
        version, rescored = outcome["version"], outcome["rescored"]
        verdict = compare(
            outcome["rights"],
            current,
            rescored,
            version=version,
            force=request.force,
        )
        scores = {RIGHT: outcome["right"], **outcome["figures"]}
        before = None
        if current is not None and verdict.before is not None:
            before = {**_told(current.scores), RIGHT: verdict.before}
        report = TrainReport(
            task=request.task,
            replaced=verdict.use,
            reason="; ".join([verdict.reason, *gathered.notes]),
            version=version,
            examples=len(gathered.fingerprints),
            scores=scores,
            before=before,
        )
        if not verdict.use:
            return Trained(report=report)
        prefix = models_prefix(request.tenant_id, request.task)
        artefact = await self._objects.put_file(model, prefix=prefix)
        seen = json.dumps(gathered.fingerprints).encode()
        kept = await self._objects.put(seen, prefix=f"{prefix}/seen")
        return Trained(
            report=report,
            candidate=Candidate(
                version=version,
                artefact=artefact,
                examples=report.examples,
                scores={**scores, SEEN: kept.key},
            ),
        )


def _progress(gathered: Gathering) -> Progress:
    return Progress(stage="gathering examples", done=len(gathered.fingerprints), unit="examples")


def _artefact(record: ModelRecord) -> ObjectRef:
    return ObjectRef(key=record.object_key, size=record.size)


def _told(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores without what is only for the next training."""
    return {name: value for name, value in scores.items() if name != SEEN}


def _new(job: UseJob, candidate: Candidate) -> ModelRecord:
    return ModelRecord(
        task=job.request.task,
        version=candidate.version,
        object_key=candidate.artefact.key,
        size=candidate.artefact.size,
        examples=candidate.examples,
        scores=candidate.scores,
        trained_by=job.subject,
        trained_at=job.at,
    )


def _earlier(request: TrainRequest, known: Sequence[ModelRecord]) -> ModelRecord:
    for record in known:
        if record.version == request.use:
            return record
    versions = ", ".join(record.version for record in known[:_SHOWN])
    raise InvalidInputError(
        f"there is no model {request.use!r} of {request.task}; "
        + (f"there are {versions}" if known else "none is trained yet")
    )
