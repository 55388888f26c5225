"""Tables of relatedness: p(attribute | class), which attributes are prototypical, and where the numbers come from.

This is all that the couplings of papers/003 (section 3.1.2) and papers/002 know about how two tasks are related.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.relatedness.csv import CsvError, read_csv, write_csv
from mien.tasks import ACTION_UNITS, EXPRESSION, Task

SUFFIXES = (".json", ".csv")
"""The file formats of a table."""


@dataclass(frozen=True, eq=False)
class Relatedness:
    """How often each attribute occurs with each class.

    Args:
        classes: name of the task whose labels are the rows.
        attributes: name of the task whose labels are the columns.
        class_labels: C labels of the rows.
        attribute_labels: A labels of the columns.
        weights: C x A in [0, 1]; 1 for a prototypical attribute, the fraction of annotators (or of
            images) that showed it for an observational one, 0 for an attribute that does not belong to the class.
        prototypical: C x A bool; attributes that are always shown with the class.
        source: where the numbers come from.
        support: C x A, the number of rows that each cell was counted over; None for a table that we did not count. A
            cell with support 0 has no count of its own (see :mod:`mien.relatedness.inference`).

    Raises:
        ValueError: if the shapes differ, a label is duplicated, a weight is outside [0, 1], a prototypical weight is
            not 1, or a support is not a count.

    Example:
        >>> from mien.tasks import Kind, Task
        >>> kind = Task("kind", Kind.CLASSES, ("boot", "sandal"), ("", ""))
        >>> parts = Task("parts", Kind.ATTRIBUTES, ("laces", "strap"), ("", ""))
        >>> table = Relatedness.from_table(kind, parts, {"sandal": ["strap"]}, {"boot": {"laces": 0.7}}, "fifty photos")
        >>> table.weights.tolist()
        [[0.7, 0.0], [0.0, 1.0]]
    """

    classes: str
    attributes: str
    class_labels: tuple[str, ...]
    attribute_labels: tuple[str, ...]
    weights: NDArray[np.float64]
    prototypical: NDArray[np.bool_]
    source: str
    support: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.class_labels), len(self.attribute_labels))
        tables = {"weights": self.weights, "prototypical": self.prototypical, "support": self.support}
        for name, table in tables.items():
            if table is not None and table.shape != shape:
                raise ValueError(f"relatedness {name}: shape {table.shape}, expected {shape} (classes x attributes)")
        for kind, labels in (("class", self.class_labels), ("attribute", self.attribute_labels)):
            if len(set(labels)) < len(labels):
                duplicate = next(label for label in labels if labels.count(label) > 1)
                raise ValueError(f"relatedness: duplicate {kind} {duplicate}")
        self._refuse(~((self.weights >= 0) & (self.weights <= 1)), "relatedness weights must be in [0, 1]")
        self._refuse(self.prototypical & (self.weights != 1), "a prototypical attribute has weight 1")
        if self.support is not None:
            if not np.issubdtype(self.support.dtype, np.integer):
                raise ValueError(f"relatedness support must be whole numbers, not {self.support.dtype}")
            self._refuse(self.support < 0, "relatedness support must not be negative", self.support)

    def _refuse(self, wrong: NDArray[np.bool_], reason: str, table: NDArray[Any] | None = None) -> None:
        """Raise if ``wrong`` holds in any cell; the message has its labels and its value in ``table`` (the weights)."""
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            where = f"row {self.class_labels[row]}, column {self.attribute_labels[column]}"
            value = (self.weights if table is None else table)[row, column]
            raise ValueError(f"{reason}; {where} has {value:g}")

    @property
    def belongs(self) -> NDArray[np.bool_]:
        """C x A: whether the attribute is prototypical or observational for the class."""
        return self.weights > 0

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` include both tasks, with these labels in this order."""
        found = {task.name: task.labels for task in tasks}
        for name, labels in ((self.classes, self.class_labels), (self.attributes, self.attribute_labels)):
            if name not in found:
                raise ValueError(f"the couplings need the task {name}, which is not among {', '.join(found)}")
            if found[name] != labels:
                raise ValueError(f"relatedness is over {name} {labels}, but the tasks have {found[name]}")

    def to_dict(self) -> dict[str, object]:
        """The table as JSON-ready data, as stored in checkpoints."""
        return {
            "classes": self.classes,
            "attributes": self.attributes,
            "class_labels": list(self.class_labels),
            "attribute_labels": list(self.attribute_labels),
            "weights": self.weights.tolist(),
            "prototypical": self.prototypical.tolist(),
            "source": self.source,
            "support": None if self.support is None else self.support.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Relatedness:
        """The exact inverse of :meth:`to_dict`; ``support`` is optional.

        Raises:
            ValueError: if the data do not describe a table.
        """
        if not isinstance(data, Mapping):
            raise ValueError("not a table of relatedness (expected names, labels, weights, prototypical, source)")
        needed = ("classes", "attributes", "class_labels", "attribute_labels", "weights", "prototypical", "source")
        if missing := [key for key in needed if key not in data]:
            raise ValueError(f"not a table of relatedness (missing: {', '.join(missing)})")
        support = data.get("support")
        return cls(
            str(data["classes"]),
            str(data["attributes"]),
            _labels(data, "class_labels"),
            _labels(data, "attribute_labels"),
            _table(data, "weights", np.float64),
            _table(data, "prototypical", np.bool_),
            str(data["source"]),
            None if support is None else _table(data, "support", np.int64),
        )

    def save(self, path: Path | str) -> None:
        """Write a .json or .csv file (see :mod:`mien.relatedness.csv`) that :meth:`load` reads back exactly.

        Raises:
            ValueError: for another extension, or for labels that a CSV file cannot hold.
            OSError: if the file cannot be written.
        """
        path = Path(path)
        suffix = _suffix(path)
        try:
            text = json.dumps(self.to_dict(), indent=1) + "\n" if suffix == ".json" else write_csv(self.to_dict())
        except CsvError as error:
            raise ValueError(f"{path}: {error}") from None
        path.write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> Relatedness:
        """Read a file that :meth:`save` or a person wrote (see :mod:`mien.relatedness.csv`).

        Raises:
            ValueError: if the file cannot be read or does not contain a table; one line with the file and, if
                possible, the row and the column.
        """
        path = Path(path)
        suffix = _suffix(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            return cls.from_dict(json.loads(text) if suffix == ".json" else read_csv(text, path.name))
        except FileNotFoundError:
            raise ValueError(f"{path}: no such file") from None
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not UTF-8 text; in a spreadsheet, save as 'CSV UTF-8'") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: not valid JSON ({error})") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def from_table(
        cls,
        classes: Task,
        attributes: Task,
        prototypical: Mapping[str, Sequence[str]],
        observational: Mapping[str, Mapping[str, float]],
        source: str,
    ) -> Relatedness:
        """Build a table from its printed form: the prototypical attributes of each class, and the others' weights.

        Raises:
            ValueError: for a label that is not in the tasks.
        """
        named = {*(name for each in prototypical.values() for name in each)}
        named |= {*(name for each in observational.values() for name in each)}
        for kind, names, labels in (
            ("class", {*prototypical, *observational}, classes.labels),
            ("attribute", named, attributes.labels),
        ):
            if unknown := names - set(labels):
                raise ValueError(f"unknown {kind}: {', '.join(sorted(unknown))}")
        weights = np.zeros((len(classes), len(attributes)))
        always = np.zeros(weights.shape, bool)
        for row, label in enumerate(classes.labels):
            for attribute in prototypical.get(label, ()):
                column = attributes.labels.index(attribute)
                weights[row, column], always[row, column] = 1.0, True
            for attribute, weight in observational.get(label, {}).items():
                weights[row, attributes.labels.index(attribute)] = weight
        return cls(classes.name, attributes.name, classes.labels, attributes.labels, weights, always, source)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: the name of a relatedness file must end in {' or '.join(SUFFIXES)}")
    return suffix


def _labels(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    if not isinstance(data[key], list | tuple):
        raise ValueError(f"{key} must be a list of names")
    return tuple(map(str, data[key]))


def _table(data: Mapping[str, Any], key: str, kind: type[Any]) -> NDArray[Any]:
    try:
        plain = np.array(data[key])
        table = plain.astype(kind)
    except (TypeError, ValueError):
        raise ValueError(f"{key} must be a list of rows of numbers, all of the same length") from None
    shape = tuple(len(_labels(data, name)) for name in ("class_labels", "attribute_labels"))
    if 0 in shape and not table.size:
        return table.reshape(shape)
    if plain.dtype.kind not in "biuf" or (kind is not np.float64 and (table != plain).any()):
        raise ValueError(f"{key} must be a list of rows of {'whole numbers' if kind is np.int64 else 'true or false'}")
    return table


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
"""The cognitive study: weights are the fraction of annotators who saw the AU."""

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
"""The empirical table: weights are the fraction of the class's images in which the AU was active."""

AFF_WILD2_002 = Relatedness.from_table(
    EXPRESSION,
    ACTION_UNITS,
    prototypical={},
    observational={
        "happiness": {"AU12": 0.82, "AU25": 0.7, "AU06": 0.57, "AU07": 0.83, "AU10": 0.63},
        "sadness": {"AU04": 0.53, "AU15": 0.42, "AU01": 0.31, "AU07": 0.13},
        "fear": {"AU01": 0.52, "AU04": 0.4, "AU25": 0.85, "AU07": 0.57, "AU10": 0.57},
        "anger": {"AU04": 0.65, "AU07": 0.45, "AU25": 0.4, "AU10": 0.33},
        "surprise": {"AU01": 0.38, "AU02": 0.37, "AU25": 0.85, "AU26": 0.3, "AU05": 0.5, "AU07": 0.2},
        "disgust": {"AU10": 0.85, "AU04": 0.6, "AU07": 0.75, "AU25": 0.8},
    },
    source="Aff-Wild2 (training set), inferred by the authors of papers/002, Table 1 (empirical evidence)",
)
"""The empirical table as papers/002 prints it: the one of papers/003 without sadness-AU17, fear-AU05, anger-AU09,
disgust-AU09 and disgust-AU17. All weights that both papers print are equal."""

NAMED: dict[str, Relatedness] = {"du_2014": DU_2014, "aff_wild2": AFF_WILD2, "aff_wild2_002": AFF_WILD2_002}
"""The tables that are available by name, in recipes and commands."""
