"""The record of calls: short, and without what is called a secret."""

from contextworker.core.messages import Progress, Step, StepStatus
from contextworker.sandbox.execution.journal import STEPS, Journal
from contextworker.sandbox.messages import Answer, ToolCall, ToolError


def noted(call: ToolCall, answer: Answer) -> Step:
    """Return what the journal tells of one call."""
    journal = Journal()
    journal.begin(call)
    journal.answered(answer)
    return journal.steps[-1]


def test_secrets_are_left_out() -> None:
    """By their names, as deep as they are shown."""
    call = ToolCall(
        tool="start_workflow",
        args=("harvest",),
        kwargs={"api_key": "hunter2", "login": {"user": "ada", "Password": "hunter2"}},
    )
    step = noted(call, Answer(value={"access_token": "hunter2", "left": 1}))

    expected = "'harvest', api_key=…, login={'Password': '…', 'user': 'ada'} → "
    assert expected + "{'access_token': '…', 'left': 1}" == step.detail


def test_details_are_short() -> None:
    """However much code hands over, and however much comes back."""
    call = ToolCall(tool="look", args=("x" * 10_000, list(range(10_000))))
    error = ToolError(type="ValueError", message="y" * 10_000)
    step = noted(call, Answer(error=error))

    assert StepStatus.FAILED is step.status
    assert 200 == len(step.detail)
    assert "→ ValueError: yyy" in step.detail


def test_only_the_latest_calls_are_told() -> None:
    """The others are counted."""
    journal = Journal()
    for n in range(STEPS + 5):
        journal.begin(ToolCall(tool="look", args=(n,)))
        journal.answered(Answer())

    assert (STEPS + 5, STEPS) == (journal.made, len(journal.steps))
    assert "5" == journal.steps[0].detail


def test_progress_says_what_is_waited_for() -> None:
    """A call under way is no call done."""
    journal = Journal()
    assert Progress(stage="running", unit="calls", steps=()) == journal.progress()
    journal.begin(ToolCall(tool="sleep", args=(5,)))
    running = Step(name="sleep", status=StepStatus.RUNNING, detail="5")
    expected = Progress(stage="waiting for sleep(5)", unit="calls", steps=(running,))
    assert expected == journal.progress()
    journal.stopped("over")
    ended = Step(name="sleep", status=StepStatus.FAILED, detail="5 → over")
    assert Progress(stage="running", done=1, unit="calls", steps=(ended,)) == journal.progress()
