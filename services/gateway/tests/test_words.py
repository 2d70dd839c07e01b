"""The small parts by themselves: ids, sentences, signs of life."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.failure.v1 import Failure

from contextcore import Violation
from contextworker.core.announcement import AnnouncedRoute, Announcement
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.pollers import UNVERSIONED, Poller
from contextworker.gateway import task_queues
from contextworker.gateway.errors import BrokenRouteError, InvalidRequestError
from contextworker.gateway.payload_check import check
from contextworker.gateway.routing.routes import AnnouncedModule, RouteInfo
from contextworker.gateway.routing.workflow_ids import from_template, from_unit, template_of
from contextworker.gateway.runs.state.failures import closed_run_error, decoded
from contextworker.gateway.task_queues import Queue

SCHEMA: dict[str, Any] = {
    "properties": {
        "tenant_id": {"type": "string", "default": "default"},
        "code": {"type": "string"},
    }
}
TEMPLATE = "x-{tenant_id}-{code}"


def route(template: str | None = TEMPLATE, schema: dict[str, Any] | None = None) -> RouteInfo:
    """Make a route."""
    announced = AnnouncedRoute(
        workflow_type="x", workflow_id=template, payload_schema=schema or SCHEMA
    )
    announcement = Announcement(module="m", task_queue="q", routes=(announced,))
    return RouteInfo(AnnouncedModule("m", "1", announcement), announced)


def write(template: str, **payload: Any) -> str:
    """Write an id."""
    named = route(template)
    found = template_of(named)
    assert found is not None
    return from_template(named, found, payload.pop("tenant_id", "default"), payload)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_ids_are_equal_only_when_all_their_values_are(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Whatever is in the values, no two tenants or suppliers share a run."""
    ids = [
        write(TEMPLATE, tenant_id=tenant, code=code)
        for tenant, code in (one, other)
        if not any("\ud800" <= letter <= "\udfff" for letter in tenant + code)
    ]

    assert (one == other) == (len(set(ids)) == 1) or len(ids) < 2


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"code": "c"}, "x-default-c"),
        ({"tenant_id": "a-b", "code": "c-d"}, "x-a%2Db-c-d"),
        ({"code": 2.5}, "x-default-2.5"),
        ({"code": 5}, "x-default-5"),
        ({"code": True}, "x-default-true"),
    ],
)
def test_an_id_is_written_from_the_payload_and_the_defaults(
    payload: dict[str, Any], expected: str
) -> None:
    """What the caller left out, the schema fills in."""
    assert expected == write(TEMPLATE, **payload)


@pytest.mark.parametrize(
    ("payload", "violation"),
    [
        ({}, Violation("payload.code", "is required: it names the run")),
        ({"code": []}, Violation("payload.code", "must be text or a number: it names the run")),
        (
            {"code": "\U0001d538" * 90},
            Violation("payload.code", "is too long: the run's id would pass 1000 characters"),
        ),
    ],
)
def test_a_value_that_cannot_name_a_run_is_refused(
    payload: dict[str, Any], violation: Violation
) -> None:
    """Also where the module's schema would have let it through."""
    with pytest.raises(InvalidRequestError) as refused:
        write(TEMPLATE, **payload)

    assert (violation,) == refused.value.violations


@pytest.mark.parametrize("template", ["x-{", "x-{0}", "x-{a.b}", "x-{}", "{a}{b}"])
def test_a_template_that_cannot_be_read_is_the_modules_fault(template: str) -> None:
    """The caller is told whose."""
    with pytest.raises(
        BrokenRouteError, match="module 'm' announces 'x' with the workflow id template"
    ):
        write(template, code="c")


def test_a_schema_that_cannot_be_read_is_the_modules_fault() -> None:
    """As is one that refers to the network, which is never asked."""
    for schema in ({"type": "strnig"}, {"$ref": "https://example.com/schema.json"}):
        with pytest.raises(BrokenRouteError, match="an unusable payload schema"):
            _ = route(schema=schema).validator


def test_a_field_may_be_described_by_a_mere_true() -> None:
    """Which is a schema, too: anything goes."""
    anything = route("x-{code}", {"properties": {"code": True}})
    template = template_of(anything)
    assert template is not None

    assert "x-acme-x-c" == from_template(anything, template, "acme", {"code": "c"})


