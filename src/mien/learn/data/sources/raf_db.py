"""RAF-DB, its basic expressions (Li, Deng and Du 2017): photos from the web, one of seven expressions each.

Read as released (the folder ``basic``) or as it is passed on, sorted into folders.

- Released: ``EmoLabel/list_patition_label.txt`` (so spelled) with a line ``train_00001.jpg 5`` a picture;
  ``Image/aligned/train_00001_aligned.jpg`` (100 x 100) and ``Image/original/train_00001.jpg``;
  ``Annotation/manual/train_00001_manu_attri.txt`` (five lines of x and y, then gender, race and age) and
  ``Annotation/boundingbox/train_00001_boundingbox.txt`` (left, top, right, bottom), both in pixels of the original.
- Sorted: ``train`` and ``test`` with the folders ``1`` to ``7`` of aligned pictures; beside these two, or one level up,
  ``train_labels.csv`` and ``test_labels.csv`` with the columns ``image`` and ``label``, or not.

Labels: 1 surprise, 2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import home, pictures
from mien.learn.data.sources.shared.files import Fault, lines, number, required
from mien.learn.data.sources.shared.lists import Catalogue, table, whole_number
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


def read(root: Path, fault: Fault, *, original: bool = False) -> Iterator[Row]:
    """Manifest rows of the training and the test set, in the order of the list.

    Args:
        root: the folder of the release, or one around it.
        fault: told of each row that cannot be used.
        original: the whole photos, with the face's box and landmarks, in place of the aligned faces.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if it is the set of compound expressions, or another data set that is sorted into folders.
    """
    choices = (*(f"basic/{name}" for name in LIST), *LIST, "train/[1-7]", "test/[1-7]")
    place = home(root, choices)
    (found,) = required(place, choices)
    if found.is_dir():
        if sets := [str(place / split / code) for split in SPLITS for code in "08" if (place / split / code).exists()]:
            raise ValueError(f"{sets[0]}: RAF-DB has labels 1 to 7; this is another data set sorted into folders")
        if original:
            raise ValueError(f"{place}: the sorted copy holds aligned faces only, not the original photos")
        yield from _sorted(place, fault)
        return
    if {8, 9, 10, 11} <= set(_codes(found)):
        raise ValueError(f"{found}: holds labels up to 11: these are the compound expressions, read by raf_db_compound")
    for picture, split, code, where in listed(found, fault, len(EXPRESSIONS), original=original):
        row = {"path": str(picture), "split": split, "dataset": "raf_db", "subject": None}
        yield {**row, "expression": EXPRESSIONS[code - 1], **(geometry(picture, where, fault) if original else {})}


def listed(path: Path, fault: Fault, highest: int, *, original: bool) -> Iterator[tuple[Path, str, int, str]]:
    """Picture, split, label from 1 on, and a name of the row for messages, of each line of a list that can be used."""
    (images,) = required(path.parents[1], "Image/original" if original else "Image/aligned")
    catalogue, seen = Catalogue(), set[str]()
    for line, text in lines(path, fault):
        where = f"{path}: line {line}"
        name, _, label = text.strip().rpartition(" ")
        name = name.strip()
        try:
            code = whole_number(label, 1, highest)
        except ValueError as error:
            fault(f"{where}: {error}")
            continue
        split = next((split for split in SPLITS if name.startswith(split)), None)
        picture = catalogue.find(images / (name if original else f"{Path(name).stem}_aligned.jpg"))
        if split is None:
            fault(f"{where}: {name!r} begins neither with train nor with test")
        elif name in seen:
            fault(f"{where}: {name} stands there twice")
        elif picture is None:
            fault(f"{where}: {name}: no such picture in {images}")
        else:
            seen.add(name)
            yield picture, split, code, where


def geometry(picture: Path, where: str, fault: Fault) -> Row:
    """Box and landmarks of an original photo; null where their files are not there, and a fault if they are damaged."""
    notes = picture.parents[2] / "Annotation"
    sides = _numbers(notes / "boundingbox" / f"{picture.stem}_boundingbox.txt", 4, where, fault)
    points = _numbers(notes / "manual" / f"{picture.stem}_manu_attri.txt", 10, where, fault)
    row: Row = dict.fromkeys(("x", "y", "width", "height", "landmarks"))
    if sides:
        left, top, right, bottom = sides
        row |= {"x": left, "y": top, "width": right - left, "height": bottom - top}
    if points:
        pairs = [tuple(points[n : n + 2]) for n in range(0, 10, 2)]
        # the person's right is on the left of a photo, whichever of the two the annotators named first
        ordered = [*sorted(pairs[:2]), pairs[2], *sorted(pairs[3:])]
        row["landmarks"] = [value for pair in ordered for value in pair]
    return row


def _numbers(path: Path, count: int, where: str, fault: Fault) -> list[float] | None:
    """The first numbers of a file, or None."""
    try:
        words = path.read_text("utf-8-sig", errors="replace").split()[:count]
    except FileNotFoundError:
        return None
    values = [value for word in words if (value := number(word)) is not None]
    if len(values) == count:
        return values
    fault(f"{where}: {path} does not begin with {count} numbers")
    return None


def _codes(path: Path) -> Iterator[float | None]:
    """The labels of a list."""
    return (number(text.rpartition(" ")[2]) for _, text in lines(path))


def _sorted(place: Path, fault: Fault) -> Iterator[Row]:
    """Rows of the copy that is sorted into folders."""
    catalogue = Catalogue()
    for split in SPLITS:
        lists = (folder / f"{split}_labels.csv" for folder in (place, place.parent))
        path = next((path for path in lists if path.is_file()), None)
        named = _named(path, place / split, fault, catalogue) if path else _in_folders(place / split)
        for picture, code in named:
            row = {"path": str(picture), "split": split, "dataset": "raf_db", "subject": None}
            yield {**row, "expression": EXPRESSIONS[code - 1]}


def _in_folders(folder: Path) -> Iterator[tuple[Path, int]]:
    """Picture and label, by the folder it lies in."""
    for code in range(1, len(EXPRESSIONS) + 1):
        yield from ((picture, code) for picture in pictures(folder / str(code)))


def _named(path: Path, folder: Path, fault: Fault, catalogue: Catalogue) -> Iterator[tuple[Path, int]]:
    """Picture and label of each row of a list; the picture lies in the folder of its label."""
    seen: set[str] = set()
    for line, cells in table(path, fault, ("image", "label")):
        name, where = cells["image"], f"{path}: line {line}"
        try:
            code = whole_number(cells["label"], 1, len(EXPRESSIONS))
        except ValueError as error:
            fault(f"{where}: {error}")
            continue
        picture = catalogue.find(folder / str(code) / name)
        if name in seen:
            fault(f"{where}: {name} stands there twice")
        elif picture is None:
            fault(f"{where}: {name}: no such picture in {folder / str(code)}")
        else:
            seen.add(name)
            yield picture, code
