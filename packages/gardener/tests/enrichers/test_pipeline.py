"""Tasks in their order: what is answered, what stays, what waits for a language model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.chain import Chain, Link
from contextworker.gardener.enrichers.configuration import read_configuration
from contextworker.gardener.enrichers.entries import hash_inputs
from contextworker.gardener.enrichers.pipeline import Pipeline, Worked, make_pipeline
from contextworker.gardener.enrichers.protocol import Subject

DONE, REVIEW, PENDING, ERROR = (
    ResultStatus.DONE,
    ResultStatus.REVIEW,
    ResultStatus.PENDING,
    ResultStatus.ERROR,
)


def product(name: str = "Tent", **fields: Any) -> ProductText:
    """Make a product."""
    return ProductText(product_id="1", content_hash="h", name=name, **fields)


@dataclass
class Says:
    """An enricher that is as sure as it is told to be."""

    confidence: float
    source: str = "says"
    reads: frozenset[str] = frozenset({"name"})
    answer: Callable[[Subject], dict[str, Any]] = field(default=lambda s: {"name": s.text.name})

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Answer with the name."""
        return [
            TaskResult.judged(
                self.answer(subject),
                confidence=self.confidence,
                threshold=0.8,
                source=self.source,
                doubt="not sure",
            )
            for subject in subjects
        ]


def chain(*enrichers: Says, task: str = "taxonomy", llm: str | None = None) -> Chain:
    """Ask these in turn."""
    return Chain(task, [Link(one.source, one) for one in enrichers], llm=llm)


def stored(worked: Worked) -> dict[str, Any]:
    """Return entries as the Brain gives them back."""
    return {
        task: result.model_dump(mode="json")
        | {"inputs": worked.inputs[task], "at": "2026-11-23T00:00:00Z"}
        for task, result in worked.results.items()
    }


def run(
    chains: Sequence[Chain], text: ProductText, before: Mapping[str, Any] | None = None
) -> Worked:
    """Run a pipeline over one product."""
    return Pipeline(chains).run([text], [before or {}])[0]


@pytest.mark.parametrize(
    ("confidences", "source", "status"),
    [
        ([0.9, 0.99], "0", DONE),
        ([0.5, 0.9], "1", DONE),
        ([0.5, 0.6], "1+0", REVIEW),
        ([0.6, 0.5], "0+1", REVIEW),
        ([0.6, 0.6], "0+1", REVIEW),
        ([], "", REVIEW),
    ],
    ids=["first", "second", "surest", "surest-first", "as-sure", "none"],
)
def test_the_first_that_is_sure_wins(
    confidences: list[float], source: str, status: ResultStatus
) -> None:
    """Else the surest goes to review, and all that were asked are named."""
    enrichers = [Says(confidence, str(n)) for n, confidence in enumerate(confidences)]

    result = run([chain(*enrichers)], product()).results["taxonomy"]

    assert (source, status) == (result.source, result.status)


def test_a_doubt_waits_for_the_language_model_with_its_local_result() -> None:
    """Pending, with what was found out on the spot; what is done asks nobody."""
    doubt = run([chain(Says(0.5), llm="m")], product("Tent")).results["taxonomy"]
    sure = run([chain(Says(0.9), llm="m")], product("Tent")).results["taxonomy"]

    assert (PENDING, {"name": "Tent"}, "not sure") == (doubt.status, doubt.result, doubt.reason)
    assert DONE is sure.status


def test_what_is_done_is_not_done_again() -> None:
    """The same product with another price changes in nothing that is read."""
    chains = [chain(Says(0.9)), chain(Says(0.9, "b", frozenset({"description"})), task="tech")]
    before = stored(run(chains, product("Tent", description="a")))

    worked = run(chains, product("Tent", description="b"), before)

    assert ({"taxonomy"}, {"tech"}) == (set(worked.kept), set(worked.results))


_OTHER = "2026-11-23T00:00:00Z"


