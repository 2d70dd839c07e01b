"""Asks a language model about what the local enrichers left in doubt."""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.llm.answers import Answers
from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.judging import Judge
from contextworker.gardener.llm.offers import Offers, Thing
from contextworker.gardener.llm.questions import Question, Writer
from contextworker.gardener.llm.rounds import Round
from contextworker.gardener.llm.spending import Spending

_NEEDED: Final = ("openai", "pydantic_ai")


class LlmEnricher:
    """Asks one tenant's language model.

    It keeps nothing between two calls of `ask`, which may run side by side.
    """

    def __init__(
        self,
        config: LlmConfig,
        taxonomy: Taxonomy,
        things: Iterable[Thing] = (),
        *,
        environment: Mapping[str, str] = os.environ,
        longest_s: float = 720,
        tenant_id: str = "",
    ) -> None:
        """Read the key and the prompts.

        Args:
            config: Which model, and what it is asked about.
            taxonomy: The tenant's.
            things: Its technologies and materials, for the task `tech`.
            environment: Holds the key.
            longest_s: What one call of `ask` may take; then its open products are left to people.
                Less than the run gives the activity, whose money would count as spent.
            tenant_id: Whose it is, for the metrics.

        Raises:
            ConfigurationError: The extra `llm` is not installed, the key is not set, a prompt
                cannot be used, or there is nothing to choose from.
        """
        if missing := [name for name in _NEEDED if find_spec(name) is None]:
            raise ConfigurationError(
                f"a language model is configured, but {missing[0]} is not installed: install "
                "contextworker-gardener[llm]"
            )
        offers = Offers(taxonomy, things, limit=config.candidates)
        if "tech" in config.tasks and not offers.terms:
            raise ConfigurationError(
                "llm.tasks has tech, but there is no vocabulary of technologies and materials"
            )
        self._config = config
        self._key = config.api_key(environment)
        self._writer = Writer(config, offers)
        self._judge = Judge(config.source, offers)
        self._longest_s = longest_s
        self._tenant_id = tenant_id

    async def ask(
        self,
        subjects: Sequence[Subject],
        doubts: Sequence[frozenset[str]],
        *,
        budget_usd: float | None = None,
    ) -> Answers:
        """Ask about products; cancelled, it lets go of the request in hand.

        Args:
            subjects: The products, and what is known of them.
            doubts: For each of them, the tasks that are in doubt.
            budget_usd: What this call may cost; None: no limit.

        Raises:
            ConfigurationError: The server refuses the key, does not know the model, or rejects
                everything: no product would fare better.
        """
        questions = [
            Question(subject, tuple(task for task in self._config.tasks if task in doubt))
            for subject, doubt in zip(subjects, doubts, strict=True)
        ]
        spending = Spending(self._config, budget_usd, tenant_id=self._tenant_id)
        at_limit = False
        if any(question.open for question in questions):
            # Its imports take seconds, in which heartbeats must go on.
            module = await asyncio.to_thread(import_module, "contextworker.gardener.llm.provider")
            async with module.connect(self._config, self._key, spending) as provider:
                asking = Round(
                    self._config, self._writer, self._judge, provider, time_s=self._longest_s
                )
                at_limit = not await asking.answer([each for each in questions if each.open])
        for question, doubt in zip(questions, doubts, strict=True):
            question.leave(doubt - set(self._config.tasks), f"{self._config.model} is not asked")
        return Answers(
            tuple(None if question.open else question.settled() for question in questions),
            tokens=spending.tokens,
            cost_usd=spending.cost_usd,
            at_limit=at_limit,
        )
