"""Enricher `vocabulary`: technologies and materials that a product says it has."""

from pathlib import Path
from typing import Any

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.results import TechResult
from contextworker.gardener.enrichers.terms.tech import TechEnricher, vocabulary
from contextworker.gardener.enrichers.terms.tech_file import load_tech

ENRICHER = TechEnricher(load_tech())


def look(name: str = "", **fields: Any) -> TaskResult:
    """Look at one product."""
    product = ProductText(product_id="1", content_hash="h", name=name, **fields)
    return ENRICHER.enrich([Subject(product)])[0]


def ids(result: TaskResult) -> list[str]:
    """Return what was found, technologies first."""
    return [
        known["id"] for key in ("technologies", "materials") for known in result.result.get(key, [])
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Rain jacket GORE-TEX® Paclite", ["gore_tex"]),
        ("GORE-TEX™ boots", ["gore_tex"]),
        ("Goretex boots with Vibram sole", ["gore_tex", "vibram"]),
        ("gore tex wanderschuhe aus Leder", ["gore_tex", "leather"]),
        ("Primaloft Gold vest", ["primaloft"]),
        ("Куртка з Gore-Tex, підошва Vibram", ["gore_tex", "vibram"]),
        ("Speaker Bluetooth 5.3, USB-C", ["bluetooth_5", "usb_c"]),
        ("Speaker Bluetooth, USB Type C", ["bluetooth", "usb_c"]),
        ("Poles aluminium 7075", ["aluminium_7075"]),
        ("Poles, aluminum", ["aluminium"]),
        ("Stainless-steel bottle", ["stainless_steel"]),
        ("Trinkflasche Edelstahl", ["stainless_steel"]),
        ("Термос нержавіюча сталь", ["stainless_steel"]),
        ("Merino shirt", ["merino"]),
        ("Wool shirt", ["wool"]),
        ("Ripstop tarp", ["ripstop"]),
        ("55 inch OLED TV, 4K", ["oled", "4k"]),
        ("Unvibrammed goretexture", []),
        ("Tent 2", []),
        # Words that mean other things, too.
        ("Goose down jacket", ["down"]),
        ("Daunenjacke, Daunen 90/10", ["down"]),
        ("Sit down game", []),
        ("Apple iPhone Lightning cable", ["lightning"]),
        ("Lightning McQueen car", []),
        ("LED headlamp", ["led"]),
        ("Two LEDs", ["led"]),
        ("The man who led them", []),
        ("What he got", []),
        ("GOTS certified", ["gots"]),
        ("Steel grey shirt", []),
        ("Leather care set", []),
        # What is not there.
        ("Boots without leather", []),
        ("Boots without any leather", []),
        ("No leather, no PVC", []),
        ("Schuhe ohne Leder", []),
        ("Черевики без шкіри та без гуми", []),
        ("Leather-look trousers", []),
        ("Lederoptik Hose", []),
        ("Leder-Optik Hose", []),
        ("Faux leather bag", ["synthetic_leather"]),
        ("PU leather bag", ["synthetic_leather"]),
        ("Штучна шкіра", ["synthetic_leather"]),
        ("PVC-free mat", []),
        ("Without hood, leather", ["leather"]),
        ("Leather, free shipping", ["leather"]),
    ],
)
def test_names_state_what_they_are_made_of(name: str, expected: list[str]) -> None:
    """By exact words, however spelt; not where it is said to be missing or imitated."""
    assert expected == ids(look(name))


def test_a_result_says_what_was_read() -> None:
    """Name, parameters and description, each thing once, as it stood first."""
    result = look(
        "Jacket GORE-TEX",
        params={"material": "100% Baumwolle", "Leather": "no", "fill": "down"},
        description="A goretex jacket. No wool. " * 40 + "With Velcro.",
    )

    assert {
        "technologies": [
            {"id": "gore_tex", "name": "Gore-Tex", "text": "GORE-TEX"},
            {"id": "velcro", "name": "Hook-and-loop", "text": "Velcro"},
        ],
        "materials": [
            {"id": "cotton", "name": "Cotton", "text": "100% Baumwolle"[5:]},
            {"id": "down", "name": "Down", "text": "down"},
        ],
    } == result.result
    assert (ResultStatus.DONE, "vocabulary", 0.9) == (
        result.status,
        result.source,
        result.confidence,
    )
    TechResult.model_validate(result.result)


def test_a_product_that_states_none_is_done() -> None:
    """There is nothing to look up, so nobody is asked."""
    result = look("Tent 2")

    assert (ResultStatus.DONE, {}, 1.0) == (result.status, result.result, result.confidence)


def test_the_packaged_vocabulary_is_a_good_start() -> None:
    """In three languages; each thing once."""
    things = load_tech().things

    assert len(things) >= 150
    assert len({thing.id for thing in things}) == len(things)


FILE = """
[[technology]]
id = "thermoweave"
name = "ThermoWeave"
"""


def test_a_file_of_ones_own_replaces_it(tmp_path: Path) -> None:
    """Its things only; what denies them is as packaged unless it says otherwise."""
    path = tmp_path / "tech.toml"
    path.write_text(FILE)
    enricher = vocabulary(EnricherContext("acme", "tech", {"file": str(path)}))

    results = enricher.enrich(
        [
            Subject(ProductText(product_id="1", content_hash="h", name=name))
            for name in ("Thermo-weave shirt", "Gore-Tex", "Without ThermoWeave")
        ]
    )

    assert [["thermoweave"], [], []] == [ids(result) for result in results]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("x", "tech.toml cannot be used: Expected '='"),
        ("[[gadget]]", "tech.toml cannot be used: unknown key 'gadget'; it has technology,"),
        ("[[technology]]\nid = 'A'\nname = 'B'", "[[technology]] 1: id = 'A': String should match"),
        (FILE + FILE, "the id 'thermoweave' is there twice"),
        (FILE + "[[material]]\nid = 'x'\nname = 'thermo weave'", "'thermo weave' names both"),
    ],
    ids=["no-toml", "unknown", "id", "twice", "name-twice"],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    """With its name and what is wrong in it."""
    path = tmp_path / "tech.toml"
    path.write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        load_tech(path)

    assert problem in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """By the path that was looked at."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_tech(tmp_path / "nowhere.toml")
