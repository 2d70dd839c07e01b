"""The scripts that the workflows call, run as they run them: in a clone, by a bare Python."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / ".ci"
CORE, LONE, SHOP = "packages/contextworker-core", "packages/lone", "packages/shop"
FRONT = "services/front"
ALL = [CORE, LONE, SHOP, FRONT]
CHANGELOG = """\
# Changelog

<!-- towncrier release notes start -->

## 0.2.0 (2026-11-22)

### Added

- Speed.

## 0.1.0 (2026-11-01)

- First.
"""


class Repository:
    """A clone of a workspace: `core`, `shop` that needs it, `front` that needs `shop`, `lone`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".ci").mkdir(parents=True)
        for script in SCRIPTS.glob("*.py"):
            shutil.copy(script, root / ".ci")
        self.write(
            "pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*", "services/*"]\n'
        )
        self.member(CORE)
        self.member(SHOP, '"contextworker-core[testing]>=0.1,<0.2"', '"pydantic>=2"')
        self.member(FRONT, '"contextworker-shop>=0.1"')
        self.member(LONE, '"pydantic>=2"')
        self.git("init", "--quiet", "--initial-branch", "main")
        for key, value in {"name": "Someone", "email": "someone@example.org"}.items():
            self.git("config", f"user.{key}", value)
        self.git("config", "commit.gpgSign", "false")
        self.commit()

    def git(self, *arguments: str) -> None:
        """Run git here."""
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def write(self, path: str, text: str) -> None:
        """Append to a file, making its folders."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        with (self.root / path).open("a") as file:
            file.write(text)

    def member(self, folder: str, *needs: str, version: str = "0.1.0") -> None:
        """Write a member's metadata."""
        package = "contextworker-" + Path(folder).name.removeprefix("contextworker-")
        self.write(
            f"{folder}/pyproject.toml",
            f'[project]\nname = "{package}"\nversion = "{version}"\n'
            f"dependencies = [{', '.join(needs)}]\n",
        )

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a script without any installed package."""
        return subprocess.run(
            [sys.executable, "-S", self.root / ".ci" / script, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def affected(self, *base: str) -> dict[str, object]:
        """Return what `affected.py` says."""
        done = self.run("affected.py", *base)
        assert 0 == done.returncode, done.stderr
        lines = [line.partition("=") for line in done.stdout.splitlines()]
        return {name: json.loads(value) for name, _, value in lines}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A small workspace, committed."""
    return Repository(tmp_path / "repository")


@pytest.mark.parametrize(
    ("path", "members"),
    [
        (f"{CORE}/src/contextworker/core/worker.py", [CORE, SHOP, FRONT]),
        (f"{SHOP}/src/contextworker/shop/workflows.py", [SHOP, FRONT]),
        (f"{SHOP}/tests/data/expected.md", [SHOP, FRONT]),
        (f"{SHOP}/src/contextworker/shop/data/words.md", [SHOP, FRONT]),
        (f"{FRONT}/pyproject.toml", [FRONT]),
        (f"{LONE}/src/lone.py", [LONE]),
        ("proto/worker.proto", ALL),
        ("pyproject.toml", ALL),
        ("uv.lock", ALL),
        (".ci/run", ALL),
        (".github/workflows/ci.yml", ALL),
        ("deploy/Dockerfile", ALL),
        ("packages/gone/src/gone.py", ALL),
        ("a new file", ALL),
        ("tests/integration/test_system.py", []),
        ("docs/settings.py", []),
        ("benchmarks/start.py", []),
        ("README.md", []),
        (f"{SHOP}/README.md", []),
        (f"{SHOP}/changelog.d/faster.changed.md", []),
    ],
)
def test_a_changed_file_is_tested_on_all_that_it_can_break(
    repository: Repository, path: str, members: list[str]
) -> None:
    """Its owner, whoever needs the owner at any distance, and everyone where nobody owns it."""
    repository.write(path, "# changed\n")
    repository.commit()
    affected = repository.affected("HEAD^")
    assert members == affected["members"]
    assert (bool(members) or path.startswith("tests/")) == affected["system"]
    assert (ALL == members) == affected["everything"]


def test_a_new_member_is_found_by_its_metadata(repository: Repository) -> None:
    """Neither a script nor a workflow names the members."""
    repository.member("packages/inventory", '"contextworker-core>=0.1"')
    repository.write("packages/inventory/src/contextworker/inventory/__main__.py", "")
    repository.commit()
    affected = repository.affected("HEAD^")
    assert ["packages/inventory"] == affected["members"]
    assert ["inventory"] == affected["images"]


