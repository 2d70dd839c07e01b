"""How well brand, model and other attributes are read in names: `gardener.py attributes`.

Three corpora of names with known values, by 5-fold cross-validation, offers of one product never
parted, seeded: one run says it all. Local path only: the tagger, the rules, and both as the
pipeline asks them once a tagger is trained (what it has learnt it reads, with the known brands for
a hint, and the rules read the rest). Rules know the brands of the folds they may see, as a tenant's
catalogue would.

A value is right when it equals one of the acceptable values, whatever their case and however wide
their spaces. Where nobody says whether a name has an attribute, nothing counts; a corpus that
never says "none" lists everything there is, so that what it does not list is none.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.naming.brands import Brands
from contextworker.gardener.enrichers.naming.ner import RulesEnricher
from contextworker.gardener.enrichers.naming.tagged import TaggerEnricher
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.tagger.alignment import spans_of
from contextworker.gardener.tagger.examples import TaggedExample, TagText
from contextworker.gardener.tagger.folds import folds_of
from contextworker.gardener.tagger.scoring import Score, is_right, score
from contextworker.gardener.tagger.tokens import Tokens
from contextworker.gardener.tagger.training import train

DATA = Path(__file__).parents[3] / "shared" / "data" / "attributes"
CORPORA = ("wdcpave", "oa-mine", "ae-110k")
FOLDS = 5
FREQUENT = 50
SHOWN = 3
# What a corpus calls the two that a product's card has; of several, the first that a row has.
CALLED = {
    "brand": ("Brand", "Brand Name", "Manufacturer"),
    "model": ("Model name", "Model Number", "Manufacturer Stock Number", "Part Number"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one corpus."""

    names: int
    seconds: float
    tagger: Mapping[str, Score]
    rules: Mapping[str, Score]
    both: Mapping[str, Score]
    readable: Mapping[str, float]
    """Of an attribute's values, how many stand in the name."""
    sure: Mapping[str, Score]
    """Of brands: those called done, by both and by the rules where no tagger is trained."""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return counts and figures."""
        ways = {"tagger": self.tagger, "rules": self.rules, "both": self.both}
        return {
            "names": self.names,
            "seconds": round(self.seconds, 1),
            **{
                way: {name: one.as_json() for name, one in scores.items()}
                for way, scores in ways.items()
            },
            "stands_in_name": {name: round(share, 3) for name, share in self.readable.items()},
            "done_brands": {way: one.as_json() for way, one in self.sure.items()},
        }


def read(corpus: str) -> list[TaggedExample]:
    """Read a corpus, brand and model under these names."""
    with (DATA / f"{corpus}_train.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    says_none = any("n/a" in values for row in rows for values in row["target_scores"].values())
    of_category: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        of_category[row["category"]].update(row["target_scores"])
    examples = []
    for row in rows:
        values = {
            name: tuple(value for value in given if value != "n/a")
            for name, given in row["target_scores"].items()
        }
        if not says_none:
            for name in sorted(of_category[row["category"]]):
                values.setdefault(name, ())
        for card, names in CALLED.items():
            if called := next((name for name in names if name in values), None):
                values[card] = values.pop(called)
        text = row.get("input") or row["input_title"]
        group = str(row.get("cluster_id", ""))
        examples.append(TaggedExample(text, values, row["category"], group))
    return examples


def frequent(examples: Sequence[TaggedExample]) -> list[TaggedExample]:
    """Leave out attributes with fewer values than are worth a figure."""
    counts = Counter(
        name for example in examples for name, values in example.values.items() if values
    )
    kept = {name for name, count in counts.items() if count >= FREQUENT}
    order = sorted(kept, key=lambda name: (name not in CALLED, -counts[name], name))
    return [
        TaggedExample(
            one.text,
            {name: one.values[name] for name in order if name in one.values},
            one.category,
            one.group,
        )
        for one in examples
    ]


def measure(corpus: str) -> Figures:
    """Tag every name by what was learnt from the other folds, and score."""
    examples = frequent(read(corpus))
    names = list(dict.fromkeys(name for one in examples for name in one.values))
    names.sort(key=lambda name: name not in CALLED)
    fold = folds_of(examples, FOLDS)
    tagged: dict[int, dict[str, str]] = {}
    learnt: dict[int, TaskResult] = {}
    ruled: dict[int, TaskResult] = {}
    started = time.perf_counter()
    for number in range(FOLDS):
        seen = [one for one, its in zip(examples, fold, strict=True) if its != number]
        unseen = [at for at, its in enumerate(fold) if its == number]
        brands = [brand for one in seen for brand in one.values.get("brand", ())]
        known = [brand for brand, _ in Counter(brands).most_common()]
        tagger = train(seen)
        texts = [TagText(examples[at].text, examples[at].category) for at in unseen]
        for at, tags in zip(unseen, tagger.tag(texts), strict=True):
            tagged[at] = {name: tag.value for name, tag in tags.items()}
        subjects = [_subject(examples[at]) for at in unseen]
        by_rules = RulesEnricher(Brands(known)).enrich(subjects)
        by_tagger = TaggerEnricher(tagger, known).enrich(subjects)
        for at, ours, theirs in zip(unseen, by_tagger, by_rules, strict=True):
            learnt[at], ruled[at] = ours, theirs
        print(f"{corpus}: fold {number + 1} of {FOLDS} done", file=sys.stderr)
    seconds = time.perf_counter() - started

    def by(results: Mapping[int, TaskResult], name: str, *, done: bool = False) -> Score:
        def found(at: int) -> str | None:
            result = results[at]
            value: str | None = result.result.get(name)
            return None if done and result.status is not ResultStatus.DONE else value

        return _score(examples, name, found)

    def by_tags(name: str) -> Score:
        return _score(examples, name, lambda at: tagged[at].get(name))

    return Figures(
        names=len(examples),
        seconds=seconds,
        tagger={name: by_tags(name) for name in names},
        rules={name: by(ruled, name) for name in CALLED},
        both={name: by(learnt, name) for name in CALLED},
        readable={name: _readable(examples, name) for name in names},
        sure={"both": by(learnt, "brand", done=True), "rules": by(ruled, "brand", done=True)},
        errors=_errors(examples, learnt),
    )


def _subject(example: TaggedExample) -> Subject:
    return Subject(
        ProductText(product_id="", content_hash="", name=example.text, category=example.category)
    )


def _score(
    examples: Sequence[TaggedExample], name: str, found: Callable[[int], str | None]
) -> Score:
    return score(
        (found(at), one.values[name]) for at, one in enumerate(examples) if name in one.values
    )


def _readable(examples: Sequence[TaggedExample], name: str) -> float:
    """Return how many of an attribute's values stand in the names, signs left out or not."""
    given = [one for one in examples if one.values.get(name)]
    there = sum(bool(spans_of(Tokens.of(one.text), one.values[name])) for one in given)
    return there / len(given)


