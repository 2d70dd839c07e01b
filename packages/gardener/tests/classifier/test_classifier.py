"""The classifier: what it learns from a few hundred products, and how sure it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.classifier import (
    Classifier,
    Example,
    cross_validate,
    ridge,
    targets,
    train,
    weights,
)
from contextworker.gardener.enrichers.base import ProductText

KINDS = {
    "tent": ("camping", "shelter", "tents"),
    "tarp": ("camping", "shelter", "tarps"),
    "stove": ("camping", "kitchen"),
    "rope": ("climbing", "ropes", "single", "dynamic"),
    "harness": ("climbing", "harnesses"),
}
WORDS = ("light", "two person", "blue", "pro", "expedition", "basic", "alpine", "red", "xl")


def product(name: str, **fields: object) -> ProductText:
    """Make the text of a product."""
    return ProductText.model_validate(
        {"product_id": name, "content_hash": name, "name": name, **fields}
    )


def catalogue(count: int = 300) -> list[Example]:
    """Make products whose kind stands somewhere in their name."""
    kinds = list(KINDS.items())
    examples = []
    for number in range(count):
        kind, path = kinds[number * 7 % len(kinds)]
        first, second = WORDS[number % len(WORDS)], WORDS[number // 7 % len(WORDS)]
        examples.append(
            Example(
                product(
                    f"Nordisk {first} {kind} {second} {number}",
                    description=f"A {kind} for those who go {second}.",
                    url=f"https://shop.example/{path[0]}/{kind}-{number}",
                ),
                path,
            )
        )
    return examples


@pytest.fixture(scope="module")
def trained() -> Classifier:
    """Train once for all tests of this file."""
    return train(catalogue())


def test_a_classifier_knows_products_it_has_never_seen(trained: Classifier) -> None:
    """By the word that says what a thing is; the path is whole, and each level has its odds."""
    found = trained.classify([product(f"Vango {kind} Nevis 400") for kind in KINDS])

    assert list(KINDS.values()) == [one.path for one in found]
    assert [len(path) for path in KINDS.values()] == [len(one.confidences) for one in found]
    assert all(one.confidence == one.confidences[0] >= trained.threshold for one in found)
    assert all(list(one.confidences) == sorted(one.confidences, reverse=True) for one in found)
    assert tuple(sorted(KINDS.values())) == trained.paths


def test_a_shop_with_one_department_is_judged_below_it() -> None:
    """That all of it is camping, as everybody knew, makes no answer sure."""
    examples = catalogue(240)
    paths = [("camping", *one.path[1:]) for one in examples]
    muddled = [
        Example(one.text, paths[place - 1] if place % 4 == 0 else paths[place])
        for place, one in enumerate(examples)
    ]

    classifier = train(muddled)
    (found,) = classifier.classify([product("Vango tarp Nevis")])

    assert found.confidence == found.confidences[1] < found.confidences[0]
    assert 1.0 == classifier.threshold


def test_a_product_is_classified_the_same_in_any_company(trained: Classifier) -> None:
    """Alone, among others, at another place, or by the model read back: the same."""
    odd = ["", "?", "\u0130stanbul", "\U0001f9e5", "x " * 500, "テント", "rope" * 90]
    products = [example.text for example in catalogue()] + [product(name) for name in odd]

    together = trained.classify(products * 3)[: len(products)]

    assert together == [trained.classify([one])[0] for one in products]
    assert together == trained.classify(products[::-1])[::-1]
    assert together == Classifier.loads(trained.dumps()).classify(products)


def test_the_same_examples_give_the_same_classifier(trained: Classifier) -> None:
    """To the byte, so that a training taken again is the same model; another has another name."""
    again, other = train(catalogue()), train(catalogue(299))

    assert (trained.dumps(), trained.version) == (again.dumps(), again.version)
    assert trained.version == Classifier.loads(trained.dumps()).version
    assert trained.version != other.version


def test_nothing_is_sure_of_a_product_of_which_nothing_is_known(trained: Classifier) -> None:
    """Neither of an empty one nor of words nobody has seen."""
    found = trained.classify([product(""), product("щжюя")])

    assert [(0.0,), (0.0,)] == [tuple(set(one.confidences)) for one in found]


def test_nothing_is_asked_of_no_products(trained: Classifier) -> None:
    """An empty batch has an empty answer."""
    assert [] == trained.classify([])


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        (catalogue(19), "needs at least 20 examples, and there are 19"),
        ([Example(product("a"), ("one",))] * 30, "all 30 examples have the one category ['one']"),
        ([*catalogue(30), Example(product("a"), ())], "the category of an example is []"),
        ([*catalogue(30), Example(product("a"), ("a", ""))], "an example is ['a', '']"),
        ([*catalogue(30), Example(product("a"), ("a",) * 9)], "it must be 1 to 8 ids"),
    ],
    ids=["few", "one-category", "no-path", "empty-id", "deep"],
)
def test_examples_that_teach_nothing_are_refused(examples: list[Example], says: str) -> None:
    """With a sentence that says what to do."""
    with pytest.raises(InvalidInputError) as refusal:
        train(examples)

    assert says in str(refusal.value)


def test_too_few_examples_make_no_promise() -> None:
    """Twenty that are all right are no proof: nothing is done until there are more."""
    kinds = list(KINDS.items())
    few = [Example(product(f"{kind} {n}"), path) for n in range(4) for kind, path in kinds]

    classifier = train(few)

    assert 1.0 == classifier.threshold
    assert max(it.confidence for it in classifier.classify([one.text for one in few])) < 1


def test_categories_of_a_single_example_are_learnt() -> None:
    """They count against confidence, and are answers all the same."""
    rare = [Example(product(f"zeppelin{n} q{n}"), ("odd", f"kind {n}")) for n in range(30)]

    classifier = train([*catalogue(100), *rare])

    assert rare[7].path == classifier.classify([rare[7].text])[0].path


def test_examples_that_say_nothing_are_no_accident() -> None:
    """Products without any text cannot be told apart, and nothing fails."""
    empty = [Example(product(""), path) for path in list(KINDS.values()) * 8]

    classifier = train(empty)

    assert [0.0] == [it.confidence for it in classifier.classify([product("tent")])]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(ridge, "AT_ONCE", 80), (weights, "EXAMPLES_CELLS", 1000), (weights, "CELLS", 6000)],
    ids=["parts", "few-features", "rare-features"],
)
def test_what_is_bounded_is_learnt_nearly_as_well(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: int
) -> None:
    """More examples than are solved at once, and more features than fit."""
    monkeypatch.setattr(module, name, value)

    classifier = train(catalogue())

    found = classifier.classify([product(f"Vango {kind} Nevis 400") for kind in KINDS])
    right = [path == one.path for path, one in zip(KINDS.values(), found, strict=True)]
    assert sum(right) >= 4


def test_more_categories_than_outputs_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by a code of its own; what is said does not depend on company either."""
    monkeypatch.setattr(targets, "WIDTH", 48)
    monkeypatch.setattr(targets, "MOST_OUTPUTS", 48)
    examples = [
        Example(product(f"thing{n % 60} {WORDS[n % 7]} {n}"), (f"{n % 60 % 5}", f"{n % 60}"))
        for n in range(600)
    ]

    classifier = train(examples)

    products = [product(f"thing{n}") for n in range(60)]
    found = classifier.classify(products)
    right = [(f"{n % 5}", f"{n}") == one.path for n, one in enumerate(found)]
    assert sum(right) >= 54
    assert found == [classifier.classify([one])[0] for one in products]


