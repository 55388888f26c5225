"""GTSRB, the German Traffic Sign Recognition Benchmark (Stallkamp et al. 2012): tracks of photos of 43 signs.

Expected layout: a folder for each class, ``0`` to ``42`` or ``00000`` to ``00042`` as in the release, with pictures
``track_frame.ppm`` (or ``.png`` or ``.jpg``), such as ``00003_00012.ppm``.

The class of a sign determines its traits, so the relatedness of signs and traits is exact. The pictures agree with
them except in colour: some have wrong colours, such as a green or blue rim instead of a red one. The data is for
research.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import Report, required
from mien.relatedness.table import Relatedness
from mien.tasks import Kind, Task, one_hot_labels

MARKER = "*42/*_*.*"

SUFFIXES = (".ppm", ".png", ".jpg")

CLASSES = (
    "speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70", "speed limit 80",
    "end of speed limit 80", "speed limit 100", "speed limit 120", "no overtaking", "no overtaking by trucks",
    "priority at the next crossing", "priority road", "yield", "stop", "no vehicles", "no trucks", "no entry",
    "danger", "bend to the left", "bend to the right", "double bend", "uneven road", "slippery road",
    "road narrows on the right", "road works", "traffic lights", "pedestrians", "children crossing",
    "bicycles crossing", "snow or ice", "wild animals crossing", "end of all restrictions", "turn right ahead",
    "turn left ahead", "ahead only", "ahead or right", "ahead or left", "keep right", "keep left", "roundabout",
    "end of no overtaking", "end of no overtaking by trucks",
)  # fmt: skip
"""The classes 0 to 42."""

WARNINGS = (11, *range(18, 32))
MANDATORY = tuple(range(33, 41))
ENDS = (6, 32, 41, 42)

SHAPES = one_hot_labels("shape", ("circle", "triangle", "other"))
FILLS = one_hot_labels("fill", ("white", "blue", "red or yellow"))

TRAITS: dict[str, tuple[tuple[int, ...], str]] = {
    SHAPES[0]: ((*range(11), 15, 16, 17, *range(32, 43)), "a circle"),
    SHAPES[1]: ((*WARNINGS, 13), "a triangle on its side or on its point"),
    SHAPES[2]: ((12, 14), "a square on its point or an octagon"),
    FILLS[0]: ((*range(11), 13, 15, 16, *WARNINGS, *ENDS[1:]), "white inside the rim"),
    FILLS[1]: (MANDATORY, "blue inside the rim"),
    FILLS[2]: ((12, 14, 17), "red or yellow inside the rim"),
    "red rim": ((*range(6), 7, 8, 9, 10, 13, 15, 16, *WARNINGS), "a broad red rim"),
    "stripes": (ENDS, "grey stripes across it, which end a restriction"),
    "number": (tuple(range(9)), "a number"),
    "digit 1": ((7, 8), "the digit 1"),
    "digit 2": ((0, 8), "the digit 2"),
    "digit 8": ((5, 6), "the digit 8"),
    "arrow": ((11, 19, 20, 21, *MANDATORY), "an arrow, or a band with a tip and a notched tail"),
    "arrow up": ((11, 21, 35, 36, 37), "an arrow whose tip points up"),
    "arrow down": ((38, 39), "an arrow whose tip points down and to the side"),
    "arrow left": ((19, 34, 37, 39), "an arrow whose tip points to the left"),
    "arrow right": ((20, 33, 36, 38), "an arrow whose tip points to the right"),
    "bent arrow": ((19, 20, 21, 33, 34, 36, 37, 40), "an arrow that is bent or has a branch"),
    "several arrows": ((36, 37, 40), "two or more tips of arrows"),
    "vehicle": ((9, 10, 16, 23, 29, 41, 42), "a car, truck or bicycle"),
    "car": ((9, 10, 23, 41, 42), "a car"),
    "truck": ((10, 16, 42), "a truck"),
    "two vehicles": ((9, 10, 41, 42), "two vehicles side by side"),
    "person": ((25, 27, 28), "a person"),
    "living being": ((25, 27, 28, 31), "a person or an animal"),
    "empty": ((12, 13, 15, 32), "neither writing nor arrow nor picture; stripes at most"),
}
"""Trait -> the classes that have it, and its meaning. Each is in two or more classes, no two in the same classes."""

TASKS = (
    Task("sign", Kind.CLASSES, CLASSES, tuple(f"probability that the sign is: {name}" for name in CLASSES)),
    Task(
        "traits",
        Kind.ATTRIBUTES,
        tuple(TRAITS),
        tuple(f"probability that the sign shows {meaning}" for _, meaning in TRAITS.values()),
    ),
)

RELATEDNESS = Relatedness.from_table(
    *TASKS,
    prototypical={
        name: [trait for trait, (those, _) in TRAITS.items() if number in those] for number, name in enumerate(CLASSES)
    },
    observational={},
    source="the design of the signs (StVO); exact: a class has a trait or does not",
)

METADATA = {
    "source": "German Traffic Sign Recognition Benchmark (Stallkamp, Schlipsing, Salmen and Igel 2012)",
    "licence": "for research: local use only",
    "note": "traits follow from the class; some of the photos have wrong colours",
}

WHOLE = 48
"""Pictures are packed whole, scaled to this side."""


def read(root: Path, report: Report) -> Iterator[Row]:
    """Yield the rows of all pictures, with the traits of their class.

    ``subject`` is the track, all frames of one sign as the car passed it; a track is in one split only. The tracks of
    each class are ordered by a hash: the first fifth is ``valid``, the second ``test``, the rest ``train``, so that a
    class with five tracks or more is in every split.

    Args:
        root: the folder of the classes.
        report: called with a line for each picture with a different kind of name, and for each class without pictures.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
    """
    folders = required(root, *((f"{number}", f"{number:05d}") for number in range(len(CLASSES))))
    for number, folder in enumerate(folders):
        tracks = {}
        for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
            track, _, frame = path.stem.partition("_")
            if track.isdigit() and frame.isdigit():
                tracks[path] = f"{number}_{track}"  # track numbers start again in each class
            else:
                report(f"{path}: the name is not track_frame, such as 00003_00012")
        if not tracks:
            report(f"{folder}: no pictures named track_frame ({', '.join(SUFFIXES)})")
        split = _splits(list(tracks.values()))
        traits = {trait: float(number in those) for trait, (those, _) in TRAITS.items()}
        for path, track in tracks.items():
            metadata = {"path": str(path), "split": split[track], "dataset": "gtsrb", "subject": track}
            yield {**metadata, "sign": CLASSES[number], **traits}


def _splits(tracks: list[str]) -> dict[str, str]:
    order = sorted(set(tracks), key=lambda track: hashlib.sha256(track.encode()).digest())
    places = {track: (rank + 0.5) / len(order) for rank, track in enumerate(order)}
    return {track: "valid" if place < 0.2 else "test" if place < 0.4 else "train" for track, place in places.items()}
