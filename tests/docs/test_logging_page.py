"""The questions that docs/logging.md asks of logs, asked of some."""

import json
import subprocess
from pathlib import Path

from code_blocks import ROOT, blocks_of
from needed import needed

RECORDS = [
    {
        "timestamp": "2026-11-23T06:48:22.123Z",
        "level": "warning",
        "event": "StartWorkflow failed; incident 3f2a9c001122",
        "trace_id": "1eb2bae8-dcfc-47e3-b75c-01a78d122cc6",
        "tenant_id": "acme",
        "exception": [{"type": "ValueError", "message": "no", "frames": ["a.py:1 f"]}],
    },
    {"timestamp": "2026-11-23T06:48:22.123Z", "level": "info", "event": "another"},
]


def test_each_question_finds_its_records(tmp_path: Path) -> None:
    """One that names a field which no record has would find nothing, for ever."""
    needed("jq")
    (tmp_path / "gateway.log").write_text("".join(f"{json.dumps(it)}\n" for it in RECORDS))
    questions = [
        block.source for block in blocks_of(ROOT / "docs/logging.md") if block.language == "text"
    ]

    answers = [
        subprocess.run(
            ["bash", "-c", question], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        for question in questions
    ]

    assert [json.dumps(RECORDS[0]).replace(": ", ":").replace(", ", ",")] == [
        answers[0].strip().replace(": ", ":").replace(", ", ",")
    ]
    assert (
        "2026-11-23T06:48:22.123Z\t\t\tStartWorkflow failed; incident 3f2a9c001122\n" == answers[1]
    )
    assert ["1 ValueError: no", "ValueError\n  a.py:1 f"] == [
        answers[2].strip(),
        answers[3].strip(),
    ]
