"""What a file is, how it is written, and what a supplier file says against it."""

import bz2
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.detect import Detected, detect
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers import Source


def archive(*names: str) -> bytes:
    """Make a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in names:
            opened.writestr(zipfile.ZipInfo(name), "sku,name\n")  # of no particular time
    return buffer.getvalue()


PAGE = b"\xef\xbb\xbf\n <!DOCTYPE html><html><title>Log in</title>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1 old"
GOOGLE_XML = '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel/></rss>'
YML = '<?xml version="1.0" encoding="windows-1251"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd">'
YML += "\n<!-- <rss> --><yml_catalog><shop/></yml_catalog>"
GOOGLE_TSV = (
    "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\n1\ta\tb\tc\td\te\t1 EUR\n"
)
SHOPIFY = "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"
CYRILLIC = "артикул;назва;ціна\n1;Намет двомісний;100,50\n2;Ніж;7\n"


def found(folder: Path, content: str | bytes, **options: Any) -> Detected:
    """Detect how content is written."""
    path = folder / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    name = options.pop("name", "feed")
    content_type = options.pop("content_type", "")
    source = Source.model_validate({"url": "shop.csv"} | options)
    return detect(path, name=name, content_type=content_type, source=source)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(GOOGLE_XML, FeedFormat.GOOGLE, id="google-rss"),
        pytest.param(
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"/>',
            FeedFormat.GOOGLE,
            id="google-atom",
        ),
        pytest.param(YML, FeedFormat.YML, id="yml"),
        pytest.param("<BMECAT version='1.2'/>", FeedFormat.BMECAT, id="bmecat"),
        pytest.param('<x:BMECAT xmlns:x="u"/>', FeedFormat.BMECAT, id="bmecat-prefixed"),
        pytest.param('[{"sku": 1}]', FeedFormat.JSON, id="json-list"),
        pytest.param('{"products": [{"sku": 1}]}', FeedFormat.JSON, id="json-wrapped"),
        pytest.param('{"count": 1, "data": {"items": [{}]}}', FeedFormat.JSON, id="json-deep"),
        pytest.param('{\n "products": [\n', FeedFormat.JSON, id="json-pretty"),
        pytest.param('{"sku": 1}\n{"sku": 2}\n', FeedFormat.JSONL, id="jsonl"),
        pytest.param('{"sku": 1,}\n{"sku": 2}\n', FeedFormat.JSONL, id="jsonl-torn"),
        pytest.param('{"sku": 1}', FeedFormat.JSONL, id="jsonl-one"),
        pytest.param(archive("[Content_Types].xml", "xl/a.xml"), FeedFormat.XLSX, id="xlsx"),
        pytest.param(archive("mimetype", "content.xml"), FeedFormat.ODS, id="ods"),
        pytest.param(OLE, FeedFormat.XLS, id="xls"),
        pytest.param(b"PAR1\0\0", FeedFormat.PARQUET, id="parquet"),
        pytest.param(SHOPIFY, FeedFormat.SHOPIFY, id="shopify"),
        pytest.param(GOOGLE_TSV, FeedFormat.GOOGLE_TSV, id="google-tsv"),
        pytest.param(GOOGLE_TSV.replace("\t", ","), FeedFormat.GOOGLE_TSV, id="google-csv"),
        pytest.param("sku\tname\n1\ta, b\n", FeedFormat.TSV, id="tsv"),
        pytest.param("sku,name\n1,a\n", FeedFormat.CSV, id="csv"),
    ],
)
def test_format_by_content(tmp_path: Path, content: str | bytes, expected: FeedFormat) -> None:
    """A feed is known by what it holds, even where its name says something else."""
    assert expected == found(tmp_path, content, name="export.bin").format


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("sku;name;price\n1;Tent, green;7,50\n2;Pot;8,00\n", ";"),
        ("sku|name\n1|a;b\n2|c\n", "|"),
        ("sku^name\n1^a\n", "^"),
        ("sku,name\n", ","),
        ("sku\n1\n", ","),
        ('sku,"a;b;c;d"\n1,"x;y;z;w"\n', ","),
        ('sku;name\n1;"two\nlines, and, commas"\n2;b\n', ";"),
        ("sku\tname, and more\tprice\n1\ta,b,c\t5\n", "\t"),
        ("\n\nsku;name;\n1;a;\n", ";"),
    ],
)
def test_delimiter(tmp_path: Path, content: str, delimiter: str) -> None:
    """The delimiter is the one at which rows have as many cells as the header."""
    assert delimiter == found(tmp_path, content).delimiter


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CYRILLIC, "windows-1251"),
        ("код;товар\n1;Тент\n", "windows-1251"),
        ("sku;name\n1;Палатка зелёная\n", "koi8-r"),
        ("sku;name\n1;Größe 5, weiß\n", "windows-1252"),
        ("sku;name\n1;Cañón de espuma, tamaño pequeño\n", "windows-1252"),
        ("sku;name\n1;Théière à café\n2;25 €\n", "windows-1252"),
        ("sku;price\n1;25 €\n", "windows-1252"),
        ("sku;name\n1;Śpiwór zielony\n2;Łóżko polowe\n", "windows-1250"),
        ("sku;name\n1;Řezník žlutý, dětský\n", "windows-1250"),
        ("sku;name\n1;İki kişilik yeşil fuşya\n", "windows-1254"),
    ],
)
def test_encoding_by_letters(tmp_path: Path, text: str, encoding: str) -> None:
    """An encoding that nobody says is told by its letters, and the guess is reported."""
    detected = found(tmp_path, text.encode(encoding))
    assert (encoding, ";") == (detected.encoding, detected.delimiter)
    assert [f'set encoding = "{encoding}"' in guess for guess in detected.guesses] == [True]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CYRILLIC.encode(), "utf-8"),
        (CYRILLIC.encode("utf-8-sig"), "utf-8"),
        (CYRILLIC.encode("utf-16"), "utf-16"),
        ("sku;name\n".encode("utf-16-le"), "utf-16-le"),
        ("sku;name\n".encode("utf-16-be"), "utf-16-be"),
        (YML.encode(), "cp1251"),
        (GOOGLE_XML.encode(), "utf-8"),
    ],
)
def test_encoding_that_is_told(tmp_path: Path, content: bytes, encoding: str) -> None:
    """A byte order mark, a declaration or plain UTF-8 needs no guess."""
    detected = found(tmp_path, content)
    assert (encoding, ()) == (detected.encoding, detected.guesses)


def test_letter_far_into_a_feed(tmp_path: Path) -> None:
    """A single byte that is not UTF-8 counts wherever it is, even in a last, torn line."""
    content = b"sku;name\n" + b"1;Tent\n" * 400_000 + "2;groß".encode("cp1252")
    assert "windows-1252" == found(tmp_path, content).encoding


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("a;b,c\n1;2,3\n", {"delimiter": ","}, Detected(FeedFormat.CSV, "utf-8", ",")),
        (SHOPIFY, {"format": "csv"}, Detected(FeedFormat.CSV, "utf-8", ",")),
        (GOOGLE_TSV, {"format": "tsv"}, Detected(FeedFormat.TSV, "utf-8", "\t")),
        (CYRILLIC, {"encoding": "latin-1"}, Detected(FeedFormat.CSV, "iso8859-1", ";")),
        ("sku;name\n", {"format": "tsv"}, Detected(FeedFormat.TSV, "utf-8", "\t")),
        ("broken\n{}\n", {"format": "jsonl"}, Detected(FeedFormat.JSONL, "utf-8")),
        ('{"sku": 1}', {"format": "json"}, Detected(FeedFormat.JSON, "utf-8")),
        ("<rss/>", {"format": "google"}, Detected(FeedFormat.GOOGLE, "utf-8")),
        ("a\tb,c\n", {"name": "x.tsv"}, Detected(FeedFormat.TSV, "utf-8", "\t")),
        (
            "a\tb,c,d\n",
            {"content_type": "text/tab-separated-values; charset=utf-8"},
            Detected(FeedFormat.TSV, "utf-8", "\t"),
        ),
    ],
)
def test_what_is_said_wins(
    tmp_path: Path, content: str, options: dict[str, Any], expected: Detected
) -> None:
    """The supplier file is believed first; names and servers, where content may be either."""
    assert expected == found(tmp_path, content, **options)


@pytest.mark.parametrize(
    ("content", "stated", "said"),
    [
        (b"", "csv", "is empty; ask the supplier for a new export"),
        (b"\xef\xbb\xbf \n\n", None, "is empty"),
        (archive("feed.csv"), "csv", "should be a CSV file but is an archive inside an archive"),
        (archive("xl/workbook.xml"), "csv", 'set format = "xlsx"'),
        (archive("a")[:40], None, "is a damaged archive"),
        (gzip.compress(b"sku", mtime=0), "tsv", "a TSV file but is an archive inside"),
        (bz2.compress(b"sku"), None, "is an archive inside an archive"),
        (OLE, "csv", 'set format = "xls"'),
        (b"%PDF-1.7", None, "is a PDF document"),
        (b"sku\0name", "csv", "is a binary file"),
        (PAGE, None, "is a web page, often a login or error page"),
        (PAGE, "xlsx", "an XLSX workbook but is a web page"),
        (PAGE, "jsonl", "is a web page"),
        (b"<?xml version='1.0'?><html/>", "yml", "is a web page"),
        (b'<?xml version="1.0"?><shop/>', "csv", "XML document with the root element <shop>"),
        (b"<rss><channel/></rss>", None, "without Google's product attributes"),
        (YML.encode(), "google", 'set format = "yml"'),
        (b'{"sku": 1}', "csv", 'set format = "jsonl"'),
        (b'[{"sku": 1}]', "jsonl", 'set format = "json"'),
        (b"sku,name\na,b\n", "jsonl", "holds no JSON objects"),
        (b"sku,name\na,b\n", "xlsx", "is plain text"),
        (OLE, "xlsx", "an old or a password-protected workbook"),
    ],
)
def test_no_such_feed(tmp_path: Path, content: bytes, stated: str | None, said: str) -> None:
    """What a file really is, and what to do about it, is said in one sentence."""
    with pytest.raises(FeedError) as caught:
        found(tmp_path, content, format=stated)
    assert said in str(caught.value)
    assert str(caught.value).startswith("the feed shop.csv ")


def test_stated_encoding_that_cannot_be(tmp_path: Path) -> None:
    """A byte order mark of UTF-16 is believed before a supplier file that says UTF-8."""
    with pytest.raises(FeedError, match='set encoding = "utf-16" for this source'):
        found(tmp_path, "sku,name".encode("utf-16"), encoding="utf-8")
