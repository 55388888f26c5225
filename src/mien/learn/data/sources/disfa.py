"""DISFA (Mavadati et al. 2013): videos of 27 people watching a four-minute film, 12 action units graded per frame.

Expected layout::

    ActionUnit_Labels/SN001/SN001_au1.txt       one line per frame, ``frame,intensity``; frames from 1, intensity 0 to 5
    Videos_LeftCamera/LeftVideoSN001_comp.avi   and the same for the right camera; 20 frames per second

or, instead of videos, the frames as pictures: a folder for each person, ``SN001``, ``LeftVideoSN001`` or
``LeftVideoSN001_comp``, in ``Videos_LeftCamera``, ``images``, ``frames``, next to the labels or in the folder given by
the option ``frames``. The number of a picture is at the end of its name.

The 66 landmarks of the release are not read. The data is available by agreement with the University of Denver, for
research.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.au_coding import au_label, intensities
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, find_root, folders, numbered_pictures, required
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "DISFA (Mavadati et al. 2013)",
    "licence": "by agreement with the University of Denver, for research: local use only",
    "release": "ActionUnit_Labels and videos",
}

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)

PRESENT = 2
"""The lowest intensity at which a unit counts as present (papers/003, section 4.1)."""

LABELS = ("ActionUnit_Labels", "ActionUnit_Labels/ActionUnit_Labels")

FOLDS = (
    ("SN003", "SN029", "SN023", "SN025", "SN008", "SN005", "SN007", "SN017", "SN004"),
    ("SN013", "SN018", "SN011", "SN028", "SN012", "SN006", "SN031", "SN021", "SN024"),
    ("SN002", "SN010", "SN001", "SN026", "SN027", "SN032", "SN030", "SN009", "SN016"),
)
"""The people held out by folds 1, 2 and 3 of the usual three-fold protocol."""

RATE = 20.0
"""Frames per second."""

Camera = Literal["left", "right", "both"]


def read(
    root: Path, report: Report, *, camera: Camera = "left", fold: int = 0, frames: Path | None = None
) -> Iterator[Row]:
    """Yield a row for each labelled frame and camera: presence and intensity of the units that have a file.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable file or frame.
        camera: which videos to read; some of the right ones are said to lack frames.
        fold: 0 puts everyone into the split all; 1, 2 or 3 puts the people that this fold holds out into valid and all
            others into train.
        frames: the folder that has the folders of pictures of each person, if it has another name.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
        ValueError: if there is no such fold or camera.
    """
    if fold not in range(len(FOLDS) + 1):
        raise ValueError(f"fold {fold}: there are folds 1 to {len(FOLDS)}, and 0 for none")
    sides = {"left": ("Left",), "right": ("Right",), "both": ("Left", "Right")}.get(camera)
    if sides is None:
        raise ValueError(f"camera {camera!r}: expected left, right or both")
    root = find_root(root, tuple(f"{name}/SN*" for name in LABELS))
    labels = required(root, tuple(f"{name}/SN*" for name in LABELS))[0].parent
    lookup = FileLookup()
    for folder in folders(labels):
        subject = folder.name
        if not re.fullmatch(r"SN\d{3}", subject):
            continue
        held = fold and subject in FOLDS[fold - 1]
        split = "all" if not fold else "valid" if held else "train"
        grades = _grades(folder, lookup, report)
        labelled = sorted(set().union(*grades.values()))
        for side in sides:
            metadata: Row = {"split": split, "dataset": "disfa", "subject": subject, "video": f"{side}{subject}"}
            for path, frame in _frames(root, frames, lookup, side, subject, labelled, report):
                place = {"path": str(path), "frame": frame, "timestamp": frame / RATE}
                yield {**place, **metadata, **_units(grades, frame + 1)}


def _grades(folder: Path, lookup: FileLookup, report: Report) -> dict[str, dict[int, float]]:
    """Return unit -> frame, from 1 -> intensity."""
    found = {}
    for au in UNITS:
        name = lookup.names(folder).get(f"{folder.name.lower()}_au{au}.txt")
        label = au_label(au)
        if name is None:
            report(f"{folder}: no {folder.name}_au{au}.txt; {label} stays empty")
        elif label:
            found[label] = intensities(folder / name, report, first=1)
    return found


def _units(grades: dict[str, dict[int, float]], frame: int) -> Row:
    row: Row = {}
    for label, values in grades.items():
        value = values.get(frame)
        row[label] = None if value is None else float(value >= PRESENT)
        row[f"{label}_intensity"] = value
    return row


def _frames(
    root: Path, given: Path | None, lookup: FileLookup, side: str, subject: str, labelled: list[int], report: Report
) -> Iterator[tuple[Path, int]]:
    """Yield picture or video, and frame from 0, for each labelled frame from 1."""
    cameras = [root / f"{name}_{side}Camera" for name in ("Videos", "Video")]
    named = [f"{side}Video{subject}_comp", f"{side}Video{subject}", subject]
    around = [given] if given else [*cameras, root / "images" / side, root / "images", root / "frames", root]
    for folder in (place / name for place in around for name in named):
        if pictures := numbered_pictures(folder):
            start = int(0 not in pictures)
            for frame in labelled:
                if picture := pictures.get(frame - 1 + start):
                    yield picture, frame - 1
                else:
                    report(f"{folder}: no picture {frame - 1 + start} for frame {frame}")
            return
    for folder in [] if given else [*cameras, root]:
        if video := lookup.names(folder).get(f"{side}Video{subject}_comp.avi".lower()):
            yield from ((folder / video, frame - 1) for frame in labelled)
            return
    report(f"{given or cameras[0]}: neither {side}Video{subject}_comp.avi nor pictures of {subject} found")
