"""The module, as any module here is written."""

from contextworker.core.registry import ModuleConfig, Route
from soaking.messages import SoakRequest, soak_step
from soaking.workflows import SoakWorkflow

module = ModuleConfig(
    name="soak",
    workflows=[Route(workflow=SoakWorkflow, payload=SoakRequest, summary="Soak {number}")],
    activities=[soak_step],
    package="contextworker-core",
)
