"""What each picture shows, drawn at random: picture i of seed S depends on S and i alone (and on the settings)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mien.learn.data.render.action_units import SHOWN, STRONGEST, together
from mien.learn.data.render.camera import Pose
from mien.learn.data.render.choices import Choices, Range
from mien.learn.data.render.light import Lamp, Light, to_linear
from mien.learn.data.render.model import Floats
from mien.learn.data.render.paint import Look
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.relatedness.table import DU_2014
from mien.tasks import COMPOUND

MODES = 100
"""Identity modes that are drawn."""

KINDS: dict[str, float] = {"neutral": 0.08, "single": 0.22, "expression": 0.35, "compound": 0.1, "random": 0.25}
"""What faces show, and how often: nothing; one action unit; a class of Table 1; two classes at once; any set."""

NOUNS = {
    "happ": "happiness", "sad": "sadness", "fear": "fear", "ang": "anger", "surpris": "surprise", "disgust": "disgust",
}  # fmt: skip
"""How the words of the compounds begin."""

HAIR = ((18, 14, 12), (38, 27, 20), (70, 48, 32), (112, 82, 50), (120, 62, 34), (120, 115, 110))
IRISES = ((60, 36, 22), (88, 56, 32), (112, 90, 50), (88, 104, 72), (86, 118, 142), (120, 136, 148))


@dataclass(frozen=True)
class Settings:
    """Of a whole run.

    Args:
        seed: of everything.
        identities: how many persons there are; each has its own shape, skin, hair and eyes.
        validation: share of the persons, the last ones, that make the split ``valid``.
        kinds: some of :data:`KINDS`, each with its share; these are made to sum to 1.
        pose: largest yaw in degrees; pitch goes to half of it, roll to a third.
        threshold: an action unit is labelled as present from this intensity on, 0 < threshold <= 2.
        size: side of the picture from which the crop is cut, in pixels.
        samples: of light, a pixel; a square number.
        jitter: spread of the error of the landmarks that the crop is aligned by, in pixels of the crop.
        choices: what is not drawn; see :mod:`mien.learn.data.render.direct`.
    """

    seed: int = 0
    identities: int = 200
    validation: float = 0.2
    kinds: tuple[tuple[str, float], ...] = tuple(KINDS.items())
    pose: float = 40.0
    threshold: float = 1.0
    size: int = 128
    samples: int = 16
    jitter: float = 0.0
    choices: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        shares = dict(self.kinds)
        if unknown := set(shares) - set(KINDS):
            raise ValueError(f"no such kind of face: {', '.join(sorted(unknown))} (there are {', '.join(KINDS)})")
        if min(shares.values(), default=0) < 0 or not sum(shares.values()) > 0:
            raise ValueError("the shares of the kinds must not be negative, and one must be above 0")
        if not 0 < self.threshold <= 2:
            raise ValueError(f"threshold {self.threshold} is outside (0, 2]: what is drawn for a class is at least 2")
        if int(self.samples**0.5) ** 2 != self.samples or self.samples < 1:
            raise ValueError(f"samples {self.samples} is not a square number")
        for name, low, high in (("identities", 1, 10**6), ("validation", 0, 0.9), ("pose", 0, 60), ("size", 64, 1024)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} {getattr(self, name)} is outside [{low}, {high}]")
        if self.seed < 0 or self.jitter < 0:
            raise ValueError("seed and jitter must not be negative")

    def split(self, subject: int) -> str:
        """Where the pictures of a person belong."""
        return "valid" if subject >= round(self.identities * (1 - self.validation)) else "train"

    def person(self, subject: int) -> str:
        """The name of a person: the same in every run that shows them."""
        seed = self.seed if self.choices.persons_seed is None else self.choices.persons_seed
        return f"ict-{seed}-{subject:05d}"

    def plain(self) -> dict[str, Any]:
        """As JSON-ready data; choices only if there are any, so that runs from before there were some go on."""
        data = asdict(self)
        return data if self.choices != Choices() else {key: value for key, value in data.items() if key != "choices"}


@dataclass(frozen=True)
class Person:
    """A shape and a look.

    Args:
        identity: coefficients of the identity modes, in standard deviations.
        look: colours.
    """

    identity: tuple[float, ...]
    look: Look


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        subject: number of the person.
        split: ``train`` or ``valid``.
        kind: of :data:`KINDS`.
        expression: the class of Table 1 (or neutral), else None.
        compound: the compound class, else None.
        intensities: from 0 to 5 of the action units that move.
        balance: how much stronger the left half moves.
        gaze: of the eyes in degrees, to the person's left and up.
        pose: of the head.
        light: on it.
        angle: of view, in degrees.
        width: that the picture spans at the face, in cm.
        shift: of the face in the picture, in cm.
        noise: of the sensor, as a share of full brightness.
    """

    subject: int
    split: str
    kind: str
    expression: str | None
    compound: str | None
    intensities: Mapping[str, float]
    balance: float
    gaze: tuple[float, float]
    pose: Pose
    light: Light
    angle: float
    width: float
    shift: tuple[float, float]
    noise: float

    @property
    def intensity(self) -> float:
        """Mean intensity of the action units that move, 1 to 5; 0 if none does."""
        return sum(self.intensities.values()) / max(len(self.intensities), 1)

    @property
    def affect(self) -> tuple[float, float] | None:
        """Weak valence and arousal, or None where no class of Table 1 is shown.

        The circumplex coordinates of the class times intensity / 5. The emotion words were rated, not these faces, and
        that affect grows in proportion to intensity is ours.
        """
        if self.expression is None:
            return None
        valence, arousal = CIRCUMPLEX[self.expression]
        share = self.intensity / STRONGEST
        return share * valence, share * arousal


