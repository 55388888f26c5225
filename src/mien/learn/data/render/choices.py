"""Settings that a run fixes instead of drawing them: people, action units, classes, pose, light, skin, background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import ImageColor

from mien.learn.data.render.action_units import AVAILABLE, EXCLUSIVE, MAX_INTENSITY, compatible
from mien.learn.data.render.light import Colour, Lamp, Light, to_linear
from mien.relatedness.table import DU_2014
from mien.spelling import did_you_mean
from mien.tasks import COMPOUND

Range = tuple[float, float]

LIGHTS: dict[str, Light] = {
    "even": Light((0.6, 0.6, 0.6), (0.5, 0.5, 0.5), (), 0.9),
    "front": Light((0.35,) * 3, (0.25,) * 3, (Lamp(0, 15, 0.3, 0.7),), 0.9),
    "left": Light((0.3,) * 3, (0.2,) * 3, (Lamp(-65, 20, 0.15, 0.8),), 0.8),
    "right": Light((0.3,) * 3, (0.2,) * 3, (Lamp(65, 20, 0.15, 0.8),), 0.8),
    "above": Light((0.35,) * 3, (0.15,) * 3, (Lamp(0, 70, 0.15, 0.8),), 0.8),
    "below": Light((0.2,) * 3, (0.3,) * 3, (Lamp(0, -50, 0.15, 0.8),), 0.8),
    "behind": Light((0.35,) * 3, (0.25,) * 3, (Lamp(160, 30, 0.1, 0.9),), 0.8),
}
"""Lights by name; left and right are those of the picture."""

CLASSES: tuple[str, ...] = (*DU_2014.class_labels, *COMPOUND.labels)
"""The classes that can be chosen: seven expressions and eleven compounds."""

LIMITS: dict[str, Range] = {
    "yaw": (-90, 90),
    "pitch": (-60, 60),
    "roll": (-90, 90),
    "distance": (20, 500),
    "tone": (0, 1),
}
"""The limits of each range: degrees, cm, and from light (0) to dark (1)."""


@dataclass(frozen=True)
class Choices:
    """Settings that are the same in every picture or within a given range; everything else is drawn at random.

    Setting one thing does not change what is drawn for the others: if you set only the pose, picture i of a seed keeps
    its person, light and background.

    Args:
        persons: numbers of the people to show; each picture shows one of them, drawn at random.
        persons_seed: seed of the people's shapes and looks, instead of the run's seed.
        units: action units and their intensities, identical in every picture.
        sweep: an action unit whose intensity rises from 0 to 5 from picture to picture, in addition to ``units``.
        levels: number of intensities in a sweep, at least 2; the pictures of one sweep are otherwise identical.
        classes: expressions (by Table 1) and compounds; each picture shows one of them.
        yaw, pitch, roll: smallest and largest angle of the head in degrees.
        light: one of :data:`LIGHTS`.
        tone: smallest and largest skin tone, 0 (light) to 1 (dark).
        distance: smallest and largest distance of the camera in cm; the face keeps its size, but bulges up close.
        background: one colour in CSS notation: ``grey``, ``#203040``.

    Raises:
        ValueError: if a value is not one of these; the message names it.

    Example:
        >>> smile = Choices(sweep="AU12", levels=11, units=(("AU06", 2.0),), yaw=(0.0, 0.0), light="even")
    """

    persons: tuple[int, ...] = ()
    persons_seed: int | None = None
    units: tuple[tuple[str, float], ...] = ()
    sweep: str | None = None
    levels: int = 6
    classes: tuple[str, ...] = ()
    yaw: Range | None = None
    pitch: Range | None = None
    roll: Range | None = None
    light: str | None = None
    tone: Range | None = None
    distance: Range | None = None
    background: str | None = None

    def __post_init__(self) -> None:
        if any(number < 0 for number in (*self.persons, self.persons_seed or 0)):
            raise ValueError("the numbers and the seed of people must not be negative")
        if bool(self.units or self.sweep) and self.classes:
            raise ValueError("action units and classes cannot be combined; choose one of them")
        _check_units(self.shown(0.0 if self.sweep is None else MAX_INTENSITY))
        if self.levels < 2:
            raise ValueError(f"levels {self.levels}: a sweep needs at least 2")
        for name in self.classes:
            if name not in CLASSES:
                raise ValueError(f"unknown class {name}{did_you_mean(name, CLASSES)}")
        if self.light is not None and self.light not in LIGHTS:
            raise ValueError(f"unknown light {self.light}{did_you_mean(self.light, LIGHTS)}")
        for name, (low, high) in LIMITS.items():
            chosen = getattr(self, name)
            if chosen is not None and not low <= chosen[0] <= chosen[1] <= high:
                raise ValueError(f"{name} {chosen[0]:g}:{chosen[1]:g} is not a range within {low:g}:{high:g}")
        if self.background is not None:
            self.colour()

    def scene(self, index: int) -> int:
        """The number of the scene (person, pose, light, background): shared within a sweep, else one per picture."""
        return index // self.levels if self.sweep else index

    def shown(self, level: float) -> dict[str, float]:
        """The chosen action units, with that of the sweep at this intensity."""
        units = dict(self.units)
        return units | {self.sweep: level} if self.sweep else units

    def colour(self) -> Colour | None:
        """The background in linear RGB; None if it is drawn at random."""
        if self.background is None:
            return None
        try:
            red, green, blue = (float(value) for value in to_linear(*ImageColor.getrgb(self.background)[:3]))
        except ValueError:
            raise ValueError(f"unknown colour {self.background}; use a CSS name or #rrggbb") from None
        return red, green, blue


def _check_units(units: Mapping[str, float]) -> None:
    for unit, level in units.items():
        if unit not in AVAILABLE:
            raise ValueError(f"{unit}: the face model cannot show it (choose from {', '.join(AVAILABLE)})")
        if not 0 <= level <= MAX_INTENSITY:
            raise ValueError(f"{unit}: intensity {level:g} is outside [0, {MAX_INTENSITY:g}]")
    left = compatible(units)
    for dropped, kept in EXCLUSIVE:
        if units.get(dropped, 0) > 0 and dropped not in left and kept in left:
            raise ValueError(f"{dropped} and {kept} exclude each other: one mouth cannot show both")
