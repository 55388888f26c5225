"""Compound expressions from what a network says of the basic ones, zero-shot (papers/003, section 3.1.4, equation 8).

No network was trained on compounds. For each class c, which mixes two basic expressions e1 and e2,

    score_c = I + F + D
    I = sum_a w_ca p(a | x) / sum_a w_ca        how far its action units are there, in [0, 1]
    F = p(e1 | x) + p(e2 | x)                   how far its expressions are there, in [0, 1] for two different ones
    D = 1 if the valence is above 0, else 0     for classes of positive valence alone, 0 for all others

The paper takes the class of the largest score. :data:`NAMED` has the classes of Du 2014, RAF-DB and EmotioNet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.relatedness.table import DU_2014 as BASIC
from mien.tasks import ACTION_UNITS, AFFECT, COMPOUND, EXPRESSION, FACE, Kind, Task

WEIGHTINGS = ("fractions", "equal", "prototypical", "union", "mean")
"""What w_ca can be; see :meth:`Compounds.weighted`."""


@dataclass(frozen=True)
class Compound:
    """One class.

    Args:
        label: its name, and that of its column.
        expressions: one or two of ``mien.tasks.EXPRESSION``. One alone is a basic class, F = p(e1 | x); the same one
            twice is a basic class that is mixed with itself, F = 2 p(e1 | x), which is told more often.
        units: action unit -> weight in (0, 1]; 1 is prototypical, less is the share of people that show it.
        positive: whether D is added.

    Raises:
        ValueError: for an unknown expression or unit, a weight out of range, or a class without any unit.
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
        for names, known, what in (
            (self.expressions, EXPRESSION.labels, "expression"),
            (self.units, ACTION_UNITS.labels, "action unit"),
        ):
            if unknown := [name for name in names if name not in known]:
                raise ValueError(f"{self.label}: there is no {what} {unknown[0]} (there are {', '.join(known)})")
        if not self.units:
            raise ValueError(f"{self.label}: needs at least one action unit")
        for unit, weight in self.units.items():
            if not 0 < weight <= 1:
                raise ValueError(f"{self.label}: the weight of {unit} must lie in (0, 1], not {weight:g}")

    @property
    def basic(self) -> bool:
        """Whether it is a single expression."""
        return len(set(self.expressions)) == 1


