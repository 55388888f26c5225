"""The commands that look at manifests and change them: what they print, and with what status they end."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from mien.cli.manifest import data
from typer.testing import CliRunner

from mien.learn.data.manifest.manifest import read_manifest


def mien(*words: object) -> tuple[int, str]:
    app = typer.Typer()
    app.add_typer(data, name="data")
    result = CliRunner().invoke(app, ["data", *(str(word) for word in words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path, make_set: Callable[..., Path]) -> Path:
    """Ten people with two frames each; the first one's valence contradicts the expression."""
    rows = [
        {"expression": "happiness" if n % 2 else "sadness", "valence": -0.5 if n < 2 else 0.5 if n % 2 else -0.5}
        | {"subject": f"p{n // 2}", "video": f"v{n // 2}", "frame": n % 2, "AU12": n % 2}
        for n in range(20)
    ]
    crops = np.arange(20, dtype=np.uint8)[:, None, None, None] + np.zeros((20, 2, 2, 1), np.uint8)
    return make_set(tmp_path / "set", rows, crops)


def test_check(folder: Path, tmp_path: Path) -> None:
    assert mien("check", folder, "--pictures") == (0, f"{folder}: 20 rows, no fault found\n")
    status, output = mien("check", folder, "--files")
    assert status == 1
    assert "0.png: no such file (20 such pictures)" in output
    status, output = mien("check", tmp_path)
    assert status == 2
    assert output.count("\n") == 1


def test_stats(folder: Path, tmp_path: Path) -> None:
    status, output = mien("stats", folder, "--plot", tmp_path / "plot.png")
    assert status == 0
    lines = output.splitlines()
    assert lines[:3] == [f"20 pictures in {folder}: 20 train", "10 subjects", "10 videos"]
    assert "expression\thappiness\t20\t10" in lines
    assert "affect\tvalence\t20\t" in lines
    assert "expression\t20\t20\t20" in lines
    assert (
        "action_units, there/known, by expression\tneutral\thappiness\tsadness\tfear\tanger\tsurprise\tdisgust" in lines
    )
    assert "AU12\t0/0\t10/10\t0/10\t0/0\t0/0\t0/0\t0/0" in lines
    assert (tmp_path / "plot.png").stat().st_size > 1000
    assert mien("stats", folder, "--plot", tmp_path / "plot.xyz")[0] == 2


def test_clean_and_take_back(folder: Path) -> None:
    assert mien("clean", folder) == (0, "no step was done\n")
    status, output = mien("clean", folder, "--rule", "affect_consistency", "--rule", "every_fifth_frame")
    assert status == 0
    assert "affect_consistency: 1 rows are left out\n" in output
    assert "  1 happiness without positive valence\n" in output
    assert "every_fifth_frame: 9 rows are left out\n" in output
    assert len(read_manifest(folder)) == 10
    assert "9 more rows are excluded by every_fifth_frame" in mien("stats", folder)[1]
    assert mien("clean", folder, "--undo", "every_fifth_frame")[0] == 0
    assert len(read_manifest(folder)) == 19
    assert mien("clean", folder, "--rule", "affect")[0] == 2
    assert "did you mean affect_consistency?" in mien("clean", folder, "--rule", "affect_consistent")[1]


def test_split_and_sample(folder: Path) -> None:
    status, output = mien("split", folder, "--valid", 0.2, "--test", 0.1)
    assert status == 0
    assert "14 train, 4 valid, 2 test" in output
    assert mien("check", folder)[0] == 0
    status, output = mien("sample", folder, "--per-class", 3, "--only-split", "train")
    assert status == 0
    assert "per_class (task expression, count 3, seed 0, split train): 8 rows are left out" in output
    assert len(read_manifest(folder).split("train")) == 6
    assert mien("sample", folder) == (2, "mien: mien data sample needs --every, --rows or --per-class\n")
    assert mien("split", folder)[0] == 2  # it was done already


def test_merge(folder: Path, tmp_path: Path, make_set: Callable[..., Path]) -> None:
    other = make_set(tmp_path / "other", [{"AU01": 1}], np.zeros((1, 2, 2, 1), np.uint8))
    assert mien("merge", folder, other, tmp_path / "out") == (0, f"21 rows in {tmp_path / 'out'}\n")
    assert len(read_manifest(tmp_path / "out")) == 21
    assert mien("merge", folder, tmp_path / "out")[0] == 2
