"""`contextworker release` in real clones of a small workspace, by real git, uv and towncrier."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]
PYPROJECT = """\
[project]
name = "contextworker-{name}"
version = "{version}"
requires-python = ">=3.11"
dependencies = [{dependencies}]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
ROOT = """\
[project]
name = "workspace"
version = "0"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
contextworker-core = { workspace = true }
contextworker-shop = { workspace = true }
"""


class Clone:
    """A git clone with members to release."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        for key, value in {
            "user.name": "Someone",
            "user.email": "someone@example.org",
            "commit.gpgSign": "false",
            "tag.gpgSign": "false",
        }.items():
            self.git("config", key, value)
        self.write("towncrier.toml", (REPOSITORY / "towncrier.toml").read_text())

    def git(self, *arguments: str) -> str:
        """Run git here."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file and its folders."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path).read_text()

    def project(self, folder: str) -> dict[str, Any]:
        """Return a member's metadata."""
        project: dict[str, Any] = tomllib.loads(self.read(f"{folder}/pyproject.toml"))["project"]
        return project

    def member(self, folder: str, version: str, *dependencies: str, extra: str = "") -> None:
        """Write a member with one note."""
        name = Path(folder).name.removeprefix("contextworker-")
        asked = "".join(f'\n    "{each}", # kept' for each in dependencies)
        asked += "\n" if asked else ""
        text = PYPROJECT.format(name=name, version=version, dependencies=asked) + extra
        self.write(f"{folder}/pyproject.toml", text)
        self.write(f"{folder}/src/{name}/__init__.py", "")
        self.write(
            f"{folder}/CHANGELOG.md", "# Changelog\n\n<!-- towncrier release notes start -->\n"
        )
        self.write(f"{folder}/changelog.d/faster.changed.md", "It is faster.\n")

    def commit(self) -> None:
        """Lock, and commit everything."""
        subprocess.run(["uv", "lock", "--quiet", "--offline"], cwd=self.root, check=True)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def state(self) -> tuple[str, ...]:
        """Return all that a failed release must not have touched."""
        return (
            self.git("rev-parse", "HEAD"),
            self.git("tag", "--list"),
            self.git("status", "--porcelain"),
            self.git("branch", "--show-current"),
            self.git("worktree", "list"),
        )


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A workspace: `core` 0.1.3 was released, and `shop` 0.1.0, which needs it, never."""
    clone = Clone(tmp_path / "clone")
    clone.write("pyproject.toml", ROOT)
    clone.member("packages/contextworker-core", "0.1.3")
    clone.member("packages/shop", "0.1.0", "contextworker-core>=0.1,<0.2")
    clone.commit()
    clone.git("tag", "core-v0.1.3")
    return clone


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


def test_a_dry_run_shows_the_release_and_changes_nothing(clone: Clone, cli: Cli) -> None:
    """What would be committed is shown whole: version, changelog, dependants, files."""
    before = clone.state()
    result = cli("release", "core", "patch", "--dry-run", cwd=clone.root / "packages" / "shop")
    assert 0 == result.returncode, result.stderr
    for words in (
        "core 0.1.4, tag core-v0.1.4",
        "- It is faster.",
        "Used by: shop",
        "uv.lock",
        "packages/contextworker-core/CHANGELOG.md",
    ):
        assert words in result.stdout
    assert before == clone.state()


def test_the_first_release_takes_the_version_as_it_stands(clone: Clone, cli: Cli) -> None:
    """A version that was never released is not skipped."""
    refused = cli("release", "shop", "minor", cwd=clone.root)
    assert 1 == refused.returncode
    assert "`contextworker release shop first` releases it as it stands" in refused.stderr
    result = cli("release", "shop", "first", cwd=clone.root)
    assert 0 == result.returncode, result.stderr
    assert "0.1.0" == clone.project("packages/shop")["version"]
    assert "core-v0.1.3\nshop-v0.1.0" == clone.git("tag", "--list")
    again = cli("release", "shop", "first", cwd=clone.root)
    assert "shop was released before (0.1.0 is the last)" in again.stderr


def test_a_version_outside_a_dependants_bounds_is_refused(clone: Clone, cli: Cli) -> None:
    """Who could not be installed beside it is named, with the bound to write."""
    before = clone.state()
    result = cli("release", "core", "minor", cwd=clone.root)
    assert 1 == result.returncode
    assert "core 0.2.0 cannot be released:" in result.stderr
    assert (
        "shop asks for contextworker-core>=0.1,<0.2: write contextworker-core>=0.1,<0.3"
    ) in result.stderr
    assert before == clone.state()


def test_widening_writes_the_bounds_in_the_same_commit(clone: Clone, cli: Cli) -> None:
    """The dependant's file keeps its comments, and its next release has a note."""
    result = cli("release", "core", "minor", "--widen", cwd=clone.root)
    assert 0 == result.returncode, result.stderr
    text = clone.read("packages/shop/pyproject.toml")
    assert '"contextworker-core>=0.1,<0.3", # kept' in text
    note = clone.read("packages/shop/changelog.d/core-bound.changed.md")
    assert "Needs `contextworker-core>=0.1,<0.3`.\n" == note
    assert "" == clone.git("status", "--porcelain")