def test_what_an_extra_needs_counts(repository: Repository) -> None:
    """Its tests run with every extra."""
    extra = '[project.optional-dependencies]\nfast = ["contextworker-core>=0.1"]\n'
    repository.write(f"{LONE}/pyproject.toml", extra)
    repository.commit()
    repository.write(f"{CORE}/src/core.py", "")
    repository.commit()
    assert ALL == repository.affected("HEAD^")["members"]


def test_a_moved_file_counts_where_it_was_and_where_it_is(repository: Repository) -> None:
    """What lost a file can break like what got one."""
    repository.write(f"{FRONT}/src/shared.py", "words = 'long enough to be seen as the same'\n")
    repository.commit()
    (repository.root / LONE / "src").mkdir()
    repository.git("mv", f"{FRONT}/src/shared.py", f"{LONE}/src/shared.py")
    repository.commit()
    assert [LONE, FRONT] == repository.affected("HEAD^")["members"]


def test_what_the_base_got_meanwhile_does_not_count(repository: Repository) -> None:
    """A change is what its branch did, not what others merged since."""
    repository.git("switch", "--quiet", "--create", "change")
    repository.write(f"{LONE}/src/lone.py", "")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.write("uv.lock", "")
    repository.commit()
    repository.git("switch", "--quiet", "change")
    assert [LONE] == repository.affected("main")["members"]


def test_without_a_base_everything_is_tested(repository: Repository) -> None:
    """The main branch is tested whole."""
    affected = repository.affected("")
    assert (ALL, True, True) == (
        affected["members"],
        affected["everything"],
        affected["system"],
    )


def test_an_unknown_base_fails(repository: Repository) -> None:
    """A shallow clone must not pass for a change of nothing; git's own reason comes along."""
    done = repository.run("affected.py", "0" * 40)
    assert (1, "") == (done.returncode, done.stdout)
    assert "fatal: " in done.stderr
    assert "is that commit in this clone?" in done.stderr
    assert "Traceback" not in done.stderr


def _release(repository: Repository, version: str = "0.2.0", locked: str = "0.2.0") -> None:
    repository.write(f"{SHOP}/CHANGELOG.md", CHANGELOG)
    path = repository.root / SHOP / "pyproject.toml"
    path.write_text(path.read_text().replace("0.1.0", version))
    repository.write("uv.lock", f'[[package]]\nname = "contextworker-shop"\nversion = "{locked}"\n')


def test_a_tag_that_agrees_passes_with_its_notes(repository: Repository, tmp_path: Path) -> None:
    """The later jobs get names from here, and the release its text."""
    _release(repository)
    notes = tmp_path / "notes.md"
    done = repository.run("tag.py", "shop-v0.2.0", str(notes))
    assert "" == done.stderr
    assert [
        "member=shop",
        "package=contextworker-shop",
        "folder=packages/shop",
        "version=0.2.0",
        "image=false",
        "compiled=false",
        'runners=["ubuntu-24.04"]',
    ] == done.stdout.splitlines()
    assert "### Added\n\n- Speed.\n" == notes.read_text()


def test_a_compiled_member_is_built_on_each_kind_of_machine(repository: Repository) -> None:
    """One with a build hook; the first runner also builds what fits everywhere."""
    _release(repository)
    repository.write(f"{SHOP}/hatch_build.py", "")
    first, *others = json.loads(
        dict(
            line.split("=") for line in repository.run("tag.py", "shop-v0.2.0").stdout.splitlines()
        )["runners"]
    )
    assert "ubuntu-24.04" == first
    assert {"ubuntu-24.04-arm", "macos-15"} == set(others)


def test_every_disagreement_is_named(repository: Repository) -> None:
    """A tag set by hand on the wrong commit says what is wrong with it, at once."""
    _release(repository, version="0.1.0", locked="0.1.0")
    repository.write(f"{SHOP}/changelog.d/late.added.md", "Late.\n")
    done = repository.run("tag.py", "shop-v0.3.0")
    assert 1 == done.returncode
    assert "" == done.stdout
    assert [
        "error: packages/shop/pyproject.toml says version 0.1.0",
        "error: packages/shop/CHANGELOG.md tells nothing of 0.3.0",
        "error: packages/shop/changelog.d/ still holds late.added.md",
        "error: uv.lock says version 0.1.0",
    ] == done.stderr.splitlines()


@pytest.mark.parametrize("tag", ["shop", "nope-v0.1.0", "shop-vnext", "shop-v0.2.0; rm -rf ~"])
def test_a_tag_of_no_member_is_refused(repository: Repository, tag: str) -> None:
    """What a tag is called is anybody's choice."""
    done = repository.run("tag.py", tag)
    assert 1 == done.returncode
    assert "is no tag of a member: MEMBER-v1.2.3 of core, lone, shop, front" in done.stderr
