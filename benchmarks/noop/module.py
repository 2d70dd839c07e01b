"""The module, as any module here is written."""

from contextworker.core.registry import ModuleConfig, Route
from noop.messages import NoopRequest, noop
from noop.workflows import NoopWorkflow

module = ModuleConfig(
    name="noop",
    workflows=[Route(workflow=NoopWorkflow, payload=NoopRequest, workflow_id="noop-{number}")],
    activities=[noop],
    package="contextworker-core",
)
