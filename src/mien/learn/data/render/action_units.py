"""From action units to expression shapes of ICT-FaceKit.

The mapping starts from the FACS table of the model's README. Departures, each made because the renders looked wrong
without it:

- strengths are multiplied by a gain, so that intensity 5 is about as strong as people show it;
- AU10 also uses mouthUpperUp (AU11 in the README): mouthShrugUpper alone pushes the lip out rather than up;
- AU06 also uses cheekRaiser, which the table does not mention, and AU07 a little eyeBlink;
- AU24 also uses a little of the rolls of AU28, because pressed lips get thinner;
- AU25 has no row: it is built from the shapes of AU16 and AU11 and a little jawOpen, and :func:`express` makes the
  lips part as far as the intensity asks, and keeps them closed where AU25 is absent;
- AU26 is up to 0.4 of jawOpen (AU27 in the README).
"""

from __future__ import annotations

from collections.abc import Mapping

from mien.learn.data.render.face_model import FaceModel, Floats, lip_gap
from mien.tasks import ACTION_UNITS

MAX_INTENSITY = 5.0
"""Intensities run from 0 (absent) through 1 (a trace) to 5 (maximum): the levels A to E of FACS as numbers."""

SHAPES: dict[str, dict[str, float]] = {
    "AU01": {"browInnerUp": 1.3},
    "AU02": {"browOuterUp": 1.2},
    "AU04": {"browDown": 1.5},
    "AU05": {"eyeWide": 1.5},
    "AU06": {"cheekSquint": 0.7, "cheekRaiser": 0.7},
    "AU07": {"eyeSquint": 1.3, "eyeBlink": 0.15},
    "AU09": {"noseSneer": 1.0},
    "AU10": {"mouthShrugUpper": 0.5, "mouthUpperUp": 0.8},
    "AU12": {"mouthSmile": 0.9},
    "AU14": {"mouthDimple": 1.1},
    "AU15": {"mouthFrown": 1.3},
    "AU17": {"mouthShrugLower": 0.9},
    "AU20": {"mouthStretch": 1.1},
    "AU24": {"mouthPress": 1.2, "mouthRollLower": 0.2, "mouthRollUpper": 0.2},
    "AU25": {"mouthLowerDown": 0.7, "mouthUpperUp": 0.2, "jawOpen": 0.06},
    "AU26": {"jawOpen": 0.4},
}
"""The strength of each shape at intensity 5; a shape with a left and a right half is named without its side."""

UNSIDED = {"mouthShrugUpper", "mouthShrugLower", "mouthRollUpper", "mouthRollLower", "jawOpen"}
"""Shapes without a left and a right half."""

AVAILABLE: tuple[str, ...] = tuple(label for label in ACTION_UNITS.labels if label in SHAPES)
"""The action units that the model can show."""

UNAVAILABLE: tuple[str, ...] = tuple(label for label in ACTION_UNITS.labels if label not in SHAPES)
"""The action units without a shape: AU23 only. Their labels are null in every row, because 0 would mean "absent"."""

WEAK: dict[str, str] = {
    "AU06": "similar to AU07 in the lids; the only wrinkles next to the eyes are painted ones",
    "AU07": "similar to AU06 in the lids",
    "AU14": "pulls the corners up as well as in; there is no dimple",
    "AU15": "similar to AU20: the stretch of ICT-FaceKit pulls the corners down a little",
    "AU20": "similar to AU15",
    "AU24": "small: thinner lips and a higher chin",
}
"""Action units that are less clear than in real people."""

EXCLUSIVE: tuple[tuple[str, str], ...] = (
    ("AU24", "AU25"),
    ("AU24", "AU26"),
    ("AU17", "AU26"),
    ("AU15", "AU12"),
    ("AU20", "AU12"),
    ("AU14", "AU20"),
)
"""Pairs that one mouth cannot show at once: the first is dropped in favour of the second."""

CLOSED_GAP, PARTED_GAP = 0.1, 0.25
"""The largest gap between the inner lips without AU25, and the smallest with a trace of it, in cm."""

JAW_TRAVEL, CLOSE_TRAVEL = 3.3, 3.6
"""How far jawOpen at full strength opens the lips, and mouthClose closes them, in cm."""


def compatible(intensities: Mapping[str, float]) -> dict[str, float]:
    """Return the action units that one face can show at once: :data:`EXCLUSIVE` is applied, and AU26 implies AU25.

    Args:
        intensities: from 0 to 5 by label; 0 means absent.

    Example:
        >>> compatible({"AU24": 2.0, "AU26": 3.0})
        {'AU25': 3.0, 'AU26': 3.0}
    """
    shown = {unit: value for unit, value in intensities.items() if value > 0 and unit in SHAPES}
    if "AU26" in shown:
        shown["AU25"] = max(shown["AU26"], shown.get("AU25", 0.0))
    for weaker, stronger in EXCLUSIVE:
        if stronger in shown:
            shown.pop(weaker, None)
    return {unit: shown[unit] for unit in AVAILABLE if unit in shown}


def shape_strengths(intensities: Mapping[str, float], balance: float = 0.0) -> dict[str, float]:
    """Return the strength of each expression shape by its full name.

    Args:
        intensities: from 0 to 5 by label.
        balance: how much stronger the left half of the face moves than the right, from -1 to 1.

    Raises:
        ValueError: if an action unit has no shape, or an intensity is outside [0, 5].
    """
    strengths: dict[str, float] = {}
    for unit, intensity in intensities.items():
        if unit not in SHAPES:
            raise ValueError(f"{unit}: the face model cannot show it (choose from {', '.join(AVAILABLE)})")
        if not 0 <= intensity <= MAX_INTENSITY:
            raise ValueError(f"{unit}: intensity {intensity} is outside [0, {MAX_INTENSITY:g}]")
        for shape, gain in SHAPES[unit].items():
            sides = {shape: 1.0} if shape in UNSIDED else {f"{shape}_L": 1 + balance, f"{shape}_R": 1 - balance}
            for name, side in sides.items():
                strengths[name] = strengths.get(name, 0.0) + gain * side * intensity / MAX_INTENSITY
    return strengths


def express(
    model: FaceModel,
    identity: Floats,
    intensities: Mapping[str, float],
    *,
    balance: float = 0.0,
    others: Mapping[str, float] | None = None,
) -> Floats:
    """Return the vertices of a face that shows these action units, V x 3.

    AU25 is enforced on the mesh: with it the jaw opens until the lips part by at least 0.25 cm plus 0.12 cm per unit of
    intensity; without it mouthClose closes what AU09, AU10 or the identity leave open.

    Args:
        model: the face model.
        identity: coefficients of its identity modes.
        intensities: see :func:`shape_strengths`.
        balance: see :func:`shape_strengths`.
        others: strengths of shapes that belong to no action unit, such as those of the gaze.

    Raises:
        ValueError: see :func:`shape_strengths`.
    """
    strengths = {**(others or {}), **shape_strengths(intensities, balance)}
    vertices = model.vertices(identity, strengths)
    for _ in range(2):  # the gap is not quite linear in the shapes: the second step corrects the rest of the first
        gap = lip_gap(vertices)
        if level := intensities.get("AU25", 0.0):
            missing = max(0.0, PARTED_GAP + 0.12 * level - gap)
            vertices += missing / JAW_TRAVEL * model.shape("jawOpen")
        else:
            vertices += max(0.0, gap - CLOSED_GAP) / CLOSE_TRAVEL * model.shape("mouthClose")
    return vertices
