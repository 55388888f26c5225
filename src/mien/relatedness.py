"""Relatedness of classes and attributes: p(attribute | class), which attributes are prototypical, and the source.

The couplings of papers/003 (section 3.1.2) and papers/002 need nothing else to know how two tasks belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.tasks import ACTION_UNITS, EXPRESSION, Task


@dataclass(frozen=True, eq=False)
class Relatedness:
    """How often each attribute goes with each class.

    Args:
        classes: name of the task whose labels are the rows.
        attributes: name of the task whose labels are the columns.
        class_labels: C labels of the rows.
        attribute_labels: A labels of the columns.
        weights: C x A in [0, 1]; 1 for a prototypical attribute, the fraction of annotators (or of
            images) that showed it for an observational one, 0 for an attribute that does not belong.
        prototypical: C x A bool; always shown with the class.
        source: where the numbers come from.
    """

    classes: str
    attributes: str
    class_labels: tuple[str, ...]
    attribute_labels: tuple[str, ...]
    weights: NDArray[np.float64]
    prototypical: NDArray[np.bool_]
    source: str

    def __post_init__(self) -> None:
        shape = (len(self.class_labels), len(self.attribute_labels))
        for name, table in (("weights", self.weights), ("prototypical", self.prototypical)):
            if table.shape != shape:
                raise ValueError(f"relatedness {name}: shape {table.shape}, expected {shape} (classes x attributes)")
        if not ((self.weights >= 0) & (self.weights <= 1)).all():
            raise ValueError("relatedness weights must lie in [0, 1]")
        if (self.prototypical & (self.weights != 1)).any():
            raise ValueError("a prototypical attribute has weight 1")

    @property
    def belongs(self) -> NDArray[np.bool_]:
        """C x A: prototypical or observational."""
        return self.weights > 0

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` hold both tasks with these labels in this order."""
        found = {task.name: task.labels for task in tasks}
        for name, labels in ((self.classes, self.class_labels), (self.attributes, self.attribute_labels)):
            if name not in found:
                raise ValueError(f"the couplings need the task {name}, which is not among {', '.join(found)}")
            if found[name] != labels:
                raise ValueError(f"relatedness is over {name} {labels}, the tasks have {found[name]}")

    def to_dict(self) -> dict[str, object]:
        """The relatedness as JSON-ready data, as checkpoints carry it."""
        return {
            "classes": self.classes,
            "attributes": self.attributes,
            "class_labels": list(self.class_labels),
            "attribute_labels": list(self.attribute_labels),
            "weights": self.weights.tolist(),
            "prototypical": self.prototypical.tolist(),
            "source": self.source,
        }

    @classmethod
    def from_table(
        cls,
        classes: Task,
        attributes: Task,
        prototypical: Mapping[str, Sequence[str]],
        observational: Mapping[str, Mapping[str, float]],
        source: str,
    ) -> Relatedness:
        """Read a printed table: for each class its prototypical attributes, and the others with their weights.

        Raises:
            ValueError: for a label that the tasks do not have.
        """
        named = {*(name for each in prototypical.values() for name in each)}
        named |= {*(name for each in observational.values() for name in each)}
        for kind, names, labels in (
            ("class", {*prototypical, *observational}, classes.labels),
            ("attribute", named, attributes.labels),
        ):
            if unknown := names - set(labels):
                raise ValueError(f"no such {kind}: {', '.join(sorted(unknown))}")
        weights = np.zeros((len(classes), len(attributes)))
        always = np.zeros(weights.shape, bool)
        for row, label in enumerate(classes.labels):
            for attribute in prototypical.get(label, ()):
                column = attributes.labels.index(attribute)
                weights[row, column], always[row, column] = 1.0, True
            for attribute, weight in observational.get(label, {}).items():
                weights[row, attributes.labels.index(attribute)] = weight
        return cls(classes.name, attributes.name, classes.labels, attributes.labels, weights, always, source)


DU_2014 = Relatedness.from_table(
    EXPRESSION,
    ACTION_UNITS,
    prototypical={
        "happiness": ("AU12", "AU25"),
        "sadness": ("AU04", "AU15"),
        "fear": ("AU01", "AU04", "AU20", "AU25"),
        "anger": ("AU04", "AU07", "AU24"),
        "surprise": ("AU01", "AU02", "AU25", "AU26"),
        "disgust": ("AU09", "AU10", "AU17"),
    },
    observational={
        "happiness": {"AU06": 0.51},
        "sadness": {"AU01": 0.6, "AU06": 0.5, "AU17": 0.67},
        "fear": {"AU02": 0.57, "AU05": 0.63, "AU26": 0.33},
        "anger": {"AU10": 0.26, "AU17": 0.52, "AU23": 0.29},
        "surprise": {"AU05": 0.66},
        "disgust": {"AU04": 0.31, "AU24": 0.26},
    },
    source="Du, Tao & Martinez 2014, as printed in papers/003, Table 1 (cognitive study); "
    "AU11 (sadness, 0.26) is not among the 17 predicted AUs and is left out",
)
"""The cognitive study: weights are the fraction of annotators that saw the AU."""

AFF_WILD2 = Relatedness.from_table(
    EXPRESSION,
    ACTION_UNITS,
    prototypical={},
    observational={
        "happiness": {"AU12": 0.82, "AU25": 0.7, "AU06": 0.57, "AU07": 0.83, "AU10": 0.63},
        "sadness": {"AU04": 0.53, "AU15": 0.42, "AU01": 0.31, "AU07": 0.13, "AU17": 0.1},
        "fear": {"AU01": 0.52, "AU04": 0.4, "AU25": 0.85, "AU05": 0.38, "AU07": 0.57, "AU10": 0.57},
        "anger": {"AU04": 0.65, "AU07": 0.45, "AU25": 0.4, "AU10": 0.33, "AU09": 0.15},
        "surprise": {"AU01": 0.38, "AU02": 0.37, "AU25": 0.85, "AU26": 0.3, "AU05": 0.5, "AU07": 0.2},
        "disgust": {"AU09": 0.21, "AU10": 0.85, "AU17": 0.23, "AU04": 0.6, "AU07": 0.75, "AU25": 0.8},
    },
    source="Aff-Wild2, inferred by the authors of papers/003, Table 1 (empirical evidence)",
)
"""The empirical table: weights are the fraction of images of the class in which the AU was active."""

NAMED: dict[str, Relatedness] = {"du_2014": DU_2014, "aff_wild2": AFF_WILD2}
"""The tables that a recipe can name."""
