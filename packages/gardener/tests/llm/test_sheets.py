"""What is written down for a model, and what is taken from its answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.terms.tech_file import load_tech
from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.judging import Judge
from contextworker.gardener.llm.offers import Offers
from contextworker.gardener.llm.questions import Question, Sheet, Writer, stands_in
from contextworker.gardener.llm.shapes import Unusable, shape

KINDS = [f"kind{n}" for n in range(400)]
LARGE = Taxonomy([Category(id=str(n), name=f"{kind} lamps") for n, kind in enumerate(KINDS)])


def config(**changes: Any) -> LlmConfig:
    """Return a configuration for all tasks."""
    table = {
        "base_url": "https://llm.example/v1",
        "model": "small",
        "input_usd_per_million": 1,
        "output_usd_per_million": 4,
        "tasks": ["taxonomy", "ner", "params", "tech"],
    }
    return LlmConfig.model_validate(table | changes)


def offers(taxonomy: Taxonomy = LARGE) -> Offers:
    """Return what can be chosen from."""
    return Offers(taxonomy, load_tech().things, limit=5)


def question(*tasks: Any, guess: str = "7", **text: Any) -> Question:
    """Return a question about one product."""
    local = TaskResult(status=ResultStatus.PENDING, result={"id": guess}, confidence=0.1)
    product = ProductText(product_id="p", content_hash="h", **text)
    return Question(Subject(product, {"taxonomy": local}), tasks)


def sheet(*questions: Question, **changes: Any) -> Sheet:
    """Write them down."""
    return Writer(config(**changes), offers()).sheet(questions)


def test_a_large_taxonomy_is_offered_in_part() -> None:
    """The nearest categories are offered, and the local guess; an unknown guess is not."""
    near = sheet(question("taxonomy", name="A kind42 lamp"))
    lost = sheet(question("taxonomy", guess="gone", name="A kind42 lamp"))

    assert {"42", "7"} <= near.categories
    assert len(near.categories) <= 6
    assert "- `42`: kind42 lamps" in near.instructions
    assert "gone" not in lost.categories


def test_only_the_prompts_of_what_is_asked_are_sent() -> None:
    """What nobody asks about is not explained, nor offered, nor in the shape of answers."""
    written = sheet(question("ner", name="Lamp"))

    assert (("ner",), frozenset()) == (written.tasks, written.categories)
    assert ("`ner`:" in written.instructions, "`tech`:" in written.instructions) == (True, False)
    assert "TechAnswer" not in json.dumps(shape(written.tasks).model_json_schema())


def test_prompts_of_ones_own_take_the_packaged_ones_place(tmp_path: Path) -> None:
    """A tenant's prompt is used word by word; backslashes in what stands in it are kept."""
    (tmp_path / "taxonomy.md").write_text("Sort {{ categories }}, bitte.")
    odd = Taxonomy([Category(id="a\\1", name="A \\g<0> {{x}}")])
    writer = Writer(config(prompts=str(tmp_path)), offers(odd))

    told = writer.sheet([question("taxonomy", "ner", name="x")]).instructions

    assert "Sort - `a\\1`: A \\g<0> {{x}}, bitte." in told
    assert "`ner`:" in told


def test_a_long_product_is_cut() -> None:
    """No product, however long, makes a request endless."""
    long = question(
        "ner",
        name="n" * 1000,
        description="d " * 5000,
        params={f"key{n}": "v" * 500 for n in range(99)},
    )

    assert len(sheet(long).products) < 25_000


@pytest.mark.parametrize(
    ("words", "written", "there"),
    [
        ("Cloud-Up 2", "Naturehike cloud up 2 tent", True),
        ("Black Diamond", "a BLACK DIAMOND lamp", True),
        ("Up", "Cloudup", False),
        ("Diamond Black", "Black Diamond", False),
        ("®", "Tent ®", True),
        ("®", "Tent", False),
    ],
)
def test_words_stand_in_a_text(words: str, written: str, there: bool) -> None:  # noqa: FBT001 -- a case
    """Whole words, one after the other, whatever their case and hyphens."""
    assert there == stands_in(words, written)


def test_technologies_are_those_of_the_vocabulary() -> None:
    """A known id becomes a result, another is of no use; words that are nowhere are reviewed."""
    thing = next(iter(load_tech().things))
    asked = question("tech", name=f"Boots with {thing.name}")
    judge = Judge("llm:small", offers())

    def judged(**term: str) -> TaskResult | Unusable:
        answers = shape(("tech",)).model_validate(
            {"answers": [{"index": 0, "tech": {"terms": [term], "sure": True}}]}
        )
        answer = answers.by_index()[0]
        assert not isinstance(answer, Unusable)
        return judge.result("tech", answer.said("tech"), asked, sheet(asked))

    good, nowhere = judged(id=thing.id, text=thing.name), judged(id=thing.id, text="Zeppelin")

    assert isinstance(good, TaskResult)
    assert isinstance(nowhere, TaskResult)
    assert ("done", "review") == (good.status, nowhere.status)
    assert [{"id": thing.id, "name": thing.name, "text": thing.name}] == (
        next(iter(good.result.values()))
    )
    assert Unusable("tech: 'x' is none of the terms") == judged(id="x", text="Boots")
