"""Aff-Wild (Zafeiriou, Kollias et al. 2017): videos from the web with valence and arousal for every frame.

Expected layout (the folder is called ``aff_wild_annotations_bboxes_landmarks_new``)::

    annotations/train/valence/105.txt   one line per frame, a number in [-1, 1]
    annotations/train/arousal/105.txt
    videos/train/105.mp4                or .avi; videos/test has no annotations
    bboxes/train/105/1.pts              four corners of the face's box in frame 1, the first frame; or bboxs
    landmarks/train/105/1.pts           68 landmarks

A nested ``train/train``, as the inner archives leave it, is accepted. A frame in which no face was found has no
``.pts`` file.

The release does not identify people. The videos, from the web, are available for research by agreement with the
authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.landmarks import box, five_of_68, read_pts
from mien.learn.data.sources.shared.release_files import Report, find_root, visible
from mien.learn.data.sources.shared.text_files import lines, within
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "Aff-Wild (Zafeiriou et al. 2017, Kollias et al. 2019)",
    "licence": "videos from the web, for research, by agreement with its authors: local use only",
    "release": "videos, annotations, boxes and landmarks of the CVPR 2017 challenge",
}

SPLITS = ("train", "test")

VIDEOS = (".mp4", ".avi", ".webm", ".mkv", ".mov")


def read(root: Path, report: Report, *, every: int = 1, points: bool = True) -> Iterator[Row]:
    """Yield the rows of the annotated frames; ``path`` is the video and ``frame`` counts its frames.

    The release does not identify people: ``subject`` is null, ``video`` is the number of the video.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable video or frame.
        every: take every n-th frame of a video, starting with the first; papers/003 takes every fifth.
        points: whether to read boxes and landmarks, two small files per frame.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
    """
    notes = tuple(f"annotations/{split}{again}/valence" for split in SPLITS for again in ("", f"/{split}"))
    place = find_root(root, notes, "videos")
    for split in SPLITS:
        valence = _folder(place, ("annotations",), split, "/valence")
        if valence is None:
            continue
        marks = (_folder(place, ("bboxes", "bboxs"), split), _folder(place, ("landmarks",), split))
        videos = _videos(place, split)
        texts = (valence / name for name in visible(valence, folders=False) if name.endswith((".txt", ".txt.gz")))
        for path in sorted(texts, key=lambda path: (path.name.zfill(12), path)):
            name = path.name.split(".")[0]
            if name not in videos:
                report(f"{path}: no video {name} in {place / 'videos' / split}")
                continue
            head = {"path": str(videos[name]), "split": split, "dataset": "aff_wild", "subject": None, "video": name}
            inner = [None if folder is None or not points else folder / name for folder in marks]
            files = FileLookup()  # one per video, so as not to keep a million names
            for frame, affect in _affect(path, report):
                if frame % every == 0:
                    yield {**head, "frame": frame, **affect, **_geometry(inner, frame, report, files)}


def _folder(place: Path, names: tuple[str, ...], split: str, end: str = "") -> Path | None:
    """Return the folder of a split below one of these names, with the split's name once or nested twice."""
    paths = (place / f"{name}/{again}{end}" for name in names for again in (f"{split}/{split}", split))
    return next((path for path in paths if path.is_dir()), None)


def _videos(place: Path, split: str) -> dict[str, Path]:
    """Return the videos of a split by their number."""
    folder = _folder(place, ("videos",), split)
    names = visible(folder, folders=False) if folder else []
    return {Path(name).stem: folder / name for name in names if folder and name.lower().endswith(VIDEOS)}


def _affect(path: Path, report: Report) -> Iterator[tuple[int, Row]]:
    """Yield frame, from 0, with valence and arousal, of each line that both files of a video have."""
    folder, stem = path.parents[1] / "arousal", path.name.split(".")[0]
    places = (folder / f"{stem}.txt{end}" for end in ("", ".gz"))
    other = next((place for place in places if place.is_file()), None)
    if other is None:
        report(f"{path}: has no arousal file")
        return
    valence, arousal = dict(lines(path, report)), dict(lines(other, report))
    if valence.keys() != arousal.keys():
        both = len(valence.keys() & arousal.keys())
        report(f"{path}: {len(valence)} values, {other}: {len(arousal)}; only the {both} frames in both are used")
    for line in sorted(valence.keys() & arousal.keys()):
        try:
            yield line - 1, {"valence": within(valence[line]), "arousal": within(arousal[line])}
        except ValueError as error:
            report(f"{path}: line {line}, or the same line of arousal: {error}")


def _geometry(folders: list[Path | None], frame: int, report: Report, files: FileLookup) -> Row:
    """Return box and landmarks of a frame: null where there is no file, or where a damaged one is reported."""
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
            report(str(error))
    return row
