"""What a person says is right, read as the task's own result."""

from typing import Any

import pytest

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy, load_taxonomy
from contextworker.gardener.enrichers.terms.tech_file import load_tech
from contextworker.gardener.review.categories import category_result
from contextworker.gardener.review.corrections import Terms, right_result, stored_form

TERMS = Terms(load_taxonomy(), load_tech())
TENTS = ("camping.tents", "Tents", ("Camping", "Tents"))


@pytest.mark.parametrize(
    "said",
    [
        {"id": "camping.tents"},
        {"name": "tents"},
        {"name": "dome tent"},
        {"path": ["Camping", "Tents"]},
        {"path": "camping>TENTS"},
        {"category": "camping.tents"},
        {"category": "Tents"},
        {"category": "Camping > Tents"},
        {"id": "camping.tents", "name": "Tents", "path": ["Camping", "Tents"]},
    ],
    ids=[
        "id",
        "name",
        "synonym",
        "path",
        "path-as-text",
        "any-id",
        "any-name",
        "any-path",
        "all",
    ],
)
def test_a_category_is_said_in_any_of_its_ways(said: dict[str, Any]) -> None:
    """The result has all of it."""
    result = category_result(load_taxonomy(), said)

    assert TENTS == (result.id, result.name, result.path)


def test_a_name_of_two_categories_is_no_name() -> None:
    """Whoever says it is told which ones there are."""
    taxonomy = Taxonomy(
        [
            Category(id="1", name="Men"),
            Category(id="2", name="Women"),
            Category(id="3", name="Shoes", parent_id="1"),
            Category(id="4", name="Shoes", parent_id="2"),
        ]
    )

    with pytest.raises(InvalidInputError) as caught:
        category_result(taxonomy, {"name": "shoes"})

    assert (
        "2 categories are called 'shoes': 3 (Men > Shoes), 4 (Women > Shoes); give the `id`"
        == str(caught.value)
    )


@pytest.mark.parametrize(
    ("task", "correction", "says"),
    [
        (
            "taxonomy",
            {"id": "camping.tent"},
            "no category 'camping.tent'; nearest: camping.tents (",
        ),
        ("taxonomy", {"name": "Tentz"}, "nearest: camping.tents (Camping > Tents)"),
        ("taxonomy", {"path": ["Camping", "Boats"]}, "no category 'Camping > Boats'"),
        ("taxonomy", {"path": 3}, "`path` is a list of names"),
        ("taxonomy", {"id": "camping", "name": "Tents"}, "of that `id` and `name`"),
        ("taxonomy", {"label": "Tents"}, "a category has no 'label'"),
        ("taxonomy", {"id": ""}, "say which category"),
        ("taxonomy", {"id": [1]}, "a category's `id` is a text"),
        (
            "ner",
            {"brnad": "MSR"},
            "brnad: there is no such field; its fields are product_type, brand",
        ),
        ("ner", {"brand": 3}, "brand: is no text"),
        ("ner", {"brand": " "}, "brand: is empty; null takes it away"),
        ("ner", {"variant": "red"}, "variant: is no object with fields of its own"),
        ("ner", {"colour": 3}, "variant.colour: is no list"),
        ("params", {"weight": "2"}, "'2' is no weight; write it such as weight=2kg"),
        ("params", {"weight": "2 l"}, "'2 l' is no weight"),
        ("params", {"weight": {"value": -2, "unit": "stone"}}, "'-2 stone' is no weight"),
        ("params", {"weight": {"value": 2, "unit": "kg", "is": 1}}, "weight.is: there is no such"),
        ("params", {"weight": "0 kg"}, "'0 kg' is no weight"),
        ("params", {"weight": "1,500 g"}, "the weight '1,500 g' can be read in two ways"),
        ("params", {"heaviness": "2 kg"}, "heaviness: there is no such field"),
        ("tech", {"technologies": "Gore-Tx"}, "no technology 'Gore-Tx'; nearest: Gore-Tex"),
        ("tech", {"technologies": "Merino"}, "no technology 'Merino'"),
    ],
    ids=[
        "unknown-id",
        "unknown-name",
        "unknown-path",
        "no-path",
        "disagreeing",
        "no-key",
        "empty",
        "no-id",
        "unknown-field",
        "no-text",
        "no-words",
        "no-object",
        "no-colour",
        "no-unit",
        "another-measure",
        "no-weight",
        "unknown-part",
        "nothing",
        "ambiguous",
        "unknown-measure",
        "unknown-technology",
        "no-technology",
    ],
)
def test_a_wrong_correction_is_told(task: str, correction: dict[str, Any], says: str) -> None:
    """In words that say what would be right."""
    with pytest.raises(InvalidInputError) as caught:
        right_result(task, correction, {}, terms=TERMS)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("task", "said", "result"),
    [
        ("params", {"weight": "2kg"}, {"weight": {"value": 2, "unit": "kg"}}),
        (
            "params",
            {"weight": {"value": 2500, "unit": "g"}},
            {"weight": {"value": 2.5, "unit": "kg"}},
        ),
        ("params", {"weight": {"value": 2}}, {"weight": {"value": 2, "unit": "kg"}}),
        ("params", {"capacity": 4}, {"capacity": {"value": 4, "unit": "persons"}}),
        ("params", {"pack_count": "6"}, {"pack_count": {"value": 6, "unit": "pcs"}}),
        (
            "params",
            {"dimensions": {"value": [2.1, 1.4], "unit": "m"}},
            {"dimensions": {"value": [210, 140], "unit": "cm"}},
        ),
        ("ner", {"colour": "red"}, {"variant": {"colour": ["red"], "size": "L"}}),
        ("ner", {"size": "XL"}, {"variant": {"colour": ["blue"], "size": "XL"}}),
        ("ner", {"variant": {"colour": "red"}}, {"variant": {"colour": ["red"], "size": "L"}}),
        ("ner", {"variant": None}, {}),
        ("tech", {"technologies": "gore tex"}, {"technologies": ["Gore-Tex"]}),
        ("tech", {"technologies": ["Gore-Tex"]}, {"technologies": ["Gore-Tex"]}),
    ],
    ids=[
        "measure",
        "other-unit",
        "unit-as-found",
        "number-of-persons",
        "count",
        "sides",
        "colour",
        "size",
        "variant",
        "no-variant",
        "technology",
        "technologies",
    ],
)
def test_what_is_written_in_short_is_spelt_out(
    task: str, said: dict[str, Any], result: dict[str, Any]
) -> None:
    """As the enrichers would have it; the words that a wrong measure was read from are gone."""
    weight = {"value": 1, "unit": "kg", "text": "1 kg"}
    found: dict[str, Any] = {
        "params": {"weight": weight} if "weight" in said else {},
        "ner": {"variant": {"colour": ["blue"], "size": "L"}},
        "tech": {},
    }

    stored = stored_form(right_result(task, said, found[task], terms=TERMS))

    if task == "tech":
        stored = {key: [one["name"] for one in things] for key, things in stored.items()}
    assert result == stored


def test_a_correction_is_laid_over_what_was_found() -> None:
    """Field by field; null takes one away, and what is empty is not stored."""
    found = {"brand": "MSR", "model": "E", "variant": {"colour": ["red"], "size": "L"}, "odd": 1}

    result = right_result(
        "ner",
        {"model": None, "variant": {"colour": ["blue"], "size": None}},
        found,
        terms=TERMS,
    )

    assert {"brand": "MSR", "variant": {"colour": ["blue"]}} == stored_form(result)
