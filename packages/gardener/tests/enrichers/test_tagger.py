"""The tagger: what it learns from a few dozen names, and what it keeps of that."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contextworker.core.errors import InvalidInputError, PermanentError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus
from contextworker.gardener.enrichers.configuration import read_configuration
from contextworker.gardener.enrichers.naming.tagged import TaggerEnricher
from contextworker.gardener.enrichers.naming.tagger import tagger as tagger_enricher
from contextworker.gardener.enrichers.pipeline import make_pipeline
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.results import NerResult
from contextworker.gardener.tagger.alignment import find_aliases, spans_of
from contextworker.gardener.tagger.artefact import unpack
from contextworker.gardener.tagger.calibration import calibrate, threshold_for
from contextworker.gardener.tagger.crf import BEGIN, INSIDE, NEVER, OUTSIDE, Numbers, learn
from contextworker.gardener.tagger.crossvalidation import cross_validate
from contextworker.gardener.tagger.examples import TaggedExample, TagText, ner_example
from contextworker.gardener.tagger.folds import folds_of
from contextworker.gardener.tagger.scoring import is_right, score
from contextworker.gardener.tagger.tagger import Tagger
from contextworker.gardener.tagger.tokens import Tokens
from contextworker.gardener.tagger.training import train

KINDS = ("Tent", "Sleeping Bag", "Stove", "Rucksack")
DATA = Path(__file__).parents[5] / "shared" / "data" / "attributes"


def catalogue(names: int = 60) -> list[TaggedExample]:
    """Make names in which brand, model and kind stand in the order that shops like."""
    examples = []
    for number in range(names):
        brand = (
            f"{('Van', 'Rob', 'Nord', 'Ex', 'Hil')[number % 5]}{('go', 'ens', 'isk')[number % 3]}"
        )
        brand += " Gear" if number % 4 == 0 else ""
        model = f"{('Nevis', 'Spur', 'Elixir', 'Orion')[number % 4]} {100 + number}"
        kind = KINDS[number % 7 % 4]
        examples.append(
            TaggedExample(
                f"{brand} {model} {kind}, {number} kg",
                {"brand": (brand,), "model": (model,), "product_type": (kind,)},
                category="Camping",
            )
        )
    return examples


@pytest.fixture(scope="module")
def trained() -> Tagger:
    """Train once for all tests of this file."""
    return train(catalogue())


def test_a_tagger_reads_what_it_has_never_seen(trained: Tagger) -> None:
    """A brand and a model nobody told it of, by their place and form."""
    tags = trained.tag([TagText("Deuta Orion 205 Tent, 3 kg", "Camping")])[0]

    assert {"brand": "Deuta", "model": "Orion 205", "product_type": "Tent"} == {
        name: tag.value for name, tag in tags.items()
    }
    assert "Deuta" == "Deuta Orion 205 Tent, 3 kg"[tags["brand"].start : tags["brand"].end]


def test_a_name_is_tagged_the_same_in_any_company(trained: Tagger) -> None:
    """Alone, among others, or after words that fill the table: the same."""
    names = [example.text for example in catalogue()[:30]] + ["", "?", "x " * 500, "\u0130stanbul"]

    together = trained.tag(names)

    assert together == [trained.tag([name])[0] for name in names]
    assert together == Tagger.loads(trained.dumps()).tag(names)


def test_the_same_examples_give_the_same_tagger() -> None:
    """To the byte, so that a training taken again is the same model."""
    few = catalogue(25)

    assert train(few).version == train(few).version


def test_another_process_learns_the_same_from_the_same_examples() -> None:
    """Sets have another order there, which nothing of a model may follow."""
    program = (
        "import json, sys\n"
        "from contextworker.gardener.tagger.examples import TaggedExample\n"
        "from contextworker.gardener.tagger.training import train\n"
        "rows = json.load(sys.stdin)\n"
        "print(train([TaggedExample(text, values) for text, values in rows]).version)\n"
    )
    rows = json.dumps([(one.text, {"brand": one.values["brand"]}) for one in catalogue(25)])
    versions = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=rows,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(versions)


def test_known_brands_are_looked_for_as_well(trained: Tagger) -> None:
    """Those of the tenant's catalogue; what was learnt stays as it was."""
    name = "Tent Nordisk Halland"

    helped = trained.with_brands(["Nordisk"])

    assert helped.version == trained.version
    before, after = (one.tag([name])[0].get("brand") for one in (trained, helped))
    assert after is not None
    assert before is None or before.value != "Nordisk" or before.confidence <= after.confidence


def test_too_few_examples_are_refused() -> None:
    """In a sentence that says how many it takes."""
    with pytest.raises(InvalidInputError, match="too little to learn from: 5 examples"):
        train(catalogue()[:5])


