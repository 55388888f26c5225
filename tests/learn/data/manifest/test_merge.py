"""Merged manifests keep labels, pictures and people together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import MANIFEST, ManifestError, read_manifest, read_metadata
from mien.learn.data.manifest import merge as merging
from mien.learn.data.manifest.check import check_manifest
from mien.learn.data.manifest.merge import merge
from mien.learn.data.manifest.write import write_manifest
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task

Write = Callable[..., Path]
CROPS = np.arange(10, dtype=np.uint8)[:, None, None, None] + np.zeros((10, 4, 4, 1), np.uint8)


def test_rows_and_pictures_of_both(tmp_path: Path, make_set: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "CHUNK", 2)
    first = [{"valence": n / 10, "subject": "1", "crop": 4 - n, "dataset": "aff"} for n in range(5)]
    second = [
        {"path": f"b{n}.png", "AU01": 1.0, "subject": "1", "video": "v", "excluded": "rule" if n == 1 else None}
        for n in range(3)
    ]
    one = make_set(tmp_path / "one", first, CROPS, (AFFECT,), source="first", weak={"affect": "guessed"})
    two = make_set(tmp_path / "two", second, CROPS[5:], (ACTION_UNITS, EXPRESSION), source="second")
    assert merge([one, two], tmp_path / "out") == 7
    found = read_manifest(tmp_path / "out")
    assert [task.name for task in found.tasks] == ["affect", "action_units", "expression"]
    assert found.images(np.arange(7))[:, 0, 0, 0].tolist() == [4, 3, 2, 1, 0, 5, 7]
    assert found.column(AFFECT)[:5, 0].tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert found.column(ACTION_UNITS)[5:, 0].tolist() == [1, 1]
    assert found.table["dataset"].to_pylist() == ["aff"] * 5 + ["two"] * 2
    assert found.table["subject"].to_pylist() == ["aff:1"] * 5 + ["two:1"] * 2
    assert found.table["video"].to_pylist() == [None] * 5 + ["two:v"] * 2
    assert found.metadata["source"] == "first; second"
    assert found.metadata["weak"] == {"affect": "guessed"}
    assert len(found.crops) == 7
    assert list(check_manifest(tmp_path / "out")) == []
    merge([tmp_path / "out", make_set(tmp_path / "three", [{"subject": "1"}], CROPS)], tmp_path / "all")
    names = read_manifest(tmp_path / "all").table["subject"].to_pylist()
    assert names == ["aff:1"] * 5 + ["two:1"] * 2 + ["three:1"]


def test_manifests_without_packs(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
        write_manifest(tmp_path / name / MANIFEST, [{"path": "a.png", "split": "all", "valence": 0.5}], FACE, {})
    assert merge([tmp_path / "one", tmp_path / "two" / MANIFEST], tmp_path / "out") == 2
    assert list(check_manifest(tmp_path / "out")) == []  # the two paths differ
    assert read_metadata(tmp_path / "out")[1] == FACE


def test_contradictions_are_refused(tmp_path: Path, make_set: Write) -> None:
    def made(name: str, rows: list[dict[str, Any]], tasks: tuple[Task, ...] = FACE, crops: np.ndarray = CROPS) -> Path:
        return make_set(tmp_path / name, rows, crops, tasks)

    faces = made("faces", [{"valence": 0.5, "note": 1}])
    (tmp_path / "bare").mkdir()
    write_manifest(tmp_path / "bare" / MANIFEST, [{"path": "a", "split": "all"}], FACE, {})
    for other, message in [
        (
            made("labels", [{}], (Task("expression", Kind.CLASSES, ("sad", "glad"), ("", "")),)),
            "task expression differs from that of",
        ),
        (
            made("twice", [{}], (Task("mood", Kind.CLASSES, ("fear", "none"), ("", "")),)),
            "fear is also the name of",
        ),
        (
            made("size", [{}], crops=np.zeros((1, 5, 5, 1), np.uint8)),
            r"inputs of shape \(5, 5, 1\), but \(4, 4, 1\) in ",
        ),
        (made("kind", [{"note": "one"}]), "columns with the same name have different types"),
        (tmp_path / "bare", "bare/manifest.parquet: has no pack, unlike the others"),
        (made("excluded", [{"excluded": "rule"}]), "has no rows to merge"),
    ]:
        with pytest.raises(ManifestError, match=message):
            merge([faces, other], tmp_path / "out")
        assert not (tmp_path / "out").exists()
    with pytest.raises(ManifestError, match="holds one of the manifests"):
        merge([faces, made("more", [{}])], faces)
    with pytest.raises(ManifestError, match="holds another data set"):
        merge([faces, made("again", [{}])], tmp_path / "size")
