"""A run: many pictures on several processes, their pack of crops and their manifest."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.faces.align import CROP
from mien.learn.data.manifest.columns import PACK, Row
from mien.learn.data.manifest.write import refuse_another
from mien.learn.data.pack.write import finish_pack
from mien.learn.data.render.action_units import SHOWN, UNSHOWN, WEAK
from mien.learn.data.render.direct import direct_person, direct_shot
from mien.learn.data.render.draw import Person, Settings, Shot
from mien.learn.data.render.model import load_model
from mien.learn.data.render.picture import Studio, View
from mien.processes import end_with_parent
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE

PARTIAL = PACK + ".partial"
PLAN = "render.partial.json"
"""Beside the unfinished pack: the settings it was begun with."""

CHUNK = 16
"""Pictures that a process does before it reports."""

METADATA: dict[str, Any] = {
    "source": "renders of ICT-FaceKit Light by Mitsuba 3",
    "licence": "ICT-FaceKit is MIT: the pictures may be shared with its notice",
    "weak": {
        "expression": "the class whose action units of Table 1 (Du 2014) were drawn, seen by nobody",
        "affect": "circumplex coordinates of the class (Russell & Mehrabian 1977) times its mean intensity / 5",
        "action_units": f"exact, but for what the mesh shows less clearly than people: {', '.join(WEAK)}",
    },
    "unknown": dict.fromkeys(UNSHOWN, "no shape of ICT-FaceKit shows it: null in every row"),
}


def render(
    model: Path,
    out: Path,
    count: int,
    settings: Settings,
    *,
    expressions: bool = True,
    affect: bool = True,
    pictures: bool = False,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Write ``out/manifest.parquet`` and ``out/crops.npy`` (count x 112 x 112 x 3).

    A run that was cut short goes on where it was, if it is begun again with the same settings and count.

    Args:
        model: folder of ICT-FaceKit Light, see :func:`mien.learn.data.render.model.load_model`.
        out: folder, made if need be.
        count: number of pictures, at least 1.
        settings: what they show; picture i is the same for every count.
        expressions: whether the column ``expression`` is written.
        affect: whether the columns ``valence`` and ``arousal`` are written.
        pictures: also keep the whole pictures, as PNG in ``out/pictures``.
        workers: processes; as many as there are cores if None.
        advance: called with the number of pictures that were done, for a progress bar.

    Raises:
        ValueError: if the model cannot be read or ``count`` is below 1.
        ModuleNotFoundError: if the renderer is not installed.
        OSError: if the folder cannot be written.
    """
    if count < 1:
        raise ValueError(f"count {count}: there must be at least 1 picture")
    load_model(model)  # a wrong folder is refused here, in one line, and not in each process
    if importlib.util.find_spec("mitsuba") is None:
        raise ModuleNotFoundError("the renderer is not installed", name="mitsuba")
    out.mkdir(parents=True, exist_ok=True)
    refuse_another(out, METADATA)
    _begin(out, count, settings)
    if pictures:
        (out / "pictures").mkdir(exist_ok=True)
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    task = partial(_work, model=model, out=out, settings=settings, pictures=pictures)
    workers = min(workers or os.cpu_count() or 1, len(chunks))
    rows: list[Row] = []
    # spawned, not forked: the renderer keeps threads
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        for done in pool.map(task, chunks):
            rows += done
            advance(len(done))
    unwanted = (() if expressions else (EXPRESSION,)) + (() if affect else (AFFECT,))
    columns = {name for task in unwanted for name in (task.name, *task.labels)}
    rows = [{name: value for name, value in row.items() if name not in columns} for row in rows]
    weak = {name: why for name, why in METADATA["weak"].items() if name not in columns}
    pack = np.lib.format.open_memmap(out / PARTIAL, mode="r+")
    finish_pack(out, pack, rows, FACE, {**METADATA, "weak": weak, "settings": settings.plain()})
    (out / PLAN).unlink()


def row_of(index: int, shot: Shot, person: Person, view: View, settings: Settings, *, kept: bool = False) -> Row:
    """The manifest's row of one picture.

    Beside the usual columns: ``subject``, ``kind``, ``compound``, the intensity of each action unit that can be shown
    (0 to 5), their mean over those that move as ``intensity``, the head's ``yaw``, ``pitch`` and ``roll`` in degrees,
    and the skin's ``tone`` in [0, 1].

    Args:
        index: of the picture and of its crop.
        shot, person, view: what it shows, whom, and from where.
        settings: of the run.
        kept: whether the picture is kept as a file.
    """
    valence, arousal = shot.affect or (None, None)
    levels = {unit: shot.intensities.get(unit, 0.0) for unit in SHOWN}
    return {
        "path": picture_path(index) if kept else f"render-{settings.seed}-{index:06d}",
        "split": shot.split,
        "crop": index,
        "found": True,
        "subject": settings.person(shot.subject),
        "kind": shot.kind,
        "expression": shot.expression,
        "compound": shot.compound,
        **{unit: float(levels[unit] >= settings.threshold) if unit in levels else None for unit in ACTION_UNITS.labels},
        **{f"{unit}_intensity": level for unit, level in levels.items()},
        "intensity": shot.intensity,
        "valence": valence,
        "arousal": arousal,
        "yaw": shot.pose.yaw,
        "pitch": shot.pose.pitch,
        "roll": shot.pose.roll,
        "tone": person.look.tone,
        **dict(zip(("x", "y", "width", "height"), view.box, strict=True)),
        "landmarks": view.landmarks.ravel().tolist(),
    }


def picture_path(index: int) -> str:
    """Where a kept picture lies, relative to the manifest."""
    return f"pictures/{index:06d}.png"


def _begin(out: Path, count: int, settings: Settings) -> None:
    """Make the empty pack, unless one of the same run is there already."""
    plan = json.dumps({"count": count, **settings.plain()})
    if (out / PARTIAL).is_file() and (out / PLAN).is_file() and (out / PLAN).read_text() == plan:
        return
    (out / PLAN).unlink(missing_ok=True)
    np.lib.format.open_memmap(out / PARTIAL, mode="w+", dtype=np.uint8, shape=(count, CROP, CROP, 3)).flush()
    (out / PLAN).write_text(plan)


def _work(indices: range, *, model: Path, out: Path, settings: Settings, pictures: bool) -> list[Row]:
    """One chunk, in a process of its own."""
    pack = np.lib.format.open_memmap(out / PARTIAL, mode="r+")
    rows = list(_pictures(indices, _studio(model, settings), pack, out, pictures))
    pack.flush()
    return rows


def _pictures(indices: range, studio: Studio, pack: Any, out: Path, pictures: bool) -> Iterator[Row]:
    for index in indices:
        shot = direct_shot(studio.settings, index)
        person = direct_person(studio.settings, shot.subject)
        view = studio.view(shot, person)
        path = out / picture_path(index)
        # no pixel of a picture is 0, and a crop is written from its first row to its last
        if not pack[index, -1].all() or (pictures and not path.is_file()):
            picture = studio.picture(shot, person, view, index)
            if pictures:
                Image.fromarray(picture).save(path.with_suffix(".partial"), "PNG")
                path.with_suffix(".partial").replace(path)
            pack[index] = studio.crop(picture, view, index)
        yield row_of(index, shot, person, view, studio.settings, kept=pictures)


@lru_cache(maxsize=1)
def _studio(model: Path, settings: Settings) -> Studio:
    """One for all chunks of a process; of one thread, since there are as many processes as cores."""
    return Studio(load_model(model), settings, threads=1)
