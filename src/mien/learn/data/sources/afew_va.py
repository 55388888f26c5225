"""AFEW-VA (Kossaifi et al. 2017): 600 clips of films, valence and arousal of every frame.

Layout: the folders ``001`` to ``600``, as the twelve archives unpack, all in one folder or each dozen's in its own
(``01`` to ``12``). Each has ``NNN.json`` and the frames ``00000.png`` and so on. The JSON holds ``video_id``, ``actor``
and ``frames``: for each name of a frame 68 ``landmarks`` ([x, y] in its pixels), ``valence`` and ``arousal``, whole
numbers from -10 to 10. They are divided by 10, as in papers/003.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.files import Fault, lines
from mien.learn.data.sources.shared.landmarks import five_of_68
from mien.learn.data.sources.shared.lists import Catalogue, within
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
"""The largest valence and arousal, as they are written."""


def read(root: Path, fault: Fault, *, every: int = 1) -> Iterator[Row]:
    """Manifest rows of the frames of every clip, in one split ``all``: the release has no others.

    Folds go by ``subject``, the person's name as the release has it; it is null where the release names nobody.

    Args:
        root: the folder of the release, or one around it.
        fault: told of each clip or frame that cannot be used.
        every: take each n-th frame of a clip, the first one among them.

    Raises:
        FileNotFoundError: naming the files that were looked for.
    """
    place = home(root, CLIPS)
    notes = {path for pattern in CLIPS for path in place.glob(pattern) if path.name[:3] == path.parent.name}
    for path in sorted(notes, key=lambda path: (path.parent.name, path)):
        try:
            clip = json.loads("\n".join(text for _, text in lines(path, fault)))
            frames = sorted(clip["frames"].items())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fault(f"{path}: is no clip with frames ({type(error).__name__}: {error})")
            continue
        actor, catalogue = str(clip.get("actor") or "").strip(), Catalogue()
        head = {"split": "all", "dataset": "afew_va", "subject": actor or None, "video": path.parent.name}
        for name, frame in frames[::every]:
            where = f"{path}: frame {name}"
            try:
                labels = _labels(name, frame)
            except (ValueError, KeyError, TypeError) as error:
                fault(f"{where}: {f'has no {error}' if isinstance(error, KeyError) else error}")
                continue
            picture = catalogue.find(path.parent / f"{name}.png")
            if picture is None:
                fault(f"{where}: no such picture in {path.parent}")
                continue
            yield {"path": str(picture), **head, **labels}


def _labels(name: str, frame: dict[str, Any]) -> Row:
    """Number, label and landmark columns of one frame."""
    affect = {label: within(str(frame[label]), -MOST, MOST) / MOST for label in ("valence", "arousal")}
    return {"frame": int(name), **affect, "landmarks": five_of_68(np.array(frame["landmarks"], np.float64))}