@dataclass(frozen=True)
class Compounds:
    """Classes that compete with each other.

    Args:
        name: of the set.
        classes: at least two, of different labels.
        source: where the classes and their weights come from.
        weighting: which of :data:`WEIGHTINGS` the weights are.
        temperature: above 0; what scores are divided by before the softmax.

    Raises:
        ValueError: for fewer classes, a label that stands twice, or a temperature out of range.
    """

    name: str
    classes: tuple[Compound, ...]
    source: str
    weighting: str = "fractions"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        labels = [each.label for each in self.classes]
        if len(labels) < 2:
            raise ValueError(f"{self.name}: needs two classes or more, has {len(labels)}")
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(f"{self.name}: {twice} stands twice")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"{self.name}: temperature must be above 0, not {self.temperature:g}")

    @property
    def task(self) -> Task:
        """The classes as a task ``compound``, for tables."""
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

        ``fractions``: as the class has them, an observational unit with the share of people that show it (the paper's
        footnote 4). ``equal``: 1 for each of these (equation 3 to the letter). ``prototypical``: the prototypical ones
        alone. ``union`` and ``mean``: the larger and the mean weight of the rows of both expressions in the papers'
        own Table 1 (``mien.relatedness.table.DU_2014``), for whoever uses nothing that the papers don't print.

        Raises:
            ValueError: for another name, or if a class would have no unit left.
        """
        if weighting not in WEIGHTINGS:
            raise ValueError(f"there is no weighting {weighting} (there are {', '.join(WEIGHTINGS)})")
        classes = tuple(replace(each, units=_units(each, weighting)) for each in self.classes)
        return replace(self, classes=classes, weighting=weighting)

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` hold all labels that the scores are made of."""
        labels = {task.name: task.labels for task in tasks}
        units = tuple(dict.fromkeys(unit for each in self.classes for unit in each.units))
        expressions = tuple(dict.fromkeys(name for each in self.classes for name in each.expressions))
        valence = ("valence",) if any(each.positive for each in self.classes) else ()
        for name, needed in ((EXPRESSION.name, expressions), (ACTION_UNITS.name, units), (AFFECT.name, valence)):
            if lacking := [label for label in needed if label not in labels.get(name, ())]:
                what = f"the task {name}" if name not in labels else f"{', '.join(lacking)} in the task {name}"
                raise ValueError(f"compounds need {what}, which it does not predict")

    def terms(
        self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """I, F and D, each N x C.

        Args:
            outputs: task name -> N x labels, as networks give them.
            tasks: whose labels the outputs are; more tasks and another order of labels do no harm.

        Raises:
            ValueError: as :meth:`check`.
        """
        self.check(tasks)
        labels = _labels(tasks, ACTION_UNITS)
        weights = np.array([[each.units.get(label, 0.0) for label in labels] for each in self.classes])
        labels = _labels(tasks, EXPRESSION)
        members = np.array([[each.expressions.count(label) for label in labels] for each in self.classes])
        present = np.asarray(outputs[ACTION_UNITS.name], np.float64)
        shown = np.asarray(outputs[EXPRESSION.name], np.float64)
        units, expressions = present @ weights.T / weights.sum(1), shown @ members.T
        positive = np.array([each.positive for each in self.classes])
        if not positive.any():
            return units, expressions, np.zeros_like(units)
        at = _labels(tasks, AFFECT).index("valence")
        pleasant = np.asarray(outputs[AFFECT.name], np.float64)[:, at, None] > 0
        return units, expressions, np.where(pleasant & positive, 1.0, 0.0)

    def scores(self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE) -> NDArray[np.float64]:
        """Equation 8: N x C, from 0 to 3 (a class mixed with itself: to 4); arguments and errors as :meth:`terms`."""
        units, expressions, valence = self.terms(outputs, tasks)
        return units + expressions + valence

    def probabilities(self, outputs: Mapping[str, ArrayLike], tasks: Sequence[Task] = FACE) -> NDArray[np.float64]:
        """Softmax of score / temperature: N x C, each row sums to 1; arguments and errors as :meth:`terms`.

        Ours: the paper gives the largest score only. At temperature 1 this is what its equation 6 makes of indicator
        scores. They rank the classes and are flat: nothing was calibrated.
        """
        scaled = self.scores(outputs, tasks) / self.temperature
        raised = np.exp(scaled - scaled.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True))

    def to_json(self) -> str:
        """All that the columns depend on, for the metadata of a table."""
        classes = {
            each.label: {"expressions": each.expressions, "units": dict(each.units), "positive": each.positive}
            for each in self.classes
        }
        plain = {"name": self.name, "source": self.source, "weighting": self.weighting, "temperature": self.temperature}
        return json.dumps({**plain, "classes": classes})


def row(expressions: Sequence[str], weighting: str = "union") -> dict[str, float]:
    """Action units of expressions by the papers' Table 1, with the larger or the mean weight of their rows.

    Args:
        expressions: of ``mien.tasks.EXPRESSION``; neutral has none.
        weighting: ``union`` or ``mean``.

    Raises:
        ValueError: for an expression that is none of these.
    """
    if unknown := [name for name in expressions if name not in BASIC.class_labels]:
        raise ValueError(f"there is no expression {unknown[0]} (there are {', '.join(BASIC.class_labels)})")
    rows = BASIC.weights[[BASIC.class_labels.index(name) for name in expressions]]
    weights = rows.max(0) if weighting == "union" else rows.mean(0)
    return {unit: float(weight) for unit, weight in zip(BASIC.attribute_labels, weights, strict=True) if weight > 0}


def _units(each: Compound, weighting: str) -> Mapping[str, float]:
    if weighting == "equal":
        return dict.fromkeys(each.units, 1.0)
    if weighting == "prototypical":
        return {unit: weight for unit, weight in each.units.items() if weight == 1}
    return row(each.expressions, weighting) if weighting in ("union", "mean") else each.units


def _labels(tasks: Sequence[Task], wanted: Task) -> tuple[str, ...]:
    return next(task.labels for task in tasks if task.name == wanted.name)
