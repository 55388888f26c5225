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
    """Run an example in an empty folder and return its output."""
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
    output = run("annotate_folder.py", tmp_path)
    assert re.match(
        r"astronaut\.png: 1 face\(s\), happiness [01]\.\d\d, valence \+0\.\d\d, arousal \+0\.\d\d\n", output
    )
    assert output.endswith("faces.parquet: 1 rows\n")
    assert pq.read_table(tmp_path / "faces.parquet").num_rows == 1


def test_couplings_in_a_plain_loop(tmp_path: Path) -> None:
    output = run("couplings_in_a_plain_loop.py", tmp_path)
    accuracy = {name: float(value) for name, value in re.findall(r"^(.+): ([\d.]+) %", output, re.MULTILINE)}
    assert accuracy["distribution matching"] > accuracy["no coupling"] + 5
    assert accuracy["both"] > accuracy["no coupling"] + 5
    assert accuracy["co-annotation"] < accuracy["no coupling"]


def test_train_on_own_data(tmp_path: Path) -> None:
    output = run("train_on_own_data.py", tmp_path)
    assert "unusable rows: 0\n" in output
    assert re.findall(r"^epoch (\d) done$", output, re.MULTILINE) == ["1", "2"]
    difference = re.search(r"own\.onnx: outputs differ .* by at most (\S+)$", output, re.MULTILINE)
    assert difference is not None
    assert float(difference[1]) < 1e-3
    assert re.match(r"astronaut\.png: \w+, valence [+-]\d\.\d\d$", output.splitlines()[-1])
    assert (tmp_path / "own" / "own.onnx").stat().st_size > 10_000


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_stay_short_and_say_how_to_run_them(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 110
    assert f"\n    python examples/{path.name}" in text.split('"""')[1]
