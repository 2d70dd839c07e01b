"""A training in a process of its own: `python -m contextworker.gardener.training.program FOLDER`.

It computes for minutes and needs memory that its end gives back; and it can be killed. It reads
its folder, writes its folder, and tells on standard output how far it is. Where whoever started
it is gone, its standard input ends, and so does it, and takes the folder along.
"""

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any, Final

from contextworker.core.errors import PermanentError
from contextworker.gardener.training.comparing import mean
from contextworker.gardener.training.examples import Labelled
from contextworker.gardener.training.learners import Learner, learner_of

TASK: Final = "task.txt"
EXAMPLES: Final = "examples.jsonl"
CURRENT: Final = "current.model"
NEW_SINCE: Final = "new_since.json"
MODEL: Final = "new.model"
OUTCOME: Final = "outcome.json"
_NICENESS: Final = 5


def main() -> None:
    """Train in the folder that the command line names."""
    folder, ending = Path(sys.argv[1]), threading.Lock()
    threading.Thread(target=_end_with_starter, args=(folder, ending), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # the same machine's batches go first
    try:
        try:
            outcome = train_in(folder)
        except PermanentError as error:
            outcome = {"refused": str(error)}
        (folder / OUTCOME).write_text(json.dumps(outcome), encoding="utf-8")
    finally:
        # It may have failed for a file that is removed already: to end now would stop the removal.
        ending.acquire()


def train_in(folder: Path) -> dict[str, Any]:
    """Score and train a model, and score the current one on what is new to it."""
    learner = learner_of((folder / TASK).read_text(encoding="utf-8"))
    with (folder / EXAMPLES).open(encoding="utf-8") as lines:
        examples = [Labelled.load(line) for line in lines]
    learner.check(examples)
    _tell("cross-validating", 0, None)
    answers = learner.held_out(examples, _tell)
    rights = [learner.right(one, answer) for one, answer in zip(examples, answers, strict=True)]
    _tell("comparing", 0, None)
    rescored = _rescored(folder, learner, examples)
    _tell("training", 0, None)
    learnt = learner.train(examples, _tell)
    (folder / MODEL).write_bytes(learnt.artefact)
    return {
        "version": learnt.version,
        "rights": rights,
        "right": mean(rights),
        "figures": learner.figures(examples, answers),
        "rescored": rescored,
    }


def _rescored(folder: Path, learner: Learner, examples: list[Labelled]) -> list[float] | None:
    """Return how right the current model is on what is new to it; None where it cannot be read."""
    if not (folder / CURRENT).exists():
        return []
    places = json.loads((folder / NEW_SINCE).read_text(encoding="utf-8"))
    new = [examples[place] for place in places]
    try:
        answers = learner.answers((folder / CURRENT).read_bytes(), new)
    except PermanentError:
        return None
    return [learner.right(one, answer) for one, answer in zip(new, answers, strict=True)]


def _tell(stage: str, done: int, total: int | None) -> None:
    print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)  # noqa: T201 -- its news


def _end_with_starter(folder: Path, ending: threading.Lock) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass  # nothing is ever said there
    with ending:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


if __name__ == "__main__":
    main()
