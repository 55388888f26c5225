"""Random draws of people and shots: picture i of seed S depends only on S, i and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mien.learn.data.render.action_units import AVAILABLE, MAX_INTENSITY, compatible
from mien.learn.data.render.camera import Pose
from mien.learn.data.render.choices import Choices, Range
from mien.learn.data.render.face_model import Floats
from mien.learn.data.render.light import Lamp, Light, to_linear
from mien.learn.data.render.paint import Look
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.relatedness.table import DU_2014
from mien.spelling import did_you_mean
from mien.tasks import COMPOUND

MODES = 100
"""The number of identity modes that are drawn."""

KINDS: dict[str, float] = {"neutral": 0.08, "single": 0.22, "expression": 0.35, "compound": 0.1, "random": 0.25}
"""The kinds of faces and their shares: no action unit; one; a class of Table 1; two classes at once; any set."""

STEMS = {
    "happ": "happiness", "sad": "sadness", "fear": "fear", "ang": "anger", "surpris": "surprise", "disgust": "disgust",
}  # fmt: skip
"""The stems of the words in a compound's label, and the expressions they stand for."""

HAIR = ((18, 14, 12), (38, 27, 20), (70, 48, 32), (112, 82, 50), (120, 62, 34), (120, 115, 110))
IRISES = ((60, 36, 22), (88, 56, 32), (112, 90, 50), (88, 104, 72), (86, 118, 142), (120, 136, 148))


@dataclass(frozen=True)
class RenderSettings:
    """The settings of a run.

    Args:
        seed: seed of everything that is drawn.
        identities: number of people; each has its own shape, skin, hair and eyes.
        validation: share of the people that form the split ``valid``: those with the highest numbers.
        kinds: some of :data:`KINDS` with their shares, which are normalised to sum to 1.
        pose: largest yaw in degrees; pitch is limited to half of it, roll to a third.
        threshold: intensity from which an action unit is labelled as present, 0 < threshold <= 2.
        size: side of the picture that the crop is cut from, in pixels.
        samples: light samples per pixel, a square number.
        jitter: standard deviation of the error added to the landmarks of the alignment, in pixels of the crop.
        choices: settings that are fixed instead of drawn.

    Raises:
        ValueError: if a value is outside its range; the message names it.
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
        for kind in shares:
            if kind not in KINDS:
                raise ValueError(f"unknown kind {kind}{did_you_mean(kind, KINDS)}")
        if min(shares.values(), default=0) < 0 or not sum(shares.values()) > 0:
            raise ValueError("the shares of the kinds must not be negative, and at least one must be above 0")
        if not 0 < self.threshold <= 2:
            raise ValueError(f"threshold {self.threshold} is outside (0, 2]: intensities of a class start at 2")
        if int(self.samples**0.5) ** 2 != self.samples or self.samples < 1:
            raise ValueError(f"samples {self.samples} is not a square number")
        for name, low, high in (("identities", 1, 10**6), ("validation", 0, 0.9), ("pose", 0, 60), ("size", 64, 1024)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} {getattr(self, name)} is outside [{low}, {high}]")
        if self.seed < 0 or self.jitter < 0:
            raise ValueError("seed and jitter must not be negative")

    def split(self, subject: int) -> str:
        """The split of a person."""
        return "valid" if subject >= round(self.identities * (1 - self.validation)) else "train"

    def person(self, subject: int) -> str:
        """The name of a person, the same in every run that shows them."""
        seed = self.seed if self.choices.persons_seed is None else self.choices.persons_seed
        return f"ict-{seed}-{subject:05d}"

    def plain(self) -> dict[str, Any]:
        """The settings as JSON-ready data, without ``choices`` if there are none, as older runs stored them."""
        data = asdict(self)
        return data if self.choices != Choices() else {key: value for key, value in data.items() if key != "choices"}


@dataclass(frozen=True)
class Person:
    """One person.

    Args:
        identity: coefficients of the identity modes, in standard deviations.
        look: colours of skin, hair and eyes.
    """

    identity: tuple[float, ...]
    look: Look


@dataclass(frozen=True)
class Shot:
    """The content of one picture and its viewing conditions.

    Args:
        subject: number of the person.
        split: ``train`` or ``valid``.
        kind: one of :data:`KINDS`, or ``chosen`` or ``sweep`` if the action units were chosen.
        expression: the class of Table 1 (or neutral), else None.
        compound: the compound class, else None.
        intensities: intensity of the action units that move, 0 to 5.
        balance: how much stronger the left half of the face moves, from -1 to 1.
        gaze: direction of the eyes in degrees, to the person's left and up.
        pose: rotation of the head.
        light: light on the face.
        fov: field of view in degrees.
        width: width of the picture at the face, in cm.
        shift: offset of the face from the centre of the picture, in cm.
        noise: standard deviation of the sensor noise, as a share of full brightness.
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
    fov: float
    width: float
    shift: tuple[float, float]
    noise: float

    @property
    def intensity(self) -> float:
        """Mean intensity of the action units that move, 1 to 5; 0 if none does."""
        return sum(self.intensities.values()) / max(len(self.intensities), 1)

    @property
    def affect(self) -> tuple[float, float] | None:
        """Weak valence and arousal; None where no class of Table 1 is shown.

        The circumplex coordinates of the class times intensity / 5. The coordinates are ratings of the emotion words,
        not of these faces; that affect grows in proportion to intensity is our assumption.
        """
        if self.expression is None:
            return None
        valence, arousal = CIRCUMPLEX[self.expression]
        share = self.intensity / MAX_INTENSITY
        return share * valence, share * arousal


