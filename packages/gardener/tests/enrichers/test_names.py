"""Enricher `names`: products are sorted by the names of categories, without any example."""

from pathlib import Path

import pytest

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.categories.names import Names
from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy
from contextworker.gardener.enrichers.protocol import Subject

TAXONOMY = Taxonomy.load()
ENRICHER = Names(TAXONOMY)


def classify(name: str, category: str = "") -> TaskResult:
    """Sort one product."""
    product = ProductText(product_id="1", content_hash="h", name=name, category=category)
    return ENRICHER.enrich([Subject(product)])[0]


@pytest.mark.parametrize(
    ("name", "category", "expected"),
    [
        ("Naturehike Cloud-Up 2 Tent", "Camping > Tents", "camping.tents"),
        ("Naturehike Cloud-Up 2", "Outdoor / Tents", "camping.tents"),
        ("Kuppelzelt für 4 Personen", "", "camping.tents"),
        ("Намет Tramp Lite 3-місний", "", "camping.tents"),
        ("Tent footprint 210 x 140 cm", "", "camping.tent_accessories"),
        ("Ultralight tent sleeping pad", "", "camping.sleeping_pads"),
        ("Schlafsack Comfort -5", "", "camping.sleeping_bags"),
        ("Спальний мішок зимовий", "", "camping.sleeping_bags"),
        ("Titanium mug with lid for camping stove", "", "camping.cookware"),
        ("Osprey Talon 22 Rucksack", "", "hiking.backpacks"),
        ("Petzl Actik Core", "Lighting >> Headlamps", "camping.lighting"),
        ("Back Cover for Apple iPad Air", "", "electronics.phone_accessories"),
        ("Alisha Solid Women's Cycling Shorts", "", "clothing.trousers"),
        ("Sicons Arnica Dog Shampoo", "Pet Supplies >> Grooming", "pets.care"),
        ("Water bottle 0.75 L", "Camping > Water", "camping.bottles"),
        ("Vacuum flask 1 L", "Camping > Kitchen", "camping.bottles"),
        ("Ball-point set", "School Supplies | Pens", "toys.school"),
    ],
)
def test_realistic_products_find_their_category(name: str, category: str, expected: str) -> None:
    """By path, by name, in three languages; surely enough not to need a person."""
    result = classify(name, category)

    assert (expected, ResultStatus.DONE) == (result.result["id"], result.status)


def test_a_result_says_what_it_is_made_of() -> None:
    """The path down to the category."""
    result = classify("Naturehike Cloud-Up 2 Tent", "Outdoor > Tents")

    assert {
        "id": "camping.tents",
        "name": "Tents",
        "path": ["Camping", "Tents"],
    } == result.result
    assert ("names", 1.0, None) == (result.source, result.confidence, result.reason)


def test_misspelt_names_are_found_but_doubted() -> None:
    """Rapidfuzz finds it; a person confirms it."""
    result = classify("Warm slepping mat")

    assert ("camping.sleeping_pads", ResultStatus.REVIEW) == (result.result["id"], result.status)
    assert "'slepping mat' points to 'Sleeping pads', but not surely" == result.reason


def test_a_misspelt_path_is_good_enough() -> None:
    """A supplier's own category word is strong evidence even with a slip."""
    result = classify("Comfort 300", "Outdoor > Sleeeping bags")

    assert ("camping.sleeping_bags", ResultStatus.DONE) == (result.result["id"], result.status)


def test_a_department_alone_goes_to_review() -> None:
    """Camping is where it is sold, not what it is."""
    result = classify("Thing 5000", "Camping")

    assert ("camping", ResultStatus.REVIEW) == (result.result["id"], result.status)


def test_sources_that_differ_are_doubted() -> None:
    """A path and a name that contradict each other need a person, unless the path is exact."""
    like, exact = classify("Dome tent", "Red backpacks"), classify("Dome tent", "Backpacks")

    assert ("camping.tents", ResultStatus.REVIEW) == (like.result["id"], like.status)
    assert ("hiking.backpacks", ResultStatus.DONE) == (exact.result["id"], exact.status)


def test_a_path_that_ends_with_the_name_is_no_second_witness() -> None:
    """Some feeds repeat the name in the path; it must not agree with itself."""
    name = "Alpine mummy bag"

    alone = classify(name).confidence
    assert alone == classify(name, f"Sale >> {name}").confidence
    assert alone == classify(name, "Sale >> Alpine mumm...").confidence


@pytest.mark.parametrize("name", ["", "   ", "???", "5000"])
def test_a_name_that_says_nothing_goes_to_review(name: str) -> None:
    """No guess is made."""
    result = classify(name)

    assert ({}, 0, ResultStatus.REVIEW) == (result.result, result.confidence, result.status)


def test_the_threshold_decides_between_done_and_review() -> None:
    """The same product, judged more strictly."""
    product = ProductText(product_id="1", content_hash="h", name="Dome tent blue")

    statuses = [
        Names(TAXONOMY, threshold=threshold).enrich([Subject(product)])[0].status
        for threshold in (0.8, 0.95)
    ]

    assert [ResultStatus.DONE, ResultStatus.REVIEW] == statuses


GENERAL = """1 - Home & Garden
2 - Home & Garden > Sofas & Futons
3 - Home & Garden > Covers
4 - Phones
5 - Phones > Covers
6 - Phones > Batteries
7 - Clothing
8 - Clothing > Jackets
"""


@pytest.mark.parametrize(
    ("name", "category", "expected"),
    [
        ("Rocking futon", "Sofas", ("2", ResultStatus.DONE)),
        ("Rocking futon", "", ("2", ResultStatus.REVIEW)),
        ("Cover", "Phones", ("5", ResultStatus.DONE)),
        ("Phone cover", "", ("5", ResultStatus.DONE)),
        ("Garden cover", "", ("3", ResultStatus.DONE)),
        ("Cover", "", ("3", ResultStatus.REVIEW)),
        ("Thing", "Covers", ("3", ResultStatus.REVIEW)),
        ("Thing", "Jackets", ("8", ResultStatus.DONE)),
        ("Blue jacket", "", ("8", ResultStatus.REVIEW)),
        ("Blue jacket", "Clothing", ("8", ResultStatus.DONE)),
        ("Blue jacket", "Batteries", ("6", ResultStatus.REVIEW)),
    ],
)
def test_bare_names_need_a_second_witness(
    tmp_path: Path, name: str, category: str, expected: tuple[str, ResultStatus]
) -> None:
    """A taxonomy without synonyms was made for no catalogue: one word of it proves little."""
    path = tmp_path / "general.txt"
    path.write_text(GENERAL)
    product = ProductText(product_id="1", content_hash="h", name=name, category=category)

    result = Names(Taxonomy.load(path)).enrich([Subject(product)])[0]

    assert expected == (result.result["id"], result.status)
