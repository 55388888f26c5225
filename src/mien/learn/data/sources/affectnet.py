"""AffectNet (Mollahosseini et al. 2017): photos from the web with an expression, valence and arousal.

Expected layout: either of the two releases; a folder with both is refused.

- Lists: ``training.csv`` and ``validation.csv`` (next to the pictures, or in a folder next to them such as
  ``Manually_Annotated_file_lists``), and ``Manually_Annotated_Images/<number>/<name>.jpg``. The columns are
  ``subDirectory_filePath``, ``face_x``, ``face_y``, ``face_width``, ``face_height``, ``facial_landmarks`` (68 points,
  ``x;y;x;y``), ``expression``, ``valence``, ``arousal``; ``validation.csv`` may have no header. The list of
  automatically annotated pictures is not read.
- Crops: ``train_set`` and ``val_set``, each with ``images/N.jpg`` and ``annotations/N_exp.npy``, ``N_val.npy``,
  ``N_aro.npy``, ``N_lnd.npy`` (one value each; 136 landmark numbers), with or without a folder of the same name
  in between.

Expressions: 0 neutral, 1 happiness, 2 sadness, 3 surprise, 4 fear, 5 disgust, 6 anger, 7 contempt, 8 none of these,
9 uncertain, 10 no face. Valence and arousal: [-1, 1], -2 where there is none. The data is for research, by agreement
with the authors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.release_files import Report, find_root, inside, required, visible
from mien.learn.data.sources.shared.text_files import number, records, whole_number, within
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
"""Where ``images`` and ``annotations`` may be."""

NOTHING: NDArray[Any] = np.empty(0)

PICTURES = "Manually_Annotated_Images"


def read(root: Path, report: Report, *, validation: str = "test", contempt: bool = True) -> Iterator[Row]:
    """Yield the rows of the training and the validation set, in the order of the lists or by number.

    No test set is released: as in papers/003, the validation set is the split ``test``; split the training set to get a
    validation set. Contempt is not one of the seven expressions: such a row only has valence and arousal, as does one
    with "none of these". Rows without any label, and those with "no face", are skipped.

    Args:
        root: the folder of either release, or a parent folder.
        report: called with a line for each unusable row.
        validation: the split of the validation set.
        contempt: whether to keep rows with contempt.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if both releases are found, or a list lacks a column.
    """
    lists = tuple(f"{place}{name}.csv{end}" for place in ("", "*/") for name in LISTS for end in ("", ".gz"))
    crops = tuple(f"{place}annotations" for place in PLACES)
    place = find_root(root, (*crops, *lists))
    annotations = [folder for pattern in crops for folder in sorted(place.glob(pattern)) if folder.is_dir()]
    files = {name: _first(place, name) for name in LISTS}
    if annotations and any(files.values()):
        raise ValueError(f"{place}: holds both the lists and the crops of AffectNet; give the folder of one of them")
    lookup = FileLookup()
    if not annotations:
        patterns = tuple(f"{above}{PICTURES}" for above in ("", "*/", "*/*/"))
        (pictures,) = required(place, patterns)
        for name, path in files.items():
            if path is not None:
                split = validation if name == "validation" else LISTS[name]
                yield from _listed(path, pictures, split, contempt, report, lookup)
    for folder in annotations:
        names = {part.lower() for part in (place.absolute().name, *folder.relative_to(place).parts)}
        split = next((CROPS[name] for name in CROPS if name in names), "all")
        yield from _cropped(folder, validation if split == "test" else split, contempt, report)


def _first(place: Path, name: str) -> Path | None:
    """Return the list of this name in ``place`` or in a folder in it."""
    patterns = (f"{above}{name}.csv{end}" for above in ("", "*/") for end in ("", ".gz"))
    return next((path for pattern in patterns for path in sorted(place.glob(pattern))), None)


def _listed(
    path: Path, pictures: Path, split: str, contempt: bool, report: Report, lookup: FileLookup
) -> Iterator[Row]:
    """Yield the rows of one list."""
    seen: set[tuple[str, ...]] = set()
    for line, cells in records(path, report, COLUMNS, header_optional=True):
        where, name = f"{path}: line {line}", cells["subDirectory_filePath"]
        face = tuple(cells[column] for column in (COLUMNS[0], *BOX))  # a photo may show several
        if face in seen:
            report(f"{where}: {name}: duplicate face")
            continue
        seen.add(face)
        try:
            labels = _labels(cells["expression"], cells["valence"], cells["arousal"], contempt=contempt)
            box = _box([cells[column] for column in BOX])
        except ValueError as error:
            report(f"{where}: {error}")
            continue
        if not labels:
            continue
        picture = lookup.find(inside(pictures, name))
        if picture is None:
            report(f"{where}: {name}: no such picture in {pictures}")
            continue
        points = [] if cells["facial_landmarks"] in ("", "NULL") else cells["facial_landmarks"].split(";")
        yield {**_head(picture, split), **labels, **box, "landmarks": _five(points, where, report)}


def _cropped(annotations: Path, split: str, contempt: bool, report: Report) -> Iterator[Row]:
    """Yield the rows of one folder of crops, by number. A kind of annotation that no picture has is not reported."""
    images, notes = required(annotations.parent, "images")[0], set(visible(annotations, folders=False))
    there = {Path(name).stem: name for name in visible(images, folders=False) if Path(name).suffix.lower() in SUFFIXES}
    known = {name.rpartition("_")[0] for name in notes if name.endswith(".npy")}
    kinds = {name.rpartition("_")[2] for name in notes}
    for key in sorted(known | set(there), key=lambda key: (not key.isdigit(), key.zfill(12))):
        if key not in there or key not in known:
            missing_picture = f"{annotations / key}_*.npy: no picture {key} in {images}"
            report(missing_picture if key in known else f"{images / key}: the picture has no annotations")
            continue
        cells = {}
        for kind in ("exp", "val", "aro", "lnd"):
            path = annotations / f"{key}_{kind}.npy"
            if path.name not in notes and f"{kind}.npy" in kinds and kind != "lnd":
                report(f"{path}: no such file")
            cells[kind] = _loaded(path, report) if path.name in notes else NOTHING
        try:
            labels = _labels(*(" ".join(map(str, cells[kind])) for kind in ("exp", "val", "aro")), contempt=contempt)
        except ValueError as error:
            report(f"{annotations / key}_*.npy: {error}")
            continue
        if labels:
            five = _five(cells["lnd"], f"{annotations / key}_lnd.npy", report)
            yield {**_head(images / there[key], split), **labels, "landmarks": five}


def _head(picture: Path, split: str) -> Row:
    return {"path": str(picture), "split": split, "dataset": "affectnet", "subject": None}


def _labels(expression: str, valence: str, arousal: str, *, contempt: bool) -> Row | None:
    """Return the label columns, or None for a row to skip.

    Raises:
        ValueError: if a value is not a label; the message is ready for a report.
    """
    code = whole_number(expression, 0, NO_FACE) if expression else None
    affect = {
        name: None if text == "" or number(text) == -2 else within(text)
        for name, text in (("valence", valence), ("arousal", arousal))
    }
    labels: Row = {"expression": EXPRESSIONS[code] if code is not None and code < CONTEMPT else None, **affect}
    unlabelled = all(value is None for value in labels.values())
    return None if unlabelled or code == NO_FACE or (code == CONTEMPT and not contempt) else labels


def _box(cells: list[str]) -> Row:
    """Return the columns of the box, null where the release has NULL or a box without size."""
    names = ("x", "y", "width", "height")
    if any(cell in ("", "NULL") for cell in cells):
        return dict.fromkeys(names)
    values = [within(cell, -1e6, 1e6) for cell in cells]
    return dict(zip(names, values, strict=True)) if min(values[2:]) > 0 else dict.fromkeys(names)


def _five(cells: Sequence[str] | NDArray[Any], where: str, report: Report) -> list[float] | None:
    """Return five landmarks of 68; a row with bad landmarks is kept, because its labels are valid."""
    if not len(cells):
        return None
    try:
        values = np.array(list(map(float, cells)))
        return five_of_68(values.reshape(-1, 2) if len(values) % 2 == 0 else values)
    except ValueError as error:
        report(f"{where}: landmarks skipped: {error}")
        return None


def _loaded(path: Path, report: Report) -> NDArray[Any]:
    """Return the values of a .npy file, which may be stored as text; none if it is reported as unreadable."""
    try:
        return np.asarray(np.load(path, allow_pickle=False)).ravel()
    except (OSError, EOFError, ValueError) as error:
        report(f"{path}: cannot be read ({error})")
        return NOTHING
