"""Manifests are written in row groups and rewritten without loss."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien import __version__
from mien.learn.data.manifest import write as writing
from mien.learn.data.manifest.columns import MANIFEST, PACK, ManifestError
from mien.learn.data.manifest.write import rewrite, write_manifest
from mien.tasks import FACE, Kind, Task


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP", 4)


def metadata_of(path: Path) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"mien"])
    return metadata


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        row = {"path": f"{number}.jpg", "split": "train", "valence": number / 20, "note": number}
        yield row | ({"expression": "fear"} if number == 9 else {}) | ({"note": 0.5} if number == 5 else {})


@pytest.mark.usefixtures("small_groups")
def test_late_columns_and_widened_numbers(tmp_path: Path) -> None:
    assert write_manifest(tmp_path / MANIFEST, rows(10), FACE, {"source": "made up"}) == 10
    table = pq.read_table(tmp_path / MANIFEST)
    assert pq.read_metadata(tmp_path / MANIFEST).num_row_groups == 3
    assert table.column_names == ["path", "split", "valence", "note", "expression"]
    assert table["expression"].to_pylist() == [None] * 9 + ["fear"]
    assert table["note"].to_pylist() == [0, 1, 2, 3, 4, 0.5, 6, 7, 8, 9]
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]
    assert metadata_of(tmp_path / MANIFEST)["mien"] == __version__


@pytest.mark.usefixtures("small_groups")
def test_the_checksum_does_not_depend_on_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(tmp_path / "four", rows(10), FACE, {})
    monkeypatch.setattr(writing, "GROUP", 7)
    write_manifest(tmp_path / "seven", rows(10), FACE, {})
    write_manifest(tmp_path / "fewer", rows(9), FACE, {})
    four, seven, fewer = (metadata_of(tmp_path / name)["checksum"]["labels"] for name in ("four", "seven", "fewer"))
    assert four == seven != fewer


@pytest.mark.usefixtures("small_groups")
def test_rows_that_break_a_rule_are_reported_and_the_others_written(tmp_path: Path) -> None:
    wrong = {
        3: {"valence": 2.0},
        5: {"valence": "high"},
        6: {"expression": "joy", "frame": -1},
        8: {"frame": 1.5},
        9: {"path": None},
    }
    problems: list[str] = []
    given = ({**row, **wrong.get(number, {})} for number, row in enumerate(rows(10)))
    assert write_manifest(tmp_path / MANIFEST, given, FACE, {}, problems.append) == 5
    assert [Path(path).stem for path in pq.read_table(tmp_path / MANIFEST)["path"].to_pylist()] == list("01247")
    assert [line.partition(": row ")[2] or line for line in problems] == [
        "3.jpg: valence 2.0 is outside [-1, 1]",
        "5: valence 'high' is not a number; the first: 5.jpg",
        f"6.jpg: expression 'joy' is not one of {', '.join(FACE[0].labels)}",
        "8: frame 1.5 is not an integer; the first: 8.jpg",
        "9: has no path",
    ]


@pytest.mark.usefixtures("small_groups")
def test_without_report_a_wrong_row_is_refused_by_its_number_in_the_file(tmp_path: Path) -> None:
    given = ({**row, "valence": 2.0} if row["path"] == "6.jpg" else row for row in rows(9))
    with pytest.raises(
        ManifestError, match=r"row 6: valence 2\.0 is outside \[-1, 1\] \(1 such rows\); the first: 6.jpg"
    ):
        write_manifest(tmp_path / MANIFEST, given, FACE, {})
    assert not list(tmp_path.iterdir())


def test_mixed_columns_and_contradictory_label_spaces_are_refused(tmp_path: Path) -> None:
    mixed = [{"path": "a", "note": 1}, {"path": "b", "note": "one"}]
    with pytest.raises(ManifestError, match="column note mixes types"):
        write_manifest(tmp_path / MANIFEST, mixed, FACE, {})
    twice = (Task("a", Kind.ATTRIBUTES, ("x1", "split"), ("", "")),)
    with pytest.raises(ManifestError, match="split is also the name of another column"):
        write_manifest(tmp_path / MANIFEST, [], twice, {})


def test_numeric_subjects_become_text_and_booleans_become_numbers(tmp_path: Path) -> None:
    write_manifest(tmp_path / MANIFEST, [{"path": "a", "subject": 7, "AU12": True, "AU01": np.int64(0)}], FACE, {})
    assert pq.read_table(tmp_path / MANIFEST).to_pylist() == [{"path": "a", "subject": "7", "AU12": 1.0, "AU01": 0.0}]


@pytest.mark.usefixtures("small_groups")
def test_rewriting_replaces_columns_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    write_manifest(path, rows(10), FACE, {"source": "made up"})
    before, metadata = pq.read_table(path), metadata_of(path)
    marks = pa.array([None] * 9 + ["rule"])
    rewrite(path, {"excluded": marks, "note": None}, metadata | {"steps": []}, FACE)
    after = pq.read_table(path)
    assert after["excluded"].to_pylist() == marks.to_pylist()
    assert "note" not in after.column_names
    assert after["valence"].to_pylist() == before["valence"].to_pylist()
    assert metadata_of(path)["source"] == "made up"
    assert metadata_of(path)["checksum"] != metadata["checksum"]
    rewrite(path, {"excluded": pa.nulls(10, pa.string())}, metadata, FACE)
    assert "excluded" not in pq.read_schema(path).names
    assert metadata_of(path)["checksum"] == metadata["checksum"]


def test_the_pack_has_a_checksum_once_rows_have_crops(tmp_path: Path) -> None:
    np.save(tmp_path / PACK, np.zeros((2, 4, 4, 1), np.uint8))
    write_manifest(tmp_path / MANIFEST, [{"path": "a", "crop": 0}], FACE, {})
    first = metadata_of(tmp_path / MANIFEST)["checksum"]["pack"]
    np.save(tmp_path / PACK, np.ones((2, 4, 4, 1), np.uint8))
    write_manifest(tmp_path / MANIFEST, [{"path": "a", "crop": 0}], FACE, {})
    assert metadata_of(tmp_path / MANIFEST)["checksum"]["pack"] != first
    write_manifest(tmp_path / MANIFEST, [{"path": "a"}], FACE, {})
    assert "pack" not in metadata_of(tmp_path / MANIFEST)["checksum"]


def test_a_label_may_be_called_width(tmp_path: Path) -> None:
    space = (Task("traits", Kind.ATTRIBUTES, ("x", "width"), ("", "")),)
    assert write_manifest(tmp_path / MANIFEST, [{"path": "a", "x": 0, "width": 0}], space, {}) == 1
