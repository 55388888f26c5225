"""The study file: a recipe, settings that change it, and how often each is run; checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mien.learn.recipe import Recipe, RecipeError, parse
from mien.learn.recipe import load as load_recipe
from mien.learn.recipe import read as read_recipe
from mien.learn.recipe.class_spec import explain
from mien.learn.recipe.keys import replace_key
from mien.learn.recipe.settings import Fold, Typed
from mien.spelling import did_you_mean

Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$")]


class StudyError(ValueError):
    """A study cannot be used; one line per problem, naming the setting and the key."""


class Repeats(Typed):
    """How often each setting is run: cross-validation (``folds``), or the recipe's own splits with several ``seeds``.

    Args:
        folds: parts of the validation rows; each run trains outside one part and is evaluated on it.
        times: how many times the rows are divided into folds.
        group: a column; rows with equal values stay in one fold.
        seeds: seeds of weights, row order, augmentation and dropout; instead of folds.
    """

    folds: Annotated[int, Field(ge=2)] | None = None
    times: Annotated[int, Field(ge=1)] = 1
    group: str | None = None
    seeds: tuple[Annotated[int, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Repeats:
        if (self.folds is None) == (self.seeds is None):
            raise ValueError("expected either folds or seeds")
        if self.seeds is not None and not self.seeds:
            raise ValueError("seeds: at least one is needed")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: duplicate seed")
        if self.folds is None and self.model_fields_set & {"times", "group"}:
            raise ValueError("times and group only apply to folds")
        return self


class Setting(Typed):
    """A setting of a study: the recipe with some changes.

    Args:
        change: keys of the recipe, which may be dotted, and their new values.
        each_task: train a separate network for each task, without couplings, balancing and sharing; join their metrics.
        teachers: another setting; its networks of the same fold or seed fill the missing labels.
    """

    change: dict[str, Any] = Field(default={})
    each_task: bool = False
    teachers: str | None = None


class StudyFile(Typed):
    """The content of a study file.

    Args:
        name: name of the study; its folder is ``runs/NAME`` unless the command sets another one.
        recipe: the starting point of all settings, or the path of its file, relative to the working directory.
        repeat: folds or seeds.
        settings: the settings by name.
        reference: the setting that the others are compared with; None: the first.
        metrics: the metrics to report; if empty, accuracy, mean F1 or mean CCC of each task.
    """

    name: Name
    recipe: Any
    repeat: Repeats
    settings: Annotated[
        dict[Name, Annotated[Setting, BeforeValidator(lambda value: {} if value is None else value)]],
        Field(min_length=1),
    ]
    reference: str | None = None
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repeat:
    """One fold or one seed.

    Args:
        name: its name, such as ``time0-fold1`` or ``seed3``.
        seed: seed of the recipe.
        fold: fold of the recipe.
    """

    name: str
    seed: int
    fold: Fold | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """A checked study.

    Args:
        source: the file.
        file: its content, with all defaults.
        recipes: the recipe of each setting, without fold and seed.
        repeats: the runs of each setting.
    """

    source: str
    file: StudyFile
    recipes: Mapping[str, Recipe]
    repeats: tuple[Repeat, ...]

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.file.name

    @property
    def reference(self) -> str:
        """The setting that the others are compared with."""
        return self.file.reference or next(iter(self.file.settings))

    @property
    def overlap(self) -> float:
        """Evaluated rows over training rows of a fold, for the correction of the t-test; 0 for seeds."""
        return 1 / (self.file.repeat.folds - 1) if self.file.repeat.folds else 0.0

    def recipe(self, setting: str, repeat: Repeat) -> Recipe:
        """The recipe of one run, without the teachers that another setting provides."""
        return self.recipes[setting].model_copy(
            update={"seed": repeat.seed, "fold": repeat.fold or self.recipes[setting].fold}
        )

    def with_teachers(self, settings: list[str]) -> list[str]:
        """These settings and their teachers, teachers first."""
        ordered: list[str] = []
        for name in settings:
            chain = [name]
            while (teacher := self.file.settings[chain[-1]].teachers) is not None:
                chain.append(teacher)
            ordered += [each for each in reversed(chain) if each not in ordered]
        return ordered


def load(path: Path | str, changes: Iterable[str] = ()) -> Study:
    """Read a study file and check everything that needs no data.

    Args:
        path: a YAML file.
        changes: ``key=value`` strings that replace values of the file; a key such as ``recipe.epochs`` works even if
            ``recipe`` is a path.

    Raises:
        StudyError: for an unreadable file, and with one line per problem of the file, of its recipe, and of the recipe
            in each setting.
    """
    try:
        data = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StudyError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise StudyError(f"{path}: a study is a mapping of keys to values")
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise StudyError(f"--set {change}: expected key=value")
        try:
            if key.startswith("recipe.") and isinstance(data.get("recipe"), str):
                data["recipe"] = read_recipe(data["recipe"])
            replace_key(data, key, yaml.safe_load(value))
        except (ValueError, yaml.YAMLError) as error:
            raise StudyError(f"--set {change}: {' '.join(str(error).split())}") from None
    return parse_study(data, str(path))


def parse_study(data: dict[str, Any], source: str = "study") -> Study:
    """A checked study from plain data.

    Raises:
        StudyError: with one line per problem.
    """
    try:
        file = StudyFile.model_validate(data)
    except ValidationError as error:
        raise StudyError("\n".join(f"{source}: {line}" for line in explain(error, StudyFile))) from None
    base = _base(file.recipe, source)
    problems = [f"{source}: {line}" for line in _names(file)]
    recipes = {}
    for name, setting in file.settings.items():
        try:
            recipes[name] = _changed(base, setting, f"{source}: settings.{name}")
        except StudyError as error:
            problems += str(error).splitlines()
    if problems:
        raise StudyError("\n".join(problems))
    return Study(source, file, recipes, _repeats(file.repeat, base.seed))


def _base(recipe: Any, source: str) -> Recipe:
    try:
        if isinstance(recipe, str):
            return load_recipe(recipe)
        if isinstance(recipe, dict):
            return parse(recipe, f"{source}: recipe")
    except RecipeError as error:
        raise StudyError(str(error)) from None
    raise StudyError(f"{source}: recipe: expected a recipe, or the path of one")


def _names(file: StudyFile) -> list[str]:
    """Problems with the settings that the reference and teachers name."""
    problems = []
    if file.reference is not None and file.reference not in file.settings:
        problems.append(f"reference: no setting {file.reference}{did_you_mean(file.reference, file.settings)}")
    for name, setting in file.settings.items():
        if setting.teachers is not None and setting.teachers not in file.settings:
            known = [each for each in file.settings if each != name]
            problems.append(
                f"settings.{name}.teachers: no setting {setting.teachers}{did_you_mean(setting.teachers, known)}"
            )
            continue
        chain, teacher = [name], setting.teachers
        while teacher in file.settings and teacher not in chain:
            chain.append(teacher)
            teacher = file.settings[teacher].teachers
        if teacher == name:
            problems.append(f"settings.{name}.teachers: a setting cannot be its own teacher")
        elif setting.each_task and setting.teachers and file.settings[setting.teachers].each_task:
            problems.append(f"settings.{name}.teachers: with each_task, {setting.teachers} must not have each_task too")
    return problems


def _changed(base: Recipe, setting: Setting, source: str) -> Recipe:
    """The recipe of a setting; StudyError if it is invalid."""
    data, problems = base.plain(), []
    for key, value in setting.change.items():
        first = key.partition(".")[0]
        try:
            if first in ("seed", "fold"):
                raise ValueError("set by the study's `repeat`")
            if first == "teachers" and setting.teachers:
                raise ValueError("already set by the setting's own `teachers`")
            replace_key(data, key, value)
        except ValueError as error:
            problems.append(f"{source}: change.{key}: {error}")
    try:
        recipe = parse(data, source)
    except RecipeError as error:
        raise StudyError("\n".join([*problems, str(error)])) from None
    if problems:
        raise StudyError("\n".join(problems))
    return recipe


def _repeats(repeat: Repeats, seed: int) -> tuple[Repeat, ...]:
    if repeat.seeds is not None:
        return tuple(Repeat(f"seed{number}", number) for number in repeat.seeds)
    folds = repeat.folds or 0
    return tuple(
        Repeat(
            f"time{time}-fold{index}",
            seed + time * folds + index,
            Fold(index=index, of=folds, seed=time, group=repeat.group),
        )
        for time in range(repeat.times)
        for index in range(folds)
    )
