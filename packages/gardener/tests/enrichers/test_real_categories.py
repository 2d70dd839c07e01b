"""Google's product taxonomy, and real products sorted into it by names alone."""

import csv
from pathlib import Path

import pytest

from contextworker.gardener.enrichers.base import ProductText, ResultStatus
from contextworker.gardener.enrichers.categories.names import Names
from contextworker.gardener.enrichers.categories.taxonomy import load_taxonomy
from contextworker.gardener.enrichers.protocol import Subject

DATA = Path(__file__).parents[5] / "shared" / "data"
GOOGLE = DATA / "google_product_taxonomy.txt"
FLIPKART = DATA / "flipkart.csv"
EVERY = 25
# Where Flipkart's departments are in Google's taxonomy, as far as it can be said for all of one.
TOPS = {
    "Clothing": {"Apparel & Accessories", "Baby & Toddler"},
    "Jewellery": {"Apparel & Accessories"},
    "Footwear": {"Apparel & Accessories"},
    "Watches": {"Apparel & Accessories"},
    "Mobiles & Accessories": {"Electronics"},
    "Computers": {"Electronics"},
    "Automotive": {"Vehicles & Parts"},
    "Beauty and Personal Care": {"Health & Beauty"},
    "Home Furnishing": {"Home & Garden"},
    "Kitchen & Dining": {"Home & Garden"},
    "Tools & Hardware": {"Hardware", "Home & Garden"},
    "Furniture": {"Furniture", "Home & Garden"},
    "Pens & Stationery": {"Office Supplies"},
    "Sports & Fitness": {"Sporting Goods"},
}


@pytest.mark.skipif(not GOOGLE.exists(), reason="the data for tests is not here")
def test_googles_taxonomy_is_read_whole() -> None:
    """All of it, with its ids; the phrases that name its categories, too."""
    taxonomy = load_taxonomy(GOOGLE)

    tents = taxonomy.by_path(["sporting goods", "outdoor recreation", "camping & hiking", "tents"])
    assert tents is not None
    assert 5582 == len(taxonomy)
    assert taxonomy.get(tents.id) is tents
    assert tents.id.isdecimal()
    assert tents in taxonomy.find("camping tents", 3)


@pytest.mark.skipif(not FLIPKART.exists(), reason="the data for tests is not here")
def test_what_is_done_on_real_products_is_right() -> None:
    """At the top level, in at least 19 of 20 cases, without any example or synonym."""
    taxonomy = load_taxonomy(GOOGLE)
    subjects, expected = [], []
    with FLIPKART.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            path = row["product_category_tree"]
            tops = TOPS.get(path.split(">>")[0].strip())
            if number % EVERY == 0 and tops:
                text = ProductText(
                    product_id="1", content_hash="h", name=row["product_name"], category=path
                )
                subjects.append(Subject(text))
                expected.append(tops)

    results = Names(taxonomy).enrich(subjects)

    done = [
        result.result["path"][0] in tops
        for result, tops in zip(results, expected, strict=True)
        if result.status is ResultStatus.DONE
    ]
    assert len(done) / len(results) > 0.5
    assert sum(done) / len(done) > 0.95
