"""AffectNet (Mollahosseini et al. 2017): photos from the web with an expression, valence and arousal.

Either release is read, whichever is there.

- Lists: ``training.csv`` and ``validation.csv`` (beside or in a folder beside the pictures, as in
  ``Manually_Annotated_file_lists``), and ``Manually_Annotated_Images/<number>/<name>.jpg``. The columns are
  ``subDirectory_filePath``, ``face_x``, ``face_y``, ``face_width``, ``face_height``, ``facial_landmarks`` (68 points,
  ``x;y;x;y``), ``expression``, ``valence``, ``arousal``; ``validation.csv`` may come without its header. The list of
  pictures that were annotated automatically is not read.
- Crops: ``train_set`` and ``val_set``, each with ``images/N.jpg`` and ``annotations/N_exp.npy``, ``N_val.npy``,
  ``N_aro.npy``, ``N_lnd.npy`` (one value each, 136 landmark numbers), a folder of the same name between or not.

Expressions: 0 neutral, 1 happiness, 2 sadness, 3 surprise, 4 fear, 5 disgust, 6 anger, 7 contempt, 8 none of these,
9 uncertain, 10 no face. Valence and arousal: [-1, 1], -2 where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.files import Fault, inside, number, required
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.lists import Catalogue, table, whole_number, within
from mien.media.picture import SUFFIXES
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "AffectNet (Mollahosseini, Hasani and Mahoor 2017)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the manually annotated pictures",
}

EXPRESSIONS = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger")
"""Values 0 to 6."""

CONTEMPT, NO_FACE = 7, 10

BOX = ("face_x", "face_y", "face_width", "face_height")
COLUMNS = ("subDirectory_filePath", *BOX, "facial_landmarks", "expression", "valence", "arousal")

LISTS = {"training": "train", "validation": "test"}
"""List -> split."""

CROPS = {"train_set": "train", "val_set": "test"}
"""Folder of crops -> split."""

PLACES = ("", "*_set/", "*_set/*_set/")
"""Where ``images`` and ``annotations`` may lie."""

NOTHING: NDArray[Any] = np.empty(0)

PICTURES = "Manually_Annotated_Images"


def read(root: Path, fault: Fault, *, validation: str = "test", contempt: bool = True) -> Iterator[Row]:
    """Manifest rows of the training and the validation set, in the order of the lists or by number.

    No test set is released: as in papers/003, the validation set is the split ``test``, and the training set is to be
    divided. Contempt is none of the seven expressions: such a row has valence and arousal alone, as has one with "none
    of these". Rows without any label, and those with "no face", are left out.

    Args:
        root: the folder of either release, or one around it.
        fault: told of each row that cannot be used.
        validation: the split that the validation set gets.
        contempt: whether to keep rows of contempt.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if both releases are there, or a list lacks a column.
    """
    lists = tuple(f"{place}{name}.csv{end}" for place in ("", "*/") for name in LISTS for end in ("", ".gz"))
    crops = tuple(f"{place}annotations" for place in PLACES)
    place = home(root, (*crops, *lists))
    annotations = [folder for pattern in crops for folder in sorted(place.glob(pattern)) if folder.is_dir()]
    files = {name: _first(place, name) for name in LISTS}
    if annotations and any(files.values()):
        raise ValueError(f"{place}: holds the lists and the crops of AffectNet; point at the folder of one of them")
    catalogue = Catalogue()
    if not annotations:
        patterns = tuple(f"{above}{PICTURES}" for above in ("", "*/", "*/*/"))
        (pictures,) = required(place, patterns)
        for name, path in files.items():
            if path is not None:
                split = validation if name == "validation" else LISTS[name]
                yield from _listed(path, pictures, split, contempt, fault, catalogue)
    for folder in annotations:
        names = {part.lower() for part in (place.absolute().name, *folder.relative_to(place).parts)}
        split = next((CROPS[name] for name in CROPS if name in names), "all")
        yield from _cropped(folder, validation if split == "test" else split, contempt, fault)


def _first(place: Path, name: str) -> Path | None:
    """The list of this name in ``place`` or in a folder in it."""
    patterns = (f"{above}{name}.csv{end}" for above in ("", "*/") for end in ("", ".gz"))
    return next((path for pattern in patterns for path in sorted(place.glob(pattern))), None)


def _listed(
    path: Path, pictures: Path, split: str, contempt: bool, fault: Fault, catalogue: Catalogue
) -> Iterator[Row]:
    """Rows of one list."""
    seen: set[tuple[str, ...]] = set()
    for line, cells in table(path, fault, COLUMNS):
        where, name = f"{path}: line {line}", cells["subDirectory_filePath"]
        face = tuple(cells[column] for column in (COLUMNS[0], *BOX))  # a photo may show several
        if face in seen:
            fault(f"{where}: {name} stands there twice")
            continue
        seen.add(face)
        try:
            labels = _labels(cells["expression"], cells["valence"], cells["arousal"], contempt=contempt)
            box = _box([cells[column] for column in BOX])
        except ValueError as error:
            fault(f"{where}: {error}")
            continue
        if not labels:
            continue
        picture = catalogue.find(inside(pictures, name))
        if picture is None:
            fault(f"{where}: {name}: no such picture in {pictures}")
            continue
        points = [] if cells["facial_landmarks"] in ("", "NULL") else cells["facial_landmarks"].split(";")
        yield {**_head(picture, split), **labels, **box, "landmarks": _five(points, where, fault)}


def _cropped(annotations: Path, split: str, contempt: bool, fault: Fault) -> Iterator[Row]:
    """Rows of one folder of crops, by number. A kind of annotation that no picture has is not missed."""
    images, notes = required(annotations.parent, "images")[0], _names(annotations)
    there = {Path(name).stem: name for name in _names(images) if Path(name).suffix.lower() in SUFFIXES}
    known = {name.rpartition("_")[0] for name in notes if name.endswith(".npy")}
    kinds = {name.rpartition("_")[2] for name in notes}
    for key in sorted(known | set(there), key=lambda key: (not key.isdigit(), key.zfill(12))):
        if key not in there or key not in known:
            fault(f"{annotations / key}_*.npy: no picture {key} in {images}" if key in known else _lonely(images, key))
            continue
        cells: dict[str, NDArray[Any]] = {}
        for kind in ("exp", "val", "aro", "lnd"):
            path = annotations / f"{key}_{kind}.npy"
            if path.name not in notes and f"{kind}.npy" in kinds and kind != "lnd":
                fault(f"{path}: no such file")
            try:
                cells[kind] = _loaded(path) if path.name in notes else NOTHING
            except ValueError as error:
                fault(f"{path}: {error}")
                cells[kind] = NOTHING
        try:
            labels = _labels(*(" ".join(map(str, cells[kind])) for kind in ("exp", "val", "aro")), contempt=contempt)
        except ValueError as error:
            fault(f"{annotations / key}_*.npy: {error}")
            continue
        if labels:
            five = _five(cells["lnd"], f"{annotations / key}_lnd.npy", fault)
            yield {**_head(images / there[key], split), **labels, "landmarks": five}


def _lonely(images: Path, key: str) -> str:
    return f"{images / key}: the picture has no annotations"


def _names(folder: Path) -> set[str]:
    """The names of a folder's visible files; names alone, for there are more than a million."""
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if not entry.name.startswith(".")}


