"""Measures how often the predictions for a face contradict each other, according to a table of relatedness.

Ours: the papers couple tasks so that they agree, but only report accuracy. This measures the agreement itself, from
predictions alone; no labels are needed. A network that agrees with itself can still be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.relatedness.table import Relatedness
from mien.tasks import AFFECT, FACE, Task

SIGNS: Mapping[str, int] = {"happiness": 1, "sadness": -1, "fear": -1, "anger": -1, "disgust": -1}
"""The sign of the valence expected with a class; all others, such as neutral and surprise, allow either sign."""

EXPECTED_WEIGHT = 0.5
"""A class without prototypical attributes is expected to show those with at least this weight."""


def measure_consistency(
    outputs: Mapping[str, ArrayLike],
    relatedness: Relatedness,
    tasks: Sequence[Task] = FACE,
    *,
    threshold: float = 0.5,
    margin: float = 0.0,
) -> dict[str, Any]:
    """Count the contradictions between class, attributes and valence.

    The class of a face is the most probable one; its attributes are those with a probability of at least ``threshold``.
    A class is *expected* to show its prototypical attributes or, if it has none, those with a weight of at least
    :data:`EXPECTED_WEIGHT`. A class without expected attributes, such as neutral, is neither supported nor implied.

    - ``unsupported``: none of the attributes expected of the class is present. This is a share of ``expected_faces``,
      those whose class is expected to show any.
    - ``incomplete``: at least one of them is missing. A share of the same faces; not a contradiction.
    - ``contradicted``: the attributes imply other classes only. They imply a class if all those expected of it are
      present (papers/003, section 3.1.2, co-annotation, with the prototypical attributes only). A share of
      ``implied_faces``, those whose attributes imply any class.
    - ``valence_against``: the valence has the opposite sign of the class (:data:`SIGNS`), by more than ``margin``. A
      share of ``signed_faces``, those whose class has a sign. Only if the tasks have a label ``valence``.
    - ``inconsistent``: any of ``unsupported``, ``contradicted`` and ``valence_against``. A share of all faces.
    - ``gap``: the mean of abs(p(a | x) - sum_c p(c | x) w_ca) over faces and the attributes of the table that belong to
      any class: the distance between both sides of distribution matching (papers/003, equation 3), without thresholds.

    Args:
        outputs: task name -> N x labels, as a network returns them.
        relatedness: a table over two of the tasks.
        tasks: the tasks of the outputs.
        threshold: in (0, 1].
        margin: margin of the valence, in [0, 1).

    Returns:
        The metrics above, each a share in [0, 1] or None if there are no such faces; ``faces`` and the other numbers of
        faces; and under ``by_class``, the same without ``gap`` for the faces of each predicted class.

    Raises:
        ValueError: if the tasks do not have the labels of the table, or a setting is out of range.

    Example:
        >>> from mien.relatedness import DU_2014
        >>> happiness = {"expression": np.eye(7)[[1]], "action_units": np.zeros((1, 17)), "affect": [[0.5, 0]]}
        >>> measure_consistency(happiness, DU_2014)["unsupported"]
        1.0
    """
    relatedness.check(tasks)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be in (0, 1], not {threshold:g}")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be in [0, 1), not {margin:g}")
    shares = np.asarray(outputs[relatedness.classes], np.float64)
    attributes = np.asarray(outputs[relatedness.attributes], np.float64)
    predicted = shares.argmax(1) if len(shares) else np.zeros(0, np.intp)
    flags = _attribute_flags(predicted, attributes >= threshold, _expected(relatedness))
    affect = next((task for task in tasks if task.name == AFFECT.name and "valence" in task.labels), None)
    if affect is not None:
        valence = np.asarray(outputs[affect.name], np.float64)[:, affect.labels.index("valence")]
        sign = np.array([SIGNS.get(label, 0) for label in relatedness.class_labels])[predicted]
        flags |= {"signed": sign != 0, "valence_against": valence * sign < -margin}
    by_class = {
        label: _metrics({name: flag[predicted == index] for name, flag in flags.items()})
        for index, label in enumerate(relatedness.class_labels)
    }
    gaps = np.abs(attributes - shares @ relatedness.weights)[:, relatedness.belongs.any(0)]
    return {**_metrics(flags), "gap": float(gaps.mean()) if gaps.size else None, "by_class": by_class}


def _expected(relatedness: Relatedness) -> NDArray[np.bool_]:
    """C x A: the attributes that each class is expected to show."""
    always = relatedness.prototypical
    return np.where(always.any(1, keepdims=True), always, relatedness.weights >= EXPECTED_WEIGHT)


def _attribute_flags(
    predicted: NDArray[np.intp], present: NDArray[np.bool_], expected: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """One bool per face for each property that is counted."""
    shown = present.astype(np.int64) @ expected.T.astype(np.int64)  # N x C, how many of the expected ones are present
    needed = expected.sum(1)
    implied = (shown == needed) & (needed > 0)
    face = np.arange(len(predicted))
    expects_any = needed[predicted] > 0
    return {
        "expected": expects_any,
        "unsupported": expects_any & (shown[face, predicted] == 0),
        "incomplete": expects_any & (shown[face, predicted] < needed[predicted]),
        "implied": implied.any(1),
        "contradicted": implied.any(1) & ~implied[face, predicted],
    }


AMONG = {"unsupported": "expected", "incomplete": "expected", "contradicted": "implied", "valence_against": "signed"}
"""Metric -> the faces that it is a share of."""


def _metrics(flags: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    wrong = [flags[name] for name in AMONG if name in flags and name != "incomplete"]
    metrics: dict[str, Any] = {"faces": len(wrong[0])}
    for name in dict.fromkeys(AMONG.values()):
        if name in flags:
            metrics[f"{name}_faces"] = int(flags[name].sum())
    for name, among in AMONG.items():
        if name in flags:
            metrics[name] = _share(flags[name], flags[among])
    return {**metrics, "inconsistent": _share(np.any(wrong, axis=0), np.ones(len(wrong[0]), bool))}


def _share(flag: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(flag[among].mean()) if among.any() else None
