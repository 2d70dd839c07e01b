"""Supplier files: what is understood, and how a mistake is explained."""

from pathlib import Path

import pytest

from contextworker.harvest.errors import SupplierError
from contextworker.harvest.messages import FeedFormat, Retry
from contextworker.harvest.suppliers import Binding, Supplier, SupplierDirectory, mapping_for

EXAMPLES = Path(__file__).parents[3] / "examples" / "suppliers"

FULL = """
name = "Camp"
currency = "EUR"
[[sources]]
url = "feeds/tents.csv"
encoding = "cp1251"
delimiter = ";"
[[sources]]
url = "https://user:pass@feeds.example.com/stock?token=abc"
format = "xlsx"
sheet = "Stock"
[mapping]
sku = "No"
name = "Title"
brand_name = { value = "Nordlys" }
category = "Path"
category_separator = "/"
price_retail = "Price"
params = { weight_kg = "Weight (kg)" }
required = ["price_retail"]
decimal = ","
[retry]
maximum_attempts = 2
initial_interval_s = 0.5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one full supplier file."""
    (tmp_path / "camp.toml").write_text(FULL, encoding="utf-8")
    return tmp_path


def load(folder: Path, code: str = "camp") -> Supplier:
    """Load one supplier."""
    return SupplierDirectory(folder).load(code)


def problem(folder: Path, content: str) -> str:
    """Load a supplier file with this content and return what is said about it."""
    (folder / "camp.toml").write_text(content, encoding="utf-8")
    with pytest.raises(SupplierError) as caught:
        load(folder)
    return str(caught.value)


def test_every_key(folder: Path) -> None:
    """Every key of a supplier file ends where it belongs, defaults fill the rest."""
    supplier = load(folder)
    assert "camp" == supplier.code
    assert "EUR" == supplier.currency
    assert (folder / "feeds" / "tents.csv").as_uri() == supplier.sources[0].url
    assert ("cp1251", ";", None) == (
        supplier.sources[0].encoding,
        supplier.sources[0].delimiter,
        supplier.sources[0].format,
    )
    assert (FeedFormat.XLSX, "Stock") == (supplier.sources[1].format, supplier.sources[1].sheet)
    assert Binding(value="Nordlys") == supplier.mapping.brand_name
    assert {"No", "Title", "Path", "Price", "Weight (kg)"} == supplier.mapping.columns
    assert Retry(maximum_attempts=2, initial_interval_s=0.5) == supplier.retry.steps.fetch


def test_params_as_a_list(folder: Path) -> None:
    """A list of params keeps each column's own name."""
    text = FULL.replace('{ weight_kg = "Weight (kg)" }', '["Weight", "Colour"]')
    (folder / "camp.toml").write_text(text, encoding="utf-8")
    expected = {"Weight": Binding(column="Weight"), "Colour": Binding(column="Colour")}
    assert expected == load(folder).mapping.params.named


def test_public_url_has_no_secrets(folder: Path) -> None:
    """What people and histories see of an address has no user, password or query."""
    assert "https://feeds.example.com/stock?…" == load(folder).sources[1].public_url


def test_codes_are_sorted_file_names(folder: Path) -> None:
    """Every TOML file is a supplier, other files are not."""
    (folder / "alp.toml").write_text(FULL, encoding="utf-8")
    (folder / "notes.txt").write_text("")
    assert ("alp", "camp") == SupplierDirectory(folder).codes()


def test_unknown_supplier_names_the_known(folder: Path) -> None:
    """A wrong code is answered with the right ones."""
    with pytest.raises(SupplierError, match="no supplier 'tents'; known suppliers: camp"):
        load(folder, "tents")


def test_code_is_no_path(folder: Path) -> None:
    """A code never reaches outside the folder."""
    (folder / "inner").mkdir()
    with pytest.raises(SupplierError, match=r"no supplier '\.\./camp'"):
        SupplierDirectory(folder / "inner").load("../camp")


