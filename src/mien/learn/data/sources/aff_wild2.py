"""Aff-Wild2 (Kollias and Zafeiriou 2019), as the ABAW competitions release it: cropped faces from videos.

Expected layout::

    VA_Estimation_Challenge/Train_Set/<video>.txt      and Validation_Set; in older releases VA_Set/Train_Set
    EXPR_Classification_Challenge/Train_Set/<video>.txt         EXPR_Recognition_Challenge, EXPR_Set
    AU_Detection_Challenge/Train_Set/<video>.txt                AU_Set
    cropped_aligned/<video>/00001.jpg                  the first frame; more in cropped_aligned_new_50_vids

The folders of annotations may be anywhere in the release. The first line of a file determines what it contains:
``valence,arousal`` (-5: not annotated), ``Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise`` with or without
``Other`` (-1: not annotated), or ``AU1,AU2,...`` (-1: not annotated). One line per frame follows. ``<video>`` is the
file name of a video; if two people are in it, it ends in ``_left`` or ``_right`` for one of them.

s-Aff-Wild2, the set of the multi-task competitions, has one list each for training and validation instead:
``training_set_annotations.txt`` and ``validation_set_annotations.txt`` (also followed by a year, or
``MTL_Challenge/train_set.txt``), with a first line ``image,valence,arousal,expression,AU1,...`` and lines
``<video>/00001.jpg,0.1,-0.2,3,0,...``.

Test sets are released without labels, and people are not identified. The videos are from the web and available for
research by agreement with the authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, folders, inside, not_found, numbered_pictures, visible
from mien.learn.data.sources.shared.text_files import lines, number, plain, whole_number, within
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE

TASKS = FACE

METADATA = {
    "source": "Aff-Wild2 (Kollias and Zafeiriou 2019)",
    "licence": "videos from the web, for research, by agreement with its authors: local use only",
    "release": "cropped and aligned faces with the annotations of the ABAW competitions",
}

WORDS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
"""Expressions 0 to 7. The last one is not in our label space: such a frame has no expression."""

SPLITS = {"train": "train", "valid": "valid"}
"""Prefix of the name of a set's folder or list -> split."""

DEPTH = 8
"""Number of levels to search for folders of annotations."""


def read(
    root: Path, report: Report, *, every: int = 1, crops: str = "cropped_aligned", static: bool = False
) -> Iterator[Row]:
    """Yield the rows of the annotated frames that have a crop, video by video.

    A row has the labels of all sets for its frame. Each of the three sets has its own splits: a video that is used for
    training in one set and for validation in another has rows in both splits, each with the labels of its set. A frame
    without a crop is one in which no face was found: it is skipped without a report, unless a list of s-Aff-Wild2 names
    it. The release does not identify people: ``subject`` is null.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable file or frame.
        every: take every n-th frame of a video, starting with the first.
        crops: prefix of the names of the picture folders.
        static: read the lists of s-Aff-Wild2.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
    """
    inner = [root, *_below(root, crops)]
    images = [folder for folder in inner if folder.name.lower().startswith(crops.lower())]
    notes = list(_lists(inner)) if static else list(_sets(inner))
    wanted = "training_set_annotations.txt" if static else "Train_Set/*.txt or Validation_Set/*.txt"
    wanted += " (found lists of s-Aff-Wild2: use static)" if not static and any(_lists(inner)) else ""
    missing = [*(() if notes else (wanted,)), *(() if images else (f"{crops}*",))]
    if missing:
        raise not_found(root, *missing)
    videos = {video.name.lower(): video for folder in images for video in folders(folder)}
    if static:
        for split, path in notes:
            yield from _listed(path, split, every, images, report)
        return
    together: dict[tuple[str, str], list[Path]] = {}
    for split, path in notes:
        together.setdefault((split, path.name.split(".txt")[0]), []).append(path)
    for (split, video), paths in sorted(together.items()):
        if video.lower() not in videos:
            report(f"{paths[0]}: no pictures of the video {video} in {', '.join(map(str, images))}")
            continue
        pictures = numbered_pictures(videos[video.lower()])
        for frame, labels in _frames(paths, report):
            if frame % every == 0 and frame + 1 in pictures:
                yield {"path": str(pictures[frame + 1]), **_head(split, video, frame), **labels}


