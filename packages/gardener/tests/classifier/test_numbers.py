"""What the classifier computes, against the plain way to compute it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score  # type: ignore[import-untyped]

from contextworker.gardener.classifier import ridge
from contextworker.gardener.classifier.calibration import calibrate, is_right
from contextworker.gardener.classifier.hashing import ngrams, pairs, read
from contextworker.gardener.classifier.ridge import PENALTY, solve
from contextworker.gardener.classifier.scores import weighted_f1
from contextworker.gardener.classifier.targets import Targets, targets_of
from contextworker.gardener.classifier.weights import Rounded

RANDOM = np.random.Generator(np.random.PCG64(7))
TEXTS = [
    "two-man tent, 4 kg",
    "",
    "tent",
    "Ça va, naïve",
    "a,b",
    "\U0001f9e5 हिन्दी two man",
]


def test_the_same_word_has_the_same_hash_wherever_it_stands() -> None:
    """In whatever text, at whatever place; other words have others."""
    words = read(TEXTS)

    spelled = [
        ["two", "man", "tent", "4", "kg"],
        [],
        ["tent"],
        ["Ça", "va", "naïve"],
        ["a", "b"],
        ["\U0001f9e5", "हिन्दी", "two", "man"],
    ]
    expected = [(place, word) for place, text in enumerate(spelled) for word in text]
    assert [place for place, _ in expected] == words.texts.tolist()
    hashes = dict(zip([word for _, word in expected], words.hashes.tolist(), strict=True))
    assert [hashes[word] for _, word in expected] == words.hashes.tolist()
    assert len(hashes) == len(set(hashes.values()))


def test_words_say_where_they_stand() -> None:
    """First, last, and before a comma, a bracket or a dash between spaces."""
    words = read(["red tent, two-man - blue (new) one", "tent"])

    spelled = np.array(["red", "tent", "two", "man", "blue", "new", "one", "tent"])
    assert ["red", "tent"] == spelled[words.first].tolist()
    assert ["one", "tent"] == spelled[words.final].tolist()
    assert ["tent", "man", "blue", "one", "tent"] == spelled[words.closing].tolist()


def test_pairs_never_reach_into_the_next_text() -> None:
    """Two words in a row, in this order."""
    words = read(["a b c", "d", "a b", "b a"])

    hashes, places = pairs(words)

    assert [0, 0, 2, 3] == words.texts[places].tolist()
    assert hashes[0] == hashes[2]
    assert 3 == len(set(hashes.tolist()))


@pytest.mark.parametrize("text", ["tents tent", "a bc", "", "rope"], ids=repr)
def test_ngrams_are_those_inside_words(text: str) -> None:
    """Of three to five characters, with the edges of the word, and none across them."""
    padded = [f" {word} " for word in text.split()]
    expected = [
        piece[start : start + size]
        for size in (3, 4, 5)
        for piece in padded
        for start in range(len(piece) - size + 1)
    ]

    found = [value for hashes, _ in ngrams(read(["x", text]), 5) for value in hashes.tolist()]

    alone = [value for hashes, _ in ngrams(read(["x"]), 5) for value in hashes.tolist()]
    assert 1 == len(alone)
    assert len(expected) + 1 == len(found)
    assert len({" x ", *expected}) == len(set(found))


def test_answers_of_the_left_out_are_those_of_a_training_without_them() -> None:
    """To the number, though there is one training only."""
    matrix = sparse.csr_matrix(RANDOM.random((30, 12)).astype(np.float32))
    aims = RANDOM.random((30, 3)).astype(np.float32)

    solution = solve(matrix, aims, seed=0, progress=lambda *_: None)

    dense = matrix.toarray()
    for left_out in (0, 17, 29):
        rows = np.arange(30) != left_out
        gram = dense[rows].T @ dense[rows] + PENALTY * np.eye(12)
        plain = dense[left_out] @ np.linalg.solve(gram, dense[rows].T @ aims[rows])
        assert plain == pytest.approx(solution.unseen[left_out], abs=1e-3)


def test_examples_that_are_not_solved_together_are_left_out_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the parts that have one, the answers without it; of the others, what they say."""
    monkeypatch.setattr(ridge, "AT_ONCE", 20)
    matrix = sparse.csr_matrix(RANDOM.random((50, 9)).astype(np.float32))
    aims = RANDOM.random((50, 2)).astype(np.float32)

    solution = solve(matrix, aims, seed=1, progress=lambda *_: None)

    dense = matrix.toarray()
    order = np.random.Generator(np.random.PCG64(1)).permutation(50)
    parts = [set(np.roll(order, -start)[:20].tolist()) for start in (0, 16, 33)]
    assert set(range(50)) == set.union(*parts)
    for left_out in (0, 17, 49):
        said = []
        for part in parts:
            rows = sorted(part - {left_out})
            gram = dense[rows].T @ dense[rows] + PENALTY * np.eye(9)
            said.append(dense[left_out] @ np.linalg.solve(gram, dense[rows].T @ aims[rows]))
        assert np.mean(said, axis=0) == pytest.approx(solution.unseen[left_out], abs=1e-3)


