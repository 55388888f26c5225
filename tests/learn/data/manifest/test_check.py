"""Every kind of error is found and named with its row; a correct manifest has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.learn.data.manifest import MANIFEST, PACK, ManifestError
from mien.learn.data.manifest import write as writing
from mien.learn.data.manifest.check import check_manifest
from mien.tasks import FACE

Write = Callable[..., Path]
BOX = {"x": 1.0, "y": 2.0, "width": 30.0, "height": 40.0}
CROPS = np.arange(8, dtype=np.uint8)[:, None, None, None] + np.zeros((8, 4, 4, 1), np.uint8)


def sound(count: int = 8) -> list[dict[str, Any]]:
    """People a and b are in train, c and d in valid; their videos have the same name."""
    return [
        {
            "path": f"{n}.png",
            "split": "train" if n < 4 else "valid",
            "subject": "aabbccdd"[n],
            "video": "T1",
            "frame": n,
        }
        | {"expression": "fear", "valence": 0.1, "AU01": 1.0, **BOX, "landmarks": [1.0] * 10}
        for n in range(count)
    ]


def found(folder: Path, **options: bool) -> list[str]:
    return [line.removeprefix(f"{folder / MANIFEST}: ") for line in check_manifest(folder, **options)]


def edited(folder: Path, **columns: Any) -> Path:
    """The manifest with columns replaced by another program that keeps the metadata."""
    table = pq.read_table(folder / MANIFEST)
    for name, values in columns.items():
        new = pa.array(values)
        place = table.column_names.index(name) if name in table.column_names else len(table.column_names)
        table = table.set_column(place, name, new) if name in table.column_names else table.append_column(name, new)
    pq.write_table(table, folder / MANIFEST)
    return folder


@pytest.fixture
def folder(tmp_path: Path, make_set: Write) -> Path:
    return make_set(tmp_path / "set", sound(), CROPS)


def test_a_correct_manifest_has_no_errors(folder: Path) -> None:
    assert found(folder, pictures=True) == []


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("valence", 5, 1.5, "row 5: valence 1.5 is outside [-1, 1] (1 such rows); the first: 5.png"),
        ("valence", 2, float("nan"), "row 2: valence nan is outside [-1, 1]"),
        ("expression", 7, "joy", "row 7: expression 'joy' is not one of neutral"),
        ("x", 3, -31.0, "row 3: x -31.0 and width put the box outside the picture"),
        ("width", 3, 0.0, "row 3: width 0.0 is not positive"),
        ("height", 1, float("inf"), "row 1: height inf is not a finite number"),
        ("frame", 6, -1, "row 6: frame -1 is negative"),
        ("landmarks", 4, [1.0] * 136, "are not 10 numbers (1 such rows)"),
        ("split", 4, "vaild", "row 4: split 'vaild' is not one of train, valid, test, all (1 such rows)"),
        ("split", 4, "train", "row 4: subject 'c' is in the splits train and valid (1 such subjects)"),
        ("subject", 4, "a", "row 0: subject 'a' is in the splits train and valid"),
        ("crop", 5, 8, "row 5: crop 8 is not in the pack (0 to 7)"),
        ("crop", 5, 2, "row 5: has the same crop 2 as row 2 (1 such rows)"),
    ],
)
def test_every_error_has_its_line(column: str, row: int, value: Any, message: str, folder: Path) -> None:
    values = pq.read_table(folder / MANIFEST)[column].to_pylist()
    values[row] = value
    lines = found(edited(folder, **{column: values}))
    assert any(message in line for line in lines), lines
    if column not in ("x", "width", "height", "frame", "landmarks", "subject"):
        assert any("the labels were changed by another program (checksum)" in line for line in lines), lines


def test_an_error_is_counted_over_all_row_groups(
    tmp_path: Path, make_set: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "GROUP", 3)
    folder = make_set(tmp_path / "set", sound(), CROPS)
    metadata = pq.read_schema(folder / MANIFEST).metadata
    table = pq.read_table(folder / MANIFEST)
    wrong = pa.array([0.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0, 4.0])
    table = table.set_column(table.column_names.index("valence"), "valence", wrong)
    pq.write_table(table.replace_schema_metadata(metadata), folder / MANIFEST, row_group_size=3)
    line = next(line for line in found(folder) if "outside" in line)
    assert line == "row 2: valence 2.0 is outside [-1, 1] (3 such rows); the first: 2.png"


def test_a_duplicate_row(tmp_path: Path, make_set: Write) -> None:
    rows = sound()
    rows[3] |= {"path": "1.png", "frame": 1}
    rows[6] |= {"path": "5.png"}  # another frame
    assert found(make_set(tmp_path / "set", rows, CROPS)) == [
        "row 3: has the same path, frame, x, y, width, height as row 1 (1 such rows); the first: 1.png"
    ]


def test_a_video_in_two_splits(tmp_path: Path, make_set: Write) -> None:
    rows = [{**row, "subject": None} for row in sound()]
    (line,) = found(make_set(tmp_path / "set", rows, CROPS))
    assert line == "row 0: video 'T1' is in the splits train and valid (1 such videos)"


def test_a_changed_and_a_missing_pack(folder: Path) -> None:
    np.save(folder / PACK, CROPS[::-1])
    (line,) = check_manifest(folder)
    assert line == f"{folder / PACK}: not the pack that belongs to the manifest (checksum)"
    (folder / PACK).unlink()
    (line,) = check_manifest(folder)
    assert "crops.npy: the pack cannot be read" in line


def test_one_picture_in_two_splits(tmp_path: Path, make_set: Write) -> None:
    crops = CROPS.copy()
    crops[6], crops[1] = crops[2], crops[0]  # 0 and 1 are in one split
    folder = make_set(tmp_path / "set", sound(), crops)
    assert found(folder) == []
    (line,) = found(folder, pictures=True)
    assert line == "row 2 (2.png, train) and row 6 (6.png, valid) are the same picture in two splits (1 such pictures)"


def test_missing_files_and_boxes_outside_their_picture(tmp_path: Path) -> None:
    rows = [{**row, "crop": None} for row in sound(5)]
    rows[1]["x"], rows[2]["y"], rows[4]["split"] = 20.0, 10.0, "valid"
    for n in (0, 1, 2, 4):
        Image.new("RGB", (20, 10), (n % 4, 0, 0)).save(tmp_path / f"{n}.png")
    writing.write_manifest(tmp_path / MANIFEST, rows, FACE, {})
    assert found(tmp_path, files=True) == [
        "3.png: no such file (1 such pictures)",
        "row 1: x 20 is outside the picture, which ends at 20 (1 such rows)",
        "row 2: y 10 is outside the picture, which ends at 10 (1 such rows)",
    ]
    (tmp_path / "2.png").write_bytes(b"no picture")
    assert "2.png: cannot be opened (1 such pictures)" in found(tmp_path, files=True)
    (line,) = found(tmp_path, pictures=True)
    assert line.startswith("row 0 (0.png, train) and row 4 (4.png, valid) are the same picture")


def test_files_that_are_not_manifests(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        list(check_manifest(tmp_path))
    writing.write_manifest(tmp_path / MANIFEST, [], FACE, {})
    assert found(tmp_path) == ["has no rows"]
    metadata = {"mien": json.dumps({"tasks": [task.to_dict() for task in FACE]})}
    pq.write_table(pa.table({"path": ["a"]}).replace_schema_metadata(metadata), tmp_path / MANIFEST)
    assert found(tmp_path) == ["has no column split"]
