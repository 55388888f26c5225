"""CelebA (Liu et al. 2015): 202,599 photos of 10,177 people with 40 attributes each.

Expected layout::

    Img/img_align_celeba/000001.jpg            aligned, 178 x 218
    Anno/list_attr_celeba.txt                  a line with the count, a line with the names, ``000001.jpg -1 1 ...``
    Anno/identity_CelebA.txt                   ``000001.jpg 2880``; may be missing
    Anno/list_landmarks_align_celeba.txt       count, names, ``000001.jpg 69 109 106 113 ...``; may be missing
    Eval/list_eval_partition.txt               ``000001.jpg 0``; 0 is train, 1 valid, 2 test; may be missing

or the same files in one folder, as libraries store them, or their CSV form (``list_attr_celeba.csv`` with
``image_id``), which has no identities. The data is for non-commercial research.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, find_root, required
from mien.learn.data.sources.shared.splits import deal
from mien.learn.data.sources.shared.text_files import lines, number
from mien.tasks import Kind, Task

ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
"""The names of the release, in its order."""

PEOPLE = 10_177

TASKS = (
    Task(
        "attributes",
        Kind.ATTRIBUTES,
        ATTRIBUTES,
        tuple(f"probability of: {name.replace('_', ' ').lower()}" for name in ATTRIBUTES),
    ),
)

METADATA = {
    "source": "CelebA (Liu, Luo, Wang and Tang 2015)",
    "licence": "non-commercial research: local use only",
    "release": "img_align_celeba with list_attr_celeba",
}

WHOLE = 112
"""Pictures are packed whole, scaled to this side: they are aligned as distributed (papers/003, section 4.3)."""

PARTITIONS = {"0": "train", "1": "valid", "2": "test"}

SHARES = (0.1, 0.1)
"""Shares of each person's photos in valid and test, in the subject-dependent split."""

ATTRIBUTE_FILES = tuple(
    f"{folder}list_attr_celeba.{end}" for folder in ("Anno/", "") for end in ("txt", "txt.gz", "csv")
)

FOLDERS = ("Img/img_align_celeba", "img_align_celeba", "Img/img_align_celeba_png", "Img", "images", ".")

Split = Literal["official", "subject_dependent"]


def tasks(_root: Path, *, identities: bool = False) -> tuple[Task, ...]:
    """Return the attributes and, with ``identities``, the person as one of 10,177 classes (the column ``identity``)."""
    names = tuple(str(person) for person in range(1, PEOPLE + 1))
    meanings = tuple(f"probability that it is person {name}" for name in names)
    return (*TASKS, Task("identity", Kind.CLASSES, names, meanings)) if identities else TASKS


def read(
    root: Path, report: Report, *, split: Split = "official", identities: bool = False, seed: int = 0
) -> Iterator[Row]:
    """Yield a row for each photo: 40 attributes (1 yes, 0 no), and person and landmarks if their files exist.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        split: ``official`` has different people in each split. ``subject_dependent`` is that of papers/003: the photos
            of each person are distributed to train, valid and test, 8 : 1 : 1 and at least one each. People with two
            photos are in train and test, people with one in train.
        identities: whether the person is a class; then the file of identities must exist. This is useful with
            ``subject_dependent`` only.
        seed: the seed of the subject-dependent split.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if a file lacks an attribute, or the split is unknown.
    """
    root = find_root(root, ATTRIBUTE_FILES)
    (table,) = required(root, ATTRIBUTE_FILES)
    lookup = FileLookup()
    folder = _photos(root, lookup)
    needs = identities or split == "subject_dependent"
    people = _people(_optional(root, "Anno", "identity_CelebA", needed=needs), report)
    if split == "official":
        splits = _partition(_optional(root, "Eval", "list_eval_partition", needed=False), report)
    elif split == "subject_dependent":
        splits = _divided({name: who for name, who in people.items() if lookup.find(folder / name)}, seed)
    else:
        raise ValueError(f"split {split!r}: expected official or subject_dependent")
    landmarks = _landmarks(_optional(root, "Anno", "list_landmarks_align_celeba", needed=False), report)
    for name, attributes in _attributes(table, report):
        photo = lookup.find(folder / name)
        if photo is None:
            report(f"{folder / name}: no such picture")
            continue
        person = people.get(name)
        row: Row = {"path": str(photo), "split": splits.get(name, "all"), "dataset": "celeba"}
        yield {**row, "subject": person, "identity": person, "landmarks": landmarks.get(name), **attributes}


