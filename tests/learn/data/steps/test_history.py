"""Steps are recorded, counted, and undone without a trace."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mien.learn.data.manifest import MANIFEST, ManifestError, read_manifest, read_metadata
from mien.learn.data.steps.history import Step, add_steps, read_steps, undo_steps

CLEAN, FRAMES = Step("affect_consistency"), Step("every_fifth_frame")


@pytest.fixture
def folder(tmp_path: Path, make_set: Callable[..., Path]) -> Path:
    """Two videos of ten frames, five of each person: happy faces, of which the first one's valence is negative."""
    rows = [
        {"expression": "happiness", "valence": -0.5 if n % 10 == 0 else 0.5, "video": f"v{n // 10}", "frame": n % 10}
        | {"subject": f"p{n // 5}"}
        for n in range(20)
    ]
    return make_set(tmp_path / "set", rows, np.zeros((20, 2, 2, 1), np.uint8), source="made up")


def excluded(folder: Path) -> list[str | None]:
    table = pq.read_table(folder / MANIFEST)
    return list(table["excluded"].to_pylist()) if "excluded" in table.column_names else [None] * len(table)


def test_the_first_step_that_excludes_a_row_names_it(folder: Path) -> None:
    done = add_steps(folder, [CLEAN, FRAMES])
    assert [(step.name, step.rows) for step in done] == [("affect_consistency", 2), ("every_fifth_frame", 14)]
    # frame 0 is excluded, so frame 1 is the first frame of the first person
    video = ["affect_consistency", None, *["every_fifth_frame"] * 3, None, *["every_fifth_frame"] * 4]
    assert excluded(folder) == video * 2
    assert len(read_manifest(folder)) == 4
    assert read_steps(read_metadata(folder)[2]) == done
    assert done[0].reasons["happiness without positive valence"] == 2


def test_undo_restores_the_manifest(folder: Path, tmp_path: Path) -> None:
    before = read_metadata(folder)[2]["checksum"], pq.read_table(folder / MANIFEST)
    add_steps(folder, [CLEAN])
    add_steps(folder, [FRAMES])
    (left,) = undo_steps(folder, ["affect_consistency"])
    assert (left.name, left.rows) == ("every_fifth_frame", 16)
    assert excluded(folder) == [None, *["every_fifth_frame"] * 4] * 4
    assert undo_steps(folder, ["every_fifth_frame"]) == ()
    assert read_metadata(folder)[2]["checksum"] == before[0]
    assert pq.read_table(folder / MANIFEST).select(before[1].column_names).to_pylist() == before[1].to_pylist()
    assert "excluded" not in pq.read_schema(folder / MANIFEST).names


def test_a_split_is_a_step_too(folder: Path) -> None:
    (step,) = add_steps(folder, [Step("split", {"by": "subject", "valid": 0.25, "seed": 0})])
    assert step.reasons == {"train": 15, "valid": 5}
    assert step.rows == 0
    assert len(read_manifest(folder).split("valid")) == 5
    add_steps(folder, [Step("rows", {"count": 3, "seed": 0, "split": "valid"})])
    assert len(read_manifest(folder).split("valid")) == 3
    with pytest.raises(ManifestError, match="no rows of split 'valid'"):
        undo_steps(folder, ["split"])  # the sample was drawn from this split
    undo_steps(folder, ["rows", "split"])
    assert set(read_manifest(folder).table["split"].to_pylist()) == {"train"}
    assert "split_given" not in pq.read_schema(folder / MANIFEST).names


def test_a_refused_step_changes_nothing(folder: Path) -> None:
    add_steps(folder, [CLEAN])
    before = (folder / MANIFEST).read_bytes()
    for change, message in [
        (lambda: add_steps(folder, [CLEAN]), "affect_consistency was already applied; `mien data clean --undo"),
        (lambda: undo_steps(folder, ["split"]), r"has no step split to undo \(steps: affect_consistency\)"),
        (lambda: add_steps(folder, [Step("per_class", {"task": "sign", "count": 1, "seed": 0})]), "has no column sign"),
        (lambda: add_steps(folder, [Step("rows", {"count": 0, "seed": 0})]), "rows would exclude every row"),
    ]:
        with pytest.raises(ManifestError, match=message):
            change()
    assert (folder / MANIFEST).read_bytes() == before