def test_missing_folder_says_which_setting(tmp_path: Path) -> None:
    """A wrong folder names itself and the setting."""
    with pytest.raises(SupplierError, match=r"nowhere does not exist.*CONTEXTWORKER_SUPPLIERS_DIR"):
        SupplierDirectory(tmp_path / "nowhere").codes()


@pytest.mark.parametrize("name", ["all", "Camp", "my supplier", "x" * 65])
def test_file_names_that_are_no_codes(folder: Path, name: str) -> None:
    """A file that no request could name is an error, not a supplier silently left out."""
    (folder / f"{name}.toml").write_text(FULL, encoding="utf-8")
    with pytest.raises(SupplierError, match="rename it"):
        SupplierDirectory(folder).codes()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Camp"\n', "", "name is missing"),
        ('sku = "No"', "", "mapping.sku is missing"),
        ('brand_name = { value = "Nordlys" }', 'brand = "B"', "did you mean brand_name?"),
        ('sheet = "Stock"', 'shet = "Stock"', "sources.1.shet is not a known key"),
        ("maximum_attempts = 2", "maximum_attempts = 0", "retry.maximum_attempts"),
        ("maximum_attempts = 2", "tries = 2", "known keys: backoff, fetch, initial_interval_s"),
        ('currency = "EUR"', 'currency = "EURO"', "'EURO' is no ISO 4217 currency code"),
        ('currency = "EUR"', 'code = "camp"', "the file's name is the code"),
        ('encoding = "cp1251"', 'encoding = "cp1"', "'cp1' is no known encoding"),
        ('encoding = "cp1251"', 'encoding = "base64"', "'base64' is no known encoding"),
        ('url = "feeds/tents.csv"', 'url = "ftp://a/b.csv"', "a path or a file://"),
        ('url = "feeds/tents.csv"', 'url = "file://feeds/tents.csv"', "three slashes"),
        ('delimiter = ";"', "delimiter = '\"'", "sources.0.delimiter"),
        ('format = "xlsx"', 'format = "xml"', "sources.1.format: Input should be 'csv', 'tsv'"),
        ('price_retail = "Price"\n', "", "price_retail is required but mapped to no column"),
        ('sku = "No"', 'sku = "No', "line 13"),
    ],
)
def test_mistakes_are_explained(folder: Path, old: str, new: str, said: str) -> None:
    """A wrong file says which file, which key or line, and what to do."""
    assert old in FULL
    message = problem(folder, FULL.replace(old, new))
    assert message.startswith(f"supplier file {folder / 'camp.toml'}")
    assert said in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("url = 5", 'mapping.url: name a column, such as "price", or write a table'),
        ('url = { colum = "a" }', "mapping.url.colum is not a known key; did you mean column?"),
        ("url = {}", "give one of column, columns, join and value; this has none"),
        ('url = { column = "a", value = "b" }', "this has column and value"),
        ('url = { value = "b", default = "c" }', "it takes no default"),
        ("url = { value = [1] }", "mapping.url.value: give a text, a number, true or false"),
        ("url = { value = nan }", "give a text, a number, true or false"),
        ('url = { column = "a", with = "-" }', "with goes with join"),
        ('url = { column = "a", split = "/" }', "split and part go together"),
        ('url = { column = "a", split = "/", part = 0 }', "mapping.url.part"),
        ('url = { column = "a", regex = "(" }', "the regex '(' is none: unclosed group"),
        ('url = { column = "a", regex = "a(?=b)" }', "without look-around"),
        ("url = { column = \"a\", regex = '(\\w{999}){999}' }", "exceeds size limit"),
        ('url = { column = "a", regex = "a", group = 1 }', "has 0 groups; there is no group 1"),
        ('url = { column = "a", group = 1 }', "group goes with regex"),
        ('url = { column = "a", regex = "' + "a" * 501 + '" }', "at most 500 characters"),
        ('url = { column = "a", digits = 2 }', "digits goes with divide_by or convert_to"),
        ('url = { column = "a", divide_by = 100 }', "url is no price; divide_by is for price_ret"),
        ('url = { columns = ["a"] }', "mapping.url.columns"),
        ('price_retail = { column = "a", divide_by = 0 }', "for how many pieces a price is"),
        ('price_retail = { column = "a", convert_to = "EURO" }', "'EURO' is no ISO 4217"),
        ('price_retail = { column = "a", rates = "r" }', "rates goes with convert_to"),
        ("params = 5", 'mapping.params: write "*", a column with a JSON object'),
        ('params = { size = { column = "a", splt = "/" } }', "mapping.params.size.splt is not a"),
        ('only = { category = ["a"] }', "mapping.only.category is not a known key; did you mean"),
        ('except = { brands = [""] }', "mapping.except.brands.0"),
        ('exept = { brands = ["a"] }', "did you mean except?"),
        ('required = ["sku"]', "mapping.required.0"),
    ],
)
def test_mapping_mistakes_are_explained(folder: Path, line: str, said: str) -> None:
    """A step that cannot be is refused when the file is read, with the key and what to do."""
    content = f'name = "C"\n[[sources]]\nurl = "a"\n[mapping]\nsku = "a"\nname = "b"\n{line}'
    message = problem(folder, content)
    assert message.startswith(f"supplier file {folder / 'camp.toml'}: mapping")
    assert said in message


