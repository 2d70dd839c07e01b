"""Makes sure that Temporal knows the search attribute by which runs belong to tenants.

A server that has just been given a search attribute may refuse it for some moments more: its
processes read the namespace's settings now and then.
"""

import asyncio
import logging
from typing import Any, TypeVar

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.errors import GatewayError, TemporalUnavailableError
from contextworker.gateway.shared_task import shared_task
from contextworker.gateway.temporal import Method, Temporal

_log = logging.getLogger(__name__)
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_TRY_AGAIN_S = 2.0

Answer = TypeVar("Answer")


class TenantAttribute:
    """The search attribute as Temporal has it: asked for once, and made where it is missing."""

    def __init__(self, temporal: Temporal) -> None:
        self._temporal = temporal
        self._is_there = False
        self._looking: asyncio.Task[None] | None = None
        self._complaint = ""

    async def ensure(self) -> None:
        """Return once Temporal has the attribute; later calls cost nothing.

        Raises:
            TemporalUnavailableError: Temporal does not answer, or does not let the gateway make it.
        """
        if self._is_there:
            return
        if self._looking is None or self._looking.done():
            self._looking = shared_task(self._look())
        await asyncio.shield(self._looking)

    async def run(self) -> None:
        """Try until Temporal has it: callers should not be the first to hear that it cannot."""
        while not self._is_there:
            try:
                await self.ensure()
            except GatewayError:
                await asyncio.sleep(_TRY_AGAIN_S)

    async def call(self, method: Method[Any, Answer], request: Any) -> Answer:
        """Make a call that names the attribute; bear with a server that has yet to take it up.

        Raises:
            RPCError: Temporal said no for another reason.
            TemporalUnavailableError: It does not answer, or does not know the attribute.
        """
        await self.ensure()
        for pause_s in _PAUSES_S:
            try:
                return await self._temporal.call(method, request)
            except RPCError as error:
                if not _is_unknown(error):
                    raise
            # It was made just now; or another server, with an empty store, has come since.
            await asyncio.sleep(pause_s)
            self._is_there = False
            await self.ensure()
        raise TemporalUnavailableError(
            f"Temporal has yet to take up the search attribute {TENANT_ATTRIBUTE.name}; try again "
            "in a moment"
        )

    async def _look(self) -> None:
        if not await self._is_known():
            await self._make()
        self._is_there = True

    async def _is_known(self) -> bool:
        # Asked of the service that runs need anyway: the operator's may be closed to the gateway.
        request = CountWorkflowExecutionsRequest(
            namespace=self._temporal.namespace, query=f"{TENANT_ATTRIBUTE.name} = ''"
        )
        try:
            await self._temporal.call(self._temporal.service.count_workflow_executions, request)
        except RPCError as error:
            if not _is_unknown(error):
                raise
            return False
        return True

    async def _make(self) -> None:
        request = AddSearchAttributesRequest(
            namespace=self._temporal.namespace,
            search_attributes={TENANT_ATTRIBUTE.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
        )
        try:
            await self._temporal.call(self._temporal.operator.add_search_attributes, request)
        except RPCError as error:
            raise self._refused(error) from error
        except TemporalUnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, RPCError) and cause.status in (
                RPCStatusCode.PERMISSION_DENIED,
                RPCStatusCode.UNAUTHENTICATED,
            ):
                raise self._refused(cause) from error
            raise
        _log.info("made the search attribute %s in Temporal", TENANT_ATTRIBUTE.name)

    def _refused(self, error: RPCError) -> TemporalUnavailableError:
        sentence = (
            f"Temporal has no search attribute {TENANT_ATTRIBUTE.name} and does not let the "
            "gateway make it; its operator has to run: temporal operator search-attribute create "
            f"--namespace {self._temporal.namespace} --name {TENANT_ATTRIBUTE.name} --type Keyword"
        )
        if sentence != self._complaint:  # once, not at every try
            self._complaint = sentence
            _log.error("%s (%s)", sentence, error.message)
        return TemporalUnavailableError(sentence)


def _is_unknown(error: RPCError) -> bool:
    return error.status is RPCStatusCode.INVALID_ARGUMENT and TENANT_ATTRIBUTE.name in error.message
