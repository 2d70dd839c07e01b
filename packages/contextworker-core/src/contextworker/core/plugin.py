"""The one Temporal plugin that makes a client, its workers and a replayer speak ContextUnits."""

from collections.abc import Sequence
from dataclasses import replace

from temporalio import client
from temporalio.common import HeaderCodecBehavior
from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import Interceptor, ReplayerConfig, WorkflowRunner
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
    "structlog",
    "typing_extensions",
)


class ContextPlugin(SimplePlugin):
    """Converter, interceptors and sandbox settings; give it to the client alone."""

    def __init__(
        self,
        *shared_modules: str,
        data_converter: DataConverter = DATA_CONVERTER,
        interceptors: Sequence[client.Interceptor | Interceptor] = (),
    ) -> None:
        """Build the plugin.

        Args:
            shared_modules: Further import names to load once, outside the workflow sandbox. They
                must be free of side effects and of state: a module's messages, for one.
            data_converter: How values are written, where it is more than `DATA_CONVERTER` does.
            interceptors: What surrounds calls, workflows and activities outside of this project's
                own interceptor.
        """
        self._passthrough = (*_PASSTHROUGH, *shared_modules)
        super().__init__(
            "contextworker",
            data_converter=data_converter,
            interceptors=[*interceptors, ContextInterceptor()],
            workflow_runner=self._runner,
        )

    def configure_client(self, config: client.ClientConfig) -> client.ClientConfig:
        """Have headers encrypted, too, where the converter encrypts: see the base class."""
        config = super().configure_client(config)
        if config["data_converter"].payload_codec is not None:
            config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        """Read the headers of recorded runs as workers do: see the base class."""
        config = super().configure_replayer(config)
        if config["data_converter"].payload_codec is not None:
            config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config

    def _runner(self, existing: WorkflowRunner | None) -> WorkflowRunner:
        runner = existing or SandboxedWorkflowRunner()
        if not isinstance(runner, SandboxedWorkflowRunner):
            return runner
        return replace(
            runner,
            restrictions=runner.restrictions.with_passthrough_modules(*self._passthrough),
        )
