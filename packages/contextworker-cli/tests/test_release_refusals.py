"""What `contextworker release` refuses, and how it says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from releases import Clone, small_workspace

Call = Callable[..., Any]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A workspace: `core` 0.1.3 was released, and `shop` 0.1.0, which needs it, never."""
    return small_workspace(tmp_path / "clone")


def test_a_version_outside_a_dependants_bounds_is_refused(clone: Clone, call: Call) -> None:
    """Who could not be installed beside it is named, with the bound to write."""
    before = clone.state()
    result = call("release", "core", "minor", cwd=clone.root)
    assert 1 == result.code
    assert "core 0.2.0 cannot be released:" in result.err
    assert (
        "shop asks for contextworker-core>=0.1,<0.2: write contextworker-core>=0.1,<0.3"
    ) in result.err
    assert before == clone.state()


def test_a_bound_that_cannot_be_widened_is_left_to_a_person(clone: Clone, call: Call) -> None:
    """An exact version has no upper bound to raise."""
    clone.member("packages/shop", "0.1.0", "contextworker-core==0.1.*")
    clone.commit()
    result = call("release", "core", "minor", "--widen", cwd=clone.root)
    assert 1 == result.code
    assert "contextworker-core==0.1.*: let it allow the new version" in result.err


@pytest.mark.parametrize(
    ("version", "bump", "says"),
    [
        ("0.1.3", "patch", "a note is `breaking`, which after 0.1.3 needs minor, not patch"),
        ("1.2.0", "minor", "a note is `breaking`, which after 1.2.0 needs major, not minor"),
        ("1.2.0", "patch", "a note is `added`, which after 1.2.0 needs minor, not patch"),
    ],
    ids=["breaking-under-0", "breaking", "added"],
)
def test_the_notes_say_how_far_the_version_must_rise(
    clone: Clone, call: Call, version: str, bump: str, says: str
) -> None:
    """A version promises what its notes must not break."""
    clone.member("packages/contextworker-core", version)
    kind = "added" if "`added`" in says else "breaking"
    clone.write(f"packages/contextworker-core/changelog.d/other.{kind}.md", "Other.\n")
    clone.member("packages/shop", "0.1.0")
    clone.commit()
    clone.git("tag", "--force", f"core-v{version}")
    result = call("release", "core", bump, cwd=clone.root)
    assert 1 == result.code
    assert says in result.err


def test_nothing_is_released_without_a_note(clone: Clone, call: Call) -> None:
    """An empty changelog would tell nobody anything; every other reason comes with it."""
    clone.git("rm", "--quiet", "-r", "packages/contextworker-core/changelog.d")
    clone.commit()
    result = call("release", "core", "minor", cwd=clone.root)
    assert 1 == result.code
    assert "contextworker-core/changelog.d/ holds no note" in result.err
    assert "write contextworker-core>=0.1,<0.3" in result.err


def test_a_misspelt_note_is_named(clone: Clone, call: Call) -> None:
    """A note whose type nobody knows would be lost."""
    clone.write("packages/contextworker-core/changelog.d/faster.chnaged.md", "It is faster.\n")
    clone.commit()
    before = clone.state()
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "Invalid news fragment name: faster.chnaged.md" in result.err
    assert before == clone.state()


def test_what_it_needs_must_be_released_before(clone: Clone, call: Call) -> None:
    """Nobody could install a release that waits for another one."""
    clone.git("tag", "--delete", "core-v0.1.3")
    result = call("release", "shop", "first", cwd=clone.root)
    assert 1 == result.code
    assert "release core first" in result.err


def test_a_version_that_was_tagged_elsewhere_is_refused(clone: Clone, call: Call) -> None:
    """Whoever has not pulled would release the same version twice."""
    clone.git("tag", "core-v0.1.4")
    before = clone.state()
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "The tag core-v0.1.4 exists already, on a commit that this branch lacks" in result.err
    assert before == clone.state()


def test_a_module_without_any_history_is_refused(clone: Clone, call: Call) -> None:
    """Without them nothing could check later code on this version's runs."""
    clone.module("sale.txt")
    before = clone.state()
    result = call("release", "shop", "first", cwd=clone.root)
    assert 1 == result.code
    assert "--record-histories packages/shop` recorded no history of 0.1.0" in result.err
    assert before == clone.state()


def test_what_releases_recorded_must_still_be_there(clone: Clone, call: Call) -> None:
    """Open runs of each release of the series must be able to go on, whoever tidied up."""
    clone.module("sale.json")
    for name in ("kept", "edited", "lost"):
        clone.write(f"packages/shop/tests/histories/0.1.0/{name}.json", "{}")
    clone.commit()
    clone.git("tag", "shop-v0.1.0")
    folder = clone.root / "packages/shop/tests/histories/0.1.0"
    (folder / "lost.json").unlink()
    (folder / "edited.json").write_text("[]")
    clone.commit()

    refused = call("release", "shop", "patch", cwd=clone.root)
    assert 1 == refused.code
    assert (
        "packages/shop/tests/histories/0.1.0/edited.json, packages/shop/tests/histories/0.1.0/"
        "lost.json\n"
    ) in refused.err
    assert "git restore --source shop-v0.1.0 packages/shop/tests/histories/0.1.0" in refused.err
    clone.git("restore", "--source", "shop-v0.1.0", "packages/shop/tests/histories/0.1.0")
    clone.commit()
    assert 0 == call("release", "shop", "patch", cwd=clone.root).code


def test_histories_of_an_older_series_may_go(clone: Clone, call: Call) -> None:
    """Their runs are pinned to workers that may be gone."""
    clone.module("sale.json")
    clone.write("packages/shop/tests/histories/0.1.0/sale.json", "{}")
    clone.commit()
    clone.git("tag", "shop-v0.1.0")
    (clone.root / "packages/shop/tests/histories/0.1.0/sale.json").unlink()
    clone.commit()

    assert 0 == call("release", "shop", "minor", cwd=clone.root).code


def test_uncommitted_changes_are_named(clone: Clone, call: Call) -> None:
    """A note that was forgotten in the commit would miss the release."""
    clone.write("packages/shop/changelog.d/late.added.md", "Late.\n")
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "packages/shop/changelog.d/late.added.md" in result.err


def test_a_release_is_made_on_a_branch(clone: Clone, call: Call) -> None:
    """A commit on no branch would be lost."""
    clone.git("switch", "--quiet", "--detach")
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "No branch is checked out" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nope", "patch"], 2, "There is no member 'nope' here: core, shop"),
        (["core", "huge"], 2, 'Invalid value "huge"'),
        (["core"], 2, "requires an argument"),
    ],
    ids=["member", "bump", "nothing"],
)
def test_a_slip_is_said(
    clone: Clone, call: Call, arguments: list[str], code: int, says: str
) -> None:
    """A wrong word is answered by the right ones."""
    result = call("release", *arguments, cwd=clone.root)
    assert code == result.code
    assert says in result.err


def test_outside_of_any_repository_it_says_where_to_go(call: Call) -> None:
    """An empty folder is no traceback."""
    result = call("release", "core", "patch")
    assert 1 == result.code
    assert "No project is here" in result.err
