"""Packed feeds: every kind whole, every trap refused, whatever the name says."""

import bz2
import gzip
import io
import random
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest
import zstandard

from contextworker.harvest.errors import FeedError, FeedTruncatedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.unpack import Unpacker

FEED = b"sku,name\na,Tent\n"
LINES = b"".join(b"%d,Tent %d\n" % (n, n * 7919) for n in range(5000))
MIB = 1024 * 1024


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    """Make a zstd frame, as the `zstd` command does."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def workbook() -> bytes:
    """Make an Excel workbook."""
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": zstd,
    "zip": lambda data: zipped({"feed.csv": data}),
}
KINDS = pytest.mark.parametrize("kind", sorted(PACK))


@KINDS
async def test_packed_feeds(fetching: Any, web: Any, kind: str) -> None:
    """A packed feed is known by its bytes and comes as the file inside."""
    packed = PACK[kind](LINES)
    got = await fetching(web.answer("/feed", packed, headers={"Content-Type": "text/csv"}))
    assert (LINES, "") == (got.path.read_bytes(), got.content_type)
    named = await fetching(web.answer(f"/feed.csv.{kind}", packed))
    assert "feed.csv" == named.name
    assert 1 == len(list(named.path.parent.iterdir()))


@KINDS
async def test_packed_files(fetching: Any, tmp_path: Path, kind: str) -> None:
    """Files and downloads are unpacked alike; the supplier's own file stays."""
    path = tmp_path / "feed.txt"
    path.write_bytes(PACK[kind](LINES))
    assert LINES == (await fetching(path.as_uri())).path.read_bytes()
    assert path.exists()


@pytest.mark.parametrize("kind", ["gz", "bz2", "zst"])
async def test_parts_in_a_row(fetching: Any, web: Any, kind: str) -> None:
    """What was packed in parts, one after the other, is read to the end of the last."""
    packed = b"".join(PACK[kind](part) for part in (FEED, LINES, b"", FEED))
    got = await fetching(web.answer("/feed.csv", packed))
    assert FEED + LINES + FEED == got.path.read_bytes()


async def test_skippable_frames(fetching: Any, web: Any) -> None:
    """A zstd frame that is to be skipped is, before and between."""
    skipped = struct.pack("<II", 0x184D2A53, 700) + bytes(700)
    packed = skipped + zstd(FEED) + skipped + zstd(FEED)
    assert FEED * 2 == (await fetching(web.answer("/feed.csv", packed))).path.read_bytes()


@KINDS
@pytest.mark.parametrize("cut", [0.5, 0.99])
async def test_cut_off(fetching: Any, web: Any, kind: str, cut: float) -> None:
    """A packed feed without its end is cut off, not a smaller feed."""
    packed = PACK[kind](LINES)
    with pytest.raises(FeedTruncatedError, match="cut off"):
        await fetching(web.answer("/feed.csv", packed[: int(len(packed) * cut)]))


