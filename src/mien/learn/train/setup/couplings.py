"""The couplings of a run: tables of relatedness, and each coupling over each pair of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.learn.data.batches.mixing import Mixing
from mien.learn.recipe import RecipeError
from mien.learn.recipe.class_spec import ClassSpec
from mien.learn.recipe.settings import Inferred
from mien.learn.train.objective import Coupled
from mien.relatedness.affect_prior import AffectPrior, infer_affect_prior
from mien.relatedness.inference import infer
from mien.relatedness.table import NAMED, Relatedness
from mien.tasks import Kind, Task


def build_relatedness(
    entries: Sequence[str | Inferred], tasks: Sequence[Task], labelled: Mixing
) -> tuple[Relatedness, ...]:
    """The table of each pair of tasks: named, read from a file, or counted in the labels of the training rows."""
    return tuple(_table(entry, tasks, labelled) for entry in entries)


def build_couplings(
    specs: Sequence[ClassSpec], tables: Sequence[Relatedness], tasks: Sequence[Task], labelled: Mixing
) -> list[Coupled]:
    """Each coupling over each pair of tasks; a coupling that needs no relatedness appears once."""
    couplings = []
    for spec in specs:
        try:
            coupling = spec.build()
            if getattr(coupling, "prior", None) == "inferred":
                coupling = coupling.with_prior(_affect_prior(coupling.classes, coupling.affect, tasks, labelled))
            if hasattr(coupling, "check"):
                coupling.check(tasks)
        except (OSError, ValueError) as error:
            raise RecipeError(f"couplings: {spec.name}: {error}") from None
        if not getattr(coupling, "needs_relatedness", True):
            couplings.append(Coupled(coupling, None))
            continue
        if not tables:
            raise RecipeError(f"relatedness: {spec.name} needs a table")
        for table in tables:
            try:
                table.check(tasks)
            except ValueError as error:
                raise RecipeError(str(error)) from None
        suffixes = [f"/{table.classes}-{table.attributes}" for table in tables] if len(tables) > 1 else [""]
        couplings += [Coupled(coupling, table, suffix) for table, suffix in zip(tables, suffixes, strict=True)]
    return couplings


def _table(entry: str | Inferred, tasks: Sequence[Task], labelled: Mixing) -> Relatedness:
    if isinstance(entry, Inferred):
        return _inferred(entry, tasks, labelled)
    if entry in NAMED:
        return NAMED[entry]
    try:
        return Relatedness.load(Path(entry))
    except (OSError, ValueError) as error:
        raise RecipeError(f"relatedness: {error}") from None


def _inferred(entry: Inferred, tasks: Sequence[Task], labelled: Mixing) -> Relatedness:
    classes = _only_task(tasks, Kind.CLASSES, entry.classes, "classes")
    attributes = _only_task(tasks, Kind.ATTRIBUTES, entry.attributes, "attributes")
    both = [columns for columns in labelled.columns if {classes.name, attributes.name} <= set(columns)]
    if not both:
        raise RecipeError(f"relatedness: no data set has both {classes.name} and {attributes.name} to infer it from")
    try:
        return infer(
            classes,
            attributes,
            np.concatenate([_class_index(columns[classes.name]) for columns in both]),
            np.concatenate([columns[attributes.name] for columns in both]),
            smoothing=entry.smoothing,
            minimum_support=entry.minimum_support,
            source="inferred from the training rows",
        )
    except ValueError as error:
        raise RecipeError(f"relatedness: {error}") from None


def _affect_prior(classes: str, affect: str, tasks: Sequence[Task], labelled: Mixing) -> AffectPrior:
    """Valence and arousal of each class, over the training rows that have labels of both."""
    class_labels = {task.name: task.labels for task in tasks}.get(classes)
    both = [columns for columns in labelled.columns if {classes, affect} <= set(columns)]
    if class_labels is None or not both:
        raise ValueError(f"no data set has both {classes} and {affect} to infer the prior from")
    return infer_affect_prior(
        class_labels,
        np.concatenate([_class_index(columns[classes]) for columns in both]),
        np.concatenate([columns[affect] for columns in both]),
        source="inferred from the training rows",
    )


def _class_index(column: np.ndarray) -> np.ndarray:
    """Class labels as N indices, the one with the largest share; NaN where missing."""
    if column.ndim == 1:
        return column
    return np.where(np.isnan(column).any(1), np.nan, np.nan_to_num(column).argmax(1))


def _only_task(tasks: Sequence[Task], kind: Kind, name: str | None, key: str) -> Task:
    found = [task for task in tasks if task.kind is kind and name in (None, task.name)]
    if len(found) != 1:
        names = ", ".join(task.name for task in tasks if task.kind is kind) or "none"
        raise RecipeError(f"relatedness.{key}: name one of the tasks of {kind.value} ({names})")
    return found[0]
