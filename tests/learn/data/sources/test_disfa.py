"""DISFA in its official layout: two people, three frames."""

from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.disfa import FOLDS, TASKS, UNITS, read

INTENSITIES = {1: (0, 1, 2), 12: (5, 3, 0)}
"""Intensities of these units; the others are 0."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "DISFA"
    for person in ("SN001", "SN003"):
        labels = root / "ActionUnit_Labels" / person
        labels.mkdir(parents=True)
        for au in UNITS:
            values = INTENSITIES.get(au, (0, 0, 0))
            lines = [f"{frame},{value}" for frame, value in enumerate(values, 1)]
            (labels / f"{person}_au{au}.txt").write_text("\r\n".join(lines) + "\r\n")
        for side in ("Left", "Right"):
            video = root / f"Videos_{side}Camera" / f"{side}Video{person}_comp.avi"
            video.parent.mkdir(exist_ok=True)
            video.touch()
    (root / "ActionUnit_Labels" / ".DS_Store").touch()
    (root / "ActionUnit_Labels" / "readme").mkdir()
    (root / "__MACOSX" / "ActionUnit_Labels").mkdir(parents=True)
    return root


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


def test_an_intensity_of_two_is_present(folder: Path) -> None:
    rows = rows_of(folder.parent)  # a folder around the release
    check_labels(folder, rows, TASKS)
    assert [(row["subject"], row["frame"], row["timestamp"]) for row in rows] == [
        (person, frame, frame / 20) for person in ("SN001", "SN003") for frame in range(3)
    ]
    assert [row["AU01"] for row in rows[:3]] == [0, 0, 1]
    assert [row["AU01_intensity"] for row in rows[:3]] == [0, 1, 2]
    assert [row["AU12"] for row in rows[:3]] == [1, 1, 0]
    assert {name for name in rows[0] if name.startswith("AU") and "_" not in name} == {f"AU{au:02d}" for au in UNITS}
    assert {row["path"] for row in rows[:3]} == {str(folder / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi")}
    assert {row["split"] for row in rows} == {"all"}


def test_both_cameras_are_two_videos(folder: Path) -> None:
    rows = rows_of(folder, camera="both")
    assert len(rows) == 12
    assert {row["video"] for row in rows} == {"LeftSN001", "RightSN001", "LeftSN003", "RightSN003"}
    assert all(row["video"].startswith("Right") for row in rows_of(folder, camera="right"))


def test_the_folds_hold_out_each_person_once(folder: Path) -> None:
    assert sorted(person for fold in FOLDS for person in fold) == sorted({person for fold in FOLDS for person in fold})
    assert [len(fold) for fold in FOLDS] == [9, 9, 9]
    assert {row["subject"]: row["split"] for row in rows_of(folder, fold=1)} == {"SN001": "train", "SN003": "valid"}
    assert {row["subject"]: row["split"] for row in rows_of(folder, fold=3)} == {"SN001": "valid", "SN003": "train"}
    with pytest.raises(ValueError, match="fold 4: there are folds 1 to 3"):
        rows_of(folder, fold=4)
    with pytest.raises(ValueError, match="camera 'top': expected left, right or both"):
        rows_of(folder, camera="top")


@pytest.mark.parametrize(
    ("place", "name", "first"),
    [
        ("Videos_LeftCamera/SN001", "{}.png", 0),
        ("Videos_LeftCamera/SN001", "{:05d}.jpg", 1),
        ("images/LeftVideoSN001_comp", "LeftVideoSN001_comp_{:04d}.png", 1),
        ("SN001", "{}.PNG", 0),
    ],
)
def test_frames_as_pictures_are_used_instead_of_the_video(folder: Path, place: str, name: str, first: int) -> None:
    (folder / place).mkdir(parents=True)
    for number in range(first, first + 3):
        (folder / place / name.format(number)).touch()
    rows = [row for row in rows_of(folder) if row["subject"] == "SN001"]
    assert [row["path"] for row in rows] == [str(folder / place / name.format(first + frame)) for frame in range(3)]
    assert [row["frame"] for row in rows] == [0, 1, 2]


def test_only_the_given_folder_of_frames_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "SN001").mkdir(parents=True)
    for number in (0, 2):
        (tmp_path / "mine" / "SN001" / f"{number}.png").touch()
    reports: list[str] = []
    rows = list(read(folder, reports.append, frames=tmp_path / "mine"))
    assert [row["frame"] for row in rows] == [0, 2]
    assert reports == [
        f"{tmp_path / 'mine' / 'SN001'}: no picture 1 for frame 2",
        f"{tmp_path / 'mine'}: neither LeftVideoSN003_comp.avi nor pictures of SN003 found",
    ]


def test_damaged_labels_are_reported_and_null(folder: Path) -> None:
    labels = folder / "ActionUnit_Labels" / "SN001"
    (labels / "SN001_au4.txt").unlink()
    (labels / "SN001_au5.txt").write_text("\ufeff1,0\n2,7\n2\n3,4\n3,4\n")
    reports: list[str] = []
    rows = [row for row in read(folder, reports.append) if row["subject"] == "SN001"]
    assert "AU04" not in rows[0]
    assert [row["AU05"] for row in rows] == [0, None, 1]
    assert [row["AU05_intensity"] for row in rows] == [0, None, 4]
    assert [line.rpartition(": ")[2] for line in reports] == [
        "no SN001_au4.txt; AU04 stays empty",
        "intensity 7 is outside 0 to 5",
        "'2' is not a frame and an intensity",
        "duplicate frame 3",
    ]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"not the folder of this data set: ActionUnit_Labels/SN\* or .* not found"
    ):
        rows_of(tmp_path)
