"""Fills the template in: copier's part."""

from importlib.resources import as_file, files
from pathlib import Path

from contextworker.cli.scaffold.names import ModuleName
from contextworker.cli.scaffold.requirements import as_the_core, core_requirement


def render(folder: Path, name: ModuleName, *, standalone: bool, description: str) -> None:
    """Write a new module into an empty folder: of the workspace, or a package of its own."""
    import copier  # noqa: PLC0415 - takes a third of a second; only this command needs it

    with as_file(files("contextworker.cli") / "templates" / "module") as template:
        copier.run_copy(
            str(template),
            folder,
            data={
                "package": name.package,
                "standalone": standalone,
                "description": description,
                "core": core_requirement(),
                "pydantic": as_the_core("pydantic"),
                "temporalio": as_the_core("temporalio"),
            },
            defaults=True,
            quiet=True,
        )
