"""Ask a tenant's language model about what its products wait for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from contextworker.brain.models import Product
from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import TaskEntry, TaskResult
from contextworker.gardener.enrichers.configuration import Configuration
from contextworker.gardener.enrichers.entries import hash_inputs, reads_of
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enriching.entries import Entries, asked_about, product_text
from contextworker.gardener.llm.answers import Answers

if TYPE_CHECKING:  # an extra: loaded where a tenant has a language model
    from contextworker.gardener.llm.asking import LlmEnricher

_LIBRARY = "pydantic_ai"
_LONG_PROMPT, _LONG_PRODUCT = 16_000, 8_000
"""Tokens, which no prompt of ours and hardly a product has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking about some products."""

    products: tuple[Product, ...]
    """Those that were asked about, with the answers in their enrichment."""
    answers: Answers


class LanguageModels:
    """The language models of all tenants that have one."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._enrichers: dict[str, LlmEnricher] = {}

    def check(self) -> None:
        """See that every configured model can be asked, before the worker takes work.

        Raises:
            ConfigurationError: The extra is not installed, a key is not set, or a prompt or a
                vocabulary cannot be used.
        """
        for tenant_id in ("", *self._configuration.tenants):
            llm = self._configuration.of(tenant_id).llm
            if llm is None:
                continue
            if find_spec(_LIBRARY) is None:
                raise ConfigurationError(
                    f"the gardener's configuration names the language model {llm.model}, but what "
                    "asks it is not installed: install contextworker-gardener[llm], or take the "
                    "table llm out"
                )
            try:
                self._enricher(tenant_id)
            except ConfigurationError as error:
                where = self._configuration.of(tenant_id).where
                raise ConfigurationError(f"{where}.llm: {error}") from None

    def batch(self, tenant_id: str) -> int:
        """Return how many products go into one question; 0 without a language model."""
        llm = self._configuration.of(tenant_id).llm
        return llm.batch if llm else 0

    def most_usd(self, tenant_id: str) -> float:
        """Return what one question may cost, by itself; more only where it would not fit else.

        So much is unsure where an attempt is cut off while it asks.
        """
        llm = self._configuration.of(tenant_id).llm
        if llm is None:
            return 0.0
        sent = _LONG_PROMPT + _LONG_PRODUCT * llm.batch
        return (
            llm.attempts
            * (
                sent * llm.input_usd_per_million
                + llm.max_output_tokens * llm.output_usd_per_million
            )
            / 1_000_000
        )

    async def ask(
        self, tenant_id: str, products: Sequence[Product], *, budget_usd: float | None, at: datetime
    ) -> Asked:
        """Ask about the tasks of each product that wait.

        Args:
            tenant_id: Whose.
            products: All of them wait.
            budget_usd: What the answers may cost; None: no limit.
            at: The time of new entries.
        """
        enricher, tasks = self._enricher(tenant_id)
        subjects = [_subject(product) for product in products]
        doubts = [asked_about(product.enrichment, tasks) for product in products]
        answers = await enricher.ask(subjects, doubts, budget_usd=budget_usd)
        asked = tuple(
            _answered(product, subject, answer, at)
            for product, subject, answer in zip(products, subjects, answers.results, strict=True)
            if answer is not None
        )
        return Asked(asked, answers)

    def _enricher(self, tenant_id: str) -> "tuple[LlmEnricher, tuple[str, ...]]":
        llm = self._configuration.of(tenant_id).llm
        if llm is None:
            raise ConfigurationError(
                f"{tenant_id} had a language model when this run began, and has none on this "
                "worker: give all workers the same configuration, or start the run again"
            )
        if tenant_id not in self._enrichers:
            from contextworker.gardener.llm.asking import LlmEnricher  # noqa: PLC0415 -- an extra

            taxonomy = self._configuration.taxonomy(tenant_id)
            tech = "tech" in llm.tasks
            things = self._configuration.vocabulary(tenant_id).things if tech else ()
            self._enrichers[tenant_id] = LlmEnricher(llm, taxonomy, things, tenant_id=tenant_id)
        return self._enrichers[tenant_id], llm.tasks


def _subject(product: Product) -> Subject:
    results = {
        task: TaskResult.model_validate(
            {key: value for key, value in entry.items() if key in TaskResult.model_fields}
        )
        for task, entry in product.enrichment.items()
    }
    return Subject(product_text(product), results)


def _answered(
    product: Product, subject: Subject, answer: Mapping[str, TaskResult], at: datetime
) -> Product:
    """Return the product with the answers in place.

    Of tasks that were asked about together, some read what others found out: each answer is noted
    as one to what the others say now, or it would be asked for again.
    """
    entries: Entries = product.enrichment
    results = {**subject.results, **answer}
    new = {}
    for task, result in answer.items():
        inputs = hash_inputs(reads_of(entries[task]["inputs"]), subject.text, results)
        entry = TaskEntry(**result.model_dump(), at=at, inputs=inputs)
        new[task] = entry.model_dump(mode="json", exclude_none=True)
    return product.model_copy(update={"enrichment": {**entries, **new}})
