"""Label maps: which output of a network corresponds to which label of a database that it was not trained for.

Labels are matched by name, so their order does not matter. Labels that only one side knows are not evaluated:

- attributes and continuous values: only the labels that both sides have are used;
- classes that only the network knows: its probabilities are restricted to the common classes and rescaled to sum to 1,
  because no row of the database could be correct with the others;
- classes that only the database knows, such as contempt in addition to the seven basic expressions: its rows of these
  classes are excluded from the task, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.rules import numbers
from mien.learn.data.sources.shared.expression_words import WORDS
from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task


@dataclass(frozen=True)
class LabelMap:
    """The map from one task of a network to one of a database.

    Args:
        task: what is evaluated: the network's task with only the common labels, in its order and by its names.
        places: positions of these labels among the network's outputs.
        theirs: the database's task.
        names: names of these labels in the database.
        unused: labels that only the network has.
        unknown: labels that only the database has.
    """

    task: Task
    places: tuple[int, ...]
    theirs: Task
    names: tuple[str, ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both sides have the same labels under the same names."""
        return not (self.unused or self.unknown) and (self.theirs.name, self.names) == (
            self.task.name,
            self.task.labels,
        )

    def to_dict(self, skipped: int) -> dict[str, Any]:
        """JSON-ready data; ``skipped`` rows have an unknown class."""
        return {
            "task": self.theirs.name,
            "labels": dict(zip(self.task.labels, self.names, strict=True)),
            "not in the data": list(self.unused),
            "unknown to the network": list(self.unknown),
            "rows skipped": skipped,
        }

    def line(self, skipped: int) -> str:
        """One line to print; ``skipped`` rows have an unknown class."""
        called = {new: old for new, old in zip(self.task.labels, self.names, strict=True) if new != old}
        parts = [
            f"{self.task.name} is evaluated on {self.theirs.name}"
            if self.task.name != self.theirs.name
            else self.task.name,
            f"{len(self.task)} labels in common",
            *([", ".join(f"{new} is {old}" for new, old in called.items())] if called else ()),
            *([f"not in the data: {', '.join(self.unused)}"] if self.unused else ()),
            *([f"unknown to the network: {', '.join(self.unknown)} ({skipped} rows skipped)"] if self.unknown else ()),
        ]
        return "; ".join(parts)


def match(ours: Sequence[Task], theirs: Sequence[Task]) -> tuple[LabelMap, ...]:
    """The maps of the tasks that both sides have; tasks that only one side has get none.

    Tasks are matched by name and kind; under different names, they match if exactly one of the database's other tasks
    of the same kind shares a label (for classes, two). Labels are matched by name, regardless of case; words for the
    same expression are equal (``happy``, ``happiness``), and so are ``AU1``, ``au_01`` and ``AU01``.

    Args:
        ours: what the network predicts.
        theirs: what the database labels.
    """
    found = []
    free = [task for task in theirs if not any(_alike(task, own) for own in ours)]
    for own in ours:
        named = [task for task in theirs if _alike(task, own)]
        others = [task for task in free if task.kind is own.kind and len(_common(own, task)) >= _enough(own)]
        for task in named or (others if len(others) == 1 else []):
            common = _common(own, task)
            if common:
                found.append(_map(own, task, common))
    return tuple(found)


def mapped(found: Predictions, maps: Sequence[LabelMap]) -> Predictions:
    """The same predictions for the common labels, with the labels of the database.

    Args:
        found: predictions with all outputs of the network; the labels are replaced by those of the rows.
        maps: from :func:`match`.
    """
    labels = {each.task.name: _labels(found.rows, each) for each in maps}
    return replace(
        found,
        tasks=tuple(each.task for each in maps),
        outputs={each.task.name: _restricted(found.outputs[each.task.name], each) for each in maps},
        labels={name: np.nan_to_num(values).astype(_kind(values)) for name, values in labels.items()},
        mask={name: ~np.isnan(values) for name, values in labels.items()},
    )


def skipped_rows(rows: pa.Table, each: LabelMap) -> int:
    """The number of rows with a class that the network does not know."""
    if each.theirs.kind is not Kind.CLASSES or each.theirs.name not in rows.column_names or not each.unknown:
        return 0
    column = rows[each.theirs.name].cast(pa.string())
    return int(pc.sum(pc.is_in(column, pa.array(each.unknown, pa.string()))).as_py() or 0)


def _map(own: Task, task: Task, common: dict[str, str]) -> LabelMap:
    places = tuple(place for place, label in enumerate(own.labels) if label in common)
    kept = tuple(own.labels[place] for place in places)
    names = tuple(common[label] for label in kept)
    return LabelMap(
        Task(own.name, own.kind, kept, tuple(own.meanings[place] for place in places)),
        places,
        task,
        names,
        tuple(label for label in own.labels if label not in common),
        tuple(label for label in task.labels if label not in names),
    )


def _alike(one: Task, other: Task) -> bool:
    return (one.name, one.kind) == (other.name, other.kind)


def _enough(task: Task) -> int:
    return 2 if task.kind is Kind.CLASSES else 1


def _common(own: Task, task: Task) -> dict[str, str]:
    """Label of the network -> label of the database; the same spelling is preferred."""
    loose = {_plain(label): label for label in reversed(task.labels)}
    found = {label: label for label in own.labels if label in task.labels}
    for label in own.labels:
        name = loose.get(_plain(label))
        if label not in found and name is not None and name not in found.values():
            found[label] = name
    return found


def _plain(label: str) -> str:
    lower = label.lower().strip()
    if unit := re.fullmatch(r"au[ _-]?0*(\d+)", lower):
        return f"au{unit[1]}"
    return WORDS.get(lower) or lower


def _labels(rows: pa.Table, each: LabelMap) -> NDArray[np.float32]:
    """Hard labels, NaN where missing: N indices, or N x labels."""
    there, missing = set(rows.column_names), np.full(rows.num_rows, np.nan, np.float32)
    if each.task.kind is Kind.CLASSES:
        if each.theirs.name not in there:
            return missing
        return numbers(pc.index_in(rows[each.theirs.name].cast(pa.string()), pa.array(each.names, pa.string())))
    columns = [numbers(rows[name]) if name in there else missing for name in each.names]
    return np.stack(columns, axis=1)


def _kind(values: NDArray[Any]) -> type[np.generic]:
    return np.int64 if values.ndim == 1 else np.float32


def _restricted(outputs: NDArray[np.floating], each: LabelMap) -> NDArray[np.floating]:
    kept = outputs[:, each.places]
    if each.task.kind is not Kind.CLASSES or not each.unused:
        return kept
    total = kept.sum(1, keepdims=True)
    return np.asarray(np.divide(kept, total, out=np.zeros_like(kept), where=total > 0))