def draw_person(seed: int, subject: int, tones: Range = (0.0, 1.0)) -> Person:
    """Draw the person of this number, with a skin tone within ``tones``."""
    generator = np.random.default_rng([seed, 0, subject])
    identity = np.clip(generator.normal(0, 0.9, MODES), -2, 2)
    tone = tones[0] + (tones[1] - tones[0]) * generator.uniform()
    uniform = generator.uniform
    dark = tone > 0.5  # light hair and eyes occur with light skin only
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


def draw_shot(settings: RenderSettings, index: int) -> Shot:
    """Draw what picture ``index`` shows."""
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
        fov=float(uniform(10, 35)),
        width=float(uniform(22.5, 27)),
        shift=(float(normal(0, 0.4)), float(normal(0, 0.4))),
        noise=float(uniform(0, 0.015)),
    )


def draw_units(
    generator: np.random.Generator, kind: str, name: str | None = None
) -> tuple[str | None, str | None, dict[str, float]]:
    """Draw the action units of a face.

    A class of Table 1 always shows its prototypical action units, and each observational one with its weight as the
    probability. A compound shows the prototypical ones of both its classes, as far as one mouth can show them: this is
    our choice; the study of compounds has its own table. Intensities are in [2, 5] for these two, else in [1, 5].

    Args:
        generator: source of randomness.
        kind: one of :data:`KINDS`.
        name: the expression or compound to show; drawn at random if None.

    Returns:
        Expression, compound (each None where it does not apply) and the intensities by action unit.
    """
    low = 2.0 if kind in ("expression", "compound") else 1.0
    expression, compound, units = None, None, []
    if kind == "neutral":
        expression = "neutral"
    elif kind == "single":
        units = [str(generator.choice(AVAILABLE))]
    elif kind == "expression":
        expression = name or str(generator.choice(DU_2014.class_labels[1:]))
        weights = DU_2014.weights[DU_2014.class_labels.index(expression)]
        chosen = generator.random(len(weights)) < weights
        units = [unit for unit, taken in zip(DU_2014.attribute_labels, chosen, strict=True) if taken]
    elif kind == "compound":
        compound = name or str(generator.choice(COMPOUND.labels))
        units = _both(compound)
    else:
        units = [str(unit) for unit in generator.choice(AVAILABLE, int(generator.integers(2, 7)), replace=False)]
    levels = generator.uniform(low, 5.0, len(units))
    return expression, compound, compatible(dict(zip(units, map(float, levels), strict=True)))


def draw_light(generator: np.random.Generator) -> Light:
    """Draw the light: sky, ground, a key light in front of the face, and sometimes one from the side or from behind."""
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
    """Draw a tint from candlelight to sky, with a mean brightness of about 1."""
    warm = generator.normal(0, 0.1)
    return np.asarray(np.exp([warm, generator.normal(0, 0.02), -1.3 * warm]))


def _both(compound: str) -> list[str]:
    """The prototypical action units of the two classes of a compound."""
    rows = [
        DU_2014.class_labels.index(noun)
        for word in compound.split()
        for stem, noun in STEMS.items()
        if word.startswith(stem)
    ]
    return [unit for column, unit in enumerate(DU_2014.attribute_labels) if DU_2014.prototypical[rows, column].any()]


def _colour(values: Floats) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
