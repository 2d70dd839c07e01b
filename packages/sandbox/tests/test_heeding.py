"""A run heeds what comes from outside: questions, cancelling, the end of its time."""

from sandbox_programs import Programs


async def test_turns_in_a_row_leave_room_for_questions(programs: Programs) -> None:
    """While turns follow each other in the fast lane, nobody could ask or cancel the run."""
    task = await programs.start(
        """
        for n in range(8):
            try:
                task_status()
            except TypeError:
                pass
        n
        """
    )
    result = await task.result()

    assert (7, 8) == (result["result"], result["calls_made"])
    assert (await programs.activities(task)).count("resume_turn") >= 2
    await programs.replay(task)


async def test_a_first_turn_ends_with_the_executions_time(programs: Programs) -> None:
    """Though it still computes, or waits for an interpreter."""
    task = await programs.start("while True: pass", tenant_id="short-life", timeout=10)
    result = await task.result()

    assert ("LimitExceeded", "lifetime_s") == (result["error"]["type"], result["error"]["limit"])
    assert [] == programs.snapshots(task.run_id)
    await programs.replay(task)
