"""Makes sure that Temporal knows the search attributes by which runs are found.

No run is without its tenant. The others are for people who look for runs: where Temporal has no
room for one, or does not let the gateway make it, runs go without.

A server that has just been given a search attribute may refuse it for some moments more: its
processes read the namespace's settings now and then.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.search_attributes import RUN_ATTRIBUTES
from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.errors import GatewayError, TemporalUnavailableError
from contextworker.gateway.shared_task import shared_task
from contextworker.gateway.temporal import Method, Temporal
from contextworker.gateway.visibility.leaving_out import without

_log = logging.getLogger(__name__)
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_TRY_AGAIN_S = 2.0
_LOOK_AGAIN_S = 60.0
_TENANT: Final = TENANT_ATTRIBUTE.name
_NAMES: Final = tuple(key.name for key in RUN_ATTRIBUTES)
_NAMED: Final = re.compile(rf"\b({'|'.join(_NAMES)})\b")

Answer = TypeVar("Answer")


class RunAttributes:
    """The search attributes as Temporal has them: asked for once, and made where missing."""

    def __init__(self, temporal: Temporal) -> None:
        self._temporal = temporal
        self._known: set[str] = set()
        self._refused: set[str] = set()
        """Missing, and not to be made: looked at again now and then."""

        self._useless: set[str] = set()
        """There, but Temporal does not take them: those of another kind, for one."""

        self._looking: asyncio.Task[None] | None = None
        self._complaints: set[str] = set()

    async def ensure(self) -> None:
        """Return once Temporal has what it is to have; later calls cost nothing.

        Raises:
            TemporalUnavailableError: It does not answer, or does not let the gateway make the
                tenant's.
        """
        if self._is_settled:
            return
        if self._looking is None or self._looking.done():
            self._looking = shared_task(self._look())
        await asyncio.shield(self._looking)

    async def run(self) -> None:
        """Try until Temporal has them all: callers should not be the first to hear that it cannot.

        What it refuses, its operator may make at any time.
        """
        while not self._is_settled or self._refused:
            if self._is_settled:
                await asyncio.sleep(_LOOK_AGAIN_S)
                self._refused.clear()
            try:
                await self.ensure()
            except GatewayError:
                await asyncio.sleep(_TRY_AGAIN_S)

    async def call(self, method: Method[Any, Answer], request: Any) -> Answer:
        """Make a call that names attributes; bear with a server that has yet to take them up.

        What Temporal goes without is left out of the request.

        Raises:
            RPCError: Temporal said no for another reason.
            TemporalUnavailableError: It does not answer, or does not know the tenant's.
        """
        await self.ensure()
        while True:
            unknown: set[str] = set()
            for pause_s in _PAUSES_S:
                try:
                    return await self._temporal.call(method, without(request, self._left_out))
                except RPCError as error:
                    unknown = _unknown(error)
                    if not unknown:
                        raise
                # It was made just now; or another server, with an empty store, has come since.
                await asyncio.sleep(pause_s)
                self._known.clear()
                await self.ensure()
            if _TENANT in unknown or unknown <= self._left_out:
                raise TemporalUnavailableError(
                    "Temporal has yet to take up the search attribute "
                    f"{', '.join(sorted(unknown))}; try again in a moment"
                )
            self._useless |= unknown
            self._complain(
                f"Temporal does not take the search attribute {', '.join(sorted(unknown))}, which "
                "must be a Keyword; runs go without until the gateway starts anew"
            )

    @property
    def _left_out(self) -> set[str]:
        return self._refused | self._useless

    @property
    def _is_settled(self) -> bool:
        return self._known | self._left_out >= {*_NAMES}

    async def _look(self) -> None:
        for name in _NAMES:  # the tenant's first: there may be room for one more only
            if name in self._known | self._left_out:
                continue
            if not await self._is_known(name):
                try:
                    await self._make(name)
                except (RPCError, GatewayError) as error:
                    if name == _TENANT:
                        raise self._tenant_refused(error) from error
                    self._refused.add(name)
                    self._complain(f"{self._advice([name])}; until then runs go without ({error})")
                    continue
            self._known.add(name)

    async def _is_known(self, name: str) -> bool:
        # Asked of the service that runs need anyway: the operator's may be closed to the gateway.
        request = CountWorkflowExecutionsRequest(
            namespace=self._temporal.namespace, query=f"{name} = ''"
        )
        try:
            await self._temporal.call(self._temporal.service.count_workflow_executions, request)
        except RPCError as error:
            if name not in _unknown(error):
                raise
            return False
        return True

    async def _make(self, name: str) -> None:
        request = AddSearchAttributesRequest(
            namespace=self._temporal.namespace,
            search_attributes={name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
        )
        await self._temporal.call(self._temporal.operator.add_search_attributes, request)
        _log.info("made the search attribute %s in Temporal", name)

    def _tenant_refused(self, error: RPCError | GatewayError) -> GatewayError:
        said = error if isinstance(error, RPCError) else error.__cause__
        if isinstance(error, GatewayError) and not (
            isinstance(said, RPCError)
            and said.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)
        ):
            return error
        missing = [name for name in _NAMES if name not in self._known]
        sentence = self._advice(missing)
        if sentence not in self._complaints:  # once, not at every try
            self._complaints.add(sentence)
            _log.error("%s (%s)", sentence, said.message if isinstance(said, RPCError) else said)
        return TemporalUnavailableError(sentence)

    def _advice(self, names: Iterable[str]) -> str:
        options = " ".join(f"--name {name} --type Keyword" for name in names)
        return (
            f"Temporal has no search attribute {' or '.join(names)} and does not let the "
            "gateway make it; its operator has to run: temporal operator search-attribute create "
            f"--namespace {self._temporal.namespace} {options}"
        )

    def _complain(self, sentence: str) -> None:
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            _log.warning("%s", sentence)


def _unknown(error: RPCError) -> set[str]:
    if error.status is not RPCStatusCode.INVALID_ARGUMENT:
        return set()
    return set(_NAMED.findall(error.message))
