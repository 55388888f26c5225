"""AFEW-VA: clips in folders, one JSON file each."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.afew_va import TASKS, read
from mien.learn.data.sources.shared.landmarks import five_of_68

POINTS = np.arange(136, dtype=float).reshape(68, 2)


def frame(valence: object, arousal: object, points: object = None) -> dict[str, Any]:
    return {"landmarks": POINTS.tolist() if points is None else points, "valence": valence, "arousal": arousal}


def clip(folder: Path, frames: dict[str, Any], actor: str | None = "first person", text: str | None = None) -> Path:
    folder.mkdir(parents=True)
    for name in frames:
        (folder / f"{name}.png").touch()
    data = {"video_id": folder.name, "actor": actor, "frames": frames}
    path = folder / f"{folder.name}.json"
    path.write_text(json.dumps(data) if text is None else text)
    return path


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def test_frames_become_rows(tmp_path: Path) -> None:
    clip(tmp_path / "600", {"00000": frame(-10, 10)}, actor=None)
    clip(tmp_path / "001", {f"{n:05d}": frame(n, -n) for n in (2, 0, 1)})
    rows, reports = rows_of(tmp_path)
    assert [(row["video"], row["frame"], row["valence"], row["arousal"]) for row in rows] == [
        ("001", 0, 0, 0),
        ("001", 1, 0.1, -0.1),
        ("001", 2, 0.2, -0.2),
        ("600", 0, -1, 1),
    ]
    assert rows[0] == {
        "path": str(tmp_path / "001/00000.png"),
        "split": "all",
        "dataset": "afew_va",
        "subject": "first person",
        "video": "001",
        "frame": 0,
        "valence": 0,
        "arousal": 0,
        "landmarks": five_of_68(POINTS),
    }
    assert rows[3]["subject"] is None
    assert reports == []
    assert [(row["video"], row["frame"]) for row in rows_of(tmp_path, every=2)[0]] == [
        ("001", 0), ("001", 2), ("600", 0),
    ]  # fmt: skip


def test_each_archive_in_its_own_folder(tmp_path: Path) -> None:
    clip(tmp_path / "AFEW-VA/01/600", {"00000": frame(1, 1)})
    clip(tmp_path / "AFEW-VA/12/001", {"00000": frame(1, 1)})
    (tmp_path / "__MACOSX/AFEW-VA/12/001").mkdir(parents=True)
    (tmp_path / "__MACOSX/AFEW-VA/12/001/._001.json").touch()
    assert [row["video"] for row in rows_of(tmp_path)[0]] == ["001", "600"]


def test_ragged_clips(tmp_path: Path) -> None:
    frames: dict[str, Any] = {
        "00000": frame(1, 1),
        "00001": frame(11, 1),
        "00002": frame("x", 1),
        "00003": frame(1, 1, [[1, 2]]),
        "00004": {"landmarks": POINTS.tolist(), "valence": 1},
        "00005": frame(1, 1),
        "00006": frame(1, 1),
    }
    first = clip(tmp_path / "001", frames)
    (tmp_path / "001/00005.png").unlink()
    (tmp_path / "001/00006.png").rename(tmp_path / "001/00006.PNG")
    second = clip(tmp_path / "002", {}, text="{broken")
    third = clip(tmp_path / "003", {}, text="[]")
    zipped = clip(tmp_path / "004", {"00000": frame(1, 1)})
    (tmp_path / "004/004.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + zipped.read_bytes()))
    zipped.unlink()
    rows, reports = rows_of(tmp_path)
    assert [(row["video"], row["frame"]) for row in rows] == [("001", 0), ("001", 6), ("004", 0)]
    assert rows[1]["path"].endswith("00006.PNG")
    assert reports[:5] == [
        f"{first}: frame 00001: 11 is outside [-10, 10]",
        f"{first}: frame 00002: 'x' is not a number",
        f"{first}: frame 00003: 1 x 2 landmarks, expected 68 x 2",
        f"{first}: frame 00004: has no 'arousal'",
        f"{first}: frame 00005: no such picture in {first.parent}",
    ]
    assert [line.partition(": not a clip")[0] for line in reports[5:]] == [str(second), str(third)]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\[0-9\]\[0-9\]\[0-9\]\.json .* not found"):
        rows_of(tmp_path)
