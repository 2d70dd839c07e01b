"""Categories from files: our TOML tree, Google's taxonomy, levels as of GPC."""

from pathlib import Path

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.categories.category_phrases import Naming, phrases_of
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy, load_taxonomy
from contextworker.gardener.enrichers.text import keys

TOML = """
[[category]]
id = "camping"
name = "Camping"

[[category]]
id = "camping.tents"
name = "Tents"
synonyms = ["Zelt", "намет"]
"""
GOOGLE = """# Google_Product_Taxonomy_Version: 2019-07-10
5 - Camping
7 - Camping > Tents
"""
PATHS = "Camping\nCamping > Tents\n"
LEVELS = "lvl1,lvl2\n5_Camping,7_Tents\n5_Camping,\n"
NO_CODES = "level 1;level 2\nCamping;Tents\n"
TITLES = (
    "SegmentCode\tSegmentTitle\tSegmentDefinition\tFamily Code\tFamily Title\n"
    "5\tCamping\tall of it\t7\tTents\n"
)
JSON_LINES = """{"Name": "x", "lvl1": "5_Camping", "lvl2": "7_Tents"}
{"Name": "y", "lvl1": "5_Camping", "lvl2": null}
"""


def load(tmp_path: Path, content: str, name: str = "mine.txt") -> Taxonomy:
    """Read a file of this content."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return Taxonomy.load(path)


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (TOML, ["camping", "camping.tents"]),
        (GOOGLE, ["5", "7"]),
        ("\ufeff" + GOOGLE.replace("\n", "\r\n"), ["5", "7"]),
        (PATHS, ["Camping", "Camping > Tents"]),
        (LEVELS, ["5", "7"]),
        (NO_CODES, ["Camping", "Camping > Tents"]),
        (TITLES, ["5", "7"]),
        (JSON_LINES, ["5", "7"]),
    ],
    ids=["toml", "google", "windows", "paths", "levels", "no-codes", "titles", "json-lines"],
)
def test_each_kind_of_file_is_known_by_its_content(
    tmp_path: Path, content: str, ids: list[str]
) -> None:
    """Whatever it is called; ids are the file's, or the path where it has none."""
    taxonomy = load(tmp_path, content)

    tents = taxonomy.by_path(["camping", " TENTS "])
    assert tents is not None
    assert (ids, ["Camping", "Tents"]) == (taxonomy.path_ids(tents), taxonomy.path(tents))
    assert taxonomy.get(ids[1]) is tents
    assert (None, None) == (taxonomy.get("9"), taxonomy.by_path(["Tents"]))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "it is empty"),
        ("nonsense", "its first line 'nonsense' begins neither a TOML tree"),
        ("a,b\n1,2\n", "its first line 'a,b' begins neither"),
        ("[[category]]\na = " + "[" * 5000, "recursion"),
        ("[[category]]\n", "[[category]] 1: id is missing"),
        ('[[category]]\nid = "A B"\nname = "A"', "[[category]] 1: id = 'A B': String should match"),
        (TOML + '[[category]]\nid = "camping"\nname = "B"', "the id 'camping' is there twice"),
        ('[[category]]\nid = "a.b"\nname = "A"', "'a.b' has no parent: add 'a'"),
        (
            '[[category]]\nid = "a"\nname = "Tents"\n[[category]]\nid = "b"\nname = "tents"',
            "'tents' is there twice, as 'a' and as 'b'",
        ),
        (GOOGLE + "8 - Hiking > Boots\n", "line 4: 'Hiking > Boots' has no parent: add a line"),
        (GOOGLE + "7 - Hiking\n", "line 4: the id '7' is there already, in line 3"),
        (GOOGLE + "8 - Camping > Tents\n", "line 4: 'Camping > Tents' is there already, in line 3"),
        (GOOGLE + "8 - Camping > > Tents\n", "line 4: '8 - Camping > > Tents' is no path"),
        (LEVELS + "5_Hiking,8_Boots\n", "line 4: '5' has another name than in line 2: 'Hiking'"),
        (LEVELS + "6_Hiking,7_Tents\n", "line 4: '7' has another parent than in line 2: '6'"),
        (LEVELS + ",8_Boots\n", "line 4 has a lvl2, but no lvl1 above it"),
        (TITLES + "5\tCamping\t\t\tBoots\n", "line 3 has a Family Title, but no Family Code"),
        (JSON_LINES + "{", "line 3 is no JSON: Expecting property name"),
        (JSON_LINES + "[]", "line 3: '[]' is no JSON object"),
        ('{"a": 1}', "its columns a name no levels; they are called lvl1, lvl2"),
        (
            "\n".join(" > ".join("abcdefghi"[: n + 1]) for n in range(9)),
            "'a > b > c > d > e > f > g > h > i' stands below more than 7 others",
        ),
        ("\n".join(["a"] + [f"a > {n}" for n in range(10_000)]), "it has 10,001 categories"),
        (f"1 - {'x' * 201}", "is no path such as"),
    ],
    ids=lambda value: None if len(value) > 60 else value.replace("\n", "|"),
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, content: str, problem: str) -> None:
    """Nobody works on half a taxonomy; one line says what to mend."""
    with pytest.raises(ConfigurationError, match=r"mine\.txt") as caught:
        load(tmp_path, content)

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A typo in the configuration is said, not fallen back from; no other encoding is guessed."""
    (tmp_path / "latin.txt").write_bytes("Möbel > Stühle".encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"nowhere\.txt cannot be read: No such file"):
        Taxonomy.load(tmp_path / "nowhere.txt")
    with pytest.raises(ConfigurationError, match=r"latin\.txt cannot be used: it is no UTF-8"):
        Taxonomy.load(tmp_path / "latin.txt")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tents", {"tents": Naming.NAME}),
        (
            "Sofas & Futons",
            {"sofa & futon": Naming.NAME, "sofa": Naming.PART, "futon": Naming.PART},
        ),
        (
            "Baby & Toddler Clothing",
            {
                "baby toddler clothing": Naming.NAME,
                "baby": Naming.HALF,
                "baby clothing": Naming.PART,
                "toddler clothing": Naming.PART,
            },
        ),
        (
            "Phone Cases/Covers",
            {
                "phone case cover": Naming.NAME,
                "phone case": Naming.PART,
                "cover": Naming.HALF,
                "phone cover": Naming.PART,
            },
        ),
        ("Cookers (gas)", {"cooker gas": Naming.NAME, "cookers": Naming.PART}),
        ("Parts & Accessories", {}),
    ],
)
def test_names_are_taken_apart(name: str, expected: dict[str, Naming]) -> None:
    """What a list of things names is found alone, and what hardly stands alone is marked."""
    assert {keys(key): naming for key, naming in expected.items()} == phrases_of(
        Category("1", name)
    )


def test_candidates_are_found_by_rare_words_and_by_those_above(tmp_path: Path) -> None:
    """What a language model is offered: the nearest first, no more than asked for."""
    taxonomy = load(
        tmp_path, GOOGLE + "8 - Camping > Tent Pegs\n9 - Garden\n10 - Garden > Tents\n11 - Books\n"
    )

    assert ["8", "7"] == [one.id for one in taxonomy.find("steel pegs for camping tents", 2)]
    assert ["10"] == [one.id for one in taxonomy.find("garden tent", 1)]
    assert [] == taxonomy.find("???", 5)


def test_the_packaged_taxonomy_covers_general_retail() -> None:
    """Every category has words of its own; it is read once."""
    taxonomy = load_taxonomy()

    assert 60 <= len(taxonomy) <= 100
    assert all(category.synonyms for category in taxonomy)
    assert taxonomy is load_taxonomy()