@pytest.mark.parametrize(
    ("entry", "llm", "kept"),
    [
        ({"status": "done", "source": "gone"}, None, True),
        ({"status": "done", "source": "llm:old"}, None, True),
        ({"status": "review", "source": "b+a"}, None, True),
        ({"status": "review", "source": "a"}, None, False),
        ({"status": "review", "source": "a+c"}, None, False),
        ({"status": "review", "source": "a+b"}, "m", False),
        ({"status": "pending", "source": "a+b"}, "m", True),
        ({"status": "pending", "source": "a+b"}, None, False),
        ({"status": "review", "source": "llm:m"}, "m", True),
        ({"status": "review", "source": "llm:m"}, "n", False),
        ({"status": "review", "source": "llm:m"}, None, False),
        ({"status": "error", "source": "a+b"}, None, False),
        ({"status": "done", "source": "person:ann"}, None, True),
        ({"status": "done", "source": "a", "confidence": 7}, None, False),
        ({"status": "done", "source": "a", "inputs": "name:0000"}, None, False),
        ({"status": "done", "source": "a", "inputs": None}, None, False),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_an_entry_stays_or_is_done_again(
    entry: dict[str, Any],
    llm: str | None,
    kept: bool,  # noqa: FBT001 -- a column of the table above
) -> None:
    """Done by whomever; in review only while those who were asked are those who would be."""
    text = product()
    reads = chain(Says(0.5, "a"), Says(0.5, "b"), llm=llm).reads
    full = {"result": {}, "confidence": 0.5, "at": _OTHER, "inputs": hash_inputs(reads, text, {})}

    worked = run([chain(Says(0.5, "a"), Says(0.5, "b"), llm=llm)], text, {"taxonomy": full | entry})

    assert kept is ("taxonomy" in worked.kept)
    assert kept is not ("taxonomy" in worked.results)


def test_a_person_is_believed_though_other_tasks_say_otherwise() -> None:
    """A corrected brand holds while its text does, whatever becomes of the category."""
    reads = frozenset({"name", "taxonomy"})
    first = [chain(Says(0.9)), chain(Says(0.5, "b", reads), task="ner")]
    before = stored(run(first, product()))
    before["ner"] |= {"source": "person:ann", "status": "done"}
    other = [chain(Says(0.9, answer=lambda _: {"name": "other"})), first[1]]

    worked = run(other, product(), {"ner": before["ner"]})
    changed = run(other, product("Tents"), {"ner": before["ner"]})

    assert [["ner"], []] == [list(worked.kept), list(changed.kept)]


def test_a_later_task_follows_an_earlier_one() -> None:
    """It reads what was kept, too; another result before it, and it is done again."""
    reads = frozenset({"taxonomy"})
    kg = chain(Says(1, "kg", reads, lambda s: dict(s.results["taxonomy"].result)), task="kg")
    before = stored(run([chain(Says(0.9)), kg], product()))
    same = run([chain(Says(0.9)), kg], product(), before)
    person = before | {"taxonomy": before["taxonomy"] | {"result": {"name": "B"}}}

    followed = run([chain(Says(0.9)), kg], product(), person)

    assert [["kg", "taxonomy"], ["taxonomy"]] == [sorted(same.kept), sorted(followed.kept)]
    assert {"name": "B"} == followed.results["kg"].result


def test_a_result_hashes_as_it_comes_back() -> None:
    """The Brain keeps no key order, and 2.0 comes back as 2."""
    reads = frozenset({"params", "task:params", "taxonomy"})
    ours, back = (
        TaskResult(status=DONE, confidence=1, result=result)
        for result in ({"b": 2.0, "a": (1.0, {"x": None})}, {"a": [1, {"x": None}], "b": 2})
    )
    text = product(params={"b": "1", "a": "2"})

    assert hash_inputs(reads, text, {"params": ours}) == hash_inputs(
        reads, product(params={"a": "2", "b": "1"}), {"params": back}
    )
    assert hash_inputs(reads, text, {"params": ours}) != hash_inputs(reads, text, {})
    assert "params:cef2dc34c8cb1211" == hash_inputs(frozenset({"params"}), text, {})


class Odd(Says):
    """An enricher that fails on some products."""

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Refuse the whole batch for one."""
        for subject in subjects:
            if "odd" in subject.text.name:
                raise RuntimeError("so odd")
        return super().enrich(subjects)


def test_an_odd_product_holds_up_no_other() -> None:
    """It gets an error with its reason; one later in turn may still be sure of it."""
    names = ["a", "odd 1", "b", "c", "odd 2"]
    products = [product(name) for name in names]
    alone = Pipeline([chain(Odd(0.9, "x"))]).run(products, [{}] * 5)
    rescued = Pipeline([chain(Odd(0.9, "x"), Says(0.9, "y"))]).run(products, [{}] * 5)
    doubted = Pipeline([chain(Odd(0.9, "x"), Says(0.5, "y"))]).run(products, [{}] * 5)

    assert [DONE, ERROR, DONE, DONE, ERROR] == [w.results["taxonomy"].status for w in alone]
    assert "x failed: RuntimeError: so odd" == alone[1].results["taxonomy"].reason
    assert ["x", "y", "x", "x", "y"] == [w.results["taxonomy"].source for w in rescued]
    assert ERROR is doubted[1].results["taxonomy"].status


class Wrong(Says):
    """An enricher that loses a product."""

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Answer for all but one."""
        return super().enrich(subjects)[1:]


def test_lost_answers_are_an_error_for_each() -> None:
    """Nobody can tell whose is missing."""
    worked = Pipeline([chain(Wrong(0.9, "x"))]).run([product()] * 2, [{}] * 2)

    assert ["x gave 1 results for 2 products"] * 2 == [w.results["taxonomy"].reason for w in worked]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"id": "a", "name": "A", "path": ["A"]}, None),
        ({"id": "a"}, "x gave a wrong name: Field required"),
        ({"id": {1}}, "x gave a result that is no JSON: Object of type set is not JSON"),
        ({"id": float("nan")}, "x gave a result that is no JSON: Out of range float values"),
        ([("id", "a")], "x gave a wrong result: Input should be a valid dictionary"),
    ],
    ids=["right", "wrong-field", "no-json", "nan", "no-dict"],
)
def test_a_third_partys_result_is_checked(result: Any, reason: str | None) -> None:
    """What could not be stored, or read as the task's, is an error of its own product."""
    odd = Chain("taxonomy", [Link("x", Says(0.9, answer=lambda _: result), is_ours=False)])

    given = run([odd], product()).results["taxonomy"]

    assert (given.reason or "").startswith(reason or "")
    assert (ERROR if reason else DONE) is given.status


