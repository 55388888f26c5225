"""CK+, the extended Cohn-Kanade data set (Lucey et al. 2010): 593 sequences of 123 people, from neutral to the peak.

Expected, under the names of the release (or each in the folder of its archive, as ``FACS_labels/FACS``)::

    cohn-kanade-images/S005/001/S005_001_00000011.png          all frames of a sequence, from number 1 to the peak
    Emotion/S005/001/S005_001_00000011_emotion.txt             ``3.0000000e+00``; of 327 sequences
    FACS/S005/001/S005_001_00000011_facs.txt                   a line a unit, ``9.0e+00 3.0e+00``: unit, intensity
    Landmarks/S005/001/S005_001_00000011_landmarks.txt         68 lines of x and y; may be missing

or one of the copies on the web: folders ``anger``, ``contempt`` and so on with the last three frames of each sequence,
48 x 48 pixels, under their names; or ``ckextended.csv`` with the columns emotion (as FER2013, and 7 for contempt),
pixels and Usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.au_coding import MAX_INTENSITY, unit
from mien.learn.data.sources.shared.copies import Shelf, folders, home
from mien.learn.data.sources.shared.expression_words import FER2013, WORDS, labelled
from mien.learn.data.sources.shared.files import Fault, lines, number, required
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.pixel_table import entries
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
"""What the numbers in the files of emotions say."""

IMAGES = ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images")
EMOTION = ("Emotion", "Emotion_labels/Emotion", "Emotion_Labels/Emotion", "Emotion_labels")
UNITS = ("FACS", "FACS_labels/FACS", "FACS_Labels/FACS", "FACS_labels")
LANDMARKS = ("Landmarks", "Landmarks/Landmarks")

TABLE = "ckextended.csv"

NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})")


def read(
    root: Path, fault: Fault, *, peaks: int = 3, neutral: bool = True, pictures: Path | None = None
) -> Iterator[Row]:
    """Rows of the last frames of each sequence, with its expression and units, and of the first, which is neutral.

    The coders of FACS looked at the peak for all units: those that the file lists are present, the other ones of our 17
    are absent. An intensity of 0 in the file means that none was given: then it is null here, and the unit is present.
    The first frame has no units. A sequence that shows contempt, which is none of our expressions, has its units alone;
    frames without any label have no row. All rows are in the split all: make folds with ``group: subject``.

    Args:
        root: of the release or copy, or a folder around it.
        fault: told what cannot be used.
        peaks: how many frames, up to the peak, have the labels of the peak.
        neutral: whether there is a row of the first frame.
        pictures: where the pictures of ``ckextended.csv`` go; by itself a folder ``pictures`` beside it. That file does
            not say who is to be seen; its splits are by its column Usage.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if there are fewer peaks than one.
    """
    if peaks < 1:
        raise ValueError(f"peaks {peaks}: expected one or more")
    try:
        home_of = home(root, IMAGES)
    except FileNotFoundError as error:
        yield from _copies(root, fault, pictures, error)
        return
    yield from _release(home_of, fault, peaks, neutral)


def _release(root: Path, fault: Fault, peaks: int, neutral: bool) -> Iterator[Row]:
    (images,) = required(root, IMAGES)
    emotions, units, landmarks = (_folder(root, names) for names in (EMOTION, UNITS, LANDMARKS))
    if emotions is None and units is None:
        raise FileNotFoundError(f"{root}: neither {EMOTION[0]} nor {UNITS[0]} found beside {images.name}")
    shelf = Shelf()
    for subject, sequence in _sequences(images, emotions, units):
        inner = Path(subject, sequence)
        metadata: Row = {"split": "all", "dataset": "ck_plus", "subject": subject, "video": f"{subject}_{sequence}"}
        photos = shelf.numbered(images / inner)
        peak, labels = _labels(shelf, emotions, units, inner, fault)
        wanted: dict[int, Row] = {place: labels for place in range(max(2, peak - peaks + 1), peak + 1) if labels}
        if neutral:
            wanted = {1: {"expression": "neutral"}} | wanted
        for place, own in wanted.items():
            if photo := photos.get(place):
                points = _points(shelf, landmarks, inner, photo, fault)
                yield {"path": str(photo), **metadata, "frame": place - 1, "landmarks": points, **own}
            else:
                fault(f"{images / inner}: has no frame {place}")


def _sequences(*places: Path | None) -> list[tuple[str, str]]:
    """Person and number of each sequence that has a folder in one of these places, with photos or labels in it."""
    found = {
        (subject.name, sequence.name)
        for place in places
        if place
        for subject in folders(place)
        for sequence in folders(subject)
        if re.fullmatch(r"S\d{3}", subject.name) and any(sequence.glob("S*"))
    }
    return sorted(found)


def _labels(shelf: Shelf, emotions: Path | None, units: Path | None, inner: Path, fault: Fault) -> tuple[int, Row]:
    """The number of the peak's frame, and the labels of the peak; 0 and nothing if there are none."""
    peak = 0
    row: Row = {}
    for folder, suffix, parse in ((emotions, "_emotion.txt", _expression), (units, "_facs.txt", _units)):
        for name, path in (shelf.files(folder / inner) if folder else {}).items():
            place = NAME.match(path.name.upper())
            if place and name.endswith(suffix) and (labels := parse(path, fault)):
                peak, row = int(place[3]), {**row, **labels}
    return peak, row