def _below(folder: Path, crops: str, depth: int = DEPTH) -> Iterator[Path]:
    """Yield all folders in a folder; in folders of pictures only a nested one of the same name."""
    starts = (crops.lower(), "cropped")
    for inner in folders(folder) if depth else ():
        if not folder.name.lower().startswith(starts) or inner.name.lower().startswith(starts):
            yield inner
            yield from _below(inner, crops, depth - 1)


def _split(name: str) -> str | None:
    return next((split for start, split in SPLITS.items() if name.lower().startswith(start)), None)


def _sets(inner: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield split and path of the file of each video in a folder such as ``Train_Set``."""
    for folder in inner:
        if split := _split(folder.name):
            yield from ((split, path) for path in _texts(folder))


def _lists(inner: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield split and path of each list of s-Aff-Wild2."""
    for folder in inner:
        for path in () if _split(folder.name) else _texts(folder):
            if (split := _split(path.name)) and "set" in path.name.lower():
                yield split, path


def _texts(folder: Path) -> list[Path]:
    return [folder / name for name in visible(folder, folders=False) if name.lower().endswith((".txt", ".txt.gz"))]


def _head(split: str, video: str, frame: int) -> Row:
    return {"split": split, "dataset": "aff_wild2", "subject": None, "video": video, "frame": frame}


def _frames(paths: list[Path], report: Report) -> Iterator[tuple[int, Row]]:
    """Yield frame, from 0, and labels of each frame that any of the files of a video annotates."""
    rows: dict[int, Row] = {}
    held: set[str] = set()
    for path in paths:
        numbered = lines(path, report)
        top, text = next(numbered, (0, ""))
        header = [plain(cell) for cell in text.split(",")]
        if not (header[0] == "valence" or header[0].startswith("au") or {"neutral"} <= set(header) <= set(WORDS)):
            report(f"{path}: line 1: has neither valence, nor our expressions, nor action units")
        elif header[0][:2] in held:
            report(f"{path}: second file of this kind for the video; the first one is used")
        else:
            held.add(header[0][:2])
            for line, text in numbered:
                try:
                    labels = _labels(header, text.split(","))
                except ValueError as error:
                    report(f"{path}: line {line}: {error}")
                    continue
                if any(value is not None for value in labels.values()):
                    rows.setdefault(line - top - 1, {}).update(labels)
    yield from sorted(rows.items())


def _labels(header: list[str], cells: list[str]) -> Row:
    """Return the label columns of one line.

    Raises:
        ValueError: if a cell is not a label; the message is ready for a report.
    """
    if header[0] == "neutral":
        header, words = ["expression"], tuple(header)
    else:
        words = WORDS
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells, expected {len(header)}")
    row: Row = {}
    for name, text in zip(header, cells, strict=True):
        if name in ("valence", "arousal"):
            row[name] = None if number(text) == -5 else within(text)
        elif name == "expression":
            code = whole_number(text, -1, len(words) - 1)
            row[name] = words[code] if code >= 0 and words[code] in EXPRESSION.labels else None
        elif (unit := f"AU{name[2:]:0>2}") in ACTION_UNITS.labels:
            presence = whole_number(text, -1, 1)
            row[unit] = None if presence < 0 else float(presence)
    return row


def _listed(path: Path, split: str, every: int, images: list[Path], report: Report) -> Iterator[Row]:
    """Yield the rows of one list of s-Aff-Wild2."""
    numbered = lines(path, report)
    header = [plain(cell) for cell in next(numbered, (0, ""))[1].split(",")]
    if header[0] != "image":
        report(f"{path}: line 1: the first column is not image")
        return
    lookup, seen = FileLookup(), set[str]()
    for line, text in numbered:
        where, (name, *cells) = f"{path}: line {line}", text.split(",")
        place = inside(Path(), name)
        try:
            labels, frame = _labels(header[1:], cells), whole_number(place.stem, 1, 10**7) - 1
        except ValueError as error:
            report(f"{where}: {error}")
            continue
        if name in seen:
            report(f"{where}: {name}: duplicate picture")
            continue
        seen.add(name)
        if frame % every or all(value is None for value in labels.values()):
            continue
        picture = next((found for folder in images if (found := lookup.find(folder / place))), None)
        if picture is None:
            report(f"{where}: {name}: no such picture in {', '.join(map(str, images))}")
            continue
        yield {"path": str(picture), **_head(split, place.parent.name, frame), **labels}
