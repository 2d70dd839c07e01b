"""What asking costs: never more than the budget, and each product its share."""

from dataclasses import dataclass
from typing import Final

from contextworker.core.metrics.gardener import LLM_COST, LLM_TOKENS, Asked, Direction, Tokens
from contextworker.gardener.llm.config import LlmConfig

_MILLION: Final = 1_000_000
_MOST_TOKENS: Final = 10_000_000
"""That any one request has: who says more would only upset the sums."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one request took."""

    tokens: int
    cost_usd: float


class Spending:
    """Adds up what requests cost, and says before each one whether it could pass the budget.

    A token is at least one byte of what is sent, so a request's bytes and the longest answer it
    allows bound its cost. Where nobody knows what an attempt cost, because its answer was lost on
    the way, it counts as the most it can have cost.
    """

    def __init__(self, config: LlmConfig, budget_usd: float | None, *, tenant_id: str = "") -> None:
        self._config = config
        self._tenant_id = tenant_id
        self._budget_usd = budget_usd
        self.tokens = 0
        self.cost_usd = 0.0
        self.is_over = False
        """A server took more than a request allowed it: its answers can no longer be bounded."""

    def fits(self, sent_bytes: int) -> bool:
        """Tell whether a request that sends so much stays within the budget."""
        if self._budget_usd is None:
            return True
        most = self._cost(sent_bytes, self._config.max_output_tokens)
        return not self.is_over and self.cost_usd + most <= self._budget_usd

    def charge(self, *, sent_bytes: int, input_tokens: int = 0, output_tokens: int = 0) -> Used:
        """Add what an attempt took; a number that the server did not say counts as the most.

        Args:
            sent_bytes: By all that was sent for it; 0: nothing left this machine.
            input_tokens: As the server says; 0: it does not.
            output_tokens: The same.
        """
        if not sent_bytes:
            return Used(0, 0.0)
        most = self._config.max_output_tokens
        taken = min(input_tokens, _MOST_TOKENS) if input_tokens > 0 else sent_bytes
        given = min(output_tokens, _MOST_TOKENS) if output_tokens > 0 else most
        used = Used(taken + given, self._cost(taken, given))
        self.tokens += used.tokens
        self.cost_usd += used.cost_usd
        self._count(taken, given, used.cost_usd)
        self.is_over = self.is_over or used.cost_usd > self._cost(sent_bytes, most)
        return used

    def _count(self, taken: int, given: int, cost_usd: float) -> None:
        asked = Asked(self._tenant_id, self._config.model)
        LLM_TOKENS.add(taken, Tokens(*asked, Direction.INPUT))
        LLM_TOKENS.add(given, Tokens(*asked, Direction.OUTPUT))
        LLM_COST.record(cost_usd, asked)

    def _cost(self, input_tokens: int, output_tokens: int) -> float:
        config = self._config
        return (
            input_tokens * config.input_usd_per_million / _MILLION
            + output_tokens * config.output_usd_per_million / _MILLION
        )


def shares(used: Used, count: int) -> list[Used]:
    """Share out among so many, to the last token."""
    each, rest = divmod(used.tokens, count)
    return [Used(each + (number < rest), used.cost_usd / count) for number in range(count)]
