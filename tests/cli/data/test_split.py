"""``mien data split``: whole groups, and only the split that is named."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import Result

from mien.learn.data.manifest import read_manifest


def test_people_are_divided_and_the_division_is_reverted(
    mien: Callable[..., Result], refused: Callable[..., str], folder: Path
) -> None:
    result = mien("data", "split", folder, "--valid", 0.2, "--test", 0.1)
    assert result.exit_code == 0
    assert "14 train, 4 valid, 2 test" in result.output
    manifest = read_manifest(folder)
    people = [set(manifest.split(name).table["subject"].to_pylist()) for name in ("train", "valid", "test")]
    assert [len(each) for each in people] == [7, 2, 1]
    assert len(set.union(*people)) == 10
    assert mien("data", "check", folder).exit_code == 0
    refused("data", "split", folder)  # it is divided
    assert mien("data", "clean", folder, "--undo", "split").exit_code == 0
    assert len(read_manifest(folder).split("train")) == 20


def test_another_column_groups_rows(mien: Callable[..., Result], folder: Path) -> None:
    assert mien("data", "split", folder, "--group", "frame", "--valid", 0.5).exit_code == 0
    table = pq.read_table(folder / "manifest.parquet")
    frames = {(row["split"], row["frame"]) for row in table.to_pylist()}
    assert len(frames) == 2
