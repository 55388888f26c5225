"""How often what a network says of a face contradicts itself, by a table of relatedness.

Ours: the papers couple tasks so that they agree, and report accuracy only. Here the agreement itself is counted, from
predictions alone; no labels are needed. A network that agrees with itself may still be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.relatedness.table import Relatedness
from mien.tasks import AFFECT, FACE, Task

SIGNS: Mapping[str, int] = {"happiness": 1, "sadness": -1, "fear": -1, "anger": -1, "disgust": -1}
"""The sign of the valence that goes with a class; others, neutral and surprise among them, go with any."""

USUAL = 0.5
"""A class without prototypical attributes is expected to show those of this weight or more."""


def measure_consistency(
    outputs: Mapping[str, ArrayLike],
    relatedness: Relatedness,
    tasks: Sequence[Task] = FACE,
    *,
    threshold: float = 0.5,
    margin: float = 0.0,
    signs: Mapping[str, int] = SIGNS,
) -> dict[str, Any]:
    """Count the contradictions between class, attributes and valence.

    A face's class is the most probable one, its attributes are those of a probability of ``threshold`` or more. The
    attributes that a class is *expected* to show are its prototypical ones; of a class that has none, those of weight
    :data:`USUAL` or more. A class without expected attributes, as neutral is, is neither supported nor implied.

    - ``unsupported``: none of the attributes that the class is expected to show is there. Of ``expected_faces``, those
      whose class is expected to show any.
    - ``incomplete``: one or more of them is not there. Of the same faces; it is no contradiction.
    - ``contradicted``: all that some class is expected to show is there (papers/003, section 3.1.2, co-annotation, with
      the prototypical attributes alone), and the face's class is none of these. Of ``implied_faces``, those whose
      attributes imply a class.
    - ``valence_against``: the valence has the other sign than the class, by more than ``margin``. Of ``signed_faces``,
      those whose class has a sign. Only where the tasks have a label ``valence``.
    - ``inconsistent``: unsupported, contradicted or valence against. Of all faces.
    - ``gap``: the mean of abs(p(a | x) - sum_c p(c | x) w_ca) over faces and the attributes of the table that belong to
      any class: how far both sides of distribution matching (papers/003, equation 3) are apart, without thresholds.

    Args:
        outputs: task name -> N x labels, as networks give them.
        relatedness: over two of the tasks.
        tasks: whose labels the outputs are.
        threshold: in (0, 1].
        margin: in [0, 1), of the valence.
        signs: class -> 1 or -1.

    Returns:
        The figures above, each a share in [0, 1] or None where there is no face to judge, ``faces`` and the numbers of
        faces as whole numbers; under ``by_class`` the same without ``gap`` for the faces of each predicted class.

    Raises:
        ValueError: if the tasks don't have the table's labels, or a setting is out of range.
    """
    relatedness.check(tasks)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0, 1], not {threshold:g}")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must lie in [0, 1), not {margin:g}")
    shares = np.asarray(outputs[relatedness.classes], np.float64)
    attributes = np.asarray(outputs[relatedness.attributes], np.float64)
    belongs, expected = relatedness.belongs.any(0), _expected(relatedness)
    predicted, there = _largest(shares), attributes >= threshold
    apart = np.abs(attributes - shares @ relatedness.weights)[:, belongs]
    metadata = _facts(predicted, there, expected)
    affect = next((task for task in tasks if task.name == AFFECT.name and "valence" in task.labels), None)
    if affect is not None:
        valence = np.asarray(outputs[affect.name], np.float64)[:, affect.labels.index("valence")]
        sign = np.array([signs.get(label, 0) for label in relatedness.class_labels])[predicted]
        metadata |= {"signed": sign != 0, "valence_against": valence * sign < -margin}
    by_class = {
        label: _figures({name: fact[predicted == at] for name, fact in metadata.items()})
        for at, label in enumerate(relatedness.class_labels)
    }
    return {**_figures(metadata), "gap": float(apart.mean()) if apart.size else None, "by_class": by_class}


def _expected(relatedness: Relatedness) -> NDArray[np.bool_]:
    """C x A: what each class is expected to show."""
    always = relatedness.prototypical
    return np.where(always.any(1, keepdims=True), always, relatedness.weights >= USUAL)


def _largest(shares: NDArray[np.float64]) -> NDArray[np.intp]:
    return shares.argmax(1) if len(shares) else np.zeros(0, np.intp)


def _facts(
    predicted: NDArray[np.intp], there: NDArray[np.bool_], expected: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """One bool a face for each thing that is counted."""
    shown = there.astype(np.int64) @ expected.T.astype(np.int64)  # N x C, how many of the expected ones are there
    needed = expected.sum(1)
    implied = (shown == needed) & (needed > 0)
    face = np.arange(len(predicted))
    judged = needed[predicted] > 0
    return {
        "expected": judged,
        "unsupported": judged & (shown[face, predicted] == 0),
        "incomplete": judged & (shown[face, predicted] < needed[predicted]),
        "implied": implied.any(1),
        "contradicted": implied.any(1) & ~implied[face, predicted],
    }


OF = {"unsupported": "expected", "incomplete": "expected", "contradicted": "implied", "valence_against": "signed"}
"""Figure -> of which faces it is the share."""


def _figures(metadata: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    wrong = [metadata[name] for name in OF if name in metadata and name != "incomplete"]
    metrics: dict[str, Any] = {"faces": len(wrong[0])}
    for name in dict.fromkeys(OF.values()):
        if name in metadata:
            metrics[f"{name}_faces"] = int(metadata[name].sum())
    for name, among in OF.items():
        if name in metadata:
            metrics[name] = _share(metadata[name], metadata[among])
    return {**metrics, "inconsistent": _share(np.any(wrong, axis=0), np.ones(len(wrong[0]), bool))}


def _share(what: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(what[among].mean()) if among.any() else None
