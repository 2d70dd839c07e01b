"""Everything that can be known, or be wrong, before the first process starts."""

import os
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from contextworker.cli.errors import StackError
from contextworker.cli.settings import CliSettings
from contextworker.cli.stack.binary import TemporalBinary, find_temporal
from contextworker.cli.stack.codec import PORT, CodecPorts, is_encrypting
from contextworker.cli.stack.plan import Plan, Ports, make_plan
from contextworker.cli.stack.ports import PortWish, choose_ports
from contextworker.core.registry import ENTRY_POINT_GROUP

EXAMPLES = Path("examples") / "suppliers"


def prepare(
    root: Path,
    settings: CliSettings,
    *,
    gateway: PortWish,
    temporal: PortWish,
    ui: PortWish,
    throwaway: bool = False,
) -> Plan:
    """Return the plan of a stack under `root`; see `make_plan` for `throwaway`.

    Raises:
        StackError: Temporal, the suppliers, the modules or a port are not to be had.
    """
    server = find_temporal(os.environ)
    suppliers = find_suppliers(settings.suppliers_dir, Path.cwd())
    modules = module_names()
    if not isinstance(server, TemporalBinary):  # its ports are not ours to choose
        temporal, ui = temporal._replace(fixed=None), ui._replace(fixed=None)
    wishes = [PortWish(f"the health of {name}", "") for name in modules]
    if is_encrypting(os.environ):
        wishes += [
            PortWish("the codec server", "", preferred=None if throwaway else PORT),
            PortWish("the health of the codec server", ""),
        ]
    ports = choose_ports(gateway, temporal, ui, *wishes)
    workers, codec = ports[3 : 3 + len(modules)], ports[3 + len(modules) :]
    return make_plan(
        root,
        temporal=server,
        ports=Ports(
            gateway=ports[0],
            temporal=ports[1],
            ui=ports[2],
            workers=workers,
            codec=CodecPorts(*codec) if codec else None,
        ),
        modules=modules,
        suppliers_dir=suppliers,
        environ=os.environ,
        grace_s=settings.shutdown_grace_s,
        throwaway=throwaway,
    )


def module_names() -> Sequence[str]:
    """Return the names of the installed modules, without importing them.

    Raises:
        StackError: There is none.
    """
    names = sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)})
    if not names:
        raise StackError(
            "No module is installed, so there would be nothing to run.",
            ["Install one, such as:  pip install contextworker-harvest contextworker-gardener"],
        )
    return names


def find_suppliers(setting: Path | None, here: Path) -> Path:
    """Return the folder of supplier files, absolute.

    Raises:
        StackError: The setting names no folder, or no example is in `here` or above it.
    """
    if setting is not None:
        if not setting.is_dir():
            raise StackError(f"CONTEXTWORKER_SUPPLIERS_DIR names no folder: {setting}")
        return setting.resolve()
    for folder in [here, *here.parents]:
        if (folder / EXAMPLES).is_dir():
            return (folder / EXAMPLES).resolve()
    raise StackError(
        f"There are no suppliers: no {EXAMPLES} in {here} or above it.",
        [
            "Run this in a clone of the repository,",
            "or name your own folder of supplier files:  CONTEXTWORKER_SUPPLIERS_DIR=/path",
        ],
    )
