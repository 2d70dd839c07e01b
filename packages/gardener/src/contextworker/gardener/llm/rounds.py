"""One round of questions: until every product has its answers, or is left to people."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

import stamina

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.llm.answers import NO_ANSWER
from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.failures import (
    OverBudgetError,
    PassingError,
    RejectedError,
    UnansweredError,
)
from contextworker.gardener.llm.judging import Judge
from contextworker.gardener.llm.questions import Question, Sheet, Writer
from contextworker.gardener.llm.shapes import AllAnswers, Unusable

if TYPE_CHECKING:  # an extra
    from contextworker.gardener.llm.provider import Provider

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 1.0
_JITTER: Final = 0.25

_Group = list[Question]


class Round:
    """Asks about products in groups, and again where that may help."""

    def __init__(
        self,
        config: LlmConfig,
        writer: Writer,
        judge: Judge,
        provider: "Provider",
        *,
        time_s: float,
    ) -> None:
        self._config = config
        self._writer = writer
        self._judge = judge
        self._provider = provider
        self._ends_at = monotonic() + time_s
        self._rejected: list[RejectedError] = []

    async def answer(self, questions: Sequence[Question]) -> bool:
        """Return False where the budget did not allow for all of them.

        Raises:
            ConfigurationError: No product would fare better.
        """
        size = self._config.batch
        groups = deque(
            list(questions[start : start + size]) for start in range(0, len(questions), size)
        )
        while groups:
            group = groups.popleft()
            if self._left_s <= 0:
                self._give_up(group, "it takes too long")
                continue
            try:
                again = await self._ask(group)
            except OverBudgetError:
                return False
            groups.extendleft(reversed(again))
        if len(self._rejected) == len(questions) > 1:
            raise ConfigurationError(
                f"{self._config.model} was asked about {len(questions)} products, one by one at "
                f"last, and each time {self._rejected[-1]}"
            )
        return True

    async def _ask(self, group: _Group) -> list[_Group]:
        """Ask about a group; return the groups to ask about next."""
        # Looking for categories computes for long in a large taxonomy.
        sheet = await asyncio.to_thread(self._writer.sheet, group)
        try:
            answers = await self._attempts(sheet)
        except PassingError as error:
            self._give_up(group, str(error))
        except UnansweredError as error:
            if len(group) > 1:
                middle = len(group) // 2
                return [group[:middle], group[middle:]]
            self._give_up(group, str(error))
            if isinstance(error, RejectedError):
                self._rejected.append(error)
        else:
            again = self._judged(sheet, answers)
            return [again] if again else []
        return []

    async def _attempts(self, sheet: Sheet) -> AllAnswers:
        async for attempt in stamina.retry_context(
            on=self._backoff(sheet), attempts=None, timeout=None
        ):
            with attempt:
                within_s = min(self._config.timeout_s, max(self._left_s, 0))
                return await self._provider.answers(sheet, within_s=within_s)
        raise AssertionError("unreachable: attempts are unlimited")

    def _backoff(self, sheet: Sheet) -> Callable[[Exception], bool | float]:
        """Return what decides after each failure whether, and when, to try again."""

        def pause(error: Exception) -> bool | float:
            if not isinstance(error, PassingError):
                return False
            for question in sheet.questions:
                question.tries += 1
            tries = max(question.tries for question in sheet.questions)
            wanted_s = error.pause_s
            if wanted_s is None:
                wanted_s = _FIRST_PAUSE_S * 2.0 ** (tries - 1)
            jittered_s = wanted_s * (1 + _JITTER * random.random())  # noqa: S311 -- no secret
            pause_s = min(jittered_s, self._config.longest_pause_s)
            return tries < self._config.attempts and pause_s < self._left_s and pause_s

        return pause

    def _judged(self, sheet: Sheet, answers: AllAnswers) -> _Group:
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
                self._give_up([question], question.refused)
        return again

    def _give_up(self, group: _Group, reason: str) -> None:
        tries = max(question.tries for question in group)
        often = f", in {tries} attempts" if tries > 1 else ""
        # The model is the source, though it gave no answer: else the local result would be looked
        # for again, be in doubt again, and wait for the model again, without end.
        for question in group:
            question.leave(
                question.open,
                f"{NO_ANSWER}{self._config.model}: {reason}{often}",
                source=self._config.source,
            )
        _log.warning(
            "%s: %d products are left to people: %s", self._config.model, len(group), reason
        )

    @property
    def _left_s(self) -> float:
        return self._ends_at - monotonic()