async def test_a_failure_with_details_that_cannot_be_read_still_says_what_it_is() -> None:
    """Somebody else's run may encrypt them."""
    failure = Failure(message="out of tents")
    failure.application_failure_info.type = "OutOfTentsError"
    failure.application_failure_info.details.payloads.add(metadata={"encoding": b"encrypted"})

    error = closed_run_error(await decoded(DATA_CONVERTER, failure))

    assert ("OutOfTentsError", "out of tents") == (error.type, error.message)


def test_units_that_differ_in_letter_case_alone_are_one() -> None:
    """A UUID is a number; how it is written is no difference."""
    unit_id = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"

    assert f"a%2Fb-t%2D1-{unit_id}" == from_unit("a/b", "t-1", unit_id.upper())


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": ["string", "integer"]}, 1.5, "must be a whole number or text, not 1.5"),
        ({"enum": ["a", "b"]}, "c", 'must be one of "a", "b", not "c"'),
        ({"const": "a"}, "b", 'must be "a", not "b"'),
        ({"maxLength": 1}, "ab", 'must have at most 1 character, not "ab"'),
        ({"minItems": 2}, [1], "must have at least 2 items, not [1]"),
        ({"exclusiveMaximum": 3}, 3, "must be less than 3, not 3"),
        ({"multipleOf": 2}, 3, "must be a multiple of 2, not 3"),
        ({"uniqueItems": True}, [1, 1], "must not repeat an item, not [1, 1]"),
        ({"type": "string"}, {"k": "v" * 99}, 'must be text, not {"k": "' + "v" * 52 + "…"),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            1.5,
            "fits no allowed form: must be text, not 1.5; or must be a whole number, not 1.5",
        ),
        (
            {"not": {"type": "string"}},
            "a",
            'does not fit the route\'s schema (not: {"type":"string"} is not allowed for "a")',
        ),
    ],
)
def test_a_problem_is_said_in_words(schema: dict[str, Any], value: Any, sentence: str) -> None:
    """No keyword of JSON Schema reaches a shopkeeper unless there is no word for it."""
    validator = jsonschema_rs.validator_for({"properties": {"field": schema}})

    assert [Violation("payload.field", sentence)] == check(validator, {"field": value})


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Stopped(datetime):
    """A clock that stands still, however slow the machine."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the same time always."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock that pollers are judged by: what counts are two seconds."""
    monkeypatch.setattr(task_queues, "datetime", Stopped)


def poller(seconds_ago: float, version: tuple[str, str] = ("m", "1")) -> Poller:
    """Make a poller that was seen some time ago."""
    return Poller("w", version, NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("seen_s", "waits_s", "why"),
    [
        (60, None, None),
        (80, None, "no worker polls q"),
        (60, 1, None),
        (60, 30, "no worker polls q"),
        (20, 30, "no worker polls q"),
        (1, 30, None),
    ],
)
@pytest.mark.usefixtures("stopped_clock")
def test_who_polled_lately_and_took_what_waited_is_there(
    seen_s: float, waits_s: float | None, why: str | None
) -> None:
    """A poller is believed for a minute, but while a task waits only for moments."""
    since = None if waits_s is None else NOW - timedelta(seconds=waits_s)

    assert why == Queue("q", [poller(seen_s)], ("m", "1")).why_nobody(waiting_since=since)


@pytest.mark.usefixtures("stopped_clock")
def test_a_worker_of_another_version_does_not_count() -> None:
    """It would not get the run's tasks; the sentence names both versions."""
    other = Queue("q", [poller(1, ("m", "2"))], ("m", "1"))
    none = Queue("q", [poller(1, UNVERSIONED)], ("m", "1"))

    assert "no worker of m 1 polls q, only m 2" == other.why_nobody()
    assert "no worker of m 1 polls q, only a worker without a version" == none.why_nobody()


@pytest.mark.usefixtures("stopped_clock")
def test_a_worker_nobody_promoted_is_no_help() -> None:
    """The sentence says what the operator has to do with."""
    queue = Queue("q", [poller(1)], UNVERSIONED)

    assert "m 1 polls q, but is not its deployment's current version" == queue.why_nobody()
