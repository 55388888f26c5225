"""Every example runs as its docstring says, without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, folder: Path, *arguments: str) -> str:
    """What an example prints when it is run in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_annotate_folder(tmp_path: Path) -> None:
    shown = run("annotate_folder.py", tmp_path)
    assert shown.startswith("astronaut.png: 1 face(s), ")
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1


def test_couplings_in_a_plain_loop(tmp_path: Path) -> None:
    shown = run("couplings_in_a_plain_loop.py", tmp_path)
    accuracy = {name: float(value) for name, value in re.findall(r"^(.+): ([\d.]+) %", shown, re.MULTILINE)}
    assert accuracy["distribution matching"] > accuracy["no coupling"] + 5
    assert accuracy["both"] > accuracy["no coupling"] + 5
    assert accuracy["co-annotation"] < accuracy["no coupling"]


def test_train_on_own_data(tmp_path: Path) -> None:
    shown = run("train_on_own_data.py", tmp_path)
    assert "rows and pictures that cannot be used: 0" in shown
    assert shown.splitlines()[-1].startswith("astronaut.png: ")
    assert (tmp_path / "own" / "own.onnx").stat().st_size > 10_000


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_stays_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 110
