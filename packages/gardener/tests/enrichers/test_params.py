"""Measures in realistic names."""

from typing import Any

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.measuring.params import MeasuresEnricher, measures
from contextworker.gardener.enrichers.measuring.units import SPELLINGS, measure, unit_name
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.results import ParamsResult

ENRICHER = MeasuresEnricher()


def extract(name: str, **fields: Any) -> TaskResult:
    """Read one product."""
    text = ProductText(product_id="1", content_hash="h", name=name, **fields)
    return ENRICHER.enrich([Subject(text)])[0]


def values(result: TaskResult) -> dict[str, Any]:
    """Return attribute -> value, with its unit where it has one."""
    ParamsResult.model_validate(result.result)
    return {name: (item["value"], item["unit"]) for name, item in result.result.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cloud-Up 2 tent 1.8 kg", {"weight": (1.8, "kg")}),
        ("Kuppelzelt für 4 Personen 3,5 kg", {"weight": (3.5, "kg"), "capacity": (4, "persons")}),
        ("Намет 3-місний 4,2 кг", {"weight": (4.2, "kg"), "capacity": (3, "persons")}),
        ("2-3 person tent", {"capacity": (3, "persons")}),
        ("Vango Nevis 4P", {"capacity": (4, "persons")}),
        ("Mug 0.3 l", {"volume": (300, "ml")}),
        ("Shampoo 1000ml", {"volume": (1, "l")}),
        ("Backpack 65L", {"volume": (65, "l")}),
        ("Термос 750 мл", {"volume": (750, "ml")}),
        ("Dumbbell 10 lbs", {"weight": (4.53592, "kg")}),
        ("Bottle 12 fl oz", {"volume": (354.882, "ml")}),
        ("Rope 50 m", {"length": (50, "m")}),
        ("Pole 120cm", {"length": (1.2, "m")}),
        ('Monitor 27"', {"length": (68.58, "cm")}),
        ("Cord 4 mm", {"length": (4, "mm")}),
        ("Tent 210 x 140 x 110 cm", {"dimensions": ([210, 140, 110], "cm")}),
        ("Tarp 3x4 m", {"dimensions": ([300, 400], "cm")}),
        ("Box 20cm x 30cm", {"dimensions": ([20, 30], "cm")}),
        ("Water 6 x 1.5 l", {"pack_count": (6, "pcs"), "volume": (1.5, "l")}),
        ("Pegs (pack of 10)", {"pack_count": (10, "pcs")}),
        ("Heringe 6 Stück", {"pack_count": (6, "pcs")}),
        ("Socken 3er-Pack", {"pack_count": (3, "pcs")}),
        ("Power station 1.2 kW", {"power": (1200, "W")}),
        ("Лампа 9 Вт", {"power": (9, "W")}),
        ("Water filter 1 L/min", {}),
        ("Fleece 180 g/m²", {}),
        ("Tent with 2000 mm hydrostatic head", {}),
        ("3 in 1 tool", {}),
        ("5G phone 1080P", {}),
        ("USB stick 8 GB", {}),
        ("Tarp 20D nylon", {}),
        ("Tent 9 m2", {}),
        ("", {}),
    ],
)
def test_realistic_names_say_what_they_measure(name: str, expected: dict[str, Any]) -> None:
    """In normal units, and surely."""
    result = extract(name)

    assert (expected, ResultStatus.DONE) == (values(result), result.status)


def test_an_attribute_says_where_it_stood() -> None:
    """The words are what a person checks."""
    weight = {"value": 1.8, "unit": "kg", "text": "1,8 kg"}

    assert {"weight": weight} == extract("Zelt 1,8 kg").result


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("Rice 1,500 g", "weight", 1.5),
        ("Chair max load 120 kg", "weight", 120),
        ("Rope 50 m 9.8 mm", "length", 50),
    ],
)
def test_what_can_be_read_in_two_ways_goes_to_review(
    name: str, attribute: str, value: float
) -> None:
    """A thousand or a decimal, a limit or a weight, a length or a thickness."""
    result = extract(name)

    assert (value, ResultStatus.REVIEW) == (result.result[attribute]["value"], result.status)
    assert attribute in (result.reason or "")


def test_several_values_of_a_measure_are_said_to_be_so() -> None:
    """Both of a rope's are lengths: which is meant, a person says."""
    result = extract("Half rope 40 m 8.1 mm")

    assert ("length '40 m' is one of several in the name", ResultStatus.REVIEW) == (
        result.reason,
        result.status,
    )


def test_parameters_count_where_their_key_says_what_they_are() -> None:
    """A height is no length, a number takes its unit from the key."""
    params = {
        "weight_kg": 2.5,
        "persons": 4,
        "Volume": "40 l",
        "Height": "110 cm",
        "Max load": "120 kg",
    }

    assert {
        "weight": (2.5, "kg"),
        "capacity": (4, "persons"),
        "volume": (40, "l"),
    } == values(extract("Tent", params=params))


def test_the_name_is_believed_before_parameters_and_description() -> None:
    """A description only adds what is said once."""
    result = extract(
        "Tent 2 kg",
        params={"weight": "3 kg"},
        description="Packed 4 kg, needs 20 W. Ropes 3 m and 5 m.",
    )

    assert {"weight": (2, "kg"), "power": (20, "W")} == values(result)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_a_unit_that_pint_knows(spelling: str) -> None:
    """No spelling leads nowhere."""
    unit = unit_name(spelling)

    assert unit is not None
    assert measure(1, unit).value > 0


def test_case_tells_units_apart() -> None:
    """G is a generation, M a size; g and m measure."""
    assert (None, None) == (unit_name("G"), unit_name("M"))
    assert ("gram", "meter") == (unit_name("g"), unit_name("m"))


def test_options_are_checked() -> None:
    """What is no option is named, and so is what there is."""
    context = EnricherContext("acme", "params", {"treshold": 0.5})

    with pytest.raises(ConfigurationError, match=r"unknown key 'treshold'; it has .*threshold"):
        measures(context)
