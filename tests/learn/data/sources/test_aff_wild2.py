"""Aff-Wild2: three sets of frames, and the lists of the static version."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.aff_wild2 import TASKS, read

VA, EXPR, AU = "VA_Estimation_Challenge", "EXPR_Classification_Challenge", "AU_Detection_Challenge"
EXPRESSIONS = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
UNITS = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def crops(folder: Path, *frames: int, ending: str = "jpg") -> None:
    for frame in frames:
        touch(folder / f"{frame:05d}.{ending}")


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def test_a_frame_has_the_labels_of_all_sets(tmp_path: Path) -> None:
    notes = tmp_path / "Aff-Wild2/annotations/Third ABAW Annotations"
    touch(notes / f"{VA}/Train_Set/a.txt", "valence,arousal\n0.5,-0.25\n-5,-5\n-1,1\n")
    touch(notes / f"{EXPR}/Train_Set/a.txt", f"{EXPRESSIONS}\n4\n-1\n7\n")
    touch(
        notes / f"{AU}/Train_Set/a.txt",
        f"{UNITS}\n1,0,0,0,0,0,-1,0,0,0,0,1\n{','.join(['-1'] * 12)}\n" + "0," * 11 + "1",
    )
    crops(tmp_path / "Aff-Wild2/cropped_aligned/a", 1, 2, 3)
    rows, reports = rows_of(tmp_path)
    assert [row["frame"] for row in rows] == [0, 2]  # of the second frame nothing is annotated
    assert (
        rows[0].items()
        >= {
            "path": str(tmp_path / "Aff-Wild2/cropped_aligned/a/00001.jpg"),
            "split": "train",
            "dataset": "aff_wild2",
            "subject": None,
            "video": "a",
            "frame": 0,
            "valence": 0.5,
            "arousal": -0.25,
            "expression": "happiness",
            "AU01": 1.0,
            "AU02": 0.0,
            "AU12": None,
            "AU26": 1.0,
        }.items()
    )
    assert (rows[1]["valence"], rows[1].get("expression"), rows[1]["AU25"], rows[1]["AU26"]) == (-1, None, 0, 1)
    assert sum(name.startswith("AU") for name in rows[0]) == 12
    assert reports == []
    assert [row["frame"] for row in rows_of(tmp_path, every=3)[0]] == [0]


def test_every_expression_of_the_older_sets(tmp_path: Path) -> None:
    header = EXPRESSIONS.removesuffix(",Other")
    touch(tmp_path / "EXPR_Set/Validation_Set/a_left.txt", "\n".join((header, *map(str, range(8)))))
    crops(tmp_path / "cropped_aligned/a_left", *range(1, 9))
    rows, reports = rows_of(tmp_path)
    assert [row["expression"] for row in rows] == [
        "neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise",
    ]  # fmt: skip
    assert {(row["split"], row["video"]) for row in rows} == {("valid", "a_left")}
    assert reports == [f"{tmp_path / 'EXPR_Set/Validation_Set/a_left.txt'}: line 9: 7 is outside [-1, 6]"]


def test_each_set_has_its_own_splits(tmp_path: Path) -> None:
    touch(tmp_path / f"{VA}/Train_Set/a.txt", "valence,arousal\n0.5,0.5\n")
    touch(tmp_path / f"{EXPR}/Validation_Set/a.txt", f"{EXPRESSIONS}\n1\n")
    crops(tmp_path / "cropped_aligned/a", 1)
    rows, _ = rows_of(tmp_path)
    assert [(row["split"], row.get("valence"), row.get("expression")) for row in rows] == [
        ("train", 0.5, None),
        ("valid", None, "anger"),
    ]


def test_ragged_sets(tmp_path: Path) -> None:
    train = tmp_path / f"{VA}/Train_Set"
    text = "\ufeffvalence,arousal\r\n0.5,0.5\r\n\r\n0.5\r\nx,0\r\n0.5,2\r\n0.25,0.25\r\n0.1,0.1\r\n"
    touch(train / "a.txt", text)
    touch(train / "gone.txt", "valence,arousal\n0,0\n")
    touch(train / "no_header.txt", "0.5,0.5\n")
    touch(train / ".DS_Store")
    train.joinpath("b.txt.gz").write_bytes(gzip.compress(b"valence,arousal\n0.75,0.5\n"))
    touch(tmp_path / f"older/{VA}/Train_Set/a.txt", "valence,arousal\n0,0\n")
    crops(tmp_path / "batch1/cropped_aligned/cropped_aligned/a", 1, 2, 6)  # frame 7 was not found
    crops(tmp_path / "cropped_aligned_new_50_vids/B", 1, ending="JPG")
    crops(tmp_path / "cropped_aligned_new_50_vids/no_header", 1)
    crops(tmp_path / "cropped/a", 7)
    rows, reports = rows_of(tmp_path)
    assert [(row["video"], row["frame"], row["valence"]) for row in rows] == [
        ("a", 0, 0.5), ("a", 5, 0.25), ("b", 0, 0.75),
    ]  # fmt: skip
    assert rows[0]["path"] == str(tmp_path / "batch1/cropped_aligned/cropped_aligned/a/00001.jpg")
    assert [line.removeprefix(f"{tmp_path}/") for line in reports[:5]] == [
        f"{VA}/Train_Set/a.txt: line 4: 1 cells, expected 2",
        f"{VA}/Train_Set/a.txt: line 5: 'x' is not a number",
        f"{VA}/Train_Set/a.txt: line 6: 2 is outside [-1, 1]",
        f"older/{VA}/Train_Set/a.txt: second file of this kind for the video; the first one is used",
        reports[4].removeprefix(f"{tmp_path}/"),
    ]
    assert "gone.txt: no pictures of the video gone in" in reports[4]
    assert "no_header.txt: line 1: has neither valence, nor our expressions, nor action units" in reports[5]
    assert len(reports) == 6


def test_the_lists_of_the_static_version(tmp_path: Path) -> None:
    header = f"image,valence,arousal,expression,{UNITS}"
    none = ",".join(["-1"] * 12)
    train = touch(
        tmp_path / "annotations/training_set_annotations_22.txt",
        f"{header}\na/00001.jpg,0.5,-0.5,6,1,{'0,' * 10}1\na/00001.jpg,0,0,0,{none}\na\\00002.jpg,-5,-5,-1,{none}\n"
        f"a/00003.jpg,-5,-5,7,{'0,' * 11}1\na/00004.jpg,0,0,8,{none}\na/00005.jpg,0,0\na/00009.jpg,0,0,0,{none}\n"
        f"a/x.jpg,0,0,0,{none}\n",
    )
    touch(tmp_path / "MTL_Challenge/validation_set.txt", f"{header}\r\nb/00002.jpg,0,0,5,{none}\r\n")
    crops(tmp_path / "cropped_aligned/a", 1, 2, 3, 4, 5)
    crops(tmp_path / "cropped_aligned/b", 2)
    rows, reports = rows_of(tmp_path, static=True)
    assert [(row["split"], row["video"], row["frame"], row["expression"]) for row in rows] == [
        ("valid", "b", 1, "sadness"),
        ("train", "a", 0, "surprise"),
        ("train", "a", 2, None),
    ]
    assert (rows[1]["valence"], rows[1]["AU01"], rows[1]["AU02"], rows[0]["AU01"]) == (0.5, 1, 0, None)
    assert (rows[2]["valence"], rows[2]["AU26"]) == (None, 1)
    assert [line.removeprefix(f"{train}: line ") for line in reports] == [
        "3: a/00001.jpg: duplicate picture",
        "6: 8 is outside [-1, 7]",
        "7: 2 cells, expected 15",
        f"8: a/00009.jpg: no such picture in {tmp_path / 'cropped_aligned'}",
        "9: 'x' is not a number",
    ]
    assert [row["frame"] for row in rows_of(tmp_path, static=True, every=2)[0]] == [0, 2]


def test_other_folders_of_pictures(tmp_path: Path) -> None:
    touch(tmp_path / f"{VA}/Train_Set/a.txt", "valence,arousal\n0,0\n")
    crops(tmp_path / "cropped_aligned/a", 1)
    crops(tmp_path / "Mine_2/a", 1)
    (row,) = rows_of(tmp_path, crops="mine")[0]
    assert row["path"] == str(tmp_path / "Mine_2/a/00001.jpg")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Train_Set/\*\.txt or .*, cropped_aligned\* not found"):
        rows_of(tmp_path)
    crops(tmp_path / "cropped_aligned/a", 1)
    with pytest.raises(FileNotFoundError, match=r": training_set_annotations\.txt not found"):
        rows_of(tmp_path, static=True)
    touch(tmp_path / "training_set_annotations.txt")
    with pytest.raises(FileNotFoundError, match=r"Validation_Set/\*\.txt \(found lists of s-Aff-Wild2: use static\)"):
        rows_of(tmp_path)