def test_one_sku_for_every_row(folder: Path) -> None:
    """A constant sku would make one product of a whole feed."""
    content = 'name = "C"\n[[sources]]\nurl = "a"\n[mapping]\nsku = { value = "a" }\nname = "b"'
    assert "sku is a column" in problem(folder, content)


def test_no_mapping(folder: Path) -> None:
    """Without [mapping] a file can be read; what a feed then needs is said when it is mapped."""
    (folder / "camp.toml").write_text('name = "C"\n[[sources]]\nurl = "a.csv"', encoding="utf-8")
    supplier = load(folder)
    assert "title" == getattr(mapping_for(supplier, FeedFormat.GOOGLE).name, "column", None)
    with pytest.raises(
        SupplierError, match=r"camp\.toml: mapping\.sku is missing.*csv feed has no"
    ):
        mapping_for(supplier, FeedFormat.CSV)


@pytest.mark.parametrize("code", SupplierDirectory(EXAMPLES).codes())
def test_examples_are_valid(code: str) -> None:
    """The suppliers that are shown to newcomers can be loaded, and their feeds are there."""
    supplier = load(EXAMPLES, code)
    assert code == supplier.code
    assert Path(supplier.sources[0].url.removeprefix("file://")).is_file()


def test_other_files_do_not_matter(folder: Path) -> None:
    """A file that is no supplier is no trouble to those that are; hidden ones are passed over."""
    (folder / "Old Camp.toml").write_text("")
    (folder / "._camp.toml").write_bytes(b"\x00")
    assert "camp" == load(folder).code
    (folder / "Old Camp.toml").unlink()
    assert ("camp",) == SupplierDirectory(folder).codes()


@pytest.mark.parametrize(
    "content", ["a = " + "[" * 5000, "a = 1" + "0" * 5000], ids=["nested", "number"]
)
def test_monstrous_files(folder: Path, content: str) -> None:
    """What the TOML reader gives up on is a wrong file like any other."""
    assert "cannot be read" in problem(folder, content)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:sec/ret@shop.example/a.csv",
        "https://me:sec?ret@shop.example/a.csv",
        "https://me:secret@:80/a.csv",
        "https:///a.csv",
        "https://shop.example:0/a.csv",
        "https://[::1/a.csv",
    ],
)
def test_addresses_that_would_tell_secrets(folder: Path, url: str) -> None:
    """An address that falls apart in the wrong place is refused, and not quoted."""
    message = problem(folder, FULL.replace("feeds/tents.csv", url))
    assert "sources.0.url" in message
    assert "sec" not in message
