"""The people and shots of a run: drawn at random, then overridden by the choices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.learn.data.render.action_units import MAX_INTENSITY, compatible
from mien.learn.data.render.camera import Pose
from mien.learn.data.render.choices import LIGHTS, Choices, Range
from mien.learn.data.render.draw import Person, RenderSettings, Shot, draw_person, draw_shot, draw_units
from mien.tasks import COMPOUND


def make_person(settings: RenderSettings, subject: int) -> Person:
    """Return the person of this number in a run with these settings."""
    choices = settings.choices
    seed = settings.seed if choices.persons_seed is None else choices.persons_seed
    return draw_person(seed, subject, choices.tone or (0.0, 1.0))


def make_shot(settings: RenderSettings, index: int) -> Shot:
    """Return what picture ``index`` shows; without choices exactly what :func:`draw_shot` draws."""
    choices = settings.choices
    if choices == Choices():
        return draw_shot(settings, index)
    scene = choices.scene(index)
    shot = draw_shot(settings, scene)
    generator = np.random.default_rng([settings.seed, 4, scene])
    # everything is drawn, needed or not, so that one choice does not change what is drawn for another
    subject = int(generator.integers(max(1, len(choices.persons))))
    angles = [
        _within(generator, chosen, drawn)
        for chosen, drawn in (
            (choices.yaw, shot.pose.yaw),
            (choices.pitch, shot.pose.pitch),
            (choices.roll, shot.pose.roll),
        )
    ]
    distance = _within(generator, choices.distance, 0.0)
    shot = replace(shot, pose=Pose(*angles), light=LIGHTS[choices.light] if choices.light else shot.light)
    if choices.persons:
        subject = choices.persons[subject]
        shot = replace(shot, subject=subject, split=settings.split(subject))
    if choices.distance:
        shot = replace(shot, fov=float(np.degrees(2 * np.arctan(shot.width / 2 / distance))))
    if choices.classes:
        return _of_class(shot, generator, choices.classes[int(generator.integers(len(choices.classes)))])
    if choices.units or choices.sweep:
        units = compatible(choices.shown(MAX_INTENSITY * (index % choices.levels) / (choices.levels - 1)))
        kind = "sweep" if choices.sweep else "chosen"
        return replace(shot, kind=kind, expression=None, compound=None, intensities=units)
    return shot


def _of_class(shot: Shot, generator: np.random.Generator, name: str) -> Shot:
    kind = "neutral" if name == "neutral" else "compound" if name in COMPOUND.labels else "expression"
    expression, compound, units = draw_units(generator, kind, name)
    return replace(shot, kind=kind, expression=expression, compound=compound, intensities=units)


def _within(generator: np.random.Generator, chosen: Range | None, drawn: float) -> float:
    share = float(generator.uniform())
    return drawn if chosen is None else chosen[0] + (chosen[1] - chosen[0]) * share
