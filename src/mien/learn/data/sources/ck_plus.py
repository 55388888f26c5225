"""CK+, the extended Cohn-Kanade data set (Lucey et al. 2010): 593 sequences of 123 people, from neutral to the peak.

Expected layout (or each folder inside that of its archive, as in ``FACS_labels/FACS``)::

    cohn-kanade-images/S005/001/S005_001_00000011.png          all frames of a sequence, from number 1 to the peak
    Emotion/S005/001/S005_001_00000011_emotion.txt             ``3.0000000e+00``; for 327 sequences
    FACS/S005/001/S005_001_00000011_facs.txt                   one line per unit, ``9.0e+00 3.0e+00``: unit, intensity
    Landmarks/S005/001/S005_001_00000011_landmarks.txt         68 lines of x and y; may be missing

or one of two copies from the web: folders ``anger``, ``contempt`` and so on with the last three frames of each
sequence, 48 x 48 pixels, with their original names; or ``ckextended.csv`` with the columns emotion (as in FER2013, and
7 for contempt), pixels and Usage.

The expression is weak: neutral is the first frame of each sequence, and frames before the peak have the label of the
peak. There are no official splits. The data is available by agreement with the University of Pittsburgh, for research.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.au_coding import MAX_INTENSITY, au_label
from mien.learn.data.sources.shared.expression_words import FER2013, WORDS, labelled
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.pixel_table import pixel_rows
from mien.learn.data.sources.shared.release_files import (
    Report,
    find_root,
    folders,
    numbered_pictures,
    required,
    visible,
)
from mien.learn.data.sources.shared.text_files import lines, number
from mien.tasks import ACTION_UNITS, FACE

TASKS = FACE

METADATA = {
    "source": "CK+, extended Cohn-Kanade (Lucey et al. 2010)",
    "licence": "by agreement with the University of Pittsburgh, for research: local use only",
    "release": "cohn-kanade-images with Emotion and FACS, or a copy of 48 x 48 pixels",
    "weak": {
        "expression": "neutral is the first frame of each sequence; frames before the peak have the label of the peak"
    },
}

CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
"""The numbers in the files of emotions."""

IMAGES = ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images")
EMOTION = ("Emotion", "Emotion_labels/Emotion", "Emotion_Labels/Emotion", "Emotion_labels")
UNITS = ("FACS", "FACS_labels/FACS", "FACS_Labels/FACS", "FACS_labels")
LANDMARKS = ("Landmarks", "Landmarks/Landmarks")

TABLE = "ckextended.csv"

NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})")


def read(
    root: Path, report: Report, *, peaks: int = 3, neutral: bool = True, pictures: Path | None = None
) -> Iterator[Row]:
    """Yield the last frames of each sequence, with its expression and units, and the first frame, which is neutral.

    The coders of FACS examined the peak for all units: units listed in the file are present, the others of our 17 are
    absent. An intensity of 0 in the file means that none was given: then it is null here, and the unit is present. The
    first frame has no units. A sequence of contempt, which is not one of our expressions, only has its units; frames
    without any label have no row. All rows are in the split all: use folds with ``group: subject``.

    Args:
        root: the folder of the release or copy, or a parent folder.
        report: called with a line for each unusable file or row.
        peaks: how many frames, up to the peak, have the labels of the peak.
        neutral: whether the first frame has a row.
        pictures: where the pictures of ``ckextended.csv`` are written; by default a folder ``pictures`` next to it.
            That file does not identify people; its splits are those of its column Usage.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if ``peaks`` is less than 1.
    """
    if peaks < 1:
        raise ValueError(f"peaks {peaks}: expected 1 or more")
    try:
        place = find_root(root, IMAGES)
    except FileNotFoundError as error:
        yield from _copies(root, report, pictures, error)
        return
    yield from _release(place, report, peaks, neutral)


def _release(root: Path, report: Report, peaks: int, neutral: bool) -> Iterator[Row]:
    (images,) = required(root, IMAGES)
    emotions, units, landmarks = (_folder(root, names) for names in (EMOTION, UNITS, LANDMARKS))
    if emotions is None and units is None:
        raise FileNotFoundError(f"{root}: neither {EMOTION[0]} nor {UNITS[0]} found next to {images.name}")
    lookup = FileLookup()
    for subject, sequence in _sequences(images, emotions, units):
        inner = Path(subject, sequence)
        metadata: Row = {"split": "all", "dataset": "ck_plus", "subject": subject, "video": f"{subject}_{sequence}"}
        photos = numbered_pictures(images / inner)
        peak, labels = _labels(emotions, units, inner, report)
        wanted: dict[int, Row] = {place: labels for place in range(max(2, peak - peaks + 1), peak + 1) if labels}
        if neutral:
            wanted = {1: {"expression": "neutral"}} | wanted
        for place, own in wanted.items():
            if photo := photos.get(place):
                points = _points(lookup, landmarks, inner, photo, report)
                yield {"path": str(photo), **metadata, "frame": place - 1, "landmarks": points, **own}
            else:
                report(f"{images / inner}: no frame {place}")


def _sequences(*places: Path | None) -> list[tuple[str, str]]:
    """Return person and number of each sequence that has a folder with photos or labels in one of these places."""
    found = {
        (subject.name, sequence.name)
        for place in places
        if place
        for subject in folders(place)
        for sequence in folders(subject)
        if re.fullmatch(r"S\d{3}", subject.name) and any(sequence.glob("S*"))
    }
    return sorted(found)


def _labels(emotions: Path | None, units: Path | None, inner: Path, report: Report) -> tuple[int, Row]:
    """Return the number of the peak and its labels; 0 and nothing if there are none."""
    peak = 0
    row: Row = {}
    for folder, suffix, parse in ((emotions, "_emotion.txt", _expression), (units, "_facs.txt", _units)):
        for name in visible(folder / inner, folders=False) if folder else ():
            place = NAME.match(name.upper())
            if folder and place and name.lower().endswith(suffix) and (labels := parse(folder / inner / name, report)):
                peak, row = int(place[3]), {**row, **labels}
    return peak, row


def _expression(path: Path, report: Report) -> Row:
    values = [number(text.strip()) for _, text in lines(path, report)]
    value = values[0] if len(values) == 1 else None
    if value is None or value not in range(len(CODES)):
        report(f"{path}: expected one number from 0 to {len(CODES) - 1}")
        return {}
    word = WORDS[CODES[int(value)]]
    return {"expression": word} if word else {}


def _units(path: Path, report: Report) -> Row:
    """Return the presence of all 17 units, and the intensities that are known."""
    found: dict[int, float] = {}
    for line, text in lines(path, report):
        cells = [number(cell) for cell in text.split()]
        au, intensity = cells if len(cells) == 2 else (None, None)
        if au is None or intensity is None or au != int(au) or au < 1 or not 0 <= intensity <= MAX_INTENSITY:
            report(f"{path}: line {line}: {text.strip()!r} is not a unit and an intensity from 0 to {MAX_INTENSITY}")
            return {}
        if int(au) in found:
            report(f"{path}: line {line}: duplicate unit {int(au)}")
        found.setdefault(int(au), intensity)
    if not found:
        report(f"{path}: no units")
        return {}
    row: Row = dict.fromkeys(ACTION_UNITS.labels, 0.0) | {f"{label}_intensity": 0.0 for label in ACTION_UNITS.labels}
    for au, intensity in found.items():
        if label := au_label(au):
            row |= {label: 1.0, f"{label}_intensity": intensity or None}
    return row


def _points(lookup: FileLookup, landmarks: Path | None, inner: Path, photo: Path, report: Report) -> list[float] | None:
    """Return ten numbers, or None if there is no file or it is damaged, which is reported."""
    path = lookup.find(landmarks / inner / f"{photo.stem}_landmarks.txt") if landmarks else None
    if path is None:
        return None
    rows = [[number(cell) for cell in text.split()] for _, text in lines(path, report)]
    try:
        return five_of_68(np.array(rows, np.float64))
    except (TypeError, ValueError):
        report(f"{path}: expected 68 lines of two numbers")
        return None


def _folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of these folders that has the folder of a person in it."""
    for place in (root / name for name in names):
        if any(re.fullmatch(r"S\d{3}", folder.name) for folder in folders(place)):
            return place
    return None


def _copies(root: Path, report: Report, pictures: Path | None, error: FileNotFoundError) -> Iterator[Row]:
    """Yield the rows of a copy from the web; raise ``error``, extended, if there is none."""
    found = False
    for path, split, label in labelled(root):
        found = True
        row: Row = {"path": str(path), "split": split, "dataset": "ck_plus", "expression": label}
        if name := NAME.match(path.name.upper()):
            row |= {"subject": name[1], "video": f"{name[1]}_{name[2]}", "frame": int(name[3]) - 1}
        if label:
            yield row
    if found:
        return
    try:
        place = find_root(root, TABLE)
    except FileNotFoundError:
        raise FileNotFoundError(f"{error}, nor folders such as anger, nor {TABLE}") from None
    for entry in pixel_rows(place / TABLE, pictures or place / "pictures", (*FER2013, None), report):
        if entry.label:
            metadata: Row = {"path": str(entry.path), "split": entry.split, "dataset": "ck_plus"}
            yield {**metadata, "expression": entry.label}
