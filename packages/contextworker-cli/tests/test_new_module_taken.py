"""A name is taken also where only a queue or a workflow type has it."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from contextworker.cli.errors import ScaffoldError
from contextworker.cli.scaffold import taken
from contextworker.cli.scaffold.names import ModuleName

STOCK = """
from temporalio import workflow

from contextcore import ContextUnit
from contextworker.core.registry import ModuleConfig


@workflow.defn(name="{workflow_type}")
class Stock:
    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        return unit


module = ModuleConfig(
    name="stock",
    workflows=[Stock],
    activities=[],
    task_queue="{queue}",
    package="contextworker-cli",
)
"""


@pytest.mark.parametrize(
    ("workflow_type", "queue", "says"),
    [
        ("stock", "inventory-tasks", "'stock' polls the task queue 'inventory-tasks'"),
        ("inventory", "stock-tasks", "'stock' serves the workflow type 'inventory'"),
    ],
    ids=["queue", "workflow-type"],
)
def test_what_another_module_answers_for_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workflow_type: str, queue: str, says: str
) -> None:
    """Two workers on one queue, or two modules of one type, would take each other's runs."""
    source = f"stock_of_{workflow_type}"
    (tmp_path / f"{source}.py").write_text(STOCK.format(workflow_type=workflow_type, queue=queue))
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("stock", f"{source}:module", "contextworker.modules")
    monkeypatch.setattr(taken, "entry_points", lambda group: [point])

    with pytest.raises(ScaffoldError) as caught:
        taken.refuse_taken(ModuleName("inventory"), workspace=None)
    assert says in str(caught.value)
    taken.refuse_taken(ModuleName("returns"), workspace=None)