def _head(picture: Path, split: str) -> Row:
    return {"path": str(picture), "split": split, "dataset": "affectnet", "subject": None}


def _labels(expression: str, valence: str, arousal: str, *, contempt: bool) -> Row | None:
    """Label columns, or None for a row to leave out; ValueError, in words for a message, if a value is none."""
    code = whole_number(expression, 0, NO_FACE) if expression else None
    affect = {
        name: None if text == "" or number(text) == -2 else within(text)
        for name, text in (("valence", valence), ("arousal", arousal))
    }
    labels: Row = {"expression": EXPRESSIONS[code] if code is not None and code < CONTEMPT else None, **affect}
    unlabelled = all(value is None for value in labels.values())
    return None if unlabelled or code == NO_FACE or (code == CONTEMPT and not contempt) else labels


def _box(cells: list[str]) -> Row:
    """Columns of the box, null where the release has NULL or no size."""
    names = ("x", "y", "width", "height")
    if any(cell in ("", "NULL") for cell in cells):
        return dict.fromkeys(names)
    values = [within(cell, -1e6, 1e6) for cell in cells]
    return dict(zip(names, values, strict=True)) if min(values[2:]) > 0 else dict.fromkeys(names)


def _five(cells: Sequence[str] | NDArray[Any], where: str, fault: Fault) -> list[float] | None:
    """Five landmarks of 68; a row with bad landmarks is still a row, for its labels are good."""
    if not len(cells):
        return None
    try:
        values = np.array(list(map(float, cells)))
        return five_of_68(values.reshape(-1, 2) if len(values) % 2 == 0 else values)
    except ValueError as error:
        fault(f"{where}: landmarks left out: {error}")
        return None


def _loaded(path: Path) -> NDArray[Any]:
    """The values of a .npy file, which may be stored as words; ValueError, in words for a message, if it is none."""
    try:
        values: NDArray[Any] = np.load(path, allow_pickle=False).ravel()
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"cannot be read ({error})") from None
    return values
