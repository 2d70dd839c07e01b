"""Words, phrases and clean text."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextworker.gardener.enrichers.base import (
    NAME_LIMIT,
    PARAM_LIMIT,
    TEXT_LIMIT,
    ProductText,
    clean,
)
from contextworker.gardener.enrichers.text import Phrases, head, keys, stem, words


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Tents", "tent"),
        ("batteries", "battery"),
        ("boxes", "box"),
        ("glasses", "glass"),
        ("Women's", "women"),
        ("compass", "compass"),
        ("Größe", "grösse"),
        ("намети", "намети"),
        ("bus", "bus"),
        ("gas", "gas"),
        ("Größens", "grössens"),
    ],
)
def test_a_word_is_compared_without_case_possessive_and_plural(word: str, key: str) -> None:
    """Both sides of every comparison go through the same stem."""
    assert key == stem(word)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Case for Apple iPad", "Case"),
        ("Zelt für 4 Personen", "Zelt"),
        ("Набір посуду для туризму", "Набір посуду"),
        ("Showpiece - 8 cm", "Showpiece"),
        ("Mug (300 ml)", "Mug "),
        ("Cloud-Up tent", "Cloud-Up tent"),
        ("", ""),
        ("(odd", "(odd"),
    ],
)
def test_the_head_of_a_name_ends_before_what_it_is_for(name: str, start: str) -> None:
    """A case for an iPad is a case."""
    assert start == head(name)


def test_the_longest_phrase_wins_at_each_place() -> None:
    """A sleeping bag liner is one phrase, not a sleeping bag and a rest."""
    phrases = Phrases({"sleeping bag": 1, "sleeping bag liner": 2, "liner": 3})

    hits = phrases.find(words("Silk sleeping bags liner, liner"))

    assert [(2, 1, 4), (3, 4, 5)] == [(hit.value, hit.first, hit.after) for hit in hits]


def test_no_phrases_find_nothing() -> None:
    """An empty catalogue of phrases is no special case."""
    assert [] == Phrases[int]({}).find(words("any text"))


@given(st.text(max_size=2 * NAME_LIMIT))
def test_clean_text_is_bounded_single_spaced_and_printable(text: str) -> None:
    """Whatever a feed held, enrichers and JSON can take it."""
    cleaned = clean(text, NAME_LIMIT)

    assert len(cleaned) <= NAME_LIMIT
    assert cleaned == " ".join(cleaned.split())
    assert "\x00" not in cleaned
    assert cleaned == cleaned.encode().decode()


def test_a_product_text_is_cut_to_what_enrichers_may_see() -> None:
    """A megabyte of name costs no more than a long name."""
    product = ProductText(
        product_id="1",
        content_hash="h",
        name="x" * 1_000_000,
        description="y" * 1_000_000,
        params={str(n): n for n in range(1000)},
    )

    assert (NAME_LIMIT, TEXT_LIMIT, PARAM_LIMIT) == (
        len(product.name),
        len(product.description),
        len(product.params),
    )


def test_only_plain_parameters_are_read() -> None:
    """Nested values, booleans and nothing say nothing to an enricher."""
    given_params = {"weight": 1.5, "colour": "red\x00", "flag": True, "list": [1], "none": None}

    product = ProductText(product_id="1", content_hash="h", params=given_params)

    assert {"weight": "1.5", "colour": "red"} == product.params


def test_a_lone_surrogate_is_replaced() -> None:
    """Text that is no Unicode cannot be stored, and must not stop a batch."""
    assert "a?b" == clean("a\ud800b", NAME_LIMIT)


@given(st.text(max_size=200))
def test_keys_are_stable(text: str) -> None:
    """A phrase made of keys is found by its keys: stemming twice is stemming once."""
    once = keys(text)

    assert once == tuple(key for word in once for key in keys(word)) or not text.isascii()
