"""What surrounds every activity and workflow: errors in Temporal's terms, ids, tenants, log."""

import logging
from datetime import datetime
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ContinueAsNewInput,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle, ChildWorkflowHandle

from contextcore import UnitError
from contextcore.origin import use_origin
from contextworker.core.errors import InvalidInputError, PermanentError
from contextworker.core.logs.carrying import fields_of_headers, fields_of_run, with_fields
from contextworker.core.logs.context import log_fields
from contextworker.core.scheduled import own_unit
from contextworker.core.search_attributes import inherited
from contextworker.core.summaries import cut

_log = logging.getLogger(__name__)
_NEVER_RETRIED = (PermanentError, UnitError, ValidationError)


class ContextInterceptor(Interceptor):
    """Makes permanent errors non-retryable, and new units deterministic inside workflows.

    What a workflow starts belongs to the workflow's tenant, and is found by what that is found by.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Surround activities."""
        return _Activity(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """Surround workflows."""
        return _Workflow


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        with log_fields(**fields_of_headers(input.headers)):
            try:
                return await super().execute_activity(input)
            except _NEVER_RETRIED as error:
                failure, info = permanent_failure(error), activity.info()
                _log.warning(
                    "activity %s of %s failed for good: %s",
                    info.activity_type,
                    info.workflow_id,
                    failure.message,
                )
                raise failure from error.__cause__


class _WorkflowOrigin:
    def new_id(self) -> str:
        return str(workflow.uuid4())

    def now(self) -> datetime:
        return workflow.now()


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        input.summary = _cut(input.summary)
        input.headers = with_fields(input.headers)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        input.summary = _cut(input.summary)
        input.headers = with_fields(input.headers)
        return super().start_local_activity(input)

    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> ChildWorkflowHandle[Any, Any]:
        input.search_attributes = inherited(input.search_attributes)
        input.static_summary = _cut(input.static_summary)
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002 - the SDK's name
        if input.search_attributes is not None:  # else the next run gets those of this one
            input.search_attributes = inherited(input.search_attributes)
        super().continue_as_new(input)


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))
        self._fields: dict[str, str | None] = {}

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        with use_origin(_WorkflowOrigin()):
            input.args = own_unit(input.args)
            self._fields = fields_of_run(input.args)
            try:
                with log_fields(**self._fields):
                    return await super().execute_workflow(input)
            except _NEVER_RETRIED as error:
                # Left as it is, the error would fail the workflow task, which is retried for ever.
                raise permanent_failure(error) from error.__cause__

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002 - the SDK's name
        with use_origin(_WorkflowOrigin()), log_fields(**self._fields):
            await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002 - the SDK's name
        with log_fields(**self._fields):
            return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002 - the SDK's name
        with log_fields(**self._fields):
            super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - the SDK's name
        with use_origin(_WorkflowOrigin()), log_fields(**self._fields):
            return await super().handle_update_handler(input)


def _cut(summary: str | None) -> str | None:
    # Temporal may refuse a longer one, and with it the workflow's whole step, again and again.
    return None if summary is None else cut(summary)


def permanent_failure(error: Exception) -> ApplicationError:
    """Say a permanent error in Temporal's terms: not retried, its class name as the type.

    Benign, because it is an answer and no alarm: the SDK then leaves its traceback out of the log.
    """
    if isinstance(error, ValidationError):
        # Not str(error), which quotes the values: histories and logs are no place for them.
        message = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'payload'}: {item['msg']}"
            for item in error.errors()
        )
        kind = InvalidInputError.__name__
    else:
        message, kind = str(error), type(error).__name__
    return ApplicationError(
        message, type=kind, non_retryable=True, category=ApplicationErrorCategory.BENIGN
    )
