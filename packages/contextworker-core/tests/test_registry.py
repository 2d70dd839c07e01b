"""The registry: modules as callers write them, and the clashes it refuses."""

from importlib.metadata import EntryPoint

import pytest
from greeter import GreetRequest, GreetWorkflow, module
from temporalio import activity, workflow

from contextcore import ContextUnit
from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ModuleConfig, Route, WorkerRegistry


@workflow.defn(name="harvest")
class HarvestWorkflow:
    """A workflow of a caller's own."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Answer."""
        return unit.child({}, provenance="worker:harvest")


@activity.defn
async def fetch_products() -> None:
    """Do nothing, as an activity."""


def test_the_module_authors_lines_work_to_the_letter() -> None:
    """A plain workflow class is a route with defaults."""
    registry = WorkerRegistry()
    registry.register(
        ModuleConfig(name="harvest", workflows=[HarvestWorkflow], activities=[fetch_products])
    )

    (registered,) = registry
    assert "harvest-tasks" == registered.queue
    assert ["harvest"] == [route.workflow_type for route in registered.routes]


def test_a_task_queue_can_be_given() -> None:
    """The default is a default."""
    own = ModuleConfig("harvest", [HarvestWorkflow], [], task_queue="fields")

    assert "fields" == own.queue


def test_the_version_is_that_of_the_package() -> None:
    """A module that no distribution carries is a development version."""
    assert "dev" == module.version
    assert "dev" != ModuleConfig("core", [HarvestWorkflow], []).version


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (ModuleConfig("greeter", [HarvestWorkflow], []), "two modules are named 'greeter'"),
        (
            ModuleConfig("other", [HarvestWorkflow], [], task_queue="greeter-tasks"),
            "modules 'greeter' and 'other' both use the task queue 'greeter-tasks'",
        ),
        (
            ModuleConfig("other", [GreetWorkflow], []),
            "modules 'greeter' and 'other' both serve the workflow type 'greet'",
        ),
        (
            ModuleConfig("other", [HarvestWorkflow, HarvestWorkflow], []),
            "modules 'other' and 'other' both serve the workflow type 'harvest'",
        ),
    ],
)
def test_a_clash_names_both_owners(other: ModuleConfig, message: str) -> None:
    """Two owners of one name, queue or workflow type are an error when they register."""
    registry = WorkerRegistry([module])

    with pytest.raises(ConfigurationError) as caught:
        registry.register(other)

    assert str(caught.value).startswith(message)
    assert [module] == list(registry)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    """`--modules` with a typo says what there is."""
    registry = WorkerRegistry([module])

    with pytest.raises(ConfigurationError, match="unknown module greter; known: greeter"):
        registry.select(["greter"])
    assert [module] == registry.select([])
    assert [module] == registry.select(["greeter", "greeter"])


def test_having_nothing_to_run_is_an_error() -> None:
    """A worker without modules would poll nothing for ever."""
    with pytest.raises(ConfigurationError, match="no module is installed"):
        WorkerRegistry().select([])


@pytest.mark.parametrize("name", ["", "Harvest", "1st", "a b", "a/b"])
def test_a_module_name_is_a_plain_word(name: str) -> None:
    """The name becomes a deployment, a queue and an executable."""
    with pytest.raises(ConfigurationError, match="start with a letter"):
        ModuleConfig(name, [HarvestWorkflow], [])


def test_a_class_that_is_no_workflow_is_refused() -> None:
    """The mistake is told where it is made, with its cure."""
    with pytest.raises(ConfigurationError, match=r"decorate it with @workflow\.defn"):
        ModuleConfig("other", [Route(workflow=dict)], [])


def test_a_template_over_unknown_fields_is_refused() -> None:
    """A workflow id that no payload could fill is found when the module registers."""
    route = Route(workflow=HarvestWorkflow, payload=GreetRequest, workflow_id="h-{shop}")

    with pytest.raises(ConfigurationError, match="names shop, which the payload model"):
        ModuleConfig("other", [route], [])


def test_a_summary_over_unknown_fields_is_refused() -> None:
    """Like a workflow id that no payload could fill."""
    route = Route(workflow=HarvestWorkflow, payload=GreetRequest, summary="Greet {shop}")

    with pytest.raises(ConfigurationError, match=r"the summary 'Greet \{shop\}' names shop, which"):
        ModuleConfig("other", [route], [])


@pytest.mark.parametrize(
    ("filled", "message"),
    [
        ({"Shop": "name"}, "there is no search attribute Shop to fill; known: SupplierCode"),
        ({"TenantId": "name"}, "there is no search attribute TenantId to fill"),
        ({"SupplierCode": "shop"}, "the search attribute 'SupplierCode' names shop, which the"),
    ],
    ids=["unknown", "not for routes", "no such field"],
)
def test_a_search_attribute_that_cannot_be_filled_is_refused(
    filled: dict[str, str], message: str
) -> None:
    """The mistake is told where it is made."""
    route = Route(workflow=HarvestWorkflow, payload=GreetRequest, search_attributes=filled)

    with pytest.raises(ConfigurationError, match=message):
        ModuleConfig("other", [route], [])


def test_modules_are_discovered_by_entry_point() -> None:
    """An installed package announces its module; a broken one is named."""
    good = EntryPoint("greeter", "greeter:module", "contextworker.modules")
    missing = EntryPoint("lost", "no_such_package:module", "contextworker.modules")
    wrong = EntryPoint("wrong", "greeter:GreetWorkflow", "contextworker.modules")

    assert [module] == list(WorkerRegistry.discover([good]))
    with pytest.raises(ConfigurationError, match=r"module 'lost' of .* cannot be imported"):
        WorkerRegistry.discover([missing])
    with pytest.raises(ConfigurationError, match="is a type, not a ModuleConfig"):
        WorkerRegistry.discover([wrong])


def test_an_entry_point_has_its_modules_name() -> None:
    """Launchers choose modules by entry point, so the two names must be one."""
    renamed = EntryPoint("welcomer", "greeter:module", "contextworker.modules")

    with pytest.raises(ConfigurationError, match="the module 'greeter' as 'welcomer'"):
        WorkerRegistry.discover([renamed])
