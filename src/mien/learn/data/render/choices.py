"""What is chosen rather than drawn: persons, action units, classes, pose, light, skin, distance, background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import ImageColor

from mien.learn.data.render.action_units import AGAINST, SHOWN, STRONGEST, together
from mien.learn.data.render.light import Colour, Lamp, Light, to_linear
from mien.relatedness.table import DU_2014
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
"""Lights with a name; left and right are the picture's."""

CLASSES: tuple[str, ...] = (*DU_2014.class_labels, *COMPOUND.labels)
"""What can be shown by name: the seven expressions and the eleven compounds."""

LIMITS: dict[str, Range] = {
    "yaw": (-90, 90),
    "pitch": (-60, 60),
    "roll": (-90, 90),
    "distance": (20, 500),
    "tone": (0, 1),
}
"""What each range must lie in: degrees, cm, and from light to dark."""


@dataclass(frozen=True)
class Choices:
    """What is the same in every picture, or comes from a range; what is left out is drawn as ever.

    Choosing one thing changes nothing of what is drawn for the others: picture i of a seed keeps its person, light and
    background if only its pose is chosen.

    Args:
        persons: numbers of the persons; picture i shows one of them at random.
        persons_seed: of the persons' shapes and looks, in place of the run's seed.
        units: action units with their intensities, shown by every picture.
        sweep: an action unit whose intensity runs from 0 to 5 from picture to picture, on top of ``units``.
        levels: number of intensities in a sweep, at least 2. The pictures of one sweep have all else in common.
        classes: expressions (by Table 1) and compounds, of which each picture shows one.
        yaw, pitch, roll: lowest and highest angle of the head in degrees.
        light: one of :data:`LIGHTS`.
        tone: lowest and highest tone of the skin, 0 (light) to 1 (dark).
        distance: lowest and highest distance of the camera in cm; the face keeps its size, near ones bulge.
        background: one colour, as CSS names it: ``grey``, ``#203040``.

    Raises:
        ValueError: for what is none of these, with the reason.
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
            raise ValueError("numbers and seeds of persons must not be negative")
        if bool(self.units or self.sweep) and self.classes:
            raise ValueError("action units and classes cannot both be chosen")
        _check_units(self.shown(0.0 if self.sweep is None else STRONGEST))
        if self.levels < 2:
            raise ValueError(f"levels {self.levels}: a sweep has at least 2")
        for name in self.classes:
            if name not in CLASSES:
                raise ValueError(f"no such class: {name} (there are {', '.join(CLASSES)})")
        if self.light is not None and self.light not in LIGHTS:
            raise ValueError(f"no such light: {self.light} (there are {', '.join(LIGHTS)})")
        for name, (low, high) in LIMITS.items():
            chosen = getattr(self, name)
            if chosen is not None and not low <= chosen[0] <= chosen[1] <= high:
                raise ValueError(f"{name} {chosen[0]:g}:{chosen[1]:g} is no range inside {low:g}:{high:g}")
        if self.background is not None:
            self.colour()

    def scene(self, index: int) -> int:
        """Number of what picture ``index`` has in common with the others of its sweep; its own without a sweep."""
        return index // self.levels if self.sweep else index

    def shown(self, level: float) -> dict[str, float]:
        """The chosen action units, with the swept one at this intensity."""
        units = dict(self.units)
        return units | {self.sweep: level} if self.sweep else units

    def colour(self) -> Colour | None:
        """The background, linear RGB; None if it is drawn."""
        if self.background is None:
            return None
        try:
            red, green, blue = (float(value) for value in to_linear(*ImageColor.getrgb(self.background)[:3]))
        except ValueError:
            raise ValueError(f"no such colour: {self.background}") from None
        return red, green, blue


def _check_units(units: Mapping[str, float]) -> None:
    for unit, level in units.items():
        if unit not in SHOWN:
            raise ValueError(f"{unit} cannot be shown; those that can are {', '.join(SHOWN)}")
        if not 0 <= level <= STRONGEST:
            raise ValueError(f"{unit} has intensity {level:g}, expected 0 to {STRONGEST:g}")
    left = together(units)
    for weaker, stronger in AGAINST:
        if units.get(weaker, 0) > 0 and weaker not in left and stronger in left:
            raise ValueError(f"{weaker} and {stronger} do not go together in one mouth")
