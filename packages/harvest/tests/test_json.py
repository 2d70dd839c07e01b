"""JSON and JSON Lines: every object is a row or explained, its numbers as they are written."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher, FetchLimits
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.feeds.formats.json_feeds.text import MAX_VALUE
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.rows.numbers import parse_number
from contextworker.harvest.suppliers import Source

JSON = FeedFormat.JSON
LINES = FeedFormat.JSONL


def items(path: Path, kind: FeedFormat, **options: Any) -> list[Block | Row]:
    """Return what the reader of a format makes of a file."""
    feed = Feed(
        source="shop.json",
        format=kind,
        raw=ObjectRef(key="x/y", size=1),
        **({"encoding": "utf-8"} | options),
    )
    return list(READERS[kind](path, feed))


def rows(folder: Path, content: bytes | str, kind: FeedFormat, **options: Any) -> list[Row]:
    """Return every row of a feed."""
    path = folder / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [
        row
        for item in items(path, kind, **options)
        for row in (item.rows() if isinstance(item, Block) else (item,))
    ]


def bad(found: list[Row]) -> list[tuple[int, str]]:
    """Return where the bad rows are and what is wrong with them."""
    return [(row.number, row.code) for row in found if isinstance(row, BadRow)]


def good(found: list[Row]) -> list[tuple[int, Any]]:
    """Return where the good rows are and their sku."""
    return [(row.number, row.values["sku"]) for row in found if isinstance(row, RawRow)]


def test_lines(tmp_path: Path) -> None:
    """Objects keep their kinds, fractions exactly; a key may be left out, a line may be blank."""
    found = rows(
        tmp_path,
        '\ufeff{"sku": 1, "name": "a", "price": 0.1}\n\n{"sku": 2, "price": 12.50}\r\n'
        '{"sku": 3, "price": 0.10000000000000000001, "tags": ["x", {"y": null}]}',
        LINES,
    )
    assert [(1, 1), (3, 2), (4, 3)] == good(found)
    prices = [row.values["price"] for row in found if isinstance(row, RawRow)]
    assert [Decimal("0.1"), Decimal("12.5"), Decimal("0.10000000000000000001")] == [
        Decimal(str(price)) for price in prices
    ]
    assert isinstance(found[2], RawRow)
    assert ["x", {"y": None}] == found[2].values["tags"]


@pytest.mark.parametrize("price", ["0.1234567890123", "12345678901234.5", "1e-400", "9" * 40])
def test_numbers_that_floats_would_bend(tmp_path: Path, price: str) -> None:
    """A number of many digits stays as it is, among others that a frame can hold."""
    lines = ['{"price": 12.50}', f'{{"price": {price}}}', '{"price": 3}']
    for content, kind in (("\n".join(lines), LINES), (f"[{','.join(lines)}]", JSON)):
        found = rows(tmp_path, content, kind)
        assert [Decimal("12.5"), Decimal(price), Decimal(3)] == [
            parse_number(row.values["price"], None) for row in found if isinstance(row, RawRow)
        ]


BAD = [
    pytest.param("[1]", id="list"),
    pytest.param("7", id="number"),
    pytest.param("null", id="null"),
    pytest.param('{"sku": "\\ud800"}', id="half-a-character"),
    pytest.param('{"sku": "a", "name": ' + "[" * 500 + "]" * 500 + "}", id="deep-lists"),
    pytest.param('{"sku": "a", "name": ' + '{"a":' * 60 + "1" + "}" * 61, id="deep-objects"),
]
BROKEN = [
    pytest.param('{"sku": 1,}', id="comma"),
    pytest.param('{"sku": NaN}', id="nan"),
    pytest.param('{"sku": ' + "9" * 5000 + "}", id="giant-integer"),
    pytest.param('{"sku": 1e99999999999999999999}', id="giant-exponent"),
    pytest.param('{"sku": "a\x01"}', id="control-character"),
    pytest.param('{"sku" 1}', id="colon"),
    pytest.param('{"sku": "\\x"}', id="escape"),
]


@pytest.mark.parametrize("line", [*BAD, *BROKEN, pytest.param("[" * 100_000, id="depth-bomb")])
def test_bad_lines(tmp_path: Path, line: str) -> None:
    """A line that is no object, or that no store could hold, costs itself only."""
    found = rows(tmp_path, f'{line}\n{{"sku": "b", "name": "x"}}\n', LINES)
    assert [(1, "bad_json")] == bad(found)
    assert [(2, "b")] == good(found)


def test_torn_last_line(tmp_path: Path) -> None:
    """A feed that ends within a line says that it does."""
    found = rows(tmp_path, '{"sku": "a", "name": "x"}\n{"sku": "b", "na', LINES)
    assert [(1, "a")] == good(found)
    assert [(2, "cut_off")] == bad(found)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{}", id="alone"),
        pytest.param(
            '{{"data": {{"n": 1.5, "items": {}}}, "more": [1, [2], {{}}, []]}}', id="deep"
        ),
        pytest.param('{{"tags": ["a", "b"], "none": [], "items": {}}}', id="after-other-lists"),
        pytest.param('[[], [1, 2], {}, [{{"sku": "other"}}]]', id="in-a-list"),
        pytest.param('\ufeff {{"items":\n{}\n}}\n', id="byte-order-mark"),
    ],
)
def test_list_anywhere_in_a_document(tmp_path: Path, document: str) -> None:
    """The first list of objects is what is read, wherever it is."""
    listed = '[{"sku": "a", "price": 1.5}, {"sku": "b"} ,{"sku":"c","in":[{"sku":"no"}]}]'
    found = rows(tmp_path, document.format(listed), JSON)
    assert [(1, "a"), (2, "b"), (3, "c")] == good(found)


def test_list_that_is_named(tmp_path: Path) -> None:
    """A supplier file may say which list it is; where that is not there, it hears of the others."""
    document = '{"groups": [{"sku": "g"}], "data": {"items": [{"sku": "a"}]}}'
    assert [(1, "g")] == good(rows(tmp_path, document, JSON))
    assert [(1, "a")] == good(rows(tmp_path, document, JSON, items="data.items"))
    with pytest.raises(FeedError, match=r"at 'items'; it has some at 'groups', 'data.items'; set"):
        rows(tmp_path, document, JSON, items="items")


def test_other_encodings(tmp_path: Path) -> None:
    """A document in another encoding is read as the supplier file says."""
    document = '[{"sku": "Намет"}]'
    assert [(1, "Намет")] == good(
        rows(tmp_path, document.encode("cp1251"), JSON, encoding="cp1251")
    )
    with pytest.raises(FeedError, match="is not utf-8 text: byte 11"):
        rows(tmp_path, document.encode("cp1251"), JSON)


@pytest.mark.parametrize("item", BAD)
def test_bad_items(tmp_path: Path, item: str) -> None:
    """An item that is no object, or that no store could hold, costs itself only."""
    found = rows(tmp_path, f'[{{"sku": "a"}}, {item}, {{"sku": "b"}}]', JSON)
    assert [(2, "bad_json")] == bad(found)
    assert [(1, "a"), (3, "b")] == good(found)


@pytest.mark.parametrize("item", [*BROKEN, pytest.param("[" * 100_000, id="depth-bomb")])
def test_broken_documents(tmp_path: Path, item: str) -> None:
    """A document that is no JSON is refused with the place where it goes wrong."""
    with pytest.raises(FeedError, match="is no JSON document: at character") as caught:
        rows(tmp_path, f'[{{"sku": "a"}}, {item}, {{"sku": "b"}}]', JSON)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("[" * 100_000, id="lists"),
        pytest.param('{"a":' * 100_000, id="objects"),
        pytest.param('[{"sku": "a"}] x', id="more-behind-it"),
        pytest.param('{"a": [{"sku": "a"}]]', id="the-wrong-end"),
        pytest.param('{"items": [{"sku": "a"}], 1: 2}', id="no-key"),
    ],
)
def test_broken_frames(tmp_path: Path, document: str) -> None:
    """What is around the list has to be JSON, too."""
    with pytest.raises(FeedError, match="is no JSON document: at character"):
        rows(tmp_path, document, JSON)


@pytest.mark.parametrize("document", ["{}", "[]", "7", '{"a": [1, [2]], "b": {"c": "d"}}'])
def test_no_list(tmp_path: Path, document: str) -> None:
    """A document without a list of objects is no feed."""
    with pytest.raises(FeedError, match="has no list of objects in it"):
        rows(tmp_path, document, JSON)


def test_every_torn_document_is_cut_off(tmp_path: Path) -> None:
    """Wherever a download broke off, the feed is known to be cut off, and nothing else."""
    document = '{"n": -1.5e3, "items": [{"sku": "a\\u00e9", "ok": true}, {"sku": null}], "z": "y"}'
    for length in range(1, len(document)):
        with pytest.raises(FeedTruncatedError, match="is cut off"):
            rows(tmp_path, document[:length], JSON)


def test_giant_values(tmp_path: Path) -> None:
    """A text, an item or a key of megabytes is no row, and is not read to its end."""
    giant = "x" * (MAX_VALUE + 3_000_000)
    for document in (f'[{{"sku": "{giant}"}}]', f'{{"{giant}": 1}}', f'{{"a": "{giant}"}}'):
        with pytest.raises(FeedError, match="a single value has more than") as caught:
            rows(tmp_path, document, JSON)
        assert len(str(caught.value)) < 500


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.sampled_from([0.1, 1.5, 12.50, 3.0, 1e-9, 123456.789012345])
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)


@given(
    objects=st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON_VALUES), min_size=1, max_size=60
    ),
    indent=st.sampled_from([None, 1]),
)
def test_both_formats_give_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]], indent: int | None
) -> None:
    """Whatever the values, and however they mix: rows mean what the objects do, in their order."""
    folder = tmp_path_factory.mktemp("json")
    lines = "\n".join(json.dumps(item, default=_number) for item in objects)
    document = json.dumps({"items": objects}, default=_number, indent=indent)
    expected = [_meaning(item) for item in json.loads(f"[{','.join(lines.splitlines())}]")]
    for content, kind in ((lines, LINES), (document, JSON)):
        found = rows(folder, content, kind)
        assert list(range(1, len(objects) + 1)) == [row.number for row in found]
        assert expected == [_meaning(row.values) for row in found if isinstance(row, RawRow)]


def _number(value: Any) -> Any:
    return float(value)


def _meaning(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty; make numbers equal that are."""
    plain = json.loads(json.dumps(values, default=float), parse_float=Decimal)
    return {
        name: float(value)
        if isinstance(value, Decimal | int) and type(value) is not bool
        else value
        for name, value in plain.items()
        if value is not None and value != ""
    }


