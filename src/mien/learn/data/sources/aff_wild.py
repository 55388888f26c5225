"""Aff-Wild (Zafeiriou, Kollias et al. 2017): videos from the web, valence and arousal of every frame.

Layout (the folder is called ``aff_wild_annotations_bboxes_landmarks_new``)::

    annotations/train/valence/105.txt   a line a frame, a number in [-1, 1]
    annotations/train/arousal/105.txt
    videos/train/105.mp4                or .avi; videos/test without annotations
    bboxes/train/105/1.pts              four corners of the face's box in frame 1, the first one
    landmarks/train/105/1.pts           68 landmarks

A second ``train`` in ``train``, as the archives inside leave it, is the same. A frame whose face was not found has no
``.pts`` file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.files import Fault, lines
from mien.learn.data.sources.shared.landmarks import box, five_of_68, read_pts
from mien.learn.data.sources.shared.lists import Catalogue, within
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "Aff-Wild (Zafeiriou et al. 2017, Kollias et al. 2019)",
    "licence": "videos from the web, for research, by agreement with its authors: local use only",
    "release": "videos, annotations, boxes and landmarks of the CVPR 2017 challenge",
}

SPLITS = ("train", "test")

VIDEOS = (".mp4", ".avi", ".webm", ".mkv", ".mov")


def read(root: Path, fault: Fault, *, every: int = 1, points: bool = True) -> Iterator[Row]:
    """Manifest rows of the annotated frames; ``path`` is the video and ``frame`` counts in it.

    Who they are is not known: ``subject`` is null, ``video`` is the number of the video.

    Args:
        root: the folder of the release, or one around it.
        fault: told of each video or frame that cannot be used.
        every: take each n-th frame of a video, the first one among them; papers/003 takes each fifth.
        points: whether to read boxes and landmarks, two small files a frame.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
    """
    notes = tuple(f"annotations/{split}{again}/valence" for split in SPLITS for again in ("", f"/{split}"))
    place = home(root, notes, "videos")
    for split in SPLITS:
        valence = _folder(place, ("annotations",), split, "/valence")
        if valence is None:
            continue
        marks = (_folder(place, ("bboxes", "bboxs"), split), _folder(place, ("landmarks",), split))
        films = {path.stem: path for path in _films(place, split)}
        texts = (valence / name for name in Catalogue().names(valence).values() if name.endswith((".txt", ".txt.gz")))
        for path in sorted(texts, key=lambda path: (path.name.zfill(12), path)):
            name = path.name.split(".")[0]
            if name not in films:
                fault(f"{path}: no video {name} in {place / 'videos' / split}")
                continue
            head = {"path": str(films[name]), "split": split, "dataset": "aff_wild", "subject": None, "video": name}
            inner = [None if folder is None or not points else folder / name for folder in marks]
            files = Catalogue()  # of this video alone: a million names are not to be remembered
            for frame, affect in _affect(path, fault):
                if frame % every == 0:
                    yield {**head, "frame": frame, **affect, **_geometry(inner, frame, fault, files)}


def _folder(place: Path, names: tuple[str, ...], split: str, end: str = "") -> Path | None:
    """The folder of a split below one of these names, with the split's name once or twice."""
    paths = (place / f"{name}/{again}{end}" for name in names for again in (f"{split}/{split}", split))
    return next((path for path in paths if path.is_dir()), None)


def _films(place: Path, split: str) -> Iterator[Path]:
    folder = _folder(place, ("videos",), split)
    if folder is not None:
        yield from (folder / name for low, name in Catalogue().names(folder).items() if low.endswith(VIDEOS))


def _affect(path: Path, fault: Fault) -> Iterator[tuple[int, Row]]:
    """Frame from 0 on, valence and arousal of each line that both files of a video have."""
    other = next((found for found in _twins(path) if found.is_file()), None)
    if other is None:
        fault(f"{path}: no arousal beside the valence")
        return
    valence, arousal = dict(lines(path, fault)), dict(lines(other, fault))
    if valence.keys() != arousal.keys():
        both = len(valence.keys() & arousal.keys())
        fault(f"{path}: {len(valence)} values, {other}: {len(arousal)}; the {both} frames that both have are used")
    for line in sorted(valence.keys() & arousal.keys()):
        try:
            yield line - 1, {"valence": within(valence[line]), "arousal": within(arousal[line])}
        except ValueError as error:
            fault(f"{path}: line {line}, or the same line of arousal: {error}")


def _twins(path: Path) -> Iterator[Path]:
    """Where the arousal of a video may be."""
    folder, stem = path.parents[1] / "arousal", path.name.split(".")[0]
    yield from (folder / f"{stem}.txt{end}" for end in ("", ".gz"))


def _geometry(folders: list[Path | None], frame: int, fault: Fault, files: Catalogue) -> Row:
    """Box and landmarks of a frame, null where there is no file, and a fault where it is damaged."""
    row: Row = dict.fromkeys(("x", "y", "width", "height", "landmarks"))
    for folder, many in zip(folders, (4, 68), strict=True):
        if folder is None or f"{frame + 1}.pts" not in files.names(folder):
            continue
        path = folder / f"{frame + 1}.pts"
        try:
            found = read_pts(path)
            if len(found) != many:
                raise ValueError(f"{path}: {len(found)} points, expected {many}")
            row |= box(found) if many == 4 else {"landmarks": five_of_68(found)}
        except (OSError, ValueError) as error:
            fault(str(error))
    return row
