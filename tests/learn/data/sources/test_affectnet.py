"""AffectNet: both layouts, with damaged lines and files."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.affectnet import COLUMNS, METADATA, TASKS, read

POINTS = np.arange(136, dtype=float).reshape(68, 2)
MARKS = ";".join(map(str, POINTS.ravel()))
FIVE = [float(value) for n in (36, 42) for value in POINTS[n : n + 6].mean(0)] + [60, 61, 96, 97, 108, 109]


def line(
    name: str, expression: object, valence: object, arousal: object, box: str = "1,2,30,40", marks: str = MARKS
) -> str:
    return f"{name},{box},{marks},{expression},{valence},{arousal}"


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def lists(root: Path, training: list[str], validation: list[str]) -> Path:
    """Write the release with lists; the training list has a header, the validation list has none."""
    (root / "Manually_Annotated_file_lists").mkdir(parents=True)
    (root / "Manually_Annotated_file_lists/training.csv").write_text("\n".join((",".join(COLUMNS), *training)))
    (root / "Manually_Annotated_file_lists/validation.csv").write_text("\r\n".join(validation))
    for text in (*training, *validation):
        touch(root / "Manually_Annotated/Manually_Annotated_Images" / text.split(",")[0].replace("\\", "/"))
    return root


def crop(folder: Path, key: int | str, **values: object) -> None:
    """Write one crop of the release with crops, its values stored as text, as in the release."""
    touch(folder / f"images/{key}.jpg")
    (folder / "annotations").mkdir(exist_ok=True)
    for end, value in values.items():
        np.save(
            folder / f"annotations/{key}_{end}.npy", value if isinstance(value, np.ndarray) else np.array(str(value))
        )


def test_lists_become_rows(tmp_path: Path) -> None:
    lists(tmp_path, [line("1/a.jpg", 1, 0.5, -0.25), line("2\\b.JPG", 6, -1, 1)], [line("3/c.png", 0, 0, 0)])
    rows, reports = rows_of(tmp_path)
    assert reports == []
    assert rows[0] == {
        "path": str(tmp_path / "Manually_Annotated/Manually_Annotated_Images/1/a.jpg"),
        "split": "train",
        "dataset": "affectnet",
        "subject": None,
        "expression": "happiness",
        "valence": 0.5,
        "arousal": -0.25,
        "x": 1,
        "y": 2,
        "width": 30,
        "height": 40,
        "landmarks": FIVE,
    }
    assert [(row["split"], row["expression"]) for row in rows[1:]] == [("train", "anger"), ("test", "neutral")]
    assert rows_of(tmp_path, validation="valid")[0][2]["split"] == "valid"
    assert set(METADATA) >= {"source", "licence", "release"}


def test_every_value_of_expression(tmp_path: Path) -> None:
    lists(tmp_path, [line(f"1/{code}.jpg", code, 0.1, -2 if code == 8 else 0.1) for code in range(11)], [])
    rows, reports = rows_of(tmp_path)
    assert [row["expression"] for row in rows] == [
        "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", None, None, None,
    ]  # fmt: skip
    assert (rows[8]["valence"], rows[8]["arousal"]) == (0.1, None)
    assert reports == []
    assert len(rows_of(tmp_path, contempt=False)[0]) == 9


def test_rows_without_a_label_are_skipped(tmp_path: Path) -> None:
    lists(
        tmp_path, [line(f"1/{code}.jpg", code, -2, -2, "NULL,NULL,NULL,NULL", "NULL") for code in (0, 7, 8, 9, 10)], []
    )
    ((row,), reports) = rows_of(tmp_path)
    assert row["expression"] == "neutral"
    assert (row["x"], row["height"], row["landmarks"]) == (None, None, None)
    assert reports == []


def test_ragged_lists(tmp_path: Path) -> None:
    lists(
        tmp_path,
        [
            line("1/good.jpg", 3, 0.5, 0.5),
            line("1/good.jpg", 3, 0.5, 0.5),
            line("1/good.jpg", 3, 0.5, 0.5, "99,2,30,40"),
            line("1/range.jpg", 3, 1.5, 0.5),
            line("1/code.jpg", 11, 0.5, 0.5),
            line("1/word.jpg", 3, "x", 0.5),
            line("1/box.jpg", 3, 0.5, 0.5, "left,2,30,40"),
            line("1/flat.jpg", 3, 0.5, 0.5, "-1,-1,-1,-1"),
            line("1/marks.jpg", 3, 0.5, 0.5, marks="1;2;3"),
            "1/short.jpg,1,2",
            line("1/gone.jpg", 3, 0.5, 0.5),
        ],
        [],
    )
    (tmp_path / "Manually_Annotated/Manually_Annotated_Images/1/gone.jpg").unlink()
    rows, reports = rows_of(tmp_path)
    assert [(Path(row["path"]).stem, row["x"]) for row in rows] == [
        ("good", 1), ("good", 99), ("flat", None), ("marks", 1),
    ]  # fmt: skip
    assert rows[3]["landmarks"] is None
    table = tmp_path / "Manually_Annotated_file_lists/training.csv"
    assert sorted(line.removeprefix(f"{table}: line ") for line in reports) == [
        "10: landmarks skipped: 3 landmarks, expected 68 x 2",
        "11: 3 cells, expected 9",
        f"12: 1/gone.jpg: no such picture in {tmp_path / 'Manually_Annotated/Manually_Annotated_Images'}",
        "3: 1/good.jpg: duplicate face",
        "5: 1.5 is outside [-1, 1]",
        "6: 11 is outside [0, 10]",
        "7: 'x' is not a number",
        "8: 'left' is not a number",
    ]


def test_a_zipped_list_inside_extra_folders(tmp_path: Path) -> None:
    folder = tmp_path / "AffectNet/AffectNet"
    touch(tmp_path / "__MACOSX/AffectNet/._training.csv")
    touch(folder / "Manually_Annotated_Images/1/a.JPG")
    (folder / "validation.csv.gz").write_bytes(gzip.compress(f"\ufeff{line('1/a.jpg', 4, -0.5, 0.5)}".encode()))
    ((row,), reports) = rows_of(tmp_path)
    assert (row["path"], row["split"]) == (str(folder / "Manually_Annotated_Images/1/a.JPG"), "test")
    assert reports == []


@pytest.mark.parametrize("nested", [False, True])
def test_crops_become_rows_by_number(tmp_path: Path, nested: bool) -> None:
    folders = {name: tmp_path / name / (name if nested else "") for name in ("train_set", "val_set")}
    for key, code in ((10, 6), (9, 7), (2, 0)):
        crop(folders["train_set"], key, exp=code, val=0.25, aro=-0.5, lnd=POINTS.ravel())
    crop(folders["val_set"], 0, exp=np.int64(5), val=np.float64(-0.75), aro=-2, lnd=POINTS)
    touch(tmp_path / "train_set/.DS_Store")
    rows, reports = rows_of(tmp_path)
    assert [(row["split"], Path(row["path"]).name, row["expression"]) for row in rows] == [
        ("train", "2.jpg", "neutral"),
        ("train", "9.jpg", None),
        ("train", "10.jpg", "anger"),
        ("test", "0.jpg", "disgust"),
    ]
    assert (rows[3]["valence"], rows[3]["arousal"], rows[3]["landmarks"]) == (-0.75, None, FIVE)
    assert reports == []
    assert [row["path"] for row in rows_of(tmp_path / "val_set")[0]] == [rows[3]["path"]]
    assert rows_of(tmp_path / "val_set", validation="valid")[0][0]["split"] == "valid"


def test_ragged_crops(tmp_path: Path) -> None:
    good = {"exp": 1, "val": 0.5, "aro": 0.5, "lnd": POINTS}
    for key in range(8):
        crop(tmp_path, key, **good)
    (tmp_path / "images/1.jpg").unlink()
    for end in good:
        (tmp_path / f"annotations/2_{end}.npy").unlink()
    (tmp_path / "annotations/3_val.npy").unlink()
    (tmp_path / "annotations/4_aro.npy").write_bytes(b"no array")
    crop(tmp_path, 5, val=3)
    crop(tmp_path, 6, lnd=np.zeros(3))
    (tmp_path / "annotations/7_lnd.npy").unlink()
    rows, reports = rows_of(tmp_path)
    assert [(Path(row["path"]).stem, row["split"]) for row in rows] == [(key, "all") for key in "03467"]
    assert [row["landmarks"] for row in rows] == [FIVE, FIVE, FIVE, None, None]
    assert (rows[1]["expression"], rows[1]["valence"], rows[2]["arousal"]) == ("happiness", None, None)
    assert [line.removeprefix(f"{tmp_path}/").split(":")[0] for line in reports] == [
        "annotations/1_*.npy", "images/2", "annotations/3_val.npy", "annotations/4_aro.npy",
        "annotations/5_*.npy", "annotations/6_lnd.npy",
    ]  # fmt: skip
    reasons = (
        "no picture 1 in", "the picture has no annotations", "no such file", "cannot be read",
        "3 is outside [-1, 1]", "landmarks skipped: 3 landmarks",
    )  # fmt: skip
    assert all(reason in line for reason, line in zip(reasons, reports, strict=True))


def test_a_kind_of_annotation_that_no_crop_has_is_not_reported(tmp_path: Path) -> None:
    crop(tmp_path / "val_set", 0, exp=1)
    ((row,), reports) = rows_of(tmp_path)
    assert (row["expression"], row["valence"], row["arousal"], row["landmarks"]) == ("happiness", None, None, None)
    assert reports == []


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\*_set/annotations .* or training\.csv .* not found"):
        rows_of(tmp_path)
    (tmp_path / "training.csv").touch()
    with pytest.raises(FileNotFoundError, match="Manually_Annotated_Images"):
        rows_of(tmp_path)
    crop(tmp_path / "val_set", 0, exp=1)
    with pytest.raises(ValueError, match="holds both the lists and the crops"):
        rows_of(tmp_path)