@KINDS
async def test_damaged(fetching: Any, web: Any, kind: str) -> None:
    """A packed feed with a wrong byte in its middle is not taken."""
    packed = bytearray(PACK[kind](LINES))
    for place in range(len(packed) // 2, len(packed) // 2 + 8):
        packed[place] ^= 0xFF
    with pytest.raises(FeedError, match=r"damaged|cut off"):
        await fetching(web.answer("/feed.csv", bytes(packed)))


async def test_something_behind(fetching: Any, web: Any) -> None:
    """What is no packed part behind the last one is damage: perhaps a message of the server's."""
    with pytest.raises(FeedError, match="damaged gzip"):
        await fetching(web.answer("/feed.csv", gzip.compress(FEED) + b"<html>error</html>"))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("zstd", zstd)],
    ids=["gzip", "x-gzip", "zstd"],
)
async def test_content_encoding(
    *, fetching: Any, web: Any, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """What is packed for the way is unpacked, also around a packed file, and keeps its type."""
    headers = {"Content-Encoding": encoding, "Content-Type": "text/csv"}
    got = await fetching(web.answer("/feed.csv", pack(LINES), headers=headers))
    assert (LINES, "feed.csv", "text/csv") == (got.path.read_bytes(), got.name, got.content_type)
    twice = await fetching(web.answer("/feed.csv", pack(bz2.compress(LINES)), headers=headers))
    assert (LINES, "") == (twice.path.read_bytes(), twice.content_type)
    once = await fetching(web.answer("/feed.csv", LINES, headers=headers))
    assert LINES == once.path.read_bytes()


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_other_content_encodings(fetching: Any, web: Any, encoding: str) -> None:
    """An encoding that nobody asked for is told."""
    url = web.answer("/feed.csv", FEED, headers={"Content-Encoding": encoding})
    with pytest.raises(FeedError, match=f"content encoding '{encoding}', which it was asked not"):
        await fetching(url)


@pytest.mark.parametrize("kind", ["gz", "bz2", "zst", "zip"])
async def test_bombs(fetching: Any, web: Any, kind: str) -> None:
    """A small file that becomes a large one stops at the bound of size, on its way."""
    packed = PACK[kind](bytes(3 * MIB))
    with pytest.raises(FeedError, match=r"larger than the 200,000 bytes allowed"):
        await fetching(web.answer("/feed.csv", packed))
    fetching.bounded(max_bytes=100 * MIB, unpack_free_bytes=MIB)
    with pytest.raises(FeedError, match=r"unpacks to more than 250 times its size"):
        await fetching(web.answer("/feed.csv", packed))


async def test_bomb_of_the_way(fetching: Any, web: Any) -> None:
    """A bomb packed for the way is one too."""
    url = web.answer(
        "/feed.csv", gzip.compress(bytes(3 * MIB)), headers={"Content-Encoding": "gzip"}
    )
    with pytest.raises(FeedError, match="larger than"):
        await fetching(url)


@KINDS
def test_memory_stays_flat(tmp_path: Path, kind: str) -> None:
    """Whatever a bomb would become, unpacking it takes a few megabytes."""
    path = tmp_path / "feed"
    path.write_bytes(PACK[kind](bytes(64 * MIB)))
    unpacker = Unpacker("x", FetchLimits(max_bytes=60 * MIB, max_unpack_ratio=10**9))
    tracemalloc.start()
    try:
        with pytest.raises(FeedError, match="larger than"):
            unpacker.unpack(path, "feed")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB


def test_stopped(tmp_path: Path) -> None:
    """Where nobody waits any more, a long unpacking ends."""
    path = tmp_path / "feed"
    path.write_bytes(gzip.compress(bytes(MIB)))
    unpacker = Unpacker("x", FetchLimits())
    unpacker.stop()
    with pytest.raises(FeedError, match="was stopped"):
        unpacker.unpack(path, "feed")


@pytest.mark.parametrize(
    ("files", "member", "expected"),
    [
        ({"a.csv": FEED}, None, "a.csv"),
        ({"in/deep/a.csv": FEED}, None, "a.csv"),
        ({"a.csv": FEED, "__MACOSX/._a.csv": b"x", ".DS_Store": b"x", "d/": b""}, None, "a.csv"),
        ({"a.csv": FEED, "readme.txt": b"x"}, "*.csv", "a.csv"),
        ({"in/a.csv": FEED, "readme.txt": b"x"}, "*.csv", "a.csv"),
        ({"in/a.csv": FEED, "out/a.csv": b"x"}, "in/*.csv", "a.csv"),
        ({"a[1].csv": FEED, "b.csv": b"x"}, "a[1].csv", "a[1].csv"),
        ({"ціни.csv": FEED}, None, "ціни.csv"),
        ({"../../etc/passwd": FEED}, None, "passwd"),
    ],
    ids=["one", "folders", "junk", "glob", "glob-below", "path", "literal", "unicode", "outside"],
)
async def test_members(
    *, fetching: Any, web: Any, files: dict[str, bytes], member: str | None, expected: str
) -> None:
    """Of an archive the only file is the feed, or the one that the source names."""
    got = await fetching(web.answer("/feed.zip", zipped(files)), member=member)
    assert (FEED, expected) == (got.path.read_bytes(), got.name)


@pytest.mark.parametrize(
    ("files", "member", "said"),
    [
        ({"a.csv": FEED, "b.csv": FEED}, None, r"2 files: a\.csv, b\.csv; name the feed's"),
        ({"a.csv": FEED, "b.csv": FEED}, "*.csv", r"2 files like \*\.csv: a\.csv, b\.csv"),
        ({"a.csv": FEED}, "*.xml", r"no file \*\.xml, but a\.csv; correct member"),
        ({}, None, "holds no file"),
        ({"d/": b""}, None, "holds no file"),
        ({f"{n}.csv": FEED for n in range(8)}, None, "8 files: 0.csv.* and 3 more"),
        ({f"{n}.csv": b"" for n in range(10_001)}, None, "more than 10,000 files"),
        ({f"{n:0>60000}.csv": b"" for n in range(70)}, None, "more than 10,000 files"),
        ({"a\nb\x1b[31m.csv": FEED, "c.csv": FEED}, None, r"a\?b\?\[31m\.csv"),
    ],
    ids=["two", "two-alike", "none", "empty", "folder", "many", "masses", "names", "controls"],
)
async def test_unclear_archives(
    *, fetching: Any, web: Any, files: dict[str, bytes], member: str | None, said: str
) -> None:
    """An archive from which no one file can be told is explained by what it holds."""
    fetching.bounded(max_bytes=20 * MIB)
    with pytest.raises(FeedError, match=said):
        await fetching(web.answer("/feed.zip", zipped(files)), member=member)


@pytest.mark.parametrize(
    ("method", "number"), [(zipfile.ZIP_BZIP2, 12), (zipfile.ZIP_LZMA, 14)], ids=["bzip2", "lzma"]
)
async def test_unusual_methods(fetching: Any, web: Any, method: int, number: int) -> None:
    """What zipfile would unpack in one piece, of any size, is refused."""
    with pytest.raises(FeedError, match=rf"unusual way \(method {number}\)"):
        await fetching(web.answer("/feed.zip", zipped({"a.csv": FEED}, method)))


async def test_locked_archives(fetching: Any, web: Any) -> None:
    """A password is no one's to guess."""
    data = bytearray(zipped({"a.csv": FEED}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    with pytest.raises(FeedError, match="locked with a password"):
        await fetching(web.answer("/feed.zip", bytes(data)))


def broken(content: bytes, signature: bytes, place: int, value: bytes) -> bytes:
    """Overwrite something behind the last signature of an archive."""
    start = content.rindex(signature) + place
    return content[:start] + value + content[start + len(value) :]


@pytest.mark.parametrize(
    ("signature", "place", "value"),
    [
        (b"PK\5\6", 12, b"\xff\xff\0\0"),
        (b"PK\5\6", 16, b"\xff\xff\xff\x7f"),
        (b"PK\1\2", 42, b"\xff\xff\xff\x7f"),
    ],
    ids=["directory-before-the-file", "directory-elsewhere", "member-elsewhere"],
)
def test_broken_directories(tmp_path: Path, signature: bytes, place: int, value: bytes) -> None:
    """An archive that contradicts itself is damaged, whatever its library makes of that."""
    path = tmp_path / "feed"
    path.write_bytes(broken(zipped({"feed.csv": FEED}), signature, place, value))
    with pytest.raises(FeedError, match="damaged"):
        Unpacker("feed.zip", FetchLimits()).unpack(path, "feed.zip")


def test_member_without_a_name(tmp_path: Path) -> None:
    """A member that is called nothing is no file of the archive."""
    path = tmp_path / "feed"
    path.write_bytes(broken(zipped({"feed.csv": FEED}), b"PK\1\2", 46, b"\0"))
    with pytest.raises(FeedError, match="holds no file"):
        Unpacker("feed.zip", FetchLimits()).unpack(path, "feed.zip")


async def test_no_room(fetching: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that a feed is too large for once it is unpacked may have room later."""
    feed = tmp_path / "feed.csv.gz"
    feed.write_bytes(gzip.compress(LINES))
    opened = Path.open

    def full(path: Path, *mode: Any) -> Any:
        return opened(Path("/dev/full") if path.name.endswith("-unpacked") else path, *mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FeedUnavailableError, match=r"cannot be unpacked .*: No space left"):
        await fetching(feed.as_uri())


async def test_a_lie_about_the_size(fetching: Any, web: Any) -> None:
    """A file that is more than its archive says is damaged, and not unpacked beyond."""
    size, lie = struct.pack("<I", len(LINES)), struct.pack("<I", 10)
    with pytest.raises(FeedError, match="damaged ZIP"):
        await fetching(web.answer("/feed.zip", zipped({"a.csv": LINES}).replace(size, lie)))


def tarred() -> bytes:
    """Make a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("feed.csv")
        info.size = len(FEED)
        archive.addfile(info, io.BytesIO(FEED))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({"a.csv.gz": gzip.compress(FEED)}), r"a\.csv\.gz inside it is another gzip file"),
        (zipped({"b.zip": zipped({"a.csv": FEED})}), r"b\.zip inside it is another ZIP file"),
        (gzip.compress(gzip.compress(FEED)), "inside it is another gzip file"),
        (gzip.compress(tarred()), "inside it is a tar archive"),
        (tarred(), "is a tar archive, which is not unpacked"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "is a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "is a RAR archive"),
        (b"\xfd7zXZ\0" + bytes(100), "is an xz file"),
    ],
    ids=["zip-gz", "zip-zip", "gz-gz", "tar-gz", "tar", "7z", "rar", "xz"],
)
async def test_packed_twice_or_otherwise(
    *, fetching: Any, web: Any, content: bytes, said: str
) -> None:
    """An archive in an archive, and a kind that is not unpacked, are told for what they are."""
    with pytest.raises(FeedError, match=said):
        await fetching(web.answer("/feed", content))


ODS = zipped(
    {"mimetype": b"application/vnd.oasis", "content.xml": b"", "META-INF/manifest.xml": b""}
)


@pytest.mark.parametrize("content", [workbook(), ODS], ids=["xlsx", "ods"])
async def test_workbooks_stay_whole(fetching: Any, web: Any, content: bytes) -> None:
    """A workbook is a ZIP archive that is not unpacked, but one inside another packing is."""
    got = await fetching(web.answer("/feed.bin", content))
    assert content == got.path.read_bytes()
    for packed in (gzip.compress(content), zipped({"stock.xlsx": content})):
        assert content == (await fetching(web.answer("/feed.bin", packed))).path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"B", b"BZhandle,name\n", b"PK,name\n", b"\x1f\x8b", b"\x28\xb5,", FEED],
    ids=["empty", "short", "bzh", "pk", "gz-start", "zst-start", "csv"],
)
async def test_texts_that_look_packed(fetching: Any, web: Any, content: bytes) -> None:
    """What merely begins like an archive is left as it is."""
    assert content == (await fetching(web.answer("/feed.csv", content))).path.read_bytes()


def test_many_sizes(tmp_path: Path) -> None:
    """What the pieces of packing and unpacking are does not show."""
    chance = random.Random(1)
    for size in (1, 511, 512, 513, 4096, 131_071, 131_072, 131_073, MIB + 1):
        data = chance.randbytes(size)
        for kind, pack in PACK.items():
            path = tmp_path / f"{kind}-{size}"
            path.write_bytes(pack(data))
            assert data == Unpacker("x", FetchLimits()).unpack(path, "f").path.read_bytes()
