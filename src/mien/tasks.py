"""The label space: the name, order, range and meaning of every task, defined once.

A :class:`Task` is data. Losses, networks and tables know nothing about faces beyond what is defined here, so another
label space (clothing, birds, identities) is just another tuple of tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """How the labels of a task relate to each other, which decides the output function and the losses."""

    CLASSES = "classes"
    """Mutually exclusive labels; the outputs are softmax probabilities that sum to 1."""
    ATTRIBUTES = "attributes"
    """Independent yes/no labels; each output is a sigmoid probability in [0, 1]."""
    CONTINUOUS = "continuous"
    """Real values in [-1, 1]; each output is clipped to that range."""


@dataclass(frozen=True)
class Task:
    """A named set of labels that one head of the network predicts.

    Args:
        name: the key of the task in batches, outputs, recipes and checkpoints.
        kind: how its labels relate to each other.
        labels: the label names, in the order of the head's outputs; they are also column names.
        meanings: one short sentence per label.

    Raises:
        ValueError: if a label is duplicated, or labels and meanings differ in number.

    Example:
        >>> Task("shoe", Kind.CLASSES, ("boot", "sandal"), ("covers the ankle", "open at the toes")).range
        (0.0, 1.0)
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meanings: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.meanings):
            raise ValueError(f"task {self.name}: {len(self.labels)} labels but {len(self.meanings)} meanings")
        if duplicate := next((label for label in self.labels if self.labels.count(label) > 1), None):
            raise ValueError(f"task {self.name}: duplicate label {duplicate}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and highest value of each output."""
        return (-1.0, 1.0) if self.kind is Kind.CONTINUOUS else (0.0, 1.0)

    def to_dict(self) -> dict[str, object]:
        """The task as JSON-ready data, as stored in checkpoints and exported networks."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "labels": list(self.labels),
            "meanings": list(self.meanings),
        }

    @classmethod
    def from_dict(cls, data: dict[str, object]) -> Task:
        """The inverse of :meth:`to_dict`; raises ValueError or KeyError if the data do not describe a task."""
        labels, meanings = data["labels"], data["meanings"]
        if not (isinstance(labels, list) and isinstance(meanings, list)):
            raise ValueError(f"task {data['name']}: labels and meanings must be lists")
        return cls(str(data["name"]), Kind(data["kind"]), tuple(labels), tuple(meanings))


def one_hot_labels(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The labels of an attribute with several values, one yes/no label per value: ``sleeve_length=short``.

    Args:
        name: the name of the attribute, without "=".
        values: at least two, all different.

    Raises:
        ValueError: if the name is empty or contains "=", or if a value is empty, duplicated or the only one.

    Example:
        >>> one_hot_labels("neckline", ["round", "v"])
        ('neckline=round', 'neckline=v')
    """
    if not name or "=" in name:
        raise ValueError(f"an attribute with several values needs a name without '=', not {name!r}")
    if isinstance(values, str) or len(values) < 2 or not all(values) or len(set(values)) < len(values):
        raise ValueError(f"{name}: needs two or more different values, not {values!r}")
    return tuple(f"{name}={value}" for value in values)


def groups(labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The groups of :func:`one_hot_labels` among labels: the part before the first "=" -> positions of its labels.

    Labels without "=" belong to no group. Groups are in the order of their first labels.

    Example:
        >>> groups(["scarf", "neckline=round", "neckline=v"])
        {'neckline': (1, 2)}
    """
    found: dict[str, tuple[int, ...]] = {}
    for position, label in enumerate(labels):
        name, separator, _ = label.partition("=")
        if separator and name:
            found[name] = (*found.get(name, ()), position)
    return found


EXPRESSION = Task(
    "expression",
    Kind.CLASSES,
    ("neutral", "happiness", "sadness", "fear", "anger", "surprise", "disgust"),
    tuple(
        f"probability that the face shows {shown}"
        for shown in ("no expression", "happiness", "sadness", "fear", "anger", "surprise", "disgust")
    ),
)
"""Seven basic expressions: neutral, then the order of papers/003, Table 1."""

ACTION_UNITS = Task(
    "action_units",
    Kind.ATTRIBUTES,
    (
        "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12",
        "AU14", "AU15", "AU17", "AU20", "AU23", "AU24", "AU25", "AU26",
    ),
    tuple(
        f"{movement}: probability that it is present"
        for movement in (
            "inner brow raiser", "outer brow raiser", "brow lowerer", "upper lid raiser", "cheek raiser",
            "lid tightener", "nose wrinkler", "upper lip raiser", "lip corner puller", "dimpler",
            "lip corner depressor", "chin raiser", "lip stretcher", "lip tightener", "lip pressor",
            "lips part", "jaw drop",
        )
    ),
)  # fmt: skip
"""Seventeen facial action units: the union of the AU sets of the databases in papers/003, section 4.1.

AU11 appears in Table 1 (sadness) but in none of those sets: it is not predicted and takes no part in couplings."""

AFFECT = Task(
    "affect",
    Kind.CONTINUOUS,
    ("valence", "arousal"),
    (
        "how negative (-1) or positive (+1) the expression is; 0 is neutral",
        "how passive (-1) or active (+1) the expression is; 0 is neutral",
    ),
)
"""Valence and arousal, each in [-1, 1]."""

COMPOUND = Task(
    "compound",
    Kind.CLASSES,
    (
        "happily surprised", "happily disgusted", "sadly fearful", "sadly angry", "sadly surprised",
        "sadly disgusted", "fearfully angry", "fearfully surprised", "angrily surprised",
        "angrily disgusted", "disgustedly surprised",
    ),
    tuple(
        f"score of the compound of {first} and {second}"
        for first, second in (
            ("happiness", "surprise"), ("happiness", "disgust"), ("sadness", "fear"), ("sadness", "anger"),
            ("sadness", "surprise"), ("sadness", "disgust"), ("fear", "anger"), ("fear", "surprise"),
            ("anger", "surprise"), ("anger", "disgust"), ("disgust", "surprise"),
        )
    ),
)  # fmt: skip
"""The eleven compound classes of RAF-DB, in its order of basic expressions."""

FACE: tuple[Task, ...] = (EXPRESSION, ACTION_UNITS, AFFECT)
"""The tasks that FaceBehaviorNet predicts (papers/003, section 3.1)."""

ALL_TASKS: tuple[Task, ...] = (*FACE, COMPOUND)
"""Every task of the face label space."""
