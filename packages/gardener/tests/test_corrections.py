"""What a person says is right, read as the task's own result."""

from typing import Any

import pytest

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.taxonomy import Category, Taxonomy, load_taxonomy
from contextworker.gardener.review.categories import category_result
from contextworker.gardener.review.corrections import right_result, stored_form

TENTS = ("camping.tents", "Tents", ("Camping", "Tents"))


@pytest.mark.parametrize(
    "said",
    [
        {"id": "camping.tents"},
        {"name": "tents"},
        {"name": "dome tent"},
        {"path": ["Camping", "Tents"]},
        {"path": "camping>TENTS"},
        {"id": "camping.tents", "name": "Tents", "path": ["Camping", "Tents"]},
    ],
    ids=["id", "name", "synonym", "path", "path-as-text", "all"],
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
        ("taxonomy", {"category": "Tents"}, "a category has no 'category'"),
        ("taxonomy", {"id": ""}, "say which category"),
        ("taxonomy", {"id": [1]}, "a category's `id` is a text"),
        (
            "ner",
            {"brnad": "MSR"},
            "brnad: there is no such field; its fields are product_type, brand",
        ),
        ("ner", {"brand": 3}, "brand: is no text"),
        ("params", {"weight": "2 kg"}, "params: weight: is no object, such as {"),
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
        "no-measure",
    ],
)
def test_a_wrong_correction_is_told(task: str, correction: dict[str, Any], says: str) -> None:
    """In words that say what would be right."""
    with pytest.raises(InvalidInputError) as caught:
        right_result(task, correction, {}, taxonomy=load_taxonomy())

    assert says in str(caught.value)


def test_a_correction_is_laid_over_what_was_found() -> None:
    """Field by field; null takes one away, and what is empty is not stored."""
    found = {"brand": "MSR", "model": "E", "variant": {"colour": ["red"], "size": "L"}, "odd": 1}

    result = right_result(
        "ner",
        {"model": None, "variant": {"colour": ["blue"], "size": None}},
        found,
        taxonomy=load_taxonomy(),
    )

    assert {"brand": "MSR", "variant": {"colour": ["blue"]}} == stored_form(result)