def test_blocks_have_types(tmp_path: Path) -> None:
    """Objects alike become frames: most feeds have no other ones."""
    path = tmp_path / "feed"
    line = '{{"sku": "T-{0}", "price": {0}.50, "stock": {0}, "ok": true, "ean": null}}\n'
    path.write_text("".join(line.format(number) for number in range(25_000)))
    blocks = items(path, LINES)
    assert [20_000, 5_000] == [block.frame.height for block in blocks if isinstance(block, Block)]
    assert isinstance(blocks[0], Block)
    assert {
        "sku": pl.String,
        "price": pl.Float64,
        "stock": pl.Int64,
        "ok": pl.Boolean,
        "ean": pl.String,
    } == dict(blocks[0].frame.schema)


def test_kinds_that_alternate(tmp_path: Path) -> None:
    """Rows of two kinds in turn come one by one: a block for each would be slower."""
    path = tmp_path / "feed"
    path.write_text('{"sku": 1}\n{"sku": "a"}\n' * 100)
    found = items(path, LINES)
    assert [1, "a"] * 100 == [row.values["sku"] for row in found if isinstance(row, RawRow)]


def test_other_keys_on_every_line(tmp_path: Path) -> None:
    """A feed with a million names of keys does not become a frame a million columns wide."""
    path = tmp_path / "feed"
    path.write_text(
        "".join(
            json.dumps({"sku": number, **{f"{number}-{n}": 1 for n in range(50)}}) + "\n"
            for number in range(200)
        )
    )
    found = items(path, LINES)
    assert 200 == len(found)
    assert all(isinstance(row, RawRow) for row in found)