def _photos(root: Path, lookup: FileLookup) -> Path:
    """Return the folder of the photos; in many copies it is in another folder of the same name."""
    for place in (root / name for name in FOLDERS):
        for folder in (place, place / place.name):
            if any(name.endswith((".jpg", ".png", ".jpeg")) for name in lookup.names(folder)):
                return folder
    names = ", ".join(FOLDERS[:-1])
    raise FileNotFoundError(f"{root}: not the folder of this data set: no photos in {names} or next to the labels")


def _optional(root: Path, folder: str, name: str, *, needed: bool) -> Path | None:
    choices = tuple(f"{around}{name}.{end}" for around in (f"{folder}/", "") for end in ("txt", "txt.gz", "csv"))
    try:
        return required(root, choices)[0]
    except FileNotFoundError:
        if needed:
            raise
        return None


def _cells(path: Path, report: Report, count: int) -> Iterator[tuple[int, list[str]]]:
    """Yield line and cells, the picture first, of each row with ``count`` cells; of duplicates, the first."""
    seen: set[str] = set()
    for line, text in lines(path, report):
        cells = text.replace(",", " ").split()
        if not cells or "." not in cells[0]:
            continue  # the count and the header of the release
        name = cells[0].replace("\\", "/").rpartition("/")[2]
        if len(cells) != count:
            report(f"{path}: line {line}: {len(cells)} cells, expected {count}")
        elif name in seen:
            report(f"{path}: line {line}: {name}: duplicate picture")
        else:
            seen.add(name)
            yield line, [name, *cells[1:]]


def _attributes(path: Path, report: Report) -> Iterator[tuple[str, Row]]:
    """Yield picture and attributes; columns are identified by the header of the file."""
    header: list[str] = next((cells for _, text in lines(path) if len(cells := text.replace(",", " ").split()) > 1), [])
    names = header[1:] if header[:1] == ["image_id"] else header
    if missing := [name for name in ATTRIBUTES if name not in names]:
        raise ValueError(f"{path}: has no column {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}")
    values = {"1": 1.0, "-1": 0.0, "0": 0.0}
    for line, (name, *cells) in _cells(path, report, len(names) + 1):
        by_name = dict(zip(names, cells, strict=True))
        if wrong := [label for label in ATTRIBUTES if by_name[label] not in values]:
            report(f"{path}: line {line}: {wrong[0]} is {by_name[wrong[0]]!r}, expected 1 or -1")
        yield name, {label: values.get(by_name[label]) for label in ATTRIBUTES}


def _people(path: Path | None, report: Report) -> dict[str, str]:
    """Return picture -> person."""
    found = {}
    for line, (name, person) in _cells(path, report, 2) if path else ():
        if person.isdecimal() and 1 <= int(person) <= PEOPLE:
            found[name] = str(int(person))
        else:
            report(f"{path}: line {line}: person {person!r} is not from 1 to {PEOPLE}")
    return found


def _partition(path: Path | None, report: Report) -> dict[str, str]:
    """Return picture -> split."""
    found = {}
    for line, (name, part) in _cells(path, report, 2) if path else ():
        if part in PARTITIONS:
            found[name] = PARTITIONS[part]
        else:
            report(f"{path}: line {line}: partition {part!r}, expected 0, 1 or 2")
    return found


def _divided(people: dict[str, str], seed: int) -> dict[str, str]:
    """Return picture -> split, each person being in every split."""
    photos: dict[str, list[str]] = {}
    for name, person in people.items():
        photos.setdefault(person, []).append(name)
    found: dict[str, str] = {}
    for theirs in photos.values():
        found |= deal(theirs, valid=SHARES[0], test=SHARES[1], seed=seed)
    return found


def _landmarks(path: Path | None, report: Report) -> dict[str, list[float]]:
    """Return picture -> ten numbers. The release's "left" eye is the left one in the picture, the person's right."""
    found = {}
    for line, (name, *cells) in _cells(path, report, 11) if path else ():
        values = [value for cell in cells if (value := number(cell)) is not None]
        if len(values) == 10:
            found[name] = values
        else:
            report(f"{path}: line {line}: {name}: a landmark is not a number")
    return found
