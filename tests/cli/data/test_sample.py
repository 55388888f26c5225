"""``mien data sample``: how many rows it keeps, and of which split."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from mien.learn.data.manifest import read_manifest


def test_rows_of_one_split_are_sampled(mien: Callable[..., Result], refused: Callable[..., str], folder: Path) -> None:
    assert mien("data", "split", folder, "--valid", 0.2, "--test", 0.1).exit_code == 0
    result = mien("data", "sample", folder, "--per-class", 3, "--only-split", "train")
    assert result.exit_code == 0
    assert "per_class (task expression, count 3, seed 0, split train): 8 rows excluded" in result.output
    assert [len(read_manifest(folder).split(name)) for name in ("train", "valid", "test")] == [6, 4, 2]
    every = ("data", "sample", folder, "--every", 2, "--only-split", "train")
    assert refused(*every) == "--only-split: not with --every, which samples all videos"
    assert refused("data", "sample", folder) == "mien data sample needs --every, --rows or --per-class"


def test_every_and_rows(mien: Callable[..., Result], folder: Path) -> None:
    assert "10 rows excluded" in mien("data", "sample", folder, "--every", 2).output
    assert set(read_manifest(folder).table["frame"].to_pylist()) == {0}
    assert mien("data", "sample", folder, "--rows", 4).exit_code == 0
    assert len(read_manifest(folder)) == 4