def test_rounded_rows_are_nearly_what_they_were() -> None:
    """Within half a step of 127; a row of noughts stays one."""
    rows = np.concatenate([RANDOM.normal(size=(5, 20)), np.zeros((1, 20))]).astype(np.float32)

    rounded = Rounded.of(rows)

    assert np.abs(rounded.rows - rows).max() <= np.abs(rows).max() / 127 / 2 * 1.001
    assert 0 == np.abs(rounded.rows[5]).max()


def test_weighted_f1_is_that_of_scikit_learn() -> None:
    """Classes that are never said, or never true, included."""
    truth = [str(number) for number in RANDOM.integers(0, 6, 200)]
    found = [str(number) for number in RANDOM.integers(1, 8, 200)]

    expected = 100 * f1_score(truth, found, average="weighted", zero_division=0)
    assert expected == pytest.approx(
        weighted_f1([(one,) for one in truth], [(one,) for one in found])
    )


def test_the_likeness_of_categories_counts_levels_and_the_leaf_twice() -> None:
    """One is like itself, and like others by what paths have in common."""
    targets, truth = targets_of([("a", "b"), ("c",), ("a", "b", "d"), ("a", "b")], most=16)

    assert (("a", "b"), ("a", "b", "d"), ("c",)) == targets.paths
    assert [0, 2, 1, 0] == truth.tolist()
    expected = np.array([[1, 2 / 12**0.5, 0], [2 / 12**0.5, 1, 0], [0, 0, 1]])
    assert expected == pytest.approx(targets.codes, abs=1e-6)


@pytest.mark.parametrize("noise", [0.2, 0.35, 0.5, 3.0])
def test_what_is_done_is_as_right_as_was_promised(noise: float) -> None:
    """On products that calibration has not seen; where it cannot be, nothing is done."""
    targets = Targets(tuple((f"{n // 3}", f"{n}") for n in range(12)), 12)
    scores, truth = _scored(targets, noise, 8000)

    calibration = calibrate(scores[:4000], truth[:4000], targets, precision=0.95)

    best, sure = calibration.confidences(scores[4000:], targets)
    right = is_right(best, truth[4000:], targets)
    done = sure[:, 0] >= calibration.threshold
    assert right[done, 0].mean() >= 0.94 if done.any() else calibration.threshold == 1.0
    assert done.mean() > 0.5 or noise > 0.4
    assert (sure[:, 0] >= sure[:, 1]).all()
    assert sure.mean(axis=0) == pytest.approx(right.mean(axis=0), abs=0.04)


def _scored(
    targets: Targets, noise: float, count: int
) -> tuple[
    np.ndarray[tuple[int, int], np.dtype[np.float32]], np.ndarray[tuple[int], np.dtype[np.int64]]
]:
    random = np.random.Generator(np.random.PCG64(3))
    truth = random.integers(0, len(targets.paths), count)
    scores = targets.codes[truth] + random.normal(scale=noise, size=(count, len(targets.paths)))
    return scores.astype(np.float32), truth
