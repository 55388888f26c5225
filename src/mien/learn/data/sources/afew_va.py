"""AFEW-VA (Kossaifi et al. 2017): 600 film clips with valence and arousal for every frame.

Expected layout: the folders ``001`` to ``600`` of the twelve archives, all in one folder or in one folder per archive
(``01`` to ``12``). Each has ``NNN.json`` and the frames ``00000.png`` and so on. The JSON holds
``video_id``, ``actor`` and ``frames``: for each frame name 68 ``landmarks`` ([x, y] in pixels of the frame),
``valence`` and ``arousal``, whole numbers from -10 to 10. These are divided by 10, as in papers/003.

There are no official splits. The frames are available for research by agreement with the authors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.release_files import Report, find_root
from mien.learn.data.sources.shared.text_files import lines, within
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "AFEW-VA (Kossaifi, Tzimiropoulos, Todorovic and Pantic 2017)",
    "licence": "frames of films, for research, by agreement with its authors: local use only",
    "release": "600 clips with landmarks, valence and arousal of every frame",
}

DIGITS = "[0-9][0-9][0-9]"
CLIPS = tuple(f"{above}{DIGITS}/{DIGITS}.json{end}" for above in ("", "[0-9][0-9]/", "*/") for end in ("", ".gz"))

MOST = 10.0
"""The largest valence and arousal in the files."""


def read(root: Path, report: Report, *, every: int = 1) -> Iterator[Row]:
    """Yield the rows of the frames of every clip, in the split ``all``: the release has no splits.

    Use ``subject`` for folds: the person's name as in the release, null where the release does not name the person.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable clip or frame.
        every: take every n-th frame of a clip, starting with the first.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
    """
    place = find_root(root, CLIPS)
    notes = {path for pattern in CLIPS for path in place.glob(pattern) if path.name[:3] == path.parent.name}
    for path in sorted(notes, key=lambda path: (path.parent.name, path)):
        try:
            clip = json.loads("\n".join(text for _, text in lines(path, report)))
            frames = sorted(clip["frames"].items())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            report(f"{path}: not a clip with frames ({type(error).__name__}: {error})")
            continue
        actor, lookup = str(clip.get("actor") or "").strip(), FileLookup()
        head = {"split": "all", "dataset": "afew_va", "subject": actor or None, "video": path.parent.name}
        for name, frame in frames[::every]:
            where = f"{path}: frame {name}"
            try:
                labels = _labels(name, frame)
            except (ValueError, KeyError, TypeError) as error:
                report(f"{where}: {f'has no {error}' if isinstance(error, KeyError) else error}")
                continue
            picture = lookup.find(path.parent / f"{name}.png")
            if picture is None:
                report(f"{where}: no such picture in {path.parent}")
                continue
            yield {"path": str(picture), **head, **labels}


def _labels(name: str, frame: dict[str, Any]) -> Row:
    """Return the number, label and landmark columns of one frame."""
    affect = {label: within(str(frame[label]), -MOST, MOST) / MOST for label in ("valence", "arousal")}
    return {"frame": int(name), **affect, "landmarks": five_of_68(np.array(frame["landmarks"], np.float64))}
