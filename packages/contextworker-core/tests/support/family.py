"""Workflows that start others, and go on as new, each telling whose it is."""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from contextworker.core.tenancy import TENANT_ATTRIBUTE

SHELF = SearchAttributeKey.for_keyword("Shelf")
Asked = dict[str, Any]


def _given(how: str) -> Any:
    match how:
        case "typed":
            return TypedSearchAttributes([SearchAttributePair(SHELF, "top")])
        case "untyped":
            return {SHELF.name: ["top"]}
        case "own":
            return TypedSearchAttributes([SearchAttributePair(TENANT_ATTRIBUTE, "stepchild")])
    return None


@workflow.defn(name="child")
class Child:
    """Tells what it was started with."""

    @workflow.run
    async def run(self) -> Asked:
        """Run."""
        info = workflow.info()
        found = {pair.key.name: pair.value for pair in info.typed_search_attributes}
        return {**found, "fairness_key": info.priority.fairness_key}


@workflow.defn(name="parent")
class Parent:
    """Starts a child, at once or when it has continued as new."""

    @workflow.run
    async def run(self, given: str, continues: str) -> Asked:
        """Run."""
        if continues:
            workflow.continue_as_new(args=[given, ""], search_attributes=_given(continues))
        told: Asked = await workflow.execute_child_workflow(
            Child.run, search_attributes=_given(given)
        )
        return told
