"""Categories: the packaged file, other files, and how products are sorted into them."""

from pathlib import Path

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.classify import TaxonomyEnricher
from contextworker.gardener.enrichers.taxonomy import Taxonomy

TAXONOMY = Taxonomy.load()
ENRICHER = TaxonomyEnricher(TAXONOMY)


def classify(name: str, category: str = "") -> TaskResult:
    """Sort one product."""
    product = ProductText(product_id="1", content_hash="h", name=name, category=category)
    return ENRICHER.enrich([product])[0]


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
        ("Ball-point set", "School Supplies | Pens", "toys.school"),
    ],
)
def test_realistic_products_find_their_category(name: str, category: str, expected: str) -> None:
    """By path, by name, in three languages; surely enough not to need a person."""
    result = classify(name, category)

    assert (expected, ResultStatus.DONE) == (result.result["id"], result.status)


def test_a_result_says_what_it_is_made_of() -> None:
    """The path down to the category, the words that told, and where they stood."""
    result = classify("Naturehike Cloud-Up 2 Tent", "Outdoor > Tents")

    assert {
        "id": "camping.tents",
        "name": "Tents",
        "path": ["Camping", "Tents"],
        "text": "Tents",
    } == result.result
    assert ("category+name", 1.0, None) == (result.source, result.confidence, result.reason)


def test_misspelt_names_are_found_but_doubted() -> None:
    """Rapidfuzz finds it; a person confirms it."""
    result = classify("Warm slepping bagg")

    assert ("camping.sleeping_bags", ResultStatus.REVIEW) == (result.result["id"], result.status)
    assert "'slepping bagg' points to 'Sleeping bags', but not surely" == result.reason


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

    assert "name" == classify(name, f"Sale >> {name}").source
    assert "name" == classify(name, "Sale >> Alpine mumm...").source


@pytest.mark.parametrize("name", ["", "   ", "???", "5000"])
def test_a_name_that_says_nothing_goes_to_review(name: str) -> None:
    """No guess is made."""
    result = classify(name)

    assert ({}, 0, ResultStatus.REVIEW) == (result.result, result.confidence, result.status)


def test_the_threshold_decides_between_done_and_review() -> None:
    """The same product, judged more strictly."""
    product = ProductText(product_id="1", content_hash="h", name="Dome tent blue")

    statuses = [
        TaxonomyEnricher(TAXONOMY, threshold=threshold).enrich([product])[0].status
        for threshold in (0.8, 0.95)
    ]

    assert [ResultStatus.DONE, ResultStatus.REVIEW] == statuses


def test_the_packaged_taxonomy_covers_general_retail() -> None:
    """Every category has a parent that exists, and words of its own."""
    assert 60 <= len(TAXONOMY) <= 100
    assert all(category.synonyms for category in TAXONOMY)


def test_a_file_of_ones_own_replaces_it(tmp_path: Path) -> None:
    """Ids, names and synonyms are the shop's."""
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[category]]\nid = "gear"\nname = "Gear"\n\n[[category]]\nid = "gear.x"\nname = "Gizmo"\n'
    )
    enricher = TaxonomyEnricher(Taxonomy.load(path))

    result = enricher.enrich([ProductText(product_id="1", content_hash="h", name="Blue gizmos")])[0]

    assert ["Gear", "Gizmo"] == result.result["path"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("nonsense", "cannot be used"),
        ("", "category: Field required"),
        ("a = " + "[" * 5000, "recursion"),
        ('[[category]]\nid = "A B"\nname = "A"', "category.0.id: String should match"),
        (
            '[[category]]\nid = "a"\nname = "A"\n[[category]]\nid = "a"\nname = "B"',
            "'a' is there twice",
        ),
        ('[[category]]\nid = "a.b"\nname = "A"', "'a.b' has no parent: add 'a'"),
        (
            '[[category]]\nid = "a"\nname = "Tents"\n[[category]]\nid = "b"\nname = "tent"',
            "'tent' names both 'a' and 'b'",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, content: str, problem: str) -> None:
    """The worker does not start on half a taxonomy."""
    path = tmp_path / "broken.toml"
    path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"broken\.toml") as caught:
        Taxonomy.load(path)

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A typo in the setting is said, not fallen back from."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        Taxonomy.load(tmp_path / "nowhere.toml")
