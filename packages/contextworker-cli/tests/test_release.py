"""`contextworker release` in real clones of a small workspace, by real git, uv and towncrier."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from releases import PYPROJECT, Clone, small_workspace

Call = Callable[..., Any]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A workspace: `core` 0.1.3 was released, and `shop` 0.1.0, which needs it, never."""
    return small_workspace(tmp_path / "clone")


def test_a_release_is_one_commit_and_its_tag(clone: Clone, cli: Cli) -> None:
    """The version, the lock and the changelog change together, and nothing is pushed."""
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 0 == result.returncode, result.stderr
    assert "git push --atomic origin main core-v0.1.4" in result.stdout
    assert "0.1.4" == clone.project("packages/contextworker-core")["version"]
    assert 'name = "contextworker-core"\nversion = "0.1.4"' in clone.read("uv.lock")
    changelog = clone.read("packages/contextworker-core/CHANGELOG.md")
    assert "## 0.1.4 (" in changelog
    assert "- It is faster." in changelog
    assert not (clone.root / "packages/contextworker-core/changelog.d").exists()
    assert "" == clone.git("status", "--porcelain")
    assert "Release core 0.1.4" == clone.git("log", "-1", "--format=%s")
    assert clone.git("rev-parse", "HEAD") == clone.git("rev-parse", "core-v0.1.4^{commit}")
    message = clone.git("tag", "--list", "--format=%(contents)", "core-v0.1.4")
    assert "### Changed" in message
    assert 1 == len(clone.git("worktree", "list").splitlines())


def test_a_dry_run_shows_the_release_and_changes_nothing(clone: Clone, call: Call) -> None:
    """What would be committed is shown whole: version, changelog, dependants, files."""
    before = clone.state()
    result = call("release", "core", "patch", "--dry-run", cwd=clone.root / "packages" / "shop")
    assert 0 == result.code, result.err
    for words in (
        "core 0.1.4, tag core-v0.1.4",
        "- It is faster.",
        "Used by: shop",
        "uv.lock",
        "packages/contextworker-core/CHANGELOG.md",
    ):
        assert words in result.out
    assert before == clone.state()


def test_the_first_release_takes_the_version_as_it_stands(clone: Clone, call: Call) -> None:
    """A version that was never released is not skipped."""
    refused = call("release", "shop", "minor", cwd=clone.root)
    assert 1 == refused.code
    assert "`contextworker release shop first` releases it as it stands" in refused.err
    result = call("release", "shop", "first", cwd=clone.root)
    assert 0 == result.code, result.err
    assert "0.1.0" == clone.project("packages/shop")["version"]
    assert "core-v0.1.3\nshop-v0.1.0" == clone.git("tag", "--list")
    again = call("release", "shop", "first", cwd=clone.root)
    assert "shop was released before (0.1.0 is the last)" in again.err


def test_widening_writes_the_bounds_in_the_same_commit(clone: Clone, call: Call) -> None:
    """The dependant's file keeps its comments, and its next release has a note."""
    result = call("release", "core", "minor", "--widen", cwd=clone.root)
    assert 0 == result.code, result.err
    text = clone.read("packages/shop/pyproject.toml")
    assert '"contextworker-core>=0.1,<0.3", # kept' in text
    note = clone.read("packages/shop/changelog.d/core-bound.changed.md")
    assert "Needs `contextworker-core>=0.1,<0.3`.\n" == note
    assert "" == clone.git("status", "--porcelain")


def test_after_a_breaking_change_dependants_ask_for_it(clone: Clone, call: Call) -> None:
    """Beside the versions before it nobody tested what stands here."""
    clone.write("packages/contextworker-core/changelog.d/other.breaking.md", "Other.\n")
    clone.commit()
    result = call("release", "core", "minor", "--widen", cwd=clone.root)
    assert 0 == result.code, result.err
    text = clone.read("packages/shop/pyproject.toml")
    assert '"contextworker-core>=0.2,<0.3", # kept' in text


def test_a_module_is_released_with_its_histories(clone: Clone, call: Call) -> None:
    """What its workflows did is recorded on the new version, in the release's own commit."""
    clone.module("sale.json")
    clone.git("tag", "shop-v0.1.0")
    result = call("release", "shop", "minor", cwd=clone.root)
    assert 0 == result.code, result.err
    assert "{}" == clone.read("packages/shop/tests/histories/0.2.0/sale.json")
    assert "" == clone.git("status", "--porcelain", "--ignored")


def test_histories_that_a_commit_holds_are_kept(clone: Clone, call: Call) -> None:
    """Whoever recorded them by hand meant them."""
    clone.module("sale.json")
    clone.write("packages/shop/tests/histories/0.1.0/mine.json", "{}")
    clone.commit()
    assert 0 == call("release", "shop", "first", cwd=clone.root).code
    folder = clone.root / "packages/shop/tests/histories/0.1.0"
    assert ["mine.json"] == [path.name for path in folder.iterdir()]


def test_a_failure_in_the_middle_leaves_no_trace(clone: Clone, call: Call) -> None:
    """A hook that refuses the commit costs neither the version nor the notes."""
    hook = clone.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = clone.state()
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "not today" in result.err
    assert before == clone.state()


def test_a_branch_that_moved_meanwhile_is_left_alone(clone: Clone, call: Call) -> None:
    """Two releases at once: the later one says so, and takes its tag back."""
    hook = clone.root / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nrm -f .git/hooks/post-commit\nunset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE\n"
        f"rm -f {hook} && cd {clone.root} && git commit -q --allow-empty -m Meanwhile\n"
    )
    hook.chmod(0o755)
    result = call("release", "core", "patch", cwd=clone.root)
    assert 1 == result.code
    assert "Nothing is released: release core 0.1.4 again" in result.err
    assert "Not possible to fast-forward" in result.err
    assert "core-v0.1.3" == clone.git("tag", "--list")
    assert "Meanwhile" == clone.git("log", "-1", "--format=%s")
    assert "" == clone.git("status", "--porcelain")


def test_a_workspace_may_be_a_folder_of_a_repository(tmp_path: Path, call: Call) -> None:
    """What belongs to the workspace is run in the workspace."""
    outer = Clone(tmp_path / "outer")
    clone = small_workspace(tmp_path / "outer" / "workers")
    clone.module("sale.json")
    shutil.rmtree(clone.root / ".git")
    outer.git("add", "--all")
    outer.git("commit", "--quiet", "--message", "Take the workers in")
    result = call("release", "shop", "first", cwd=clone.root)
    assert 0 == result.code, result.err
    assert "{}" == clone.read("packages/shop/tests/histories/0.1.0/sale.json")
    assert "" == outer.git("status", "--porcelain", "--ignored")


def test_a_repository_of_one_package_releases_it(tmp_path: Path, call: Call) -> None:
    """A module of its own repository is released the same way."""
    clone = Clone(tmp_path / "contextworker-stock")
    clone.member(".", "1.0.0")
    clone.write("pyproject.toml", PYPROJECT.format(name="stock", version="1.0.0", dependencies=""))
    clone.commit()
    clone.git("tag", "stock-v1.0.0")
    result = call("release", "stock", "patch", cwd=clone.root)
    assert 0 == result.code, result.err
    assert "1.0.1" == clone.project(".")["version"]
    assert "stock-v1.0.0\nstock-v1.0.1" == clone.git("tag", "--list")
