"""Apply, record and undo the steps that exclude rows of a manifest or redivide them into splits.

Rows are never deleted. The column ``excluded`` holds the name of the first step that excluded a row, and training skips
such rows. The manifest's metadata lists the steps with their parameters, and the column ``split_given`` holds the
original splits. Any step can therefore be undone: the remaining steps are applied again from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.learn.data.manifest import read_metadata
from mien.learn.data.manifest.columns import GIVEN, ManifestError
from mien.learn.data.manifest.write import rewrite
from mien.learn.data.steps.clean import affect_consistency, every_fifth_frame
from mien.learn.data.steps.sample import every, per_class, rows
from mien.learn.data.steps.split import divide

RULES: dict[str, Callable[..., Mapping[str, Any]]] = {
    rule.__name__: rule for rule in (affect_consistency, every_fifth_frame)
}
"""The rules of cleaning by name."""

EXCLUDING = RULES | {sample.__name__: sample for sample in (every, rows, per_class)}
"""Steps that exclude rows, by name."""

SPLIT = "split"
"""The name of the step that redivides rows."""

ORDER = "train valid test"
"""The order in which splits are counted."""

NOT_NEEDED = {"landmarks", "crop"}
"""Large columns that no step reads."""


@dataclass(frozen=True)
class Step:
    """One step, as recorded in a manifest's metadata.

    Args:
        name: a name in :data:`EXCLUDING`, or :data:`SPLIT`.
        parameters: its arguments, JSON-ready.
        reasons: number of rows that it excluded, by reason; for ``split`` the number of rows in each split.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows that it excluded."""
        return 0 if self.name == SPLIT else sum(self.reasons.values())


def read_steps(metadata: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps that are recorded in a manifest's metadata."""
    return tuple(Step(each["step"], each["parameters"], each["reasons"]) for each in metadata.get("steps", ()))


def add_steps(path: Path | str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Apply further steps to a manifest; return all its steps with their counts.

    Raises:
        ManifestError: if a step was applied before, cannot be applied, or would exclude every row.

    Example:
        >>> add_steps("build/affectnet", [Step("affect_consistency")])  # doctest: +SKIP
    """
    path, _, metadata = read_metadata(path)
    done = read_steps(metadata)
    names = [step.name for step in done]
    for step in steps:
        if step.name in names:
            raise ManifestError(
                f"{path}: {step.name} was already applied; `mien data clean --undo {step.name}` reverts it"
            )
        names.append(step.name)
    return _replay(path, (*done, *steps))


def undo_steps(path: Path | str, names: Iterable[str]) -> tuple[Step, ...]:
    """Undo the steps with these names; return the remaining steps, applied again.

    Raises:
        ManifestError: if there is no such step, or the others cannot be applied without it.
    """
    path, _, metadata = read_metadata(path)
    done = read_steps(metadata)
    gone = set(names)
    if unknown := sorted(gone - {step.name for step in done}):
        there = ", ".join(step.name for step in done) or "none"
        raise ManifestError(f"{path}: has no step {', '.join(unknown)} to undo (steps: {there})")
    return _replay(path, tuple(step for step in done if step.name not in gone))


def _replay(path: Path, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Apply the steps from the start, and write their results and the list of steps into the manifest."""
    _, tasks, metadata = read_metadata(path)
    table = pq.read_table(path, columns=[name for name in pq.read_schema(path).names if name not in NOT_NEEDED])
    given = table[GIVEN] if GIVEN in table.column_names else table["split"]
    table = table.set_column(table.column_names.index("split"), "split", given)
    excluded = np.full(table.num_rows, None, object)
    counted = []
    for step in steps:
        try:
            if step.name == SPLIT:
                table, reasons = _redivide(table, step)
            else:
                reasons = _exclude(table, step, excluded)
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from None
        counted.append(Step(step.name, step.parameters, reasons))
        if (excluded != None).all():  # noqa: E711 (cell by cell)
            raise ManifestError(f"{path}: {step.name} would exclude every row; nothing was changed")
    divided = any(step.name == SPLIT for step in steps)
    columns = {
        "excluded": pa.array(excluded, pa.string()),
        "split": table["split"].combine_chunks().cast(pa.string()),
        GIVEN: given.combine_chunks().cast(pa.string()) if divided else None,
    }
    history = [
        {"step": step.name, "parameters": dict(step.parameters), "reasons": dict(step.reasons)} for step in counted
    ]
    rewrite(path, columns, {**metadata, "steps": history}, tasks)
    return tuple(counted)


def _redivide(table: pa.Table, step: Step) -> tuple[pa.Table, dict[str, int]]:
    """The table with new splits, and the rows of each."""
    fresh = divide(table, **step.parameters)
    counts = {each["values"]: each["counts"] for each in fresh.value_counts().to_pylist()}
    table = table.set_column(table.column_names.index("split"), "split", fresh)
    return table, {name: counts[name] for name in sorted(counts, key=ORDER.find)}


def _exclude(table: pa.Table, step: Step, excluded: NDArray[np.object_]) -> dict[str, int]:
    """Mark the rows that a step excludes with its name in ``excluded``; return their number by reason."""
    reasons = {}
    kept = excluded == None  # noqa: E711 (cell by cell)
    for reason, chosen in EXCLUDING[step.name](table, kept, **step.parameters).items():
        excluded[chosen & kept] = step.name
        reasons[reason] = int((chosen & kept).sum())
    return reasons
