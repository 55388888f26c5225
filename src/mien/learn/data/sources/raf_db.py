"""RAF-DB, basic expressions (Li, Deng and Du 2017): photos from the web with one of seven expressions each.

Expected layout: the release (the folder ``basic``), or the copy in circulation that is sorted into folders.

- Release: ``EmoLabel/list_patition_label.txt`` (so spelled) with one line ``train_00001.jpg 5`` per picture;
  ``Image/aligned/train_00001_aligned.jpg`` (100 x 100) and ``Image/original/train_00001.jpg``;
  ``Annotation/manual/train_00001_manu_attri.txt`` (five lines of x and y, then gender, race and age) and
  ``Annotation/boundingbox/train_00001_boundingbox.txt`` (left, top, right, bottom), both in pixels of the original.
- Copy: ``train`` and ``test`` with the folders ``1`` to ``7`` of aligned pictures; optionally, next to these two or one
  level up, ``train_labels.csv`` and ``test_labels.csv`` with the columns ``image`` and ``label``.

Labels: 1 surprise, 2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral. Votes and the 37 automatic landmarks
are not read. The data is for research, by agreement with the authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.listed_pictures import listed_pictures
from mien.learn.data.sources.shared.release_files import Report, find_root, pictures, required
from mien.learn.data.sources.shared.text_files import lines, number, records
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "RAF-DB, basic expressions (Li, Deng and Du 2017)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the single-label subset",
}

EXPRESSIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""Labels 1 to 7."""

LIST = ("EmoLabel/list_patition_label.txt", "EmoLabel/list_partition_label.txt", "EmoLabel/list_patition_label.txt.gz")

SPLITS = ("train", "test")


def read(root: Path, report: Report, *, original: bool = False) -> Iterator[Row]:
    """Yield the rows of the training and the test set, in the order of the list.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        original: whether to take the whole photos, with box and landmarks of the face, instead of the aligned faces.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if it is the set of compound expressions, or another data set sorted into folders.
    """
    choices = (*(f"basic/{name}" for name in LIST), *LIST, "train/[1-7]", "test/[1-7]")
    place = find_root(root, choices)
    (found,) = required(place, choices)
    if found.is_dir():
        if sets := [str(place / split / code) for split in SPLITS for code in "08" if (place / split / code).exists()]:
            raise ValueError(f"{sets[0]}: RAF-DB has labels 1 to 7; this is another data set sorted into folders")
        if original:
            raise ValueError(f"{place}: the copy sorted into folders has aligned faces only, not the original photos")
        yield from _copy(place, report)
        return
    if {8, 9, 10, 11} <= set(codes(found)):
        raise ValueError(f"{found}: has labels up to 11; these are the compound expressions, read by raf_db_compound")
    for code, row in rows(found, report, len(EXPRESSIONS), original=original):
        yield {**row, "dataset": "raf_db", "expression": EXPRESSIONS[code - 1]}


def rows(path: Path, report: Report, highest: int, *, original: bool) -> Iterator[tuple[int, Row]]:
    """Yield label, from 1, and row without label of each usable line of the list of a release."""
    (images,) = required(path.parents[1], "Image/original" if original else "Image/aligned")

    def entries() -> Iterator[tuple[int, str, str]]:
        for line, text in lines(path, report):
            name, _, label = text.strip().rpartition(" ")
            if not name or name.startswith(SPLITS):  # without a name, the label is reported
                yield line, name.strip(), label
            else:
                report(f"{path}: line {line}: {name!r} starts with neither train nor test")

    def place(name: str, _: int) -> Path:
        return images / (name if original else f"{Path(name).stem}_aligned.jpg")

    for entry in listed_pictures(path, entries(), range(1, highest + 1), place, report):
        split = "train" if entry.name.startswith("train") else "test"
        row: Row = {"path": str(entry.picture), "split": split, "subject": None}
        yield entry.code, row | (_geometry(entry.picture, entry.where, report) if original else {})


def _geometry(picture: Path, where: str, report: Report) -> Row:
    """Return box and landmarks of an original photo: null if there is no file, or a damaged one, which is reported."""
    notes = picture.parents[2] / "Annotation"
    sides = _numbers(notes / "boundingbox" / f"{picture.stem}_boundingbox.txt", 4, where, report)
    points = _numbers(notes / "manual" / f"{picture.stem}_manu_attri.txt", 10, where, report)
    row: Row = dict.fromkeys(("x", "y", "width", "height", "landmarks"))
    if sides:
        left, top, right, bottom = sides
        row |= {"x": left, "y": top, "width": right - left, "height": bottom - top}
    if points:
        pairs = [tuple(points[n : n + 2]) for n in range(0, 10, 2)]
        # the person's right is on the left of a photo, whichever of the two comes first in the file
        ordered = [*sorted(pairs[:2]), pairs[2], *sorted(pairs[3:])]
        row["landmarks"] = [value for pair in ordered for value in pair]
    return row


def _numbers(path: Path, count: int, where: str, report: Report) -> list[float] | None:
    """Return the first numbers of a file, or None."""
    try:
        words = path.read_text("utf-8-sig", errors="replace").split()[:count]
    except FileNotFoundError:
        return None
    values = [value for word in words if (value := number(word)) is not None]
    if len(values) == count:
        return values
    report(f"{where}: {path} does not start with {count} numbers")
    return None


def codes(path: Path) -> Iterator[float | None]:
    """Yield the labels of a list."""
    return (number(text.rpartition(" ")[2]) for _, text in lines(path))


def _copy(place: Path, report: Report) -> Iterator[Row]:
    """Yield the rows of the copy that is sorted into folders."""
    for split in SPLITS:
        lists = (folder / f"{split}_labels.csv" for folder in (place, place.parent))
        path = next((path for path in lists if path.is_file()), None)
        known = _from_list(path, place / split, report) if path else _from_folders(place / split)
        for picture, code in known:
            row = {"path": str(picture), "split": split, "dataset": "raf_db", "subject": None}
            yield {**row, "expression": EXPRESSIONS[code - 1]}


def _from_folders(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield picture and label by the folder that the picture is in."""
    for code in range(1, len(EXPRESSIONS) + 1):
        yield from ((picture, code) for picture in pictures(folder / str(code)))


def _from_list(path: Path, folder: Path, report: Report) -> Iterator[tuple[Path, int]]:
    """Yield picture and label of each usable row of a list; the picture is in the folder of its label."""
    rows = records(path, report, ("image", "label"), header_optional=True)
    entries = ((line, cells["image"], cells["label"]) for line, cells in rows)
    codes = range(1, len(EXPRESSIONS) + 1)
    for entry in listed_pictures(path, entries, codes, lambda name, code: folder / str(code) / name, report):
        yield entry.picture, entry.code
