"""Asks a language model about what the local enrichers left in doubt."""

import asyncio
import logging
import os
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import stamina

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.taxonomy import Taxonomy
from contextworker.gardener.llm.answers import Answers
from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.failures import (
    OverBudgetError,
    PassingError,
    RejectedError,
    UnansweredError,
)
from contextworker.gardener.llm.judging import Judge
from contextworker.gardener.llm.offers import Offers, Thing
from contextworker.gardener.llm.questions import Question, Sheet, Writer
from contextworker.gardener.llm.shapes import AllAnswers, Unusable
from contextworker.gardener.llm.spending import Spending

if TYPE_CHECKING:
    from contextworker.gardener.llm.provider import Provider

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 1.0
_JITTER: Final = 0.25
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
    ) -> None:
        """Read the key and the prompts.

        Args:
            config: Which model, and what it is asked about.
            taxonomy: The tenant's.
            things: Its technologies and materials, for the task `tech`.
            environment: Holds the key.

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
        spending = Spending(self._config, budget_usd)
        at_limit = False
        if any(question.open for question in questions):
            # Its imports take seconds, in which heartbeats must go on.
            module = await asyncio.to_thread(import_module, "contextworker.gardener.llm.provider")
            async with module.connect(self._config, self._key, spending) as provider:
                round_ = _Round(self._config, self._writer, self._judge, provider)
                at_limit = not await round_.answer([each for each in questions if each.open])
        for question, doubt in zip(questions, doubts, strict=True):
            question.leave(doubt - set(self._config.tasks), f"{self._config.model} is not asked")
        return Answers(
            tuple(None if question.open else question.settled() for question in questions),
            tokens=spending.tokens,
            cost_usd=spending.cost_usd,
            at_limit=at_limit,
        )


class _Round:
    """Asks until every product has its answers or is left to people."""

    def __init__(
        self, config: LlmConfig, writer: Writer, judge: Judge, provider: "Provider"
    ) -> None:
        self._config = config
        self._writer = writer
        self._judge = judge
        self._provider = provider
        self._rejected: list[RejectedError] = []

    async def answer(self, questions: Sequence[Question]) -> bool:
        """Return False where the budget did not allow for all of them."""
        size = self._config.batch
        groups = deque(
            list(questions[start : start + size]) for start in range(0, len(questions), size)
        )
        while groups:
            group = groups.popleft()
            # Looking for categories computes for long in a large taxonomy.
            sheet = await asyncio.to_thread(self._writer.sheet, group)
            try:
                answers = await self._attempts(sheet)
            except OverBudgetError:
                return False
            except PassingError as error:
                self._give_up(group, f"{error}, {self._tries}")
            except UnansweredError as error:
                if len(group) > 1:
                    middle = len(group) // 2
                    groups.extendleft([group[middle:], group[:middle]])
                    continue
                self._give_up(group, str(error))
                if isinstance(error, RejectedError):
                    self._rejected.append(error)
            else:
                if again := self._judged(sheet, answers):
                    groups.append(again)
        if len(self._rejected) == len(questions) > 1:
            raise ConfigurationError(
                f"{self._config.model} was asked about {len(questions)} products, one by one at "
                f"last, and each time {self._rejected[-1]}"
            )
        return True

    async def _attempts(self, sheet: Sheet) -> AllAnswers:
        async for attempt in stamina.retry_context(
            on=self._backoff(sheet), attempts=None, timeout=None
        ):
            with attempt:
                return await self._provider.answers(sheet)
        raise AssertionError  # stamina goes on until it raises

    def _backoff(self, sheet: Sheet) -> Callable[[Exception], bool | float]:
        """Return what decides after each failure whether, and when, to try again."""

        def pause(error: Exception) -> bool | float:
            if not isinstance(error, PassingError):
                return False
            for question in sheet.questions:
                question.tries += 1
            tries = max(question.tries for question in sheet.questions)
            wanted = error.pause_s
            if wanted is None:
                wanted = _FIRST_PAUSE_S * 2.0 ** (tries - 1)
            jittered = wanted * (1 + _JITTER * random.random())  # noqa: S311 -- no secret
            return tries < self._config.attempts and min(jittered, self._config.longest_pause_s)

        return pause

    def _judged(self, sheet: Sheet, answers: AllAnswers) -> list[Question]:
        """Take what can be used; return the products to be asked about again."""
        said = answers.by_index()
        again = []
        for index, question in enumerate(sheet.questions):
            answer = said.get(index, Unusable("there is no answer about it"))
            wrong = []
            for task in question.open:
                part = answer if isinstance(answer, Unusable) else answer.said(task)
                result = self._judge.result(task, part, question, sheet)
                if isinstance(result, Unusable):
                    wrong.append(result.reason)
                else:
                    question.results[task] = result
            if not wrong:
                continue
            question.tries += 1
            question.refused = "; ".join(dict.fromkeys(wrong))
            if question.tries < self._config.attempts:
                again.append(question)
            else:
                self._give_up([question], f"{question.refused}, {self._tries}")
        return again

    def _give_up(self, group: Sequence[Question], reason: str) -> None:
        _log.warning(
            "%s: %d products are left to people: %s", self._config.model, len(group), reason
        )
        for question in group:
            question.leave(question.open, f"no answer from {self._config.model}: {reason}")

    @property
    def _tries(self) -> str:
        attempts = self._config.attempts
        return f"in {attempts} attempts" if attempts > 1 else "in one attempt"
