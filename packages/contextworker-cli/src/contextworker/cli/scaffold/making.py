"""Makes a module: a member of the workspace, or a package of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from contextworker.cli.errors import ScaffoldError
from contextworker.cli.scaffold.lists import with_item, with_setting
from contextworker.cli.scaffold.membership import with_member
from contextworker.cli.scaffold.names import ModuleName
from contextworker.cli.scaffold.placing import place, recover, staging
from contextworker.cli.scaffold.rendering import render
from contextworker.cli.scaffold.taken import refuse_taken
from contextworker.cli.scaffold.workspace import Workspace, our_workspace

_LOCK_WAIT_S = 60
_COMPOSE = Path("deploy/compose.yaml")
_COMPOSE_SETTINGS = Path("deploy/.env.example")
_KUSTOMIZATIONS = (
    Path("deploy/kubernetes/kustomization.yaml"),
    Path("deploy/kubernetes/controller/kustomization.yaml"),
)


def make_member(folder: Path, name: ModuleName, description: str) -> Path:
    """Add a module to the workspace that a folder is in; returns the module's folder.

    Raises:
        ScaffoldError: There is no workspace, the name is taken, or a list to add it to is missing.
    """
    workspace = our_workspace(folder)
    state = workspace.root / ".contextworker"
    state.mkdir(exist_ok=True)
    with _alone(state):
        recover(state)
        refuse_taken(name, workspace=workspace)
        with staging(state) as stage:
            render(stage / "new", name, standalone=False, description=description)
            place(stage, stage / "new", workspace.root, _changed(workspace, name))
    return workspace.root / "packages" / name.package


def make_standalone(parent: Path, name: ModuleName, description: str) -> Path:
    """Make a module as a package of its own in a folder; returns the package's folder.

    Raises:
        ScaffoldError: The folder does not exist or is in a workspace, or the name is taken.
    """
    if not parent.is_dir():
        raise ScaffoldError(f"There is no folder {parent} to make {name.dashed} in.")
    workspace = Workspace.around(parent)
    if workspace is not None:
        raise ScaffoldError(
            f"{parent} is in the workspace {workspace.root}: a package of its own goes elsewhere. "
            "Name another folder with --into."
        )
    refuse_taken(name, workspace=None)
    with staging(parent) as stage:
        render(stage / "new", name, standalone=True, description=description)
        place(stage, stage / "new", parent, {})
    return parent / name.dashed


def _changed(workspace: Workspace, name: ModuleName) -> dict[Path, bytes]:
    """Return the new content of every file in which members are listed."""
    root = workspace.root
    pyproject = root / "pyproject.toml"
    changed = {pyproject: with_member(_text(pyproject), name)}
    if (compose := root / _COMPOSE).exists():
        item = f"compose/{name.package}.yaml"
        changed[compose] = with_item(compose, _text(compose), "include", item)
    if (settings := root / _COMPOSE_SETTINGS).exists():
        version = f"# {name.package.upper()}_VERSION=0.1.0"
        changed[settings] = with_setting(_text(settings), version)
    for path in _KUSTOMIZATIONS:
        if (everything := root / path).exists():
            changed[everything] = with_item(
                everything, _text(everything), "resources", name.package
            )
    return {path: text.encode() for path, text in changed.items()}


def _text(path: Path) -> str:
    return path.read_bytes().decode()  # with its line ends as they are


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second `new-module` from editing the same lists at once."""
    try:
        with FileLock(folder / "new-module.lock").acquire(timeout=_LOCK_WAIT_S):
            yield
    except Timeout:
        raise ScaffoldError(
            "Another `contextworker new-module` is at work in this workspace; try again when it "
            "has ended."
        ) from None