def _expression(path: Path, fault: Fault) -> Row:
    values = [number(text.strip()) for _, text in lines(path, fault)]
    value = values[0] if len(values) == 1 else None
    if value is None or value not in range(len(CODES)):
        fault(f"{path}: expected one number from 0 to {len(CODES) - 1}")
        return {}
    word = WORDS[CODES[int(value)]]
    return {"expression": word} if word else {}


def _units(path: Path, fault: Fault) -> Row:
    """Presence of all 17 units, and the intensities that are known."""
    found: dict[int, float] = {}
    for line, text in lines(path, fault):
        cells = [number(cell) for cell in text.split()]
        au, intensity = cells if len(cells) == 2 else (None, None)
        if au is None or intensity is None or au != int(au) or au < 1 or not 0 <= intensity <= MAX_INTENSITY:
            fault(f"{path}: line {line}: {text.strip()!r} is not a unit and an intensity from 0 to {MAX_INTENSITY}")
            return {}
        if int(au) in found:
            fault(f"{path}: line {line}: unit {int(au)} stands there twice")
        found.setdefault(int(au), intensity)
    if not found:
        fault(f"{path}: lists no unit")
        return {}
    row: Row = dict.fromkeys(ACTION_UNITS.labels, 0.0) | {f"{label}_intensity": 0.0 for label in ACTION_UNITS.labels}
    for au, intensity in found.items():
        if label := unit(au):
            row |= {label: 1.0, f"{label}_intensity": intensity or None}
    return row


def _points(shelf: Shelf, landmarks: Path | None, inner: Path, photo: Path, fault: Fault) -> list[float] | None:
    """Ten numbers, or None if there is no file or it is not as it should be."""
    path = shelf.files(landmarks / inner).get(f"{photo.stem.lower()}_landmarks.txt") if landmarks else None
    if path is None:
        return None
    rows = [[number(cell) for cell in text.split()] for _, text in lines(path, fault)]
    try:
        return five_of_68(np.array(rows, np.float64))
    except (TypeError, ValueError):
        fault(f"{path}: expected 68 lines of two numbers")
        return None


def _folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these folders that has a folder of a person in it."""
    places = (root / name for name in names)
    return next(
        (place for place in places if any(re.fullmatch(r"S\d{3}", folder.name) for folder in folders(place))), None
    )


def _copies(root: Path, fault: Fault, pictures: Path | None, error: FileNotFoundError) -> Iterator[Row]:
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
        place = home(root, TABLE)
    except FileNotFoundError:
        raise FileNotFoundError(f"{error}, nor folders such as anger, nor {TABLE}") from None
    for entry in entries(place / TABLE, pictures or place / "pictures", (*FER2013, None), fault):
        if entry.label:
            metadata: Row = {"path": str(entry.path), "split": entry.split, "dataset": "ck_plus"}
            yield {**metadata, "expression": entry.label}
