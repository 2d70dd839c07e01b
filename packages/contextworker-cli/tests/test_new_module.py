"""`contextworker new-module` at the command line: what it makes, and what it refuses."""

import hashlib
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from contextworker.cli.scaffold.names import MAX_LENGTH

REPOSITORY = Path(__file__).parents[3]
LISTS = (
    "pyproject.toml",
    "deploy/.env.example",
    "deploy/compose.yaml",
    "deploy/kubernetes/kustomization.yaml",
    "deploy/kubernetes/controller/kustomization.yaml",
)
MADE = {
    "packages/inventory",
    "deploy/compose/inventory.yaml",
    "deploy/kubernetes/inventory",
    "deploy/kubernetes/controller/inventory",
}
Call = Callable[..., Any]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def copied(root: Path) -> Path:
    """The files of the repository that a new module has to do with."""
    members = [path.relative_to(REPOSITORY) for path in REPOSITORY.glob("*/*/pyproject.toml")]
    for path in (*map(Path, LISTS), *members, Path("deploy/compose/worker.yaml")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, root / path)
    return root


@pytest.fixture
def workspace(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace like this one, as the working folder."""
    root = copied(tmp_path / "clone")
    monkeypatch.chdir(root)
    return root


def content(root: Path) -> dict[str, str]:
    """Every file and what it holds; the state folder, which git ignores, aside."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and ".contextworker" not in path.parts
    }


