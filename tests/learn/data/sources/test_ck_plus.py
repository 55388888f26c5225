"""CK+ in its official layout, and its copies."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.ck_plus import TASKS, read
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.tasks import ACTION_UNITS

EMOTION, FACS = (
    f"{folder}/S005/001/S005_001_00000011_{end}.txt" for folder, end in (("Emotion", "emotion"), ("FACS", "facs"))
)

POINTS = np.arange(136).reshape(68, 2) * 1.5


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def number(value: float) -> str:
    return f"   {value:.7e}"


def put(root: Path, name: str, frames: int, *, emotion: int | None = None, units: dict[int, int] | None = None) -> None:
    """Write a sequence, such as S005_001; its peak is the last frame."""
    inner = name.replace("_", "/")
    for frame in range(1, frames + 1):
        stem = f"{inner}/{name}_{frame:08d}"
        write(root / "cohn-kanade-images" / f"{stem}.png")
        points = "\n".join(number(x) + number(y) for x, y in POINTS + frame)
        write(root / "Landmarks" / f"{stem}_landmarks.txt", points + "\n")
    peak = f"{inner}/{name}_{frames:08d}"
    if emotion is not None:
        write(root / "Emotion" / f"{peak}_emotion.txt", number(emotion) + "\n")
    if units is not None:
        lines = "".join(number(au) + number(intensity) + "\n" for au, intensity in units.items())
        write(root / "FACS" / f"{peak}_facs.txt", lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "CK+"
    put(root, "S005_001", 11, emotion=3, units={4: 0, 9: 3, 27: 5})
    put(root, "S010_002", 4, units={12: 2})
    put(root, "S010_003", 4, emotion=2, units={14: 1})
    write(root / "cohn-kanade-images" / ".DS_Store")
    write(root / "cohn-kanade-images" / "S010" / ".DS_Store")
    return root


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


def test_the_last_frames_have_the_labels_and_the_first_is_neutral(folder: Path) -> None:
    rows = rows_of(folder.parent)
    check_labels(folder, rows, TASKS)
    assert [(row["video"], row["frame"], row["expression"]) for row in rows[:4]] == [
        ("S005_001", 0, "neutral"), ("S005_001", 8, "disgust"), ("S005_001", 9, "disgust"), ("S005_001", 10, "disgust"),
    ]  # fmt: skip
    assert Path(rows[3]["path"]).name == "S005_001_00000011.png"
    assert {(row["split"], row["dataset"]) for row in rows} == {("all", "ck_plus")}
    assert {row["subject"] for row in rows} == {"S005", "S010"}


def test_units_that_are_not_listed_are_absent(folder: Path) -> None:
    first, *_, peak = rows_of(folder)[:4]
    assert {label: peak[label] for label in ACTION_UNITS.labels if peak[label]} == {"AU04": 1, "AU09": 1}
    assert all(peak[label] in (0, 1) for label in ACTION_UNITS.labels)
    assert (peak["AU04_intensity"], peak["AU09_intensity"], peak["AU12_intensity"]) == (None, 3, 0)
    assert not set(ACTION_UNITS.labels) & set(first)


def test_contempt_and_sequences_without_emotion_only_have_units(folder: Path) -> None:
    rows = [row for row in rows_of(folder, peaks=1) if row["subject"] == "S010" and row["frame"]]
    assert [(row["video"], row.get("expression")) for row in rows] == [("S010_002", None), ("S010_003", None)]
    assert [(row["AU12"], row["AU14"]) for row in rows] == [(1, 0), (0, 1)]


def test_the_number_of_frames_is_an_option(folder: Path) -> None:
    assert len(rows_of(folder, peaks=1, neutral=False)) == 3
    rows = [row for row in rows_of(folder, peaks=20) if row["video"] == "S010_002"]
    assert [(row["frame"], row.get("AU12")) for row in rows] == [(0, None), (1, 1), (2, 1), (3, 1)]
    with pytest.raises(ValueError, match="peaks 0: expected 1 or more"):
        rows_of(folder, peaks=0)


def test_each_frame_has_its_own_landmarks(folder: Path) -> None:
    rows = rows_of(folder)
    assert rows[0]["landmarks"] == five_of_68(POINTS + 1)
    assert rows[3]["landmarks"] == five_of_68(POINTS + 11)


def test_labels_may_be_in_the_folders_of_their_archives_or_missing(folder: Path) -> None:
    for name, archive in (("Emotion", "Emotion_labels"), ("FACS", "FACS_labels")):
        (folder / archive).mkdir()
        (folder / name).rename(folder / archive / name)
    (folder / "extended-cohn-kanade-images").mkdir()
    (folder / "cohn-kanade-images").rename(folder / "extended-cohn-kanade-images" / "cohn-kanade-images")
    assert len(rows_of(folder)) == 12
    (folder / "FACS_labels").rename(folder / "elsewhere")
    assert [row["video"] for row in rows_of(folder, neutral=False)] == ["S005_001"] * 3
    (folder / "Emotion_labels").rename(folder / "there")
    with pytest.raises(FileNotFoundError, match="neither Emotion nor FACS found next to cohn-kanade-images"):
        rows_of(folder)


def test_missing_frames_are_reported_and_the_rest_is_read(folder: Path) -> None:
    images = folder / "cohn-kanade-images"
    (images / "S005" / "001" / "S005_001_00000011.png").unlink()
    (images / "S005" / "001" / "S005_001_00000010.png").rename(images / "S005" / "001" / "S005_001_00000010.PNG")
    (images / "S010" / "002" / "S010_002_00000001.png").unlink()
    shutil.rmtree(images / "S010" / "003")
    reports: list[str] = []
    rows = list(read(folder, reports.append, peaks=2))
    assert [row["frame"] for row in rows if row["video"] == "S005_001"] == [0, 9]
    assert reports == [
        f"{images / name}: no frame {frame}"
        for name, frame in (("S005/001", 11), ("S010/002", 1), ("S010/003", 1), ("S010/003", 3), ("S010/003", 4))
    ]


@pytest.mark.parametrize(
    ("name", "text", "reason", "left"),
    [
        (EMOTION, "8.0", "expected one number from 0 to 7", (None, 1)),
        (EMOTION, "", "expected one number from 0 to 7", (None, 1)),
        (EMOTION, "3.5", "expected one number from 0 to 7", (None, 1)),
        (EMOTION, "\ufeff 6.0e+00\r\n", None, ("sadness", 1)),
        (FACS, "", "no units", ("disgust", None)),
        (FACS, "4.0 9.0", "line 1: '4.0 9.0' is not a unit and", ("disgust", None)),
        (FACS, "4.0\n", "line 1: '4.0' is not a unit and", ("disgust", None)),
        (FACS, "4 1\n4 2\n", "line 2: duplicate unit 4", ("disgust", 1)),
    ],
)  # fmt: skip
def test_damaged_labels_are_reported(
    folder: Path, name: str, text: str, reason: str | None, left: tuple[Any, Any]
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    reports: list[str] = []
    peak = [row for row in read(folder, reports.append) if row["video"] == "S005_001"][-1]
    assert (peak.get("expression"), peak.get("AU04")) == left
    assert text != "4 1\n4 2\n" or peak["AU04_intensity"] == 1
    assert len(reports) == (reason is not None)
    assert all(line.startswith(f"{folder / name}: {reason}") for line in reports)


@pytest.mark.parametrize("text", ["1 2\n" * 67, "1 2 3\n" * 68, "1 x\n" * 68, "1 2\n" * 67 + "1\n"])
def test_damaged_landmarks_are_reported_and_null(folder: Path, text: str) -> None:
    path = folder / "Landmarks" / "S005" / "001" / "S005_001_00000001_landmarks.txt"
    path.write_text(text)
    reports: list[str] = []
    assert next(iter(read(folder, reports.append)))["landmarks"] is None
    assert reports == [f"{path}: expected 68 lines of two numbers"]
    path.unlink()
    assert rows_of(folder)[0]["landmarks"] is None


def test_a_copy_in_folders_identifies_people(tmp_path: Path) -> None:
    for name in ("anger/S010_004_00000017.png", "contempt/S138_008_00000009.png", "happy/other.png"):
        write(tmp_path / "CK+48" / name)
    rows = rows_of(tmp_path)
    assert [(row["expression"], row.get("subject"), row.get("frame")) for row in rows] == [
        ("anger", "S010", 16), ("happiness", None, None),
    ]  # fmt: skip


def test_a_copy_as_a_table_skips_contempt(tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    lines = [f"{code},{pixels},{usage}" for code, usage in ((6, "Training"), (7, "Training"), (3, "PrivateTest"))]
    write(tmp_path / "ckextended.csv", "emotion,pixels,Usage\n" + "\n".join(lines))
    rows = rows_of(tmp_path, pictures=tmp_path / "out")
    assert [(row["expression"], row["split"], row["path"]) for row in rows] == [
        ("neutral", "train", str(tmp_path / "out" / "00000.png")),
        ("happiness", "test", str(tmp_path / "out" / "00002.png")),
    ]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"cohn-kanade-images or .* not found, nor folders such as anger, nor cke"
    ):
        rows_of(tmp_path)
