"""A run: renders many pictures in several processes, and writes their crops and their manifest."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.atomic import replacing
from mien.faces.align import CROP
from mien.learn.data.manifest.columns import PACK, Row
from mien.learn.data.manifest.write import refuse_another
from mien.learn.data.pack.single_file import finish_pack
from mien.learn.data.render.action_units import AVAILABLE, UNAVAILABLE, WEAK
from mien.learn.data.render.draw import Person, RenderSettings, Shot
from mien.learn.data.render.face_model import load_model
from mien.learn.data.render.make_shot import make_person, make_shot
from mien.learn.data.render.picture import Studio, View
from mien.processes import cores, map_in_order
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE

PARTIAL = PACK + ".partial"
PLAN = "render.partial.json"
"""A file next to the unfinished pack: the settings that the run was started with."""

CHUNK = 16
"""The number of pictures that a process renders between two reports."""

METADATA: dict[str, Any] = {
    "source": "renders of ICT-FaceKit Light by Mitsuba 3",
    "licence": "ICT-FaceKit is MIT: the pictures may be shared with its notice",
    "weak": {
        "expression": "the class whose action units of Table 1 (Du 2014) were drawn, not seen by an annotator",
        "affect": "circumplex coordinates of the class (Russell & Mehrabian 1977) times its mean intensity / 5",
        "action_units": f"exact, but the mesh shows these less clearly than people do: {', '.join(WEAK)}",
    },
    "unknown": dict.fromkeys(UNAVAILABLE, "no shape of ICT-FaceKit shows it: null in every row"),
}


def render(
    model: Path,
    out: Path,
    count: int,
    settings: RenderSettings,
    *,
    expressions: bool = True,
    pictures: bool = False,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Write ``out/manifest.parquet`` and ``out/crops.npy`` (count x 112 x 112 x 3).

    An interrupted run resumes if it is started again with the same settings and count.

    Args:
        model: folder of ICT-FaceKit Light, see :func:`mien.learn.data.render.face_model.load_model`.
        out: output folder; created if it does not exist.
        count: number of pictures, at least 1.
        settings: the settings of the run; picture i is the same for every count.
        expressions: whether to write the column ``expression``.
        pictures: also keep the whole pictures, as PNG files in ``out/pictures``.
        workers: number of processes; one per core if None.
        advance: called with the number of pictures just finished, for a progress bar.

    Raises:
        ValueError: if the model cannot be read or ``count`` is below 1.
        ModuleNotFoundError: if the renderer is not installed.
        OSError: if the folder cannot be written.

    Example:
        >>> render(Path("ICT-FaceKit"), Path("renders"), 3000, RenderSettings(seed=0))  # doctest: +SKIP
    """
    if count < 1:
        raise ValueError(f"count {count}: at least 1 picture is needed")
    load_model(model)  # refuse a wrong folder here, once, rather than in each process
    if importlib.util.find_spec("mitsuba") is None:
        raise ModuleNotFoundError("the renderer is not installed", name="mitsuba")
    out.mkdir(parents=True, exist_ok=True)
    refuse_another(out, METADATA)
    _start(out, count, settings)
    if pictures:
        (out / "pictures").mkdir(exist_ok=True)
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    task = partial(_render_chunk, model=model, out=out, settings=settings, pictures=pictures)
    workers = min(workers or cores(), len(chunks))
    rows: list[Row] = []
    for done in map_in_order(task, chunks, workers):
        rows += done
        advance(len(done))
    metadata = {**METADATA, "settings": settings.plain()}
    if not expressions:
        rows = [{name: value for name, value in row.items() if name != EXPRESSION.name} for row in rows]
        metadata["weak"] = {name: why for name, why in METADATA["weak"].items() if name != EXPRESSION.name}
    pack = np.lib.format.open_memmap(out / PARTIAL, mode="r+")
    finish_pack(out, pack, rows, FACE, metadata)
    (out / PLAN).unlink()


def row_of(index: int, shot: Shot, person: Person, view: View, settings: RenderSettings, *, kept: bool = False) -> Row:
    """Return the manifest row of one picture.

    In addition to the usual columns it has ``subject``, ``kind``, ``compound``, the intensity of each action unit that
    the model can show (0 to 5), the mean ``intensity`` of those that move, ``yaw``, ``pitch`` and ``roll`` of the head
    in degrees, and the skin ``tone`` in [0, 1].

    Args:
        index: number of the picture and of its crop.
        shot: what the picture shows.
        person: the person in it.
        view: the posed mesh and its camera.
        settings: the settings of the run.
        kept: whether the picture is kept as a file.
    """
    valence, arousal = shot.affect or (None, None)
    levels = {unit: shot.intensities.get(unit, 0.0) for unit in AVAILABLE}
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
    """The path of a kept picture, relative to the manifest."""
    return f"pictures/{index:06d}.png"


def _start(out: Path, count: int, settings: RenderSettings) -> None:
    """Create the empty pack, unless an unfinished one of the same run exists."""
    plan = json.dumps({"count": count, **settings.plain()})
    if (out / PARTIAL).is_file() and (out / PLAN).is_file() and (out / PLAN).read_text() == plan:
        return
    (out / PLAN).unlink(missing_ok=True)
    np.lib.format.open_memmap(out / PARTIAL, mode="w+", dtype=np.uint8, shape=(count, CROP, CROP, 3)).flush()
    (out / PLAN).write_text(plan)


def _render_chunk(indices: range, *, model: Path, out: Path, settings: RenderSettings, pictures: bool) -> list[Row]:
    """Render one chunk, in a worker process."""
    pack = np.lib.format.open_memmap(out / PARTIAL, mode="r+")
    rows = list(_rows(indices, _studio(model, settings), pack, out, pictures))
    pack.flush()
    return rows


def _rows(indices: range, studio: Studio, pack: Any, out: Path, pictures: bool) -> Iterator[Row]:
    """Render the pictures that are still missing; yield the rows of all."""
    for index in indices:
        shot = make_shot(studio.settings, index)
        person = make_person(studio.settings, shot.subject)
        view = studio.view(shot, person)
        path = out / picture_path(index)
        # no pixel of a crop is 0 and crops are written from top to bottom: zeros in the last row mean "not finished"
        if not pack[index, -1].all() or (pictures and not path.is_file()):
            picture = studio.picture(shot, person, view, index)
            if pictures:
                with replacing(path) as partial:
                    Image.fromarray(picture).save(partial, "PNG")
            pack[index] = studio.crop(picture, view, index)
        yield row_of(index, shot, person, view, studio.settings, kept=pictures)


@lru_cache(maxsize=1)
def _studio(model: Path, settings: RenderSettings) -> Studio:
    """The studio of this process, reused for all its chunks."""
    return Studio(load_model(model), settings)