def test_tasks_run_before_what_reads_them() -> None:
    """A wrong order is said, not silently answered with less."""
    with pytest.raises(ConfigurationError, match="the task kg reads what taxonomy finds out"):
        Pipeline([chain(Says(1, "kg", frozenset({"taxonomy"})), task="kg"), chain(Says(1))])


NAMES = st.lists(
    st.sampled_from(
        [
            "Deuter Trail 22 Backpack Gore-Tex red 1.2 kg",
            "Tent footprint 210 x 140 cm",
            "Slepping bagg",
            "Намет Tramp Lite 3-місний",
            "",
            "???",
        ]
    )
    | st.text(max_size=30),
    min_size=1,
    max_size=8,
)


PACKAGED = make_pipeline("acme", read_configuration().of("acme"), ("Deuter", "Tramp"))


@settings(max_examples=12, deadline=None)
@given(names=NAMES, category=st.sampled_from(["", "Camping > Tents", "Outdoor"]))
def test_what_is_said_of_a_product_is_said_in_any_company(names: list[str], category: str) -> None:
    """Alone, in a batch, twice: the same results, the same inputs."""
    products = [product(name, category=category) for name in names]

    together = PACKAGED.run(products, [{}] * len(products))

    assert together == [PACKAGED.run([one], [{}])[0] for one in products]
    again = PACKAGED.run(products, [stored(worked) for worked in together])
    tasks = frozenset(together[0].results)
    assert [(tasks, {})] * len(products) == [(worked.kept, worked.results) for worked in again]
