"""What `.ci/smoke.py` lets through, on wheels made here."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

SMOKE = Path(__file__).parents[2] / ".ci" / "smoke.py"
WAITS = "print('Waiting.', flush=True)\n    time.sleep(99)"


def _wheel(folder: Path, *, does: str, typed: bool = True, module: str = "shop") -> Path:
    """Make a wheel whose executable `shop` does something, and which announces a module."""
    about = "shop-1.0.dist-info"
    files = {
        "shop/__init__.py": "import time\n\nclass module:\n    name = 'shop'\n\n"
        f"def main():\n    {does}\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\nshop = shop:main\n"
        f"[contextworker.modules]\n{module} = shop:module\n",
    }
    if typed:
        files["shop/py.typed"] = ""
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    path = folder / "shop-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _smoke(*wheels: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, SMOKE, *wheels, "--offline"], capture_output=True, text=True, check=False
    )


def test_a_wheel_that_starts_and_ends_passes(tmp_path: Path) -> None:
    """A worker waits for Temporal until it is told to end."""
    done = _smoke(_wheel(tmp_path, does=WAITS))
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    ("wheel", "says"),
    [
        ({"does": "print('No.'); raise SystemExit(3)"}, "shop ended with 3:\nNo."),
        ({"does": "import nothing"}, "No module named 'nothing'"),
        ({"does": WAITS, "typed": False}, "shop has no package with types"),
        ({"does": WAITS, "module": "stock"}, "stock announces shop"),
    ],
    ids=["fails", "imports", "untyped", "misnamed"],
)
def test_a_broken_wheel_is_told_by_its_fault(
    wheel: dict[str, object], says: str, tmp_path: Path
) -> None:
    """It must not be published."""
    done = _smoke(_wheel(tmp_path, **wheel))  # type: ignore[arg-type]
    assert 1 == done.returncode
    assert says in done.stderr


def test_a_compiled_part_that_does_not_load_is_told(tmp_path: Path) -> None:
    """The package that has it may do without it, and would only be slow."""
    wheel = _wheel(tmp_path, does=WAITS)
    with ZipFile(wheel, "a") as archive:
        archive.writestr("shop/_fast.abi3.so", "no library")
    done = _smoke(wheel)
    assert 1 == done.returncode
    assert "_fast.abi3.so" in done.stderr


def test_a_wheel_of_another_machine_is_not_tried(tmp_path: Path) -> None:
    """It is tried on its own; where none fits, nothing was."""
    fits = _wheel(tmp_path, does=WAITS)
    foreign = tmp_path / "shop-1.0-cp311-abi3-win_arm64.whl"

    assert f"# {fits.name}" == _smoke(foreign, fits).stdout.splitlines()[0]
    done = _smoke(foreign)
    assert 1 == done.returncode
    assert "none of these wheels fits this machine" in done.stderr
