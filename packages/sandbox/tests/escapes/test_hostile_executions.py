"""Hostile programs and requests as callers send them: gateway, Temporal, worker, object store."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hostile_programs import hostile_programs
from sandbox_programs import TIMEOUT_S, Programs, until

from contextworker.core.client import AsyncTask, InvalidRequestError, TaskFailedError


@asynccontextmanager
async def _beside(programs: Programs) -> AsyncIterator[None]:
    """Have a second tenant run programs meanwhile; each must come out right."""
    happened = asyncio.Event()

    async def work() -> None:
        n = 0
        while n == 0 or not happened.is_set():
            n += 1
            result = await programs.run("sum(range(n))", inputs={"n": n}, tenant_id="steady")
            assert (n * (n - 1) // 2, None) == (result["result"], result["error"])

    steady = asyncio.create_task(work())
    try:
        yield
    finally:
        happened.set()
        async with asyncio.timeout(TIMEOUT_S):
            await steady


def _end(result: dict[str, Any]) -> str | None:
    error = result["error"]
    return None if error is None else error["limit"] or error["type"]


_THROUGH_THE_WHOLE = (
    "subclasses of object by way of a tuple",
    "a tower of powers",
    "an integer that Python itself would not print",
    "such an integer as a key",
    "nested repeats with a back-reference",
    "a function that calls itself",
    "a list that doubles",
    "a file",
    "the environment",
    "bytes that unpickle to a shell",
    "lines without end, and every error swallowed",
    "a result that doubles with each of sixty levels",
    "an exception with a message of megabytes",
    "half of a surrogate pair as the result",
    "parentheses within parentheses",
    "swallowing everything",
    "a limit of memory, made up",
    "a list a hundred thousand deep, returned",
    "numbers that are none",
)


@pytest.mark.slow
async def test_hostile_programs_end_cleanly_beside_a_second_tenant(programs: Programs) -> None:
    """All at once, each with its own end, as a completed execution."""
    hostile = [program for program in hostile_programs() if program.name in _THROUGH_THE_WHOLE]
    assert len(_THROUGH_THE_WHOLE) <= len(hostile)

    async with _beside(programs):
        results = await asyncio.gather(
            *(
                programs.run(program.source, tenant_id="hostile", timeout=program.timeout)
                for program in hostile
            )
        )

    ends = {
        program.name: _end(result)
        for program, result in zip(hostile, results, strict=True)
        if (_end(result) or "") not in program.ends and not (program.harmless and not _end(result))
    }
    assert {} == ends


_MORE_ENDS = (
    ("print('\\0' * 262_144)", "output_bytes"),
    ("print('\\0' * 40_000)\n'\\0' * 40_000", None),
    ("print('😀' * 65_000)\n'😀' * 65_000", None),
    ("raise ValueError('\\0' * 1_000_000)", "ValueError"),
    ("{'\\0' * 40_000: '\\\\' * 10_000}", None),
    ("task_status('\\0' * 40_000)", "ValueError"),
    ("task_status('\"' * 262_000)", "ValueError"),
    ("start_workflow('errand', **{'\\0' * 40_000: 1})", "ValueError"),
    ("x = '\\0' * 10_000_000\nimport time\ntime.sleep(0)\nlen(x)", None),
)


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("print('\\n' * 262_000)\n'\"' * 262_000", None),
        ("task_status('\\0' * 262_000)", "answer_bytes"),
        *(pytest.param(code, end, marks=pytest.mark.slow) for code, end in _MORE_ENDS),
    ],
)
async def test_every_end_fits_temporals_messages(
    programs: Programs, code: str, end: str | None
) -> None:
    """Output, results and arguments that are larger as JSON end as the others do."""
    result = await programs.run(code, tenant_id="hostile")

    assert end == _end(result)


@pytest.mark.parametrize(
    "fields",
    [
        {"code": ""},
        {"code": "#" * 262_145},
        {"code": 5},
        {"code": ["1"]},
        {"code": None},
        {"language": "ruby"},
        {"language": None},
        {"inputs": [1]},
        {"inputs": {"a b": 1}},
        {"inputs": {"": 1}},
        {"inputs": {"é": 1}},
        {"inputs": {"a" * 101: 1}},
        {"inputs": {"a": 2**53 + 1}},
        {"inputs": {"a": "x" * 3_000_000}},
        {"so_far": "{}"},
        {"so_far": None},
        {"execution": "another"},
        {"limits": {"timeout_s": 1e9}},
        {"tenant_id": "../globex"},
        {"tenant_id": ""},
        {"tenant_id": "a" * 1000},
    ],
    ids=lambda fields: f"{next(iter(fields))}-{str(next(iter(fields.values())))[:12]!r}",
)
async def test_a_hostile_request_is_refused_at_the_door(
    programs: Programs, fields: dict[str, Any]
) -> None:
    """Before anything runs, and so with what the workflow hands to itself."""
    with pytest.raises(InvalidRequestError):
        await programs.gateway.start(
            "execute_code", **{"code": "1", "tenant_id": "hostile", **fields}
        )


async def test_code_learns_nothing_of_other_tenants_tasks(programs: Programs) -> None:
    """What is another's answers as what never was; a guessed id tells nothing."""
    theirs = await programs.start("6 * 7", tenant_id="globex")
    await theirs.result(timeout=TIMEOUT_S)
    code = """
        said = []
        for id in ids:
            for look in (task_status, wait_for):
                try:
                    said.append(look(id))
                except Exception as error:
                    said.append(repr(error).replace(id, "…"))
        said
    """
    ids = [theirs.workflow_id, theirs.workflow_id[:-12] + "000000000000"]

    result = await programs.run(code, inputs={"ids": ids}, tenant_id="hostile")

    assert 1 == len(set(result["result"]))
    assert "LookupError" in result["result"][0]


