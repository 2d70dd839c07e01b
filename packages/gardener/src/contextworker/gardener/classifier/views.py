"""What a classifier sees of a product: its texts, each in one or more views.

A view is a way to look at one text, such as the words of the name. Every view's features are
normalised for themselves, so that a long description never drowns a short name.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contextworker.gardener.classifier.hashing import (
    Hashes,
    Places,
    Words,
    mixed,
    ngrams,
    pairs,
    read,
)
from contextworker.gardener.enrichers.base import ProductText

BUCKET_BITS: Final = 22
VIEW_BITS: Final = 4

WEIGHTS: Final = {
    "name: words": 0.8,
    "name: characters": 0.8,
    "name: heads": 0.3,
    "category: words": 0.15,
    "category: characters": 0.2,
    "description: words": 0.25,
    "host": 0.2,
    "url: words": 0.1,
    "url: characters": 0.2,
    "brand": 0.2,
    "all: words": 0.7,
}
"""Each view's share of what two products have in common."""

_VIEWS: Final = {view: number for number, view in enumerate(WEIGHTS)}
_PARAMS_LIMIT: Final = 2000
_LAST, _FINAL, _FIRST = (np.uint64(salt) for salt in (11, 13, 17))


def keys(products: Sequence[ProductText], weights: dict[str, float]) -> NDArray[np.int64]:
    """Return all features of some products, a number for each time that one occurs.

    The number is the place of the product, the view (in VIEW_BITS) and the feature's bucket (in
    BUCKET_BITS).
    """
    found = [
        (texts << (VIEW_BITS + BUCKET_BITS)) | _tagged(hashes, _VIEWS[view])
        for view, hashes, texts in _features(products)
        if view in weights
    ]
    return np.concatenate(found)


def _tagged(hashes: Hashes, number: int) -> NDArray[np.int64]:
    buckets = mixed(hashes, number + 1) >> np.uint64(64 - BUCKET_BITS)
    return buckets.astype(np.int64) | (number << BUCKET_BITS)


def _features(products: Sequence[ProductText]) -> Iterator[tuple[str, Hashes, Places]]:
    hosts, paths = zip(*(_split(product.url.lower()) for product in products), strict=True)
    names = read([product.name.lower() for product in products])
    categories = read([product.category.lower() for product in products])
    descriptions = read([_description(product).lower() for product in products])
    urls = read(paths)
    brands = read([product.brand_name.lower() for product in products])
    yield from _words("name: words", names)
    yield from _characters("name: characters", names)
    yield from _heads("name: heads", names)
    yield from _words("category: words", categories)
    yield from _characters("category: characters", categories)
    yield from _words("description: words", descriptions)
    whole = read(hosts)
    yield "host", whole.hashes, whole.texts
    yield from _words("url: words", urls)
    yield from _characters("url: characters", urls)
    yield from _words("brand", brands)
    for words in (names, categories, descriptions, urls, brands):
        yield "all: words", words.hashes, words.texts


def _words(view: str, words: Words) -> Iterator[tuple[str, Hashes, Places]]:
    yield view, words.hashes, words.texts
    hashes, places = pairs(words)
    yield view, hashes, words.texts[places]


def _characters(view: str, words: Words) -> Iterator[tuple[str, Hashes, Places]]:
    for hashes, texts in ngrams(words, 3, 5):
        yield view, hashes, texts


def _heads(view: str, words: Words) -> Iterator[tuple[str, Hashes, Places]]:
    """Yield what tends to say what a thing is: the last words before a comma, dash or bracket."""
    for salt, flags in ((_LAST, words.closing), (_FINAL, words.final), (_FIRST, words.first)):
        yield view, words.hashes[flags] + salt, words.texts[flags]
    hashes, places = pairs(words)
    closing = words.closing[places + 1]
    yield view, hashes[closing], words.texts[places[closing]]


def _split(url: str) -> tuple[str, str]:
    """Return host, as a single word, and the rest."""
    before, slashes, after = url.partition("//")
    host, _, path = (after if slashes else before).partition("/")
    return "".join(char if char.isalnum() else "_" for char in host).replace("_", "x0"), path


def _description(product: ProductText) -> str:
    if not product.params:
        return product.description
    params = " . ".join(f"{key} {value}" for key, value in product.params.items())
    return f"{product.description} . {params[:_PARAMS_LIMIT]}"