def test_cross_validation_scores_what_is_unseen() -> None:
    """All of what can be told apart is right; labels by chance are no better than chance."""
    examples = catalogue(200)
    paths = [example.path for example in examples]
    chance = [
        Example(product(f"thing {n}"), paths[n * n % 199 * 31 % 200]) for n in range(len(paths))
    ]

    sure, lost = cross_validate(examples), cross_validate(chance, folds=3)

    assert (200, 5, (100.0,) * 4, 100.0, 1.0) == (
        sure.examples,
        sure.folds,
        sure.weighted_f1,
        sure.average,
        sure.done_right,
    )
    assert sure.done_share > 0.9
    assert (3, 0.0) == (lost.folds, lost.done_share)
    assert lost.average < 70
    assert "weighted F1 100.00" in str(sure)


def test_training_tells_how_far_it_is() -> None:
    """Every stage from its start to its end."""
    told: list[tuple[str, int, int]] = []

    train(catalogue(40), progress=lambda *step: told.append(step))

    assert [("reading", 0, 40), ("reading", 40, 40), ("solving", 0, 1), ("solving", 1, 1)] == told


def test_a_worker_without_a_model_loads_nothing_that_learns() -> None:
    """SciPy takes its time to be imported: nothing of the worker's start needs it."""
    program = (
        "import sys, contextworker.gardener.module\n"
        "import contextworker.gardener.enrichers.categories.classifier\n"
        "print([name for name in ('scipy', 'sklearn') if name in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )

    assert "[]" == run.stdout.strip()