@pytest.mark.parametrize(
    "count",
    [10, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
    ids=["ten", "thousand"],
)
async def test_a_flood_of_one_tenant_holds_nobody_up(programs: Programs, count: int) -> None:
    """Every one of them is answered, and another tenant's programs run on meanwhile."""
    # A caller may watch 256 tasks at once, and to a gateway without tokens both tenants are one
    # caller; nor need a thousand calls be answered within one call's deadline on a busy machine.
    calls = asyncio.Semaphore(100)

    async def start(n: int) -> AsyncTask:
        async with calls:
            return await programs.start(f"{n} * 2", tenant_id="hostile")

    async def result(task: AsyncTask) -> dict[str, Any]:
        async with calls:
            found: dict[str, Any] = await task.result(timeout=600)
        return found

    async with _beside(programs):
        tasks = await asyncio.gather(*map(start, range(count)))
        results = await asyncio.gather(*map(result, tasks))

    assert [n * 2 for n in range(count)] == [result["result"] for result in results]


async def test_a_changed_snapshot_is_not_run(programs: Programs) -> None:
    """One bit is enough: its name is the hash of its bytes."""
    awaited = await programs.start_errand("awaited", seconds=600)
    task = await programs.start("wait_for(id)\n1", inputs={"id": awaited.id})

    async def waits() -> bool:
        progress = (await task.status()).progress
        return progress is not None and progress.stage.startswith("waiting for wait_for(")

    await until(waits)
    for path in programs.snapshots(task.run_id):
        forged = bytearray(path.read_bytes())
        forged[len(forged) // 2] ^= 1
        path.write_bytes(forged)
    await awaited.terminate()

    with pytest.raises(TaskFailedError, match="do not match"):
        await task.result(timeout=TIMEOUT_S)


@pytest.mark.parametrize("seconds", [0, -1, "1", [1], {"s": 1}])
async def test_a_time_limit_that_is_none_is_refused(programs: Programs, seconds: Any) -> None:
    """By the RPC that runs code, as by any other."""
    with pytest.raises(InvalidRequestError, match="timeout"):
        await programs.gateway.execute("1", code_timeout=seconds, tenant_id="hostile")


@pytest.mark.parametrize(
    ("seconds", "end"), [(5e-324, "timeout_s"), (1e-9, "timeout_s"), (1e308, None)]
)
async def test_a_time_limit_beyond_all_sense_is_kept(
    programs: Programs, seconds: float, end: str | None
) -> None:
    """The least there is ends code at once; the most is capped by the tenant's."""
    run = await programs.gateway.execute("1 + 1", code_timeout=seconds, tenant_id="hostile")

    assert end == (run.error and run.error.limit)
    assert (None if end else 2) == run.result


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")], ids=str)
async def test_a_time_limit_that_is_no_number_does_not_travel(
    programs: Programs, seconds: float
) -> None:
    """No ContextUnit holds one."""
    with pytest.raises(InvalidRequestError):
        await programs.gateway.execute("1", code_timeout=seconds, tenant_id="hostile")


async def test_no_log_quotes_a_program(
    programs: Programs, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    """Neither its text, its inputs, what it calls, nor what it comes to; however it ends."""
    endings = ("given", "raise ValueError(given)", "x = (", "print(given)\n[given] * 10**9")
    calls = ("start_workflow('errand', name=given)", "task_status(given)", "start_workflow(given)")
    with caplog.at_level(logging.INFO):
        for code in (*endings, *calls):
            quoting = f"# {secret}\n{code}"
            await programs.run(quoting, inputs={"given": secret.upper()}, tenant_id="hostile")

    assert secret not in caplog.text.lower()