def test_a_bound_that_cannot_be_widened_is_left_to_a_person(clone: Clone, cli: Cli) -> None:
    """An exact version has no upper bound to raise."""
    clone.member("packages/shop", "0.1.0", "contextworker-core==0.1.*")
    clone.commit()
    result = cli("release", "core", "minor", "--widen", cwd=clone.root)
    assert 1 == result.returncode
    assert "contextworker-core==0.1.*: let it allow the new version" in result.stderr


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
    clone: Clone, cli: Cli, version: str, bump: str, says: str
) -> None:
    """A version promises what its notes must not break."""
    clone.member("packages/contextworker-core", version)
    kind = "added" if "`added`" in says else "breaking"
    clone.write(f"packages/contextworker-core/changelog.d/other.{kind}.md", "Other.\n")
    clone.member("packages/shop", "0.1.0")
    clone.commit()
    clone.git("tag", "--force", f"core-v{version}")
    result = cli("release", "core", bump, cwd=clone.root)
    assert 1 == result.returncode
    assert says in result.stderr


def test_nothing_is_released_without_a_note(clone: Clone, cli: Cli) -> None:
    """An empty changelog would tell nobody anything; every other reason comes with it."""
    clone.git("rm", "--quiet", "-r", "packages/contextworker-core/changelog.d")
    clone.commit()
    result = cli("release", "core", "minor", cwd=clone.root)
    assert 1 == result.returncode
    assert "contextworker-core/changelog.d/ holds no note" in result.stderr
    assert "write contextworker-core>=0.1,<0.3" in result.stderr


def test_a_misspelt_note_is_named(clone: Clone, cli: Cli) -> None:
    """A note whose type nobody knows would be lost."""
    clone.write("packages/contextworker-core/changelog.d/faster.chnaged.md", "It is faster.\n")
    clone.commit()
    before = clone.state()
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 1 == result.returncode
    assert "Invalid news fragment name: faster.chnaged.md" in result.stderr
    assert before == clone.state()


def test_what_it_needs_must_be_released_before(clone: Clone, cli: Cli) -> None:
    """Nobody could install a release that waits for another one."""
    clone.git("tag", "--delete", "core-v0.1.3")
    result = cli("release", "shop", "first", cwd=clone.root)
    assert 1 == result.returncode
    assert "release core first" in result.stderr


def test_a_module_is_released_with_its_histories(clone: Clone, cli: Cli) -> None:
    """Without them nothing could check later code on this version's runs."""
    announced = '\n[project.entry-points."contextworker.modules"]\nshop = "shop:module"\n'
    clone.member("packages/shop", "0.1.0", extra=announced)
    clone.commit()
    result = cli("release", "shop", "first", cwd=clone.root)
    assert 1 == result.returncode
    assert "shop/tests/histories/0.1.0 holds no recorded history" in result.stderr
    clone.write("packages/shop/tests/histories/0.1.0/sale.json", "{}")
    clone.commit()
    assert 0 == cli("release", "shop", "first", cwd=clone.root).returncode


def test_a_failure_in_the_middle_leaves_no_trace(clone: Clone, cli: Cli) -> None:
    """A hook that refuses the commit costs neither the version nor the notes."""
    hook = clone.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = clone.state()
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 1 == result.returncode
    assert "not today" in result.stderr
    assert before == clone.state()


def test_a_branch_that_moved_meanwhile_is_left_alone(clone: Clone, cli: Cli) -> None:
    """Two releases at once: the later one says so, and takes its tag back."""
    hook = clone.root / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nrm -f .git/hooks/post-commit\nunset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE\n"
        f"rm -f {hook} && cd {clone.root} && git commit -q --allow-empty -m Meanwhile\n"
    )
    hook.chmod(0o755)
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 1 == result.returncode
    assert "`git merge` failed" in result.stderr
    assert "core-v0.1.3" == clone.git("tag", "--list")
    assert "Meanwhile" == clone.git("log", "-1", "--format=%s")
    assert "" == clone.git("status", "--porcelain")


def test_uncommitted_changes_are_named(clone: Clone, cli: Cli) -> None:
    """A note that was forgotten in the commit would miss the release."""
    clone.write("packages/shop/changelog.d/late.added.md", "Late.\n")
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 1 == result.returncode
    assert "packages/shop/changelog.d/late.added.md" in result.stderr


def test_a_release_is_made_on_a_branch(clone: Clone, cli: Cli) -> None:
    """A commit on no branch would be lost."""
    clone.git("switch", "--quiet", "--detach")
    result = cli("release", "core", "patch", cwd=clone.root)
    assert 1 == result.returncode
    assert "No branch is checked out" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nope", "patch"], 2, "There is no member 'nope' here: core, shop"),
        (["core", "huge"], 2, 'Invalid value "huge"'),
        (["core"], 2, "requires an argument"),
    ],
    ids=["member", "bump", "nothing"],
)
def test_a_slip_is_said(clone: Clone, cli: Cli, arguments: list[str], code: int, says: str) -> None:
    """A wrong word is answered by the right ones."""
    result = cli("release", *arguments, cwd=clone.root)
    assert code == result.returncode
    assert says in result.stderr


def test_outside_of_any_repository_it_says_where_to_go(cli: Cli) -> None:
    """An empty folder is no traceback."""
    result = cli("release", "core", "patch")
    assert 1 == result.returncode
    assert "No project is here" in result.stderr


def test_a_repository_of_one_package_releases_it(tmp_path: Path, cli: Cli) -> None:
    """A module of its own repository is released the same way."""
    clone = Clone(tmp_path / "contextworker-stock")
    clone.member(".", "1.0.0")
    clone.write("pyproject.toml", PYPROJECT.format(name="stock", version="1.0.0", dependencies=""))
    clone.commit()
    clone.git("tag", "stock-v1.0.0")
    result = cli("release", "stock", "patch", cwd=clone.root)
    assert 0 == result.returncode, result.stderr
    assert "1.0.1" == clone.project(".")["version"]
    assert "stock-v1.0.0\nstock-v1.0.1" == clone.git("tag", "--list")
