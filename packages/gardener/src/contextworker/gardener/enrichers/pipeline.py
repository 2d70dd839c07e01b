"""All tasks of a tenant, in their order: each answers what changed, the rest stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.chain import Chain, Link
from contextworker.gardener.enrichers.configuration import TenantConfiguration
from contextworker.gardener.enrichers.entries import TASK, TEXT_FIELDS, hash_inputs, still_good
from contextworker.gardener.enrichers.loading import OURS, installed, make_enricher, owner
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject


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
        known: list[dict[str, str]] = [{} for _ in products]
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
                worked[index].inputs[chain.task] = hash_inputs(
                    chain.reads, products[index], found[index], known=known[index]
                )
                worked[index].results[chain.task] = found[index][chain.task] = result
        return [
            Worked(work.results, work.inputs, frozenset(tasks))
            for work, tasks in zip(worked, kept, strict=True)
        ]


def make_pipeline(
    tenant_id: str,
    configuration: TenantConfiguration,
    brands: tuple[str, ...] = (),
    models: Mapping[str, bytes] | None = None,
) -> Pipeline:
    """Make a tenant's pipeline from what is configured.

    Args:
        tenant_id: Whose.
        configuration: What holds for the tenant.
        brands: That the tenant's catalogue knows, the most frequent first.
        models: The current trained model of each task that has one.

    Raises:
        ConfigurationError: An option is unknown or wrong, a file cannot be used, tasks are in the
            wrong order; names the file and the table.
    """
    points = installed()
    llm = configuration.llm
    chains = []
    for task in configuration.tasks:
        table = configuration.tables[task]
        links: list[Link] = []
        for name in table.enrichers:
            context = EnricherContext(
                tenant_id,
                task,
                options=table.options_of(name),
                brands=brands,
                model=(models or {}).get(task),
                after=tuple(link.name for link in links),
            )
            try:
                enricher = make_enricher(points[name], context)
            except ConfigurationError as error:
                raise ConfigurationError(f"{table.where}: {error}") from error
            if enricher is not None:
                links.append(Link(name, enricher, is_ours=owner(points[name]) == OURS))
        asked = llm.model if llm is not None and task in llm.tasks else None
        chains.append(Chain(task, links, llm=asked))
    try:
        return Pipeline(chains)
    except ConfigurationError as error:
        raise ConfigurationError(f"{configuration.where}.tasks: {error}") from None