def listed(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_member_is_made_and_listed(call: Call, workspace: Path) -> None:
    """Its own files and a line in each list; nothing else is touched, nothing is left over."""
    before = content(workspace)
    called = call("new-module", "inventory")
    after = content(workspace)

    assert (0, "") == (called.code, called.err)
    new = {path for path in after if path not in before}
    assert MADE == {made for made in MADE if any(path.startswith(made) for path in new)}
    assert [] == [path for path in new if not path.startswith(tuple(MADE))]
    assert set(LISTS) == {path for path in before if after[path] != before[path]}
    settings = (workspace / "deploy/.env.example").read_text().splitlines()
    assert "# INVENTORY_VERSION=0.1.0" in settings
    assert "INVENTORY_VERSION:-" in (workspace / "deploy/compose/inventory.yaml").read_text()
    assert ["new-module.lock"] == listed(workspace / ".contextworker")
    assert [] == [path for path in new if "{" in path or path.endswith(".jinja")]


@pytest.mark.parametrize(
    ("path", "aside"),
    [
        ("deploy/compose/{}.yaml", "environment"),
        ("deploy/kubernetes/{}/kustomization.yaml", "../brain training"),
        ("deploy/kubernetes/controller/{}/kustomization.yaml", "../../brain ../../NAME/training"),
        (
            "packages/{}/pyproject.toml",
            "dependencies optional-dependencies description contextworker.enrichers",
        ),
        ("packages/{}/LICENSE", ""),
    ],
)
def test_it_is_shaped_like_the_modules_that_are_here(
    call: Call, workspace: Path, path: str, aside: str
) -> None:
    """The gardener's files with another name, but for what a gardener needs besides."""
    call("new-module", "inventory")
    ours = read(REPOSITORY / path.format("gardener"), "gardener")
    new = read(workspace / path.format("inventory"), "inventory")

    assert without(ours, aside.split()) == without(new, aside.split())


def read(path: Path, name: str) -> Any:
    """What a file says, with a module's name replaced."""
    text = path.read_text().replace(name, "NAME").replace(name.upper(), "NAME")
    if path.suffix == ".toml":
        return tomllib.loads(text)
    return YAML(typ="safe").load(text) if path.suffix == ".yaml" else text


def without(value: Any, aside: list[str]) -> Any:
    """A document without some keys and items."""
    if isinstance(value, dict):
        return {key: without(item, aside) for key, item in value.items() if key not in aside}
    if isinstance(value, list):
        return [without(item, aside) for item in value if item not in aside]
    return value


def test_the_next_steps_are_said(call: Call, workspace: Path) -> None:
    """Commands that work where this one did."""
    said = call("new-module", "price-watch").out

    for line in (
        "packages/price_watch is made",
        "uv sync",
        "uv run pytest packages/price_watch",
        "uv run price-watch-worker",
        "contextworker start price_watch document=fox",
    ):
        assert line in said


def test_it_works_in_a_folder_below_without_git(
    call: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workspace is found as uv finds it; no repository and no git is needed."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(workspace / "packages")

    assert 0 == call("new-module", "inventory").code
    assert (workspace / "packages/inventory/pyproject.toml").exists()


def test_a_description_is_passed_on(call: Call, workspace: Path) -> None:
    """Quotes too; a full stop is added where none ends it."""
    call("new-module", "inventory", "--description", 'Counts the "boxes" we have')
    folder = workspace / "packages/inventory"

    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert 'Counts the "boxes" we have.' == project["description"]
    assert 'Counts the "boxes" we have.' in (folder / "README.md").read_text()
    source = (folder / "src/contextworker/inventory/__init__.py").read_text()
    assert '"""Counts the "boxes" we have."""\n' == source


@pytest.mark.parametrize("name", ["inventory", "price-watch", "a1", "z" * MAX_LENGTH])
def test_whatever_the_name_the_code_is_clean(call: Call, workspace: Path, name: str) -> None:
    """Sorted, formatted and linted by this workspace's rules, with short names and long ones."""
    call("new-module", name)
    call("new-module", name, "--standalone", "--into", str(workspace.parent))

    ruff = shutil.which("ruff", path=sysconfig.get_path("scripts"))
    assert ruff is not None
    for folder in (workspace / "packages" / name.replace("-", "_"), workspace.parent / name):
        for arguments in (["check"], ["format", "--check", "--diff"]):
            done = subprocess.run(
                [ruff, *arguments, "--no-cache", str(folder)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("core", "it is the member packages/contextworker-core"),
        ("gateway", "it is the member services/gateway"),
        ("harvest", "contextworker-harvest announces a module 'harvest'"),
        ("worker", "deploy/compose/worker.yaml exists already"),
        ("Inventory", "How about 'inventory'?"),
    ],
)
def test_a_taken_or_wrong_name_changes_nothing(
    call: Call, workspace: Path, name: str, says: str
) -> None:
    """One sentence, and the workspace as it was."""
    before = content(workspace)
    called = call("new-module", name)

    assert says in called.err
    assert called.code in {1, 2}
    assert "" == called.out
    assert before == content(workspace)


@pytest.mark.parametrize("again", ["inventory", "price-watch"])
def test_a_second_time_is_refused(call: Call, workspace: Path, again: str) -> None:
    """The first one's files stay as they are."""
    call("new-module", again)
    before = content(workspace)
    called = call("new-module", again)

    assert 1 == called.code
    folder = again.replace("-", "_")
    assert f"The name '{again}' is taken: it is the member packages/{folder}" in called.err
    assert before == content(workspace)


def test_a_folder_in_the_way_is_left_alone(call: Call, workspace: Path) -> None:
    """Someone's files are worth more than ours."""
    (workspace / "packages/inventory").mkdir()
    (workspace / "packages/inventory/notes.txt").write_text("mine")
    (workspace / "deploy/kubernetes/inventory").mkdir()
    (workspace / "deploy/kubernetes/inventory/kustomization.yaml").write_text("mine")
    before = content(workspace)
    called = call("new-module", "inventory")

    assert 1 == called.code
    assert "exists already, and is left alone" in called.err
    assert before == content(workspace)


@pytest.mark.parametrize("step", range(9))
def test_stopped_at_any_step_nothing_is_half_written(
    call: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Four moves and five lists: at each, a Ctrl-C or a full disk undoes all before it."""
    before = content(workspace)
    done = 0

    def counted(really: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*arguments: Any) -> Any:
            nonlocal done
            done += 1
            if done == step + 1:
                raise KeyboardInterrupt if step % 2 else OSError(28, "No space left on device")
            return really(*arguments)

        return tried

    monkeypatch.setattr(shutil, "move", counted(shutil.move))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    if step % 2:
        with pytest.raises(KeyboardInterrupt):
            call("new-module", "inventory")
    else:
        called = call("new-module", "inventory")
        assert 1 == called.code
        assert "error: inventory cannot be made: [Errno 28] No space left" in called.err

    assert before == content(workspace)
    assert ["new-module.lock"] == listed(workspace / ".contextworker")


KILLED_AT_STEP = """
import os, shutil, signal, sys
from pathlib import Path

from contextworker.cli.app import run_command

left = int(sys.argv[1])

def counted(really):
    def tried(*arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return really(*arguments)
    return tried

shutil.move, Path.replace = counted(shutil.move), counted(Path.replace)
run_command(["new-module", "inventory"])
"""


def killed(step: int) -> None:
    """Make a module in a process that `kill -9` ends before a step."""
    done = subprocess.run([sys.executable, "-c", KILLED_AT_STEP, str(step)], check=False)
    assert -signal.SIGKILL == done.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("step", [0, 1, 4, 8], ids=["first", "files", "lists", "last"])
def test_after_a_kill_in_the_middle_the_next_one_starts_anew(
    call: Call, workspace: Path, step: int
) -> None:
    """What the killed one had put in its place is taken back first."""
    before = content(workspace)
    killed(step)
    assert (before != content(workspace)) == (step > 0)
    called = call("new-module", "price-watch")

    assert (0, "") == (called.code, called.err)
    assert "inventory" not in "".join(content(workspace))
    assert "inventory" not in (workspace / "pyproject.toml").read_text()
    assert 0 == call("new-module", "inventory").code
    assert ["new-module.lock"] == listed(workspace / ".contextworker")


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("path", ["packages/inventory/README.md", "pyproject.toml"])
def test_what_was_changed_after_a_kill_is_left_alone(
    call: Call, workspace: Path, path: str
) -> None:
    """Somebody may have gone on with it: they are told what to do."""
    killed(8)
    with (workspace / path).open("a") as file:
        file.write("# mine\n")
    before = content(workspace)
    called = call("new-module", "price-watch")

    assert (1, "") == (called.code, called.out)
    assert f"{workspace / path} was changed since: see `git status`" in called.err
    assert before == content(workspace)
    [stage] = (workspace / ".contextworker").glob(".new-module-*")
    assert f"then remove {stage}." in called.err


def test_a_root_that_was_rearranged_is_left_alone(call: Call, workspace: Path) -> None:
    """No folder without its lists."""
    pyproject = workspace / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("mypy_path", "mypy_paths"))
    before = content(workspace)
    called = call("new-module", "inventory")

    assert 1 == called.code
    assert "has no tool.mypy.mypy_path" in called.err
    assert before == content(workspace)


def test_at_once_both_are_made(cli: Cli, tmp_path: Path) -> None:
    """Two people, or a script: no list loses a line."""
    root = copied(tmp_path / "clone")
    names = ["inventory", "price-watch", "returns"]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda name: cli("new-module", name, cwd=root), names))

    assert [0, 0, 0] == [one.returncode for one in done], [one.stderr for one in done]
    for path in LISTS:
        text = (root / path).read_text()
        assert [] == [name for name in ("invent", "price", "return") if name not in text.lower()]


def test_outside_the_workspace_the_way_is_said(call: Call, tmp_path: Path) -> None:
    """In no workspace, or in someone else's."""
    called = call("new-module", "inventory")
    assert (1, "") == (called.code, called.out)
    assert f"{tmp_path} is in no clone of ContextWorker" in called.err
    assert "add --standalone" in called.err

    (tmp_path / "pyproject.toml").write_text("[tool.uv.workspace]\nmembers = ['packages/*']\n")
    assert "is a workspace, but not ContextWorker's" in call("new-module", "inventory").err
    (tmp_path / "pyproject.toml").write_text("[tool.uv\n")
    assert "pyproject.toml cannot be read" in call("new-module", "inventory").err
    assert ["pyproject.toml"] == listed(tmp_path)


def test_a_package_of_its_own(call: Call, tmp_path: Path) -> None:
    """It depends on the core alone, within the series of the one installed here."""
    called = call("new-module", "price-watch", "--standalone")
    pyproject = tomllib.loads((tmp_path / "price-watch/pyproject.toml").read_text())

    assert (0, "") == (called.code, called.err)
    assert "price-watch is made" in called.out
    assert ["price-watch"] == listed(tmp_path)
    assert ["contextworker-core[otlp]>=0.1,<0.2"] == pyproject["project"]["dependencies"]
    ours = tomllib.loads((REPOSITORY / "towncrier.toml").read_text())
    assert ours == tomllib.loads((tmp_path / "price-watch/towncrier.toml").read_text())
    assert {"Dockerfile", ".dockerignore", ".gitignore"} < set(listed(tmp_path / "price-watch"))
    assert [] == [path for path in (tmp_path / "price-watch").rglob("*") if path.name == "deploy"]


def test_its_image_is_built_with_the_uv_that_ours_are() -> None:
    """A pinned one, raised in both places."""
    [dockerfile] = (REPOSITORY / "packages/contextworker-cli/src").rglob("*Dockerfile*.jinja")
    pinned = [
        line
        for path in (dockerfile, REPOSITORY / "deploy/Dockerfile")
        for line in path.read_text().splitlines()
        if line.startswith("ARG UV_VERSION=")
    ]

    assert 2 == len(pinned)
    assert 1 == len(set(pinned))


def test_what_its_image_copies_reaches_the_build(call: Call, tmp_path: Path) -> None:
    """Everything else stays out: `.venv` is hundreds of megabytes."""
    call("new-module", "inventory", "--standalone")
    folder = tmp_path / "inventory"
    lines = [line.split() for line in (folder / "Dockerfile").read_text().splitlines()]
    copied = [words[1:-1] for words in lines if words[:1] == ["COPY"] and "--from" not in words[1]]
    ignored = (folder / ".dockerignore").read_text().splitlines()

    assert "*" == ignored[0]
    assert {f"!{source}" for sources in copied for source in sources} == {
        line for line in ignored if line.startswith("!")
    }


def test_a_folder_with_a_space_is_quoted_in_the_next_step(call: Call, tmp_path: Path) -> None:
    """What is said can be typed as it stands."""
    (tmp_path / "my modules").mkdir()
    into = tmp_path / "my modules"
    said = call("new-module", "inventory", "--standalone", "--into", str(into)).out

    [step] = [line.partition("#")[0] for line in said.splitlines() if " cd " in line]
    assert ["cd", "my modules/inventory", "&&", "uv", "sync"] == shlex.split(step)


def test_a_package_of_its_own_needs_a_place(call: Call, workspace: Path, tmp_path: Path) -> None:
    """Not in a workspace, not where there is no folder, not over another one."""
    before = content(tmp_path)
    inside = call("new-module", "inventory", "--standalone")
    assert f"{workspace} is in the workspace {workspace}" in inside.err
    nowhere = call("new-module", "inventory", "--standalone", "--into", str(tmp_path / "no"))
    assert "There is no folder" in nowhere.err
    (tmp_path / "file").touch()
    file = call("new-module", "inventory", "--standalone", "--into", str(tmp_path / "file"))
    assert "There is no folder" in file.err
    (tmp_path / "file").unlink()
    alone = call("new-module", "inventory", "--into", str(tmp_path))
    assert (2, True) == (alone.code, "--into goes with --standalone" in alone.err)
    library = call("new-module", "pydantic", "--standalone", "--into", str(tmp_path))
    assert "there is a Python package pydantic already" in library.err
    assert before == content(tmp_path)

    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/pyproject.toml").write_text("mine")
    twice = call("new-module", "inventory", "--standalone", "--into", str(tmp_path))
    assert "exists already, and is left alone" in twice.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_place_where_nothing_can_be_written_is_said(call: Call) -> None:
    """Whatever the machine says, in a sentence."""
    called = call("new-module", "inventory", "--standalone", "--into", "/proc")

    assert 1 == called.code
    assert "error: inventory cannot be made: " in called.err


@pytest.mark.parametrize(
    "text",
    ["", "two\nlines", "x" * 91, 'a """ b', "a \\ b", 'ends with "'],
    ids=["empty", "lines", "long", "quotes", "backslash", "end"],
)
def test_a_description_that_cannot_be_is_refused(call: Call, workspace: Path, text: str) -> None:
    """It becomes a docstring, a line of TOML and the opening of a README."""
    called = call("new-module", "inventory", "--description", text)

    assert 2 == called.code
    assert "--description" in called.err


def test_help_does_not_load_the_template_engine() -> None:
    """Only making a module takes the time to load what makes it."""
    code = (
        "import sys\n"
        "from contextworker.cli.app import run_command\n"
        "try: run_command(['new-module', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'copier', 'jinja2', 'questionary', 'temporalio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
