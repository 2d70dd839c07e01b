"""The object store: the same bytes under the same name, and nothing else under it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextworker.core.errors import ConfigurationError, PermanentError, TransientError
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A store on local disk."""
    return ObjectStore.from_url((tmp_path / "my objects").as_uri())


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
async def test_the_same_bytes_give_the_same_reference(store: ObjectStore, data: bytes) -> None:
    """A retry rewrites the same object."""
    first = await store.put(data, prefix="acme/harvest")
    again = await store.put(data, prefix="acme/harvest")

    assert first == again
    assert len(data) == first.size
    assert data == await store.get(first)


async def test_a_file_is_stored_like_its_bytes(store: ObjectStore, tmp_path: Path) -> None:
    """Both ways in name the object alike, whatever its size."""
    data = b"0123456789abcdef" * 500_000
    path = tmp_path / "feed.csv"
    path.write_bytes(data)

    reference = await store.put_file(path, prefix="acme/harvest")

    assert reference == await store.put(data, prefix="acme/harvest")
    async with store.local_copy(reference) as copy:
        assert data == copy.read_bytes()
    assert not copy.exists()


async def test_what_is_deleted_leaves_no_folder(store: ObjectStore, tmp_path: Path) -> None:
    """Thousands of runs each have a folder of their own; the tenant's stays for the next."""
    for data in (b"one", b"two"):
        await store.put(data, prefix="acme/sandbox/run-1")
    kept = await store.put(b"three", prefix="acme/sandbox/run-2")

    await store.delete_all("acme/sandbox/run-1")
    await store.delete_all("acme/sandbox/run-2", but=[kept.key])
    await store.delete_all("acme/sandbox/never")

    folders = sorted(path.name for path in (tmp_path / "my objects/acme/sandbox").iterdir())
    assert ["run-2"] == folders
    assert b"three" == await store.get(kept)


async def test_what_a_killed_writer_left_half_written_is_deleted(
    store: ObjectStore, tmp_path: Path
) -> None:
    """No list shows it: it would stay for ever, and its folder with it."""
    kept = await store.put(b"three", prefix="acme/sandbox/run-1/kept")
    half = tmp_path / "my objects" / "acme/sandbox/run-1" / f"{'0' * 64}#1"
    half.write_bytes(b"ha")

    await store.delete_all("acme/sandbox/run-1", but=[kept.key])
    assert not half.exists()
    await store.delete_all("acme/sandbox/run-1/kept")
    await store.delete_all("acme/sandbox/run-1")

    assert not half.parent.exists()


async def test_a_missing_object_is_said_for_good(store: ObjectStore) -> None:
    """Waiting does not bring an object back."""
    gone = ObjectRef(key=f"acme/{'0' * 64}", size=1)

    with pytest.raises(PermanentError, match="no longer in the store"):
        await store.get(gone)
    with pytest.raises(PermanentError, match="no longer in the store"):
        async with store.local_copy(gone):
            pass


async def test_a_damaged_object_is_not_handed_out(store: ObjectStore, tmp_path: Path) -> None:
    """A reader gets what was written or an error."""
    reference = await store.put(b"right", prefix="acme")
    (tmp_path / "my objects" / reference.key).write_bytes(b"wrong")

    with pytest.raises(PermanentError, match="is damaged"):
        await store.get(reference)
    with pytest.raises(PermanentError, match="is damaged"):
        async with store.local_copy(reference):
            pass


@pytest.mark.parametrize("url", ["ftp://somewhere/else", "file://relative/folder", "folder"])
def test_a_url_that_is_no_store_is_refused(url: str) -> None:
    """The URL is quoted, so that the setting can be found; no part of it is dropped silently."""
    with pytest.raises(ConfigurationError, match=f"object store '{url}' cannot be opened"):
        ObjectStore.from_url(url)


@pytest.mark.parametrize("url", ["ftp://me:open-sesame@a/b", "file://me:open-sesame@a/b"])
def test_a_refusal_does_not_quote_a_login(url: str) -> None:
    """And is one line, whatever the library adds to its own."""
    with pytest.raises(ConfigurationError, match="cannot be opened") as refused:
        ObjectStore.from_url(url)

    assert "open-sesame" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_store_that_is_away_is_told_in_a_line(store: ObjectStore, tmp_path: Path) -> None:
    """Whoever asks for a run's status reads it: no place for a library's debugging."""
    kept = await store.put(b"one", prefix="acme/sandbox/run-1")
    folder = tmp_path / "my objects"
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("not a folder")

    for attempt in (store.get(kept), store.put(b"two", prefix="acme/sandbox/run-1")):
        with pytest.raises(TransientError, match=r"^object acme/sandbox/run-1/.+ cannot be .+$"):
            await attempt
