"""All tasks of a tenant, in their order: each answers what changed, the rest stays as it is."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.chain import Chain, Link
from contextworker.gardener.enrichers.configuration import Configuration, TenantConfiguration
from contextworker.gardener.enrichers.entries import TASK, TEXT_FIELDS, hash_inputs, still_good
from contextworker.gardener.enrichers.loading import OURS, installed, load_factory, owner
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject

_KEPT_PIPELINES: Final = 4

_Key = tuple[tuple[str, ...], tuple[tuple[str, int, int], ...]]


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of one product."""

    results: dict[str, TaskResult]
    """By task, where there is a new one."""
    inputs: dict[str, str]
    """By task of `results`: what its entry is to say it was made from."""
    kept: frozenset[str]
    """Tasks whose entry stays exactly as it is."""


class Pipeline:
    """The enrichers of one tenant.

    What it says of a product depends on nothing but that product and its entries, whatever else is
    in the batch.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        """Take the tasks in the order they run in.

        Raises:
            ConfigurationError: A task reads what one after it finds out.
        """
        self._chains = tuple(chains)
        later = {chain.task for chain in chains}
        for chain in chains:
            tasks = {name.removeprefix(TASK) for name in chain.reads - TEXT_FIELDS}
            if missing := sorted(tasks & later):
                raise ConfigurationError(
                    f"the task {chain.task} reads what {missing[0]} finds out: put {missing[0]} "
                    f"before it in tasks"
                )
            later.remove(chain.task)

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """Who answers each task."""
        return {chain.task: chain.sources for chain in self._chains}

    def run(
        self, products: Sequence[ProductText], before: Sequence[Mapping[str, Any]]
    ) -> list[Worked]:
        """Return what becomes of each product, in their order.

        Args:
            products: The batch.
            before: What stands in each product's `enrichment`.
        """
        found: list[dict[str, TaskResult]] = [{} for _ in products]
        worked = [Worked({}, {}, frozenset()) for _ in products]
        kept: list[list[str]] = [[] for _ in products]
        subjects = [Subject(text, results) for text, results in zip(products, found, strict=True)]
        for chain in self._chains:
            to_do: list[int] = []
            for index, (text, entries) in enumerate(zip(products, before, strict=True)):
                entry = entries.get(chain.task) and still_good(
                    entries[chain.task],
                    text,
                    found[index],
                    sources=chain.sources,
                    llm=chain.llm,
                )
                if entry:
                    found[index][chain.task] = entry
                    kept[index].append(chain.task)
                else:
                    to_do.append(index)
            results = chain.answer([subjects[index] for index in to_do]) if to_do else []
            for index, result in zip(to_do, results, strict=True):
                inputs = hash_inputs(chain.reads, products[index], found[index])
                worked[index].inputs[chain.task] = inputs
                worked[index].results[chain.task] = found[index][chain.task] = result
        return [
            Worked(work.results, work.inputs, frozenset(tasks))
            for work, tasks in zip(worked, kept, strict=True)
        ]


class TenantPipelines:
    """The pipelines of every tenant, each made once for what its tenant knows."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._lock = Lock()
        self._made: OrderedDict[str, tuple[_Key, Pipeline]] = OrderedDict()

    def check(self) -> None:
        """Make every configured tenant's pipeline, as a worker does before it starts.

        Raises:
            ConfigurationError: An option is unknown or wrong, or a file cannot be used.
        """
        default = self._configuration.of("")
        make_pipeline("default", default)
        for tenant_id in self._configuration.tenants:
            make_pipeline(tenant_id, self._configuration.of(tenant_id))

    def pipeline(
        self, tenant_id: str, brands: tuple[str, ...], models: Mapping[str, bytes]
    ) -> Pipeline:
        """Return a tenant's pipeline; the same for the same brands and models.

        Args:
            tenant_id: Whose.
            brands: That the tenant's catalogue knows, the most frequent first.
            models: The current trained model of each task that has one.

        Raises:
            ConfigurationError: An option is wrong, or a model is not what its task can load.
        """
        # By their hash, which Python keeps with them: models are large, and must not stay twice.
        versions = tuple(sorted((task, len(data), hash(data)) for task, data in models.items()))
        key = (brands, versions)
        # One thread makes it, the others wait for it, rather than load a model once each.
        with self._lock:
            known, pipeline = self._made.pop(tenant_id, (None, None))
            if pipeline is None or known != key:
                pipeline = make_pipeline(
                    tenant_id, self._configuration.of(tenant_id), brands, models
                )
            # A tenant's last one only, of few tenants: each holds its models.
            self._made[tenant_id] = key, pipeline
            if len(self._made) > _KEPT_PIPELINES:
                self._made.popitem(last=False)
            return pipeline


def make_pipeline(
    tenant_id: str,
    configuration: TenantConfiguration,
    brands: tuple[str, ...] = (),
    models: Mapping[str, bytes] | None = None,
) -> Pipeline:
    """Make a tenant's pipeline from what is configured.

    Raises:
        ConfigurationError: As `TenantPipelines.pipeline`; names the file and the table.
    """
    points = installed()
    llm = configuration.llm
    chains = []
    for task in configuration.tasks:
        table = configuration.tables[task]
        links = []
        for name in table.enrichers:
            context = EnricherContext(
                tenant_id,
                task,
                options=table.options_of(name),
                brands=brands,
                model=(models or {}).get(task),
            )
            try:
                enricher = load_factory(points[name])(context)
            except ConfigurationError as error:
                raise ConfigurationError(f"{table.where}: {error}") from error
            if enricher is not None:
                links.append(Link(name, enricher, is_ours=owner(points[name]) == OURS))
        asked = llm.model if llm is not None and task in llm.tasks else None
        chains.append(Chain(task, links, llm=asked))
    try:
        return Pipeline(chains)
    except ConfigurationError as error:
        raise ConfigurationError(f"the tasks of {tenant_id}: {error}") from None
