"""Guessing what the columns of an unknown feed are."""

import tomllib
from typing import Any

import pytest

from contextworker.harvest.guess import guess
from contextworker.harvest.kinds import Kind, kind_of
from contextworker.harvest.suppliers import Mapping


def guessed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mapping guessed for rows; what is to be pasted says the same, and is one."""
    samples = {column: [row[column] for row in rows] for column in rows[0]}
    found = guess(tuple(samples), samples)
    assert {"mapping": found.mapping} == tomllib.loads(found.toml)
    Mapping.model_validate(found.mapping)
    return found.mapping


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "empty"),
        (["", None, " "], "empty"),
        (["true", "false"], "yes or no"),
        ([True, False], "yes or no"),
        (["1", "20", "-3", None], "whole number"),
        (["1.50", "1 299,50", "15.00 USD", "€ 9", "7,- Kč"], "amount"),
        (["2026-01-02", "02.01.2026"], "date"),
        (["https://x.example/a.JPG?w=1", "http://x.example/b.webp"], "image address"),
        (["https://x.example/a", "http://x.example/b"], "web address"),
        (['{"a": 1}'], "JSON object"),
        ([{"a": 1}], "JSON object"),
        ([["a"], ["b"]], "list"),
        (["CT-1004", "A1"], "code"),
        (["Tent", "Stove 2"], "text"),
        (["1", "2", "many"], "text"),
    ],
    ids=str,
)
def test_kinds(values: list[Any], kind: str) -> None:
    """A column is of the kind that nearly all of its values are of."""
    assert Kind(kind) is kind_of(values)


def test_names_in_english() -> None:
    """The usual names are known, in any spelling; what is left over are attributes."""
    rows = [
        {
            "ArticleNo": f"CT-{n}",
            "product_title": f"Tent number {n}",
            "Brand": "Nordlys",
            "category_path": "Camping > Tents",
            "salePrice": f"{n}.50",
            "Qty": n,
            "image_link": f"https://x.example/{n}.jpg",
            "colour": "red",
            "nothing": None,
        }
        for n in range(1, 9)
    ]
    assert {
        "sku": "ArticleNo",
        "name": "product_title",
        "brand_name": "Brand",
        "category": "category_path",
        "quantity": "Qty",
        "price_retail": "salePrice",
        "image_url": "image_link",
        "category_separator": ">",
        "params": ["colour"],
    } == guessed(rows)


def test_names_in_ukrainian() -> None:
    """So are those of other languages, and prices with a decimal comma."""
    rows = [
        {
            "Артикул": f"A-{n}",
            "Назва товару": f"Намет {n}",
            "Виробник": "Вогонь",
            "Ціна": f"1 {n}99,50",
            "Залишок": str(n),
        }
        for n in range(1, 5)
    ]
    assert {
        "sku": "Артикул",
        "name": "Назва товару",
        "brand_name": "Виробник",
        "quantity": "Залишок",
        "price_retail": "Ціна",
        "decimal": ",",
    } == guessed(rows)


def test_names_in_german() -> None:
    """German ones, too."""
    rows = [
        {"Bestellnummer": f"{n:05}", "Bezeichnung": f"Zelt {n}", "Preis": f"{n},90", "Marke": "X"}
        for n in range(1, 5)
    ]
    assert {
        "sku": "Bestellnummer",
        "name": "Bezeichnung",
        "brand_name": "Marke",
        "price_retail": "Preis",
        "decimal": ",",
    } == guessed(rows)


def test_columns_without_telling_names() -> None:
    """Where names say nothing, values do."""
    rows = [
        {
            "c1": "shop",
            "c2": f"X{n}",
            "c3": f"A green tent, number {n}",
            "c4": f"{n}.99",
            "c5": f"https://x.example/{n}.png",
            "c6": f"https://x.example/{n}",
        }
        for n in range(20)
    ]
    assert {
        "sku": "c2",
        "name": "c3",
        "price_retail": "c4",
        "url": "c6",
        "image_url": "c5",
        "params": ["c1"],
    } == guessed(rows)


def test_attributes_in_an_object() -> None:
    """A column of JSON objects is the attributes, beside other columns."""
    rows = [{"id": n, "title": f"Tent {n}", "details": {"kg": n}} for n in range(1, 4)]
    assert {"sku": "id", "name": "title", "params": "details"} == guessed(rows)
    rows = [{**row, 'a "b"': "red"} for row in rows]
    assert {"*": "details", 'a "b"': 'a "b"'} == guessed(rows)["params"]


def test_nothing_to_go_by() -> None:
    """What every product needs and no column looks like is named, to be filled in."""
    samples: dict[str, list[Any]] = {"x": ["a", "a"], "y": [None, None]}
    found = guess(tuple(samples), samples)
    assert ("sku", "name") == found.missing
    assert found.toml.startswith('[mapping]\n# sku = "…"  # no column looks like it')


def test_hostile_names_and_values() -> None:
    """Whatever a feed calls its columns and holds, what is to be pasted can be read."""
    rows = [{'sku\n"]': f'a\n"{n}', "name\\": f"]]\u2028 # {n} \x07"} for n in range(3)]
    guessed(rows)
