"""What a classifier sees of a product: its texts, each in one or more views.

A view is a way to look at one text, such as the words of the name. Every view's features are
normalised for themselves, so that a long description never drowns a short name.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
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

PRODUCTS_BITS: Final = 9
"""Of the number of a product among those that are looked at together."""

BUCKETS: Final = 1 << 22
"""Numbers that features are hashed to."""

WEIGHTS: Final = {
    "name: words": 0.8,
    "name: characters": 0.8,
    "name: heads": 0.3,
    "category: words": 0.15,
    "host": 0.2,
    "url: characters": 0.2,
    "brand": 0.2,
    "all: words": 0.9,
}
"""Each view's share of what two products have in common."""

_BITS: Final = {
    "name: words": 18,
    "name: characters": 19,
    "name: heads": 18,
    "category: words": 17,
    "host": 16,
    "url: characters": 19,
    "brand": 16,
    "all: words": 19,
}
"""Of each view's part of the buckets, by how many features it has."""

_STARTS: Final = dict(
    zip(_BITS, accumulate((1 << bits for bits in _BITS.values()), initial=0), strict=False)
)
_PARAMS_LIMIT: Final = 2000
_LAST, _FINAL, _FIRST = (np.uint64(salt) for salt in (11, 13, 17))


def view_of(buckets: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the number of the view, in the order of WEIGHTS, that each bucket is of."""
    return np.searchsorted(list(_STARTS.values()), buckets, side="right") - 1


def found_in(
    products: Sequence[ProductText], views: Collection[str]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return all features of some products: once for each time, the product and the bucket."""
    places, buckets = [], []
    for view, hashes, texts in _features(products):
        if view in views:
            number = _STARTS[view]
            spread = mixed(hashes, number + 1) >> np.uint64(64 - _BITS[view])
            places.append(texts.astype(np.int32))
            buckets.append(spread.astype(np.int32) + np.int32(number))
    return np.concatenate(places), np.concatenate(buckets)


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
    whole = read(hosts)
    yield "host", whole.hashes, whole.texts
    yield from _characters("url: characters", urls)
    yield from _words("brand", brands)
    for words in (names, categories, descriptions, urls, brands):
        yield "all: words", words.hashes, words.texts


def _words(view: str, words: Words) -> Iterator[tuple[str, Hashes, Places]]:
    yield view, words.hashes, words.texts
    hashes, places = pairs(words)
    yield view, hashes, words.texts[places]


def _characters(view: str, words: Words) -> Iterator[tuple[str, Hashes, Places]]:
    for hashes, texts in ngrams(words, 5):
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
