"""Steps that leave out rows of a manifest or divide them anew: named, counted, and taken back when that is wished.

No row is deleted. The column ``excluded`` has the name of the first step that left a row out; training passes it over.
The manifest's facts have the list of steps with their parameters, and the column ``split_given`` the division before
them. So any step can be taken back: the steps that remain are done again from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.learn.data.manifest.columns import GIVEN, ManifestError
from mien.learn.data.manifest.manifest import read_metadata
from mien.learn.data.manifest.write import rewrite
from mien.learn.data.steps.clean import affect_consistency, every_fifth_frame
from mien.learn.data.steps.sample import every, per_class, rows
from mien.learn.data.steps.split import divide

RULES: dict[str, Callable[..., Mapping[str, Any]]] = {
    rule.__name__: rule for rule in (affect_consistency, every_fifth_frame)
}
"""Of cleaning."""

EXCLUDING = RULES | {sample.__name__: sample for sample in (every, rows, per_class)}
"""Steps that leave rows out."""

SPLIT = "split"

ORDER = "train valid test"

NOT_NEEDED = {"landmarks", "crop"}


@dataclass(frozen=True)
class Step:
    """One step, as the facts of a manifest have it.

    Args:
        name: of :data:`EXCLUDING`, or ``split``.
        parameters: its arguments, JSON-ready.
        reasons: how many rows it left out, for each reason; of ``split`` how many each split has.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows it left out."""
        return 0 if self.name == SPLIT else sum(self.reasons.values())


def steps_of(metadata: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps that a manifest's facts tell of."""
    return tuple(Step(each["step"], each["parameters"], each["reasons"]) for each in metadata.get("steps", ()))


def add_steps(path: Path | str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Do further steps to a manifest; all its steps, with their counts.

    Raises:
        ManifestError: if one was done already, cannot be done, or nothing would be left.
    """
    path, _, metadata = read_metadata(path)
    done = steps_of(metadata)
    names = [step.name for step in done]
    for step in steps:
        if step.name in names:
            raise ManifestError(
                f"{path}: {step.name} was done already; `mien data clean --undo {step.name}` takes it back"
            )
        names.append(step.name)
    return _replay(path, (*done, *steps))


def undo(path: Path | str, names: Iterable[str]) -> tuple[Step, ...]:
    """Take steps of these names back; the steps that remain, done anew.

    Raises:
        ManifestError: if there is no such step.
    """
    path, _, metadata = read_metadata(path)
    done = steps_of(metadata)
    gone = set(names)
    if unknown := sorted(gone - {step.name for step in done}):
        there = ", ".join(step.name for step in done) or "none"
        raise ManifestError(f"{path}: has no step {', '.join(unknown)} to take back (there are: {there})")
    return _replay(path, tuple(step for step in done if step.name not in gone))


def _replay(path: Path, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Do the steps from the beginning and write what they say."""
    _, tasks, metadata = read_metadata(path)
    table = pq.read_table(path, columns=[name for name in pq.read_schema(path).names if name not in NOT_NEEDED])
    given = table[GIVEN] if GIVEN in table.column_names else table["split"]
    table = table.set_column(table.column_names.index("split"), "split", given)
    excluded = np.full(table.num_rows, None, object)
    counted = []
    for step in steps:
        try:
            if step.name == SPLIT:
                fresh = divide(table, **step.parameters)
                table = table.set_column(table.column_names.index("split"), "split", fresh)
                counts = {each["values"]: each["counts"] for each in fresh.value_counts().to_pylist()}
                reasons = {name: counts[name] for name in sorted(counts, key=ORDER.find)}
            else:
                reasons = {}
                kept = excluded == None  # noqa: E711 (cell by cell)
                for reason, left_out in EXCLUDING[step.name](table, kept, **step.parameters).items():
                    excluded[left_out & kept] = step.name
                    reasons[reason] = int((left_out & kept).sum())
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from None
        counted.append(Step(step.name, step.parameters, reasons))
        if (excluded != None).all():  # noqa: E711
            raise ManifestError(f"{path}: {step.name} would leave no row; nothing was changed")
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
