"""Zero-shot compound expressions from the predictions of the basic ones (papers/003, section 3.1.4, equation 8).

No network is trained on compounds. The score of a class c, which mixes two basic expressions e1 and e2, is

    score_c = I + F + D
    I = sum_a w_ca p(a | x) / sum_a w_ca        how far its action units are present, in [0, 1]
    F = p(e1 | x) + p(e2 | x)                   how far its expressions are shown, in [0, 1] if they differ
    D = 1 if the valence is above 0, else 0     for classes of positive valence only, 0 for all others

The paper takes the class with the largest score. :mod:`mien.compound_sets` has the classes of Du 2014, RAF-DB and
EmotioNet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.relatedness.table import DU_2014 as BASIC
from mien.spelling import did_you_mean
from mien.tasks import ACTION_UNITS, AFFECT, COMPOUND, EXPRESSION, FACE, Kind, Task

WEIGHTINGS = ("fractions", "equal", "prototypical", "union", "mean")
"""The named choices of w_ca; see :meth:`Compounds.weighted`."""


@dataclass(frozen=True)
class Compound:
    """One compound class.

    Args:
        label: the name of the class and of its column.
        expressions: one or two of ``mien.tasks.EXPRESSION``. A single one is a basic class, F = p(e1 | x); the same one
            twice is a basic class mixed with itself, F = 2 p(e1 | x), which is predicted more often.
        units: action unit -> weight in (0, 1]; 1 is prototypical, less is the share of people that show it.
        positive: whether the valence term D is added.

    Raises:
        ValueError: for an unknown expression or unit, a weight out of range, or a class without units.

    Example:
        >>> Compound("delighted", ("happiness", "surprise"), {"AU12": 1.0, "AU25": 0.6}, positive=True).basic
        False
    """

    label: str
    expressions: tuple[str, ...]
    units: Mapping[str, float]
    positive: bool = False

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError("a compound needs a name")
        if len(self.expressions) not in (1, 2):
            raise ValueError(f"{self.label}: expressions must be one or two, not {len(self.expressions)}")
        for names, known, kind in (
            (self.expressions, EXPRESSION.labels, "expression"),
            (self.units, ACTION_UNITS.labels, "action unit"),
        ):
            if unknown := [name for name in names if name not in known]:
                raise ValueError(f"{self.label}: unknown {kind} {unknown[0]}{did_you_mean(unknown[0], known)}")
        if not self.units:
            raise ValueError(f"{self.label}: needs at least one action unit")
        for unit, weight in self.units.items():
            if not 0 < weight <= 1:
                raise ValueError(f"{self.label}: the weight of {unit} must be in (0, 1], not {weight:g}")

    @property
    def basic(self) -> bool:
        """Whether the class is a single expression."""
        return len(set(self.expressions)) == 1


@dataclass(frozen=True)
class Compounds:
    """A set of classes that compete with each other.

    Args:
        name: the name of the set.
        classes: at least two, with different labels.
        source: where the classes and their weights come from.
        weighting: the kind of weights, one of :data:`WEIGHTINGS`.
        temperature: divides the scores before the softmax; above 0.

    Raises:
        ValueError: for fewer than two classes, a duplicate label, or a temperature out of range.

    Example:
        >>> from mien.compound_sets import RAF_DB
        >>> import numpy as np
        >>> outputs = {"expression": np.full((1, 7), 1 / 7), "action_units": np.zeros((1, 17)), "affect": [[0.3, 0]]}
        >>> scores = RAF_DB.scores(outputs)
        >>> scores.shape, RAF_DB.classes[int(scores[0].argmax())].label
        ((1, 11), 'happily surprised')
    """

    name: str
    classes: tuple[Compound, ...]
    source: str
    weighting: str = "fractions"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        labels = [each.label for each in self.classes]
        if len(labels) < 2:
            raise ValueError(f"{self.name}: needs two or more classes, not {len(labels)}")
        if duplicate := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(f"{self.name}: duplicate label {duplicate}")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"{self.name}: temperature must be above 0, not {self.temperature:g}")

    @property
    def task(self) -> Task:
        """The classes as a task named ``compound``, for tables."""
        return Task(
            COMPOUND.name,
            Kind.CLASSES,
            tuple(each.label for each in self.classes),
            tuple(
                f"{' and '.join(dict.fromkeys(each.expressions))}: softmax of its zero-shot score (papers/003, eq. 8) "
                f"over {len(self.classes)} classes; not calibrated"
                for each in self.classes
            ),
        )

    def weighted(self, weighting: str) -> Compounds:
        """The same classes with other weights w_ca.

        - ``fractions``: the weights as given, which for an observational unit is the share of people that show it (the
          paper's footnote 4).
        - ``equal``: 1 for each of these units (equation 3, taken literally).
        - ``prototypical``: the prototypical units only.
        - ``union`` and ``mean``: the larger and the mean weight of both expressions in the papers' own Table 1
          (``mien.relatedness.DU_2014``), if you want to use nothing but what the papers print.

        Raises:
            ValueError: for an unknown weighting, or if a class would have no units left.
        """
        if weighting not in WEIGHTINGS:
            raise ValueError(f"unknown weighting {weighting}{did_you_mean(weighting, WEIGHTINGS)}")
        classes = tuple(replace(each, units=_weighted_units(each, weighting)) for each in self.classes)
        return replace(self, classes=classes, weighting=weighting)

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` contain every label that the scores need."""
        labels = {task.name: task.labels for task in tasks}
        units = tuple(dict.fromkeys(unit for each in self.classes for unit in each.units))
        expressions = tuple(dict.fromkeys(name for each in self.classes for name in each.expressions))
        valence = ("valence",) if any(each.positive for each in self.classes) else ()
        for name, needed in ((EXPRESSION.name, expressions), (ACTION_UNITS.name, units), (AFFECT.name, valence)):
            if missing := [label for label in needed if label not in labels.get(name, ())]:
                what = f"the task {name}" if name not in labels else f"{', '.join(missing)} in the task {name}"
                raise ValueError(f"compounds need {what}, which the network does not predict")

    def terms(
        self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The terms I, F and D of equation 8, each N x C.

        Args:
            outputs: task name -> N x labels, as a network returns them.
            tasks: the tasks of the outputs; additional tasks and the order of the labels make no difference.

        Raises:
            ValueError: if the tasks lack a label that the scores need.
        """
        self.check(tasks)
        labels = _labels_of(tasks, ACTION_UNITS)
        weights = np.array([[each.units.get(label, 0.0) for label in labels] for each in self.classes])
        labels = _labels_of(tasks, EXPRESSION)
        members = np.array([[each.expressions.count(label) for label in labels] for each in self.classes])
        present = np.asarray(outputs[ACTION_UNITS.name], np.float64)
        shown = np.asarray(outputs[EXPRESSION.name], np.float64)
        units, expressions = present @ weights.T / weights.sum(1), shown @ members.T
        positive = np.array([each.positive for each in self.classes])
        if not positive.any():
            return units, expressions, np.zeros_like(units)
        column = _labels_of(tasks, AFFECT).index("valence")
        pleasant = np.asarray(outputs[AFFECT.name], np.float64)[:, column, None] > 0
        return units, expressions, np.where(pleasant & positive, 1.0, 0.0)

    def scores(self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE) -> NDArray[np.float64]:
        """The scores of equation 8: N x C in [0, 3], or up to 4 for a class mixed with itself; see :meth:`terms`."""
        units, expressions, valence = self.terms(outputs, tasks)
        return units + expressions + valence

    def probabilities(self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE) -> NDArray[np.float64]:
        """Softmax of score / temperature: N x C, each row sums to 1; same arguments and errors as :meth:`terms`.

        Ours: the paper only takes the largest score. At temperature 1 this is the paper's equation 6 applied to
        indicator scores. The values rank the classes but are flat, and they are not calibrated.
        """
        scaled = self.scores(outputs, tasks) / self.temperature
        raised = np.exp(scaled - scaled.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True))

    def to_json(self) -> str:
        """Everything that the columns depend on, for the metadata of a table."""
        classes = {
            each.label: {"expressions": each.expressions, "units": dict(each.units), "positive": each.positive}
            for each in self.classes
        }
        plain = {"name": self.name, "source": self.source, "weighting": self.weighting, "temperature": self.temperature}
        return json.dumps({**plain, "classes": classes})


def basic_units(expressions: Sequence[str], weighting: str = "union") -> dict[str, float]:
    """The action units of basic expressions in the papers' Table 1, with their larger or mean weight.

    Args:
        expressions: some of ``mien.tasks.EXPRESSION``; neutral has no units.
        weighting: ``union`` or ``mean``.

    Raises:
        ValueError: for an unknown expression.

    Example:
        >>> basic_units(["happiness"])
        {'AU06': 0.51, 'AU12': 1.0, 'AU25': 1.0}
    """
    if unknown := [name for name in expressions if name not in BASIC.class_labels]:
        raise ValueError(f"unknown expression {unknown[0]}{did_you_mean(unknown[0], BASIC.class_labels)}")
    rows = BASIC.weights[[BASIC.class_labels.index(name) for name in expressions]]
    weights = rows.max(0) if weighting == "union" else rows.mean(0)
    return {unit: float(weight) for unit, weight in zip(BASIC.attribute_labels, weights, strict=True) if weight > 0}


def _weighted_units(compound: Compound, weighting: str) -> Mapping[str, float]:
    if weighting == "equal":
        return dict.fromkeys(compound.units, 1.0)
    if weighting == "prototypical":
        return {unit: weight for unit, weight in compound.units.items() if weight == 1}
    return basic_units(compound.expressions, weighting) if weighting in ("union", "mean") else compound.units


def _labels_of(tasks: Sequence[Task], wanted: Task) -> tuple[str, ...]:
    return next(task.labels for task in tasks if task.name == wanted.name)
