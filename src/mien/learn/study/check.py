"""A rehearsal: every setting's run is set up once, with its data, before the first one is trained."""

from __future__ import annotations

from collections.abc import Sequence

from mien.learn.recipe.recipe import Recipe
from mien.learn.study.plan import Study, StudyError
from mien.learn.study.run import recipes
from mien.learn.train.setup.rows import label_space, select_rows
from mien.learn.train.setup.run import build_run
from mien.learn.train.setup.selection import metric_names
from mien.spelling import did_you_mean


def check(study: Study, settings: Sequence[str]) -> None:
    """Set up the first repeat of these settings, and look whether the figures of the study will be there.

    Raises:
        StudyError: with a line for each fault, naming the setting.
    """
    faults, missing = [], dict.fromkeys(study.file.metrics if settings else (), "")
    for name in settings:
        recipe = study.recipe(name, study.repeats[0])
        if study.file.settings[name].teachers:
            recipe = recipe.model_copy(update={"teachers": ()})
        try:
            parts = recipes(recipe, study.file.settings[name].each_task).values()
            for part in parts:
                build_run(part)  # writes nothing
            there = [figure for part in parts for figure in _figures(part)]
            missing = {figure: did_you_mean(figure, there) for figure in missing if figure not in there}
        except (ValueError, OSError) as error:
            faults += [f"{study.source}: settings.{name}: {line}" for line in str(error).splitlines()]
    if not faults:
        faults = [
            f"{study.source}: metrics: the validation has no metric {each}{near}" for each, near in missing.items()
        ]
    if faults:
        raise StudyError("\n".join(faults))


def _figures(recipe: Recipe) -> list[str]:
    """What a recipe's validation gives."""
    training, validation = select_rows(recipe)
    return [*metric_names(label_space(recipe, training), validation), *(f"probe.{name}" for name in recipe.probes)]
