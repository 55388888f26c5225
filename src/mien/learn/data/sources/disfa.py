"""DISFA (Mavadati et al. 2013): 27 people watch a film of four minutes; 12 units are graded in each frame.

Expected, under the names of the release::

    ActionUnit_Labels/SN001/SN001_au1.txt       a line a frame, ``frame,intensity``; frames from 1, intensity 0 to 5
    Videos_LeftCamera/LeftVideoSN001_comp.avi   and the same of the right camera; 20 frames a second

or, in place of videos, the frames as pictures: a folder for each person, ``SN001``, ``LeftVideoSN001`` or
``LeftVideoSN001_comp``, in ``Videos_LeftCamera``, ``images``, ``frames``, beside the labels or where ``frames`` says. A
picture's number is at the end of its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.au_coding import intensities, unit
from mien.learn.data.sources.shared.copies import Shelf, folders, home
from mien.learn.data.sources.shared.files import Fault, required
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "DISFA (Mavadati et al. 2013)",
    "licence": "by agreement with the University of Denver, for research: local use only",
    "release": "ActionUnit_Labels and videos",
}

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)

PRESENT = 2
"""From this intensity on a unit counts as present (papers/003, section 4.1)."""

LABELS = ("ActionUnit_Labels", "ActionUnit_Labels/ActionUnit_Labels")

FOLDS = (
    ("SN003", "SN029", "SN023", "SN025", "SN008", "SN005", "SN007", "SN017", "SN004"),
    ("SN013", "SN018", "SN011", "SN028", "SN012", "SN006", "SN031", "SN021", "SN024"),
    ("SN002", "SN010", "SN001", "SN026", "SN027", "SN032", "SN030", "SN009", "SN016"),
)
"""The people that folds 1, 2 and 3 of the usual three-fold protocol hold out."""

RATE = 20.0
"""Frames a second."""

Camera = Literal["left", "right", "both"]


def read(
    root: Path, fault: Fault, *, camera: Camera = "left", fold: int = 0, frames: Path | None = None
) -> Iterator[Row]:
    """A row for each labelled frame and camera: presence and intensity of the units that the person has files of.

    Args:
        root: of the release, or a folder around it.
        fault: told what cannot be used.
        camera: whose video; in part of the right ones frames are said to be lost.
        fold: 0 puts everybody into the split all; 1, 2 or 3 those whom this fold holds out into valid, all others into
            train.
        frames: the folder with the people's folders of pictures, if it has a name of its own.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
        ValueError: if there is no such fold or camera.
    """
    if fold not in range(len(FOLDS) + 1):
        raise ValueError(f"fold {fold}: there are folds 1 to {len(FOLDS)}, and 0 for none")
    sides = {"left": ("Left",), "right": ("Right",), "both": ("Left", "Right")}.get(camera)
    if sides is None:
        raise ValueError(f"camera {camera!r}: expected left, right or both")
    root = home(root, tuple(f"{name}/SN*" for name in LABELS))
    labels = required(root, tuple(f"{name}/SN*" for name in LABELS))[0].parent
    shelf = Shelf()
    for folder in folders(labels):
        subject = folder.name
        if not re.fullmatch(r"SN\d{3}", subject):
            continue
        held = fold and subject in FOLDS[fold - 1]
        split = "all" if not fold else "valid" if held else "train"
        grades = _grades(folder, shelf, fault)
        for side in sides:
            metadata: Row = {"split": split, "dataset": "disfa", "subject": subject, "video": f"{side}{subject}"}
            for path, frame in _frames(
                root, frames, shelf, side, subject, sorted(set().union(*grades.values())), fault
            ):
                yield {
                    "path": str(path),
                    **metadata,
                    "frame": frame,
                    "timestamp": frame / RATE,
                    **_units(grades, frame + 1),
                }


def _grades(folder: Path, shelf: Shelf, fault: Fault) -> dict[str, dict[int, float]]:
    """Unit -> frame, from 1 -> intensity."""
    found = {}
    for au in UNITS:
        path = shelf.files(folder).get(f"{folder.name.lower()}_au{au}.txt")
        label = unit(au)
        if path is None:
            fault(f"{folder}: has no {folder.name}_au{au}.txt; {label} is left empty")
        elif label:
            found[label] = intensities(path, fault, first=1)
    return found


def _units(grades: dict[str, dict[int, float]], frame: int) -> Row:
    row: Row = {}
    for label, values in grades.items():
        value = values.get(frame)
        row[label] = None if value is None else float(value >= PRESENT)
        row[f"{label}_intensity"] = value
    return row


def _frames(
    root: Path, given: Path | None, shelf: Shelf, side: str, subject: str, labelled: list[int], fault: Fault
) -> Iterator[tuple[Path, int]]:
    """Picture, or video, and frame from 0, of each labelled frame from 1."""
    cameras = [root / f"{name}_{side}Camera" for name in ("Videos", "Video")]
    named = [f"{side}Video{subject}_comp", f"{side}Video{subject}", subject]
    around = [given] if given else [*cameras, root / "images" / side, root / "images", root / "frames", root]
    for folder in (place / name for place in around for name in named):
        if pictures := shelf.numbered(folder):
            start = int(0 not in pictures)
            for frame in labelled:
                if picture := pictures.get(frame - 1 + start):
                    yield picture, frame - 1
                else:
                    fault(f"{folder}: has no picture {frame - 1 + start} for frame {frame}")
            return
    for folder in [] if given else [*cameras, root]:
        if video := shelf.files(folder).get(f"{side}Video{subject}_comp.avi".lower()):
            yield from ((video, frame - 1) for frame in labelled)
            return
    fault(f"{given or cameras[0]}: neither {side}Video{subject}_comp.avi nor pictures of {subject} found")