def _errors(
    examples: Sequence[TaggedExample], results: Mapping[int, TaskResult]
) -> dict[str, list[str]]:
    """Return a few wrong brands of each kind."""
    kinds: dict[str, list[str]] = {}
    for at, one in enumerate(examples):
        wanted = one.values.get("brand")
        found = results[at].result.get("brand")
        if wanted is None or is_right(found, wanted):
            continue
        if not wanted:
            kind = "found where there is none"
        elif not spans_of(Tokens.of(one.text), wanted):
            kind = "does not stand in the name"
        elif found is None:
            kind = "not found"
        elif any(
            found.casefold() in value.casefold() or value.casefold() in found.casefold()
            for value in wanted
        ):
            kind = "cut too short or too long"
        else:
            kind = "something else taken for it"
        kinds.setdefault(kind, []).append(
            f"{one.text[:70]!r}: {found!r} for {' or '.join(map(repr, wanted)) or 'none'}"
        )
    return kinds


def show(corpus: str, figures: Figures) -> None:
    """Print a corpus's table."""
    print(
        f"\n{corpus}: {figures.names:,} names, {FOLDS} folds in {figures.seconds:.0f} s\n\n"
        "| attribute | read by | values | precision | recall | F1 | stand in the name |\n"
        "|---|---|---|---|---|---|---|"
    )
    for name, by_tagger in figures.tagger.items():
        ways = {"tagger": by_tagger}
        if name in CALLED:
            ways |= {"rules": figures.rules[name], "both": figures.both[name]}
        for way, one in ways.items():
            print(
                f"| {name} | {way} | {one.expected} | {one.precision:.1%} | {one.recall:.1%} "
                f"| {one.f1:.1%} | {figures.readable[name]:.0%} |"
            )
    print()
    for way, sure in figures.sure.items():
        print(
            f"Brands that {way} called done: {sure.found} of {sure.expected}, "
            f"{sure.precision:.1%} of them right; the others go to review."
        )
    print("Wrong ones of all:")
    for kind, errors in sorted(figures.errors.items(), key=lambda item: -len(item[1])):
        print(f"- {kind}: {len(errors)}, such as {'; '.join(errors[:SHOWN])}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the corpora named, or all."""
    parser = argparse.ArgumentParser(
        prog="gardener.py attributes", description="Measure how well names are read."
    )
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=", ".join(CORPORA))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    corpora = given.corpora or list(CORPORA)
    for corpus in corpora:
        if corpus not in CORPORA:
            parser.error(f"there is no corpus {corpus!r}: choose of {', '.join(CORPORA)}")
        if not (DATA / f"{corpus}_train.jsonl").is_file():
            parser.error(
                f"{DATA} has no {corpus}_train.jsonl: the corpora are not in the repository"
            )
    measured = {}
    for corpus in corpora:
        measured[corpus] = measure(corpus)
        if not given.json:
            show(corpus, measured[corpus])
    if given.json:
        print(json.dumps({corpus: one.as_json() for corpus, one in measured.items()}, indent=2))


if __name__ == "__main__":
    main()
