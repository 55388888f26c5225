"""From a recipe's relatedness and couplings to the tables and losses of a run; what does not fit is a RecipeError."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.learn.data.batches.mixing import Mixing
from mien.learn.recipe.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import Inferred
from mien.learn.train.objective import Coupled
from mien.relatedness.affect_prior import AffectPrior, infer_affect_prior
from mien.relatedness.table import NAMED, Relatedness
from mien.tasks import Kind, Task


def tables(recipe: Recipe, tasks: Sequence[Task], labels: Mixing) -> tuple[Relatedness, ...]:
    """The relatedness of each pair of tasks that the recipe names."""
    return tuple(_table(entry, tasks, labels) for entry in recipe.relatedness)


def _table(entry: str | Inferred, tasks: Sequence[Task], labels: Mixing) -> Relatedness:
    if isinstance(entry, Inferred):
        return _inferred(entry, tasks, labels)
    if entry in NAMED:
        return NAMED[entry]
    try:
        return Relatedness.load(Path(entry))
    except (OSError, ValueError) as error:
        raise RecipeError(f"relatedness: {error}") from None


def _inferred(entry: Inferred, tasks: Sequence[Task], labels: Mixing) -> Relatedness:
    from mien.relatedness.inference import infer

    classes = _only(tasks, Kind.CLASSES, entry.classes, "classes")
    attributes = _only(tasks, Kind.ATTRIBUTES, entry.attributes, "attributes")
    both = [columns for columns in labels.columns if {classes.name, attributes.name} <= set(columns)]
    if not both:
        raise RecipeError(f"relatedness: no data set lends both {classes.name} and {attributes.name} to infer it from")
    try:
        return infer(
            classes,
            attributes,
            np.concatenate([_index(columns[classes.name]) for columns in both]),
            np.concatenate([columns[attributes.name] for columns in both]),
            smoothing=entry.smoothing,
            minimum_support=entry.minimum_support,
            source="inferred from the training rows",
        )
    except ValueError as error:
        raise RecipeError(f"relatedness: {error}") from None


def _index(column: np.ndarray) -> np.ndarray:
    """Class labels as N indices, NaN where there is none; of shares the largest."""
    if column.ndim == 1:
        return column
    return np.where(np.isnan(column).any(1), np.nan, np.nan_to_num(column).argmax(1))


def _only(tasks: Sequence[Task], kind: Kind, name: str | None, key: str) -> Task:
    found = [task for task in tasks if task.kind is kind and name in (None, task.name)]
    if len(found) != 1:
        names = ", ".join(task.name for task in tasks if task.kind is kind) or "none"
        raise RecipeError(f"relatedness.{key}: name one of the tasks of {kind.value} ({names})")
    return found[0]


def couplings(recipe: Recipe, found: Sequence[Relatedness], tasks: Sequence[Task], labels: Mixing) -> list[Coupled]:
    """Each coupling for each pair of tasks; one that needs no relatedness stands once."""
    result = []
    for part in recipe.couplings:
        try:
            coupling = part.build()
            if getattr(coupling, "prior", None) == "inferred":
                coupling = coupling.with_prior(_affect_prior(coupling.classes, coupling.affect, tasks, labels))
            if hasattr(coupling, "check"):
                coupling.check(tasks)
        except (OSError, ValueError) as error:
            raise RecipeError(f"couplings: {part.name}: {error}") from None
        if not getattr(coupling, "needs_relatedness", True):
            result.append(Coupled(coupling, None))
            continue
        if not found:
            raise RecipeError(f"relatedness: {part.name} needs a table")
        for each in found:
            try:
                each.check(tasks)
            except ValueError as error:
                raise RecipeError(str(error)) from None
        suffixes = [f"/{each.classes}-{each.attributes}" for each in found] if len(found) > 1 else [""]
        result += [Coupled(coupling, each, suffix) for each, suffix in zip(found, suffixes, strict=True)]
    return result


def _affect_prior(classes: str, affect: str, tasks: Sequence[Task], labels: Mixing) -> AffectPrior:
    """Where valence and arousal of each class lie in the training rows that are labelled for both."""
    class_labels = {task.name: task.labels for task in tasks}.get(classes)
    both = [columns for columns in labels.columns if {classes, affect} <= set(columns)]
    if class_labels is None or not both:
        raise ValueError(f"no data set lends both {classes} and {affect} to infer the prior from")
    return infer_affect_prior(
        class_labels,
        np.concatenate([_index(columns[classes]) for columns in both]),
        np.concatenate([columns[affect] for columns in both]),
        source="inferred from the training rows",
    )
