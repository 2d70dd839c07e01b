"""A module that logs wherever it can, and has Temporal replay it at each step."""

import asyncio
import json
import logging
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.process import run_module_worker
from contextworker.core.registry import ModuleConfig, Route

_log = logging.getLogger("chatty")


@activity.defn
async def talk(where: str) -> None:
    """Log here, and in a thread."""
    _log.info("in %s", where)
    if where == "an activity":
        await asyncio.to_thread(_log.info, "in a thread")


@workflow.defn(name="chatty")
class ChattyWorkflow:
    """Logs at each step, and when it is asked."""

    @workflow.query
    def how(self) -> str:
        """Log, and answer."""
        _log.info("asked")
        return "well"

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Log by both ways there are."""
        _log.info("begun")
        workflow.logger.info("by the SDK")
        within = timedelta(seconds=30)
        await workflow.execute_activity(talk, "an activity", start_to_close_timeout=within)
        await workflow.execute_local_activity(
            talk, "a local activity", start_to_close_timeout=within
        )
        await workflow.sleep(0.01)
        _log.info("ended")
        return unit.child({}, provenance="worker:chatty")


module = ModuleConfig(
    name="chatter",
    workflows=[Route(workflow=ChattyWorkflow)],
    activities=[talk],
    task_queue="chatty-things",
)


async def run_chatty(
    environment: dict[str, str], client: Client, unit: ContextUnit
) -> list[dict[str, Any]]:
    """Run the workflow in a worker process that keeps none in memory; returns what it logged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__)),
        env={**os.environ, **environment, "CONTEXTWORKER_LOG_LEVEL": "DEBUG"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        handle = await client.start_workflow(
            "chatty", unit, id="chatty-1", task_queue="chatty-things"
        )
        await handle.result()
        await handle.query("how")
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    return [json.loads(line) for line in errors.splitlines()]


if __name__ == "__main__":
    run_module_worker(module)