def _npz(**arrays: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


def _changed(artefact: bytes, **changes: object) -> bytes:
    with np.load(io.BytesIO(artefact)) as arrays:
        kept = dict(arrays)
    learnt = json.loads(kept["learnt"].tobytes())
    text = json.dumps(learnt | changes).encode()
    return _npz(**(kept | {"learnt": np.frombuffer(text, dtype=np.uint8)}))


def test_foreign_bytes_are_no_tagger(trained: Tagger) -> None:
    """Whatever they are: never run, never half used."""
    whole = trained.dumps()
    pickled = _npz(learnt=np.array([{}], dtype=object), weights=np.zeros(1), steps=np.zeros(1))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x.npy", b"x")
    foreign = {
        "nothing": b"",
        "text": b"hello",
        "cut off": whole[: len(whole) // 2],
        "another archive": other.getvalue(),
        "pickled": pickled,
        "too few features": _changed(whole, features=["w=x"]),
        "an unknown field": _changed(whole, run="me"),
        "an impossible threshold": _changed(whole, threshold=7),
    }

    for what, artefact in foreign.items():
        with pytest.raises(PermanentError, match="no model of a tagger"):
            pytest.fail(f"{what}: {Tagger.loads(artefact)}")


def test_cross_validation_scores_each_attribute() -> None:
    """On names that were not learnt from; a catalogue as regular as this one is easy."""
    scores = cross_validate(catalogue(), folds=2)

    assert {"brand", "model", "product_type"} == set(scores.attributes)
    assert 60 == scores.attributes["brand"].expected
    assert scores.f1 > 0.8
    assert 0.8 < scores.as_json()["brand"]["f1"] <= 1


def test_the_enricher_calls_done_what_the_tagger_is_sure_of(trained: Tagger) -> None:
    """A stated brand is the supplier's word, and what was never learnt the rules read."""
    context = EnricherContext("acme", "ner", {"threshold": 0.3}, model=trained.dumps())
    enricher = tagger_enricher(context)
    assert enricher is not None
    texts = [
        ProductText(product_id="1", content_hash="h", name="Deuta Orion 205 Tent, red"),
        ProductText(product_id="2", content_hash="h", name="Orion 205 Tent", brand_name="Deuta"),
        ProductText(product_id="3", content_hash="h", name=""),
    ]

    named, stated, empty = enricher.enrich([Subject(text) for text in texts])

    assert f"tagger@{trained.version}" == enricher.source == named.source
    assert {
        "brand": "Deuta",
        "model": "Orion 205",
        "product_type": "Tent",
        "variant": {"colour": ["red"]},
    } == named.result
    assert "Deuta" == stated.result["brand"]
    assert [ResultStatus.DONE, ResultStatus.DONE, ResultStatus.REVIEW] == [
        named.status, stated.status, empty.status,
    ]  # fmt: skip
    for result in (named, stated, empty):
        NerResult.model_validate(result.result)


def test_the_rules_do_not_guess_at_what_was_learnt(trained: Tagger) -> None:
    """A model that the tagger does not find is none, though some words are left over."""
    context = EnricherContext("acme", "ner", {}, brands=("Deuta",), model=trained.dumps())
    enricher = tagger_enricher(context)
    assert enricher is not None
    text = ProductText(product_id="1", content_hash="h", name="Deuta", brand_name="Deuta")
    odd = ProductText(product_id="2", content_hash="h", name="- zz yy , 7", brand_name="Zz")

    plain, odd_one = enricher.enrich([Subject(text), Subject(odd)])

    assert "Deuta" == plain.result["brand"]
    assert "Zz" == odd_one.result["brand"]
    found = trained.tag([odd.name])[0].get("model")
    assert (found.value if found else None) == odd_one.result.get("model")


def test_the_rules_do_not_overrule_a_taggers_doubt(trained: Tagger) -> None:
    """A known brand that they would find, and be sure of, is what it has just doubted."""
    configuration = read_configuration(None).of("acme")
    learnt = {"ner": trained.dumps()}

    before, after = (
        make_pipeline("acme", configuration, models=models).sources["ner"]
        for models in ({}, learnt)
    )

    assert ("rules",) == before
    assert (f"tagger@{trained.version}",) == after


def test_what_the_rules_read_is_judged_as_theirs(trained: Tagger) -> None:
    """A stated brand is no surer and no less sure for what the tagger learnt of others."""
    learnt, weights, steps = unpack(trained.dumps())
    strict = Tagger(learnt.model_copy(update={"threshold": 0.99}), weights, steps)
    text = ProductText(product_id="1", content_hash="h", name="Orion 205 Tent", brand_name="Deuta")

    (result,) = TaggerEnricher(strict).enrich([Subject(text)])

    assert (ResultStatus.DONE, 0.92) == (result.status, result.confidence)


def test_without_a_trained_model_there_is_no_tagger() -> None:
    """The tenant's next enricher answers."""
    assert tagger_enricher(EnricherContext("acme", "ner", {})) is None


@pytest.mark.parametrize(
    ("name", "values", "spans"),
    [
        ("Big Agnes Copper Spur", ("Big Agnes",), [(0, 2)]),
        ("MSR Elixir by msr", ("MSR",), [(0, 1), (3, 4)]),
        ("3M Scotch tape", ("Scotch", "3M Scotch"), [(0, 2)]),
        ("HP 157305-B21 drive", ("157305B21",), [(1, 2)]),
        ("Mentos", ("Men",), []),
        ("Tent", (), []),
    ],
)
def test_values_are_found_where_they_stand(
    name: str, values: tuple[str, ...], spans: list[tuple[int, int]]
) -> None:
    """Whole tokens, the longest acceptable value first, signs left out where need be."""
    found = spans_of(Tokens.of(name), values)

    assert spans == [(span.first, span.after) for span in found]


def test_what_stands_for_a_value_is_learnt() -> None:
    """Where names with it share a token that others have not."""
    rows = [(Tokens.of(f"HP disk {number}"), ("Hewlett-Packard",)) for number in range(5)]
    rows += [(Tokens.of(f"Sun disk {number}"), ("Sun",)) for number in range(5)]

    assert {("hp",): "Hewlett-Packard"} == find_aliases(rows)


def test_confidence_is_how_often_it_was_right() -> None:
    """A field that says 99 % and is right half of the time is believed half."""
    outcomes = [(0.99, number % 2 == 0) for number in range(400)]

    assert 0.5 == pytest.approx(calibrate(outcomes).of(0.99), abs=0.05)


def test_the_threshold_leaves_one_in_twenty_wrong() -> None:
    """Among what is above it."""
    sure = [(0.9, True)] * 95 + [(0.9, False)] * 5
    unsure = [(0.6, False)] * 50

    assert 0.9 == threshold_for(sure + unsure)


@pytest.mark.parametrize(
    ("found", "acceptable", "right"),
    [
        ("big  AGNES", ("Big Agnes",), True),
        ("HP", ("Hewlett-Packard", "HP"), True),
        ("Agnes", ("Big Agnes",), False),
        (None, (), True),
        (None, ("MSR",), False),
        ("MSR", (), False),
    ],
)
def test_what_counts_as_right(
    found: str | None, acceptable: tuple[str, ...], *, right: bool
) -> None:
    """Any of the acceptable values, whatever case and spaces; nothing, where there is none."""
    assert right == is_right(found, acceptable)


def test_scores_count_wrong_values_against_both() -> None:
    """A wrong value is neither precise nor found."""
    given = score([("a", ("a",)), ("b", ("a",)), (None, ("a",)), ("c", ()), (None, ())])

    assert (3, 3, 1) == (given.expected, given.found, given.right)
    assert (1 / 3, 1 / 3, 1 / 3) == (given.precision, given.recall, given.f1)


def test_a_label_says_what_is_known() -> None:
    """Null is known to be absent; what is left out, nobody looked at."""
    product = ProductText(product_id="1", content_hash="h", name="MSR Elixir", category="Tents")
    label = {"brand": "MSR", "model": None, "variant": {"colour": ["red", "blue"]}}

    example = ner_example(product, label)

    assert {"brand": ("MSR",), "model": (), "colour": ("red", "blue")} == example.values
    assert "Tents" == example.category


def test_examples_of_one_product_stay_together() -> None:
    """Or a tagger would be asked what it was told."""
    examples = [TaggedExample(f"name {n}", {}, group=str(n // 3)) for n in range(30)]

    folds = folds_of(examples, 3)

    assert all(len(set(folds[n : n + 3])) == 1 for n in range(0, 30, 3))
    assert {0, 1, 2} == set(folds)


def test_what_stands_in_no_name_is_not_learnt() -> None:
    """And that is said, rather than a tagger made that finds nothing."""
    examples = [TaggedExample(f"Tent {n}", {"brand": (f"Maker{n}",)}) for n in range(30)]

    with pytest.raises(InvalidInputError, match="too little to learn from: 30 examples"):
        train(examples)


def test_a_label_that_no_example_has_cannot_be() -> None:
    """It weighs nothing, which could still be more than what the others weigh."""
    numbers = Numbers()
    names = [([numbers.of([f"w={n}"]), numbers.of(["w=tent"])], [BEGIN, OUTSIDE]) for n in range(9)]

    steps = learn(names, numbers).steps

    assert [NEVER] * 3 == [step[INSIDE] for step in steps]
    assert NEVER not in [step[OUTSIDE] for step in steps]
