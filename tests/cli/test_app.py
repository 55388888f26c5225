"""The application: its version, its start, and how ``python -m mien`` runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import mien as package

HEAVY = {"torch", "numpy", "onnxruntime", "pyarrow", "PIL", "pandas", "yaml", "av", "sklearn", "scipy"}


def process(*command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1]), "PYTHONWARNINGS": "error"}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment, check=False)


def test_version(mien: Callable[..., Result]) -> None:
    assert mien("--version").stdout == f"mien {package.__version__}\n"


@pytest.mark.parametrize("module", ["mien.cli", "mien.cli.app", "mien.__main__"])
def test_heavy_packages_are_not_imported_at_the_start(module: str) -> None:
    done = process("-c", f"import sys, {module}; print(*sorted({HEAVY} & set(sys.modules)), file=sys.stderr)")
    assert (done.stdout, done.stderr) == ("", "\n")


def test_the_package_runs(tmp_path: Path) -> None:
    done = process("-m", "mien", "train")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "mien: missing argument: expected RECIPE; see 'mien train --help'\n",
    )
