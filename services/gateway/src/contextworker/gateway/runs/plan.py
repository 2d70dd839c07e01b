"""Turns a unit into a run to be: its id, its queue, its tenant's marks, its input."""

from dataclasses import dataclass

import jsonschema_rs
from temporalio.api.common.v1 import Memo, Payload, Payloads, Priority, SearchAttributes
from temporalio.api.sdk.v1 import UserMetadata

from contextcore import ContextUnit, Violation
from contextworker.core.caller import CallerRights
from contextworker.core.messages import RoutePayload
from contextworker.core.workflow_ids import MAX_CHARACTERS, TENANT_FIELD
from contextworker.gateway.errors import InvalidRequestError
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.ownership.rights import noted, rights_of
from contextworker.gateway.ownership.scopes import memo_of
from contextworker.gateway.payload_check import check
from contextworker.gateway.routing import workflow_ids
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import RouteInfo
from contextworker.gateway.runs.describing import details_of, metadata_of, summary_of
from contextworker.gateway.runs.marks import marks_of
from contextworker.gateway.settings import MAX_RUN_INPUT_BYTES
from contextworker.gateway.temporal import Temporal

_MIB = 1024 * 1024
_TENANT = f"payload.{TENANT_FIELD}"

# Holds for every route, whatever its own schema says.
_COMMON = {
    "properties": {
        "workflow_type": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
        TENANT_FIELD: RoutePayload.model_json_schema()["properties"][TENANT_FIELD],
    },
    "required": ["workflow_type"],
}
_COMMON_VALIDATOR = jsonschema_rs.validator_for(_COMMON)


@dataclass(frozen=True)
class PlannedRun:
    """What Temporal has to know of a run, whoever starts it: a call now, or a schedule later."""

    workflow_id: str
    is_of_one_unit: bool
    """Whether the id holds the unit's, so that no other unit ever starts a run under it."""

    tenant_id: str
    workflow_type: str
    task_queue: str
    input: Payloads
    memo: Memo | None
    rights: CallerRights | None
    """Of whoever starts it, in the memo, too; None where the route does not need them."""

    search_attributes: SearchAttributes
    priority: Priority
    summary: str
    user_metadata: UserMetadata
    """The summary and what more there is to say, for Temporal's UI."""


@dataclass(frozen=True)
class Planner:
    """Checks a unit against its route, and plans its run for the caller's tenant."""

    temporal: Temporal
    routes: RouteCache

    async def plan(self, unit: ContextUnit, *, inline: bool = False) -> PlannedRun:
        """Plan the run of the workflow that the payload names.

        Args:
            unit: The run's input.
            inline: See `Temporal.converter`.

        Raises:
            InvalidRequestError: The payload does not fit the route, or is too large.
            TenantDeniedError: It names a tenant that is not the caller's.
            UnknownWorkflowTypeError: No module serves the type.
            RouteConflictError: Several modules do.
            BrokenRouteError: The module announced what cannot be used.
            TemporalUnavailableError: The routes cannot be read.
        """
        problems = check(_COMMON_VALIDATOR, unit.payload)
        tenant_id = None
        if not any(problem.field == _TENANT for problem in problems):
            try:
                tenant_id = current_caller().tenant_for(unit.payload)
            except InvalidRequestError as error:
                problems += error.violations
        if any(problem.field == "payload.workflow_type" for problem in problems):
            raise InvalidRequestError(problems)
        route = await self.routes.find(unit.payload["workflow_type"])
        unit, found = _of_tenant(unit, route, tenant_id)
        if problems or found or tenant_id is None:
            raise InvalidRequestError(list(dict.fromkeys([*problems, *found])))
        return await self._planned(unit, route, tenant_id, inline=inline)

    async def _planned(
        self, unit: ContextUnit, route: RouteInfo, tenant_id: str, *, inline: bool
    ) -> PlannedRun:
        template = workflow_ids.template_of(route)
        if template is None:
            workflow_id = workflow_ids.from_unit(route.workflow_type, tenant_id, unit.unit_id)
        else:
            workflow_id = workflow_ids.from_template(route, template, tenant_id, unit.payload)
        converter = self.temporal.converter(workflow_id, inline=inline)
        summary = summary_of(route, unit)
        memo, rights = await memo_of(converter, unit.security), None
        if route.announced.needs_caller:
            rights = rights_of(current_caller(), tenant_id)
            memo = await noted(converter, memo, rights)
        return PlannedRun(
            workflow_id=workflow_id,
            is_of_one_unit=template is None,
            tenant_id=tenant_id,
            workflow_type=route.workflow_type,
            task_queue=route.task_queue,
            input=_checked(await converter.encode([unit])),
            memo=memo,
            rights=rights,
            search_attributes=marks_of(route, tenant_id, unit.payload),
            priority=Priority(fairness_key=tenant_id),
            summary=summary,
            user_metadata=await metadata_of(converter, summary, details_of(route, unit)),
        )


def _of_tenant(
    unit: ContextUnit, route: RouteInfo, tenant_id: str | None
) -> tuple[ContextUnit, list[Violation]]:
    """Write the tenant into the payload, unless the route has no room for it; check the payload."""
    if tenant_id is None or TENANT_FIELD in unit.payload:
        return unit, check(route.validator, unit.payload, fields=route.fields)
    payload = {**unit.payload, TENANT_FIELD: tenant_id}
    problems = check(route.validator, payload, fields=route.fields)
    if TENANT_FIELD not in route.fields and any(item.field == _TENANT for item in problems):
        return unit, check(route.validator, unit.payload, fields=route.fields)
    return unit.model_copy(update={"payload": payload}), problems


def _checked(payloads: list[Payload]) -> Payloads:
    size = sum(payload.ByteSize() for payload in payloads)
    if size > MAX_RUN_INPUT_BYTES:
        raise InvalidRequestError(
            [
                Violation(
                    "payload",
                    f"is {size / _MIB:.1f} MiB as a run's input, which holds "
                    f"{MAX_RUN_INPUT_BYTES // _MIB} MiB; put bulk data into a store and send "
                    "a reference to it",
                )
            ]
        )
    return Payloads(payloads=payloads)