def draw_person(seed: int, subject: int, tones: Range = (0.0, 1.0)) -> Person:
    """The person of this number, with a skin between two tones."""
    generator = np.random.default_rng([seed, 0, subject])
    identity = np.clip(generator.normal(0, 0.9, MODES), -2, 2)
    tone = tones[0] + (tones[1] - tones[0]) * generator.uniform()
    uniform = generator.uniform
    dark = tone > 0.5  # light hair and eyes go with light skin
    hair = to_linear(*HAIR[generator.integers(2 if dark else len(HAIR))]) * uniform(0.7, 1.2)
    iris = to_linear(*IRISES[generator.integers(2 if dark else len(IRISES))]) * uniform(0.5, 1.0)
    look = Look(
        tone=tone,
        warmth=uniform(-1, 1),
        flush=uniform(0.1, 1),
        mottle=uniform(),
        shine=uniform(),
        hair=_colour(hair),
        scalp=uniform(0.85, 1) if uniform() < 0.75 else uniform(0, 0.3),
        hairline=uniform(8.6, 10.5),
        brow=uniform(0.7, 0.95),
        brow_width=uniform(0.75, 1.3),
        stubble=uniform(0.2, 1) if uniform() < 0.3 else 0.0,
        lips=uniform(),
        iris=_colour(iris),
        iris_radius=uniform(21.5, 24.5),
        pupil_radius=uniform(7, 11),
        pattern=int(generator.integers(2**31)),
    )
    return Person(tuple(map(float, identity)), look)