MEMORY = """
import json, resource, sys
from pathlib import Path
from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed
path, kind = Path(sys.argv[1]), sys.argv[2]
feed = Feed(source="f", format=kind, encoding="utf-8", raw=ObjectRef(key="x/y", size=1))
peaks, read = [], 0
for item in READERS[kind](path, feed):
    read += item.frame.height
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(read, peaks[1] * 1.3 > peaks[-1])
"""


@pytest.mark.parametrize("kind", [JSON, LINES])
def test_memory_stays_flat(tmp_path: Path, kind: FeedFormat) -> None:
    """What is read takes no room once it is passed on."""
    path = tmp_path / "feed"
    line = json.dumps({"sku": "T-1", "name": "x" * 200, "price": 1.5, "stock": 3})
    separator = "\n" if kind is LINES else ",\n"
    text = separator.join([line] * 100_000)
    path.write_text(text if kind is LINES else f'{{"items": [{text}]}}')
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), kind], capture_output=True, check=True, text=True
    )
    assert "100000 True" == ended.stdout.strip()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param('{"data": [{"sku": "a"},\n{"sku": "b"}]}', JSON, id="json"),
        pytest.param('{"sku": "a"}\n{"sku": "b"}\n', LINES, id="jsonl"),
    ],
)
async def test_served(tmp_path: Path, web: Any, body: str, kind: FeedFormat) -> None:
    """A feed is fetched, recognised by what it is, and read."""
    source = Source(url=web.answer("/export", body), allow_hosts=("127.0.0.1",))
    fetcher = Fetcher(FetchLimits(max_bytes=1_000_000), environment={})
    got = await fetcher.fetch(source, tmp_path, None, lambda _done, _total: None)
    assert isinstance(got, Fetched)
    found = detect(got.path, name=got.name, content_type=got.content_type, source=source)
    assert kind == found.format
    assert [(1, "a"), (2, "b")] == good(rows(tmp_path, got.path.read_bytes(), kind))
