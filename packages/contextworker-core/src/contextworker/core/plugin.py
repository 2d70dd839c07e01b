"""The one Temporal plugin that makes a client, its workers and a replayer speak ContextUnits."""

from dataclasses import replace

from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.interceptor import ContextInterceptor

_PASSTHROUGH = (
    # Loaded once and shared: were they loaded again inside the sandbox, a unit made outside would
    # not be an instance of the ContextUnit that workflow code sees.
    "annotated_types",
    "contextcore",
    "contextworker.core",
    "google.protobuf",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
)


class ContextPlugin(SimplePlugin):
    """Converter, interceptors and sandbox settings; give it to the client alone."""

    def __init__(self, *shared_modules: str) -> None:
        """Build the plugin.

        Args:
            shared_modules: Further import names to load once, outside the workflow sandbox. They
                must be free of side effects and of state: a module's messages, for one.
        """
        self._passthrough = (*_PASSTHROUGH, *shared_modules)
        super().__init__(
            "contextworker",
            data_converter=DATA_CONVERTER,
            interceptors=[ContextInterceptor()],
            workflow_runner=self._runner,
        )

    def _runner(self, existing: WorkflowRunner | None) -> WorkflowRunner:
        runner = existing or SandboxedWorkflowRunner()
        if not isinstance(runner, SandboxedWorkflowRunner):
            return runner
        return replace(
            runner,
            restrictions=runner.restrictions.with_passthrough_modules(*self._passthrough),
        )