def draw_shot(settings: Settings, index: int) -> Shot:
    """What picture ``index`` shows."""
    generator = np.random.default_rng([settings.seed, 1, index])
    subject = int(generator.integers(settings.identities))
    shares = np.array([dict(settings.kinds).get(kind, 0.0) for kind in KINDS])
    kind = list(KINDS)[generator.choice(len(KINDS), p=shares / shares.sum())]
    expression, compound, intensities = draw_units(generator, kind)
    uniform, normal = generator.uniform, generator.normal
    most = settings.pose
    turns = np.clip(normal(0, [0.35, 0.18, 0.15], 3), [-1, -1 / 2, -1 / 3], [1, 1 / 2, 1 / 3]) * most
    return Shot(
        subject=subject,
        split=settings.split(subject),
        kind=kind,
        expression=expression,
        compound=compound,
        intensities=intensities,
        balance=float(np.clip(normal(0, 0.08), -0.2, 0.2)),
        gaze=(float(np.clip(normal(0, 7), -20, 20)), float(np.clip(normal(0, 4), -10, 10))),
        pose=Pose(*map(float, turns)),
        light=draw_light(generator),
        angle=float(uniform(10, 35)),
        width=float(uniform(22.5, 27)),
        shift=(float(normal(0, 0.4)), float(normal(0, 0.4))),
        noise=float(uniform(0, 0.015)),
    )


def draw_units(
    generator: np.random.Generator, kind: str, name: str | None = None
) -> tuple[str | None, str | None, dict[str, float]]:
    """Expression, compound and intensities of a face of this kind, and of this class if it has a ``name``.

    A class of Table 1 always has its prototypical action units, and each observational one with its weight as the
    probability. A compound has the prototypical ones of both its classes, as far as one mouth can show them: this is
    ours, the study of the compounds has a table of its own. Intensities of both lie in [2, 5], of others in [1, 5].
    """
    low = 2.0 if kind in ("expression", "compound") else 1.0
    expression, compound, units = None, None, []
    if kind == "neutral":
        expression = "neutral"
    elif kind == "single":
        units = [str(generator.choice(SHOWN))]
    elif kind == "expression":
        expression = name or str(generator.choice(DU_2014.class_labels[1:]))
        weights = DU_2014.weights[DU_2014.class_labels.index(expression)]
        chosen = generator.random(len(weights)) < weights
        units = [unit for unit, taken in zip(DU_2014.attribute_labels, chosen, strict=True) if taken]
    elif kind == "compound":
        compound = name or str(generator.choice(COMPOUND.labels))
        units = _both(compound)
    else:
        units = [str(unit) for unit in generator.choice(SHOWN, int(generator.integers(2, 7)), replace=False)]
    levels = generator.uniform(low, 5.0, len(units))
    return expression, compound, together(dict(zip(units, map(float, levels), strict=True)))


def draw_light(generator: np.random.Generator) -> Light:
    """Sky, ground, a key light before the face, and sometimes one beside or behind it."""
    uniform = generator.uniform
    level = uniform(0.15, 0.8)
    lamps = [_lamp(generator, uniform(-75, 75), uniform(-10, 60), 1 - level)]
    if uniform() < 0.5:
        lamps.append(_lamp(generator, uniform(75, 285), uniform(0, 50), uniform(0.2, 0.6)))
    above, below = level * _tint(generator), level * uniform(0.2, 0.9) * _tint(generator)
    return Light(_colour(above), _colour(below), tuple(lamps), exposure=float(uniform(0.65, 1.1)))


def _lamp(generator: np.random.Generator, azimuth: float, elevation: float, strength: float) -> Lamp:
    softness = float(np.exp(generator.uniform(np.log(0.03), np.log(0.4))))
    return Lamp(float(azimuth), float(elevation), softness, float(strength), _colour(_tint(generator)))


def _tint(generator: np.random.Generator) -> Floats:
    """From candle to sky, of mean brightness about 1."""
    warm = generator.normal(0, 0.1)
    return np.asarray(np.exp([warm, generator.normal(0, 0.02), -1.3 * warm]))


def _both(compound: str) -> list[str]:
    """The prototypical action units of the two classes of a compound."""
    rows = [
        DU_2014.class_labels.index(noun)
        for word in compound.split()
        for begin, noun in NOUNS.items()
        if word.startswith(begin)
    ]
    return [unit for column, unit in enumerate(DU_2014.attribute_labels) if DU_2014.prototypical[rows, column].any()]


def _colour(values: Floats) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
