"""The check before a study: every setting is set up once, with its data, before any is trained."""

from __future__ import annotations

from collections.abc import Sequence

from mien.learn.recipe import Recipe
from mien.learn.study.plan import Study, StudyError
from mien.learn.study.run import recipes
from mien.learn.train.setup.rows import label_space, select_rows
from mien.learn.train.setup.run import build_run
from mien.learn.train.setup.selection import metric_names
from mien.spelling import did_you_mean


def check(study: Study, settings: Sequence[str]) -> None:
    """Set up the first repeat of these settings, and check that the study's metrics will be available.

    Raises:
        StudyError: with one line per problem, naming the setting.
    """
    problems, missing = [], dict.fromkeys(study.file.metrics if settings else (), "")
    for name in settings:
        recipe = study.recipe(name, study.repeats[0])
        if study.file.settings[name].teachers:
            recipe = recipe.model_copy(update={"teachers": ()})
        try:
            parts = recipes(recipe, study.file.settings[name].each_task).values()
            for part in parts:
                build_run(part)  # writes nothing
            there = [metric for part in parts for metric in _metrics(part)]
            missing = {metric: did_you_mean(metric, there) for metric in missing if metric not in there}
        except (ValueError, OSError) as error:
            problems += [f"{study.source}: settings.{name}: {line}" for line in str(error).splitlines()]
    if not problems:
        problems = [
            f"{study.source}: metrics: the validation has no metric {each}{near}" for each, near in missing.items()
        ]
    if problems:
        raise StudyError("\n".join(problems))


def _metrics(recipe: Recipe) -> list[str]:
    """The metrics of a recipe's validation."""
    training, validation = select_rows(recipe)
    return [*metric_names(label_space(recipe, training), validation), *(f"probe.{name}" for name in recipe.probes)]
