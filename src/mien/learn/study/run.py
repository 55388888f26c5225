"""One run of a study: train, or continue training, and save the metrics of the last epoch."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

import mien
from mien.learn import checkpoint
from mien.learn.recipe import Recipe
from mien.learn.study.each_task import each_task
from mien.learn.study.plan import Repeat, Study, StudyError
from mien.learn.study.store import FinishedRun, RunStore, context_of, own_recipe
from mien.learn.train.setup.selection import HEADLINES
from mien.learn.train.trainer import Trainer

Say = Callable[[str], object]
"""Called after each step with the progress of the run."""


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """A run that is not finished.

    Args:
        study: the study that it belongs to.
        store: the store that it is saved in.
        setting: name of the setting.
        repeat: its fold or seed.
    """

    study: Study
    store: RunStore
    setting: str
    repeat: Repeat

    @property
    def key(self) -> tuple[str, str]:
        """Setting and repeat by name."""
        return self.setting, self.repeat.name

    @property
    def needs(self) -> tuple[str, str] | None:
        """The run that must be finished first: its teacher's."""
        teacher = self.study.file.settings[self.setting].teachers
        return (teacher, self.repeat.name) if teacher else None

    @property
    def teaches(self) -> bool:
        """Whether its networks are needed after it is finished."""
        return self.setting in {setting.teachers for setting in self.study.file.settings.values()}


def jobs(study: Study, store: RunStore, only: list[str]) -> list[PlannedRun]:
    """The runs that are not finished, one repeat after the other, teachers before their students.

    A finished teacher whose checkpoints are gone is trained again if a student needs them.

    Args:
        study, store: the study and its runs.
        only: settings, to which their teachers are added; empty: all settings.

    Raises:
        StudyError: as :meth:`mien.learn.study.store.RunStore.read`.
    """
    finished = store.read(study)
    settings = study.with_teachers(only or list(study.file.settings))
    found = []
    for repeat in study.repeats:
        wanted: set[str] = set()
        for name in reversed(settings):  # students first: they decide whether a finished teacher is needed
            run = finished.get((name, repeat.name))
            taught = any(study.file.settings[each].teachers == name for each in wanted)
            if run is None or (taught and not all(path.exists() for path in store.checkpoints(run))):
                wanted.add(name)
        found += [PlannedRun(study, store, name, repeat) for name in settings if name in wanted]
    return found


def recipes(recipe: Recipe, apart: bool) -> dict[str, Recipe]:
    """The recipes of a run by the name of their folder: the recipe itself (empty name), or one per task."""
    if not apart:
        return {"": recipe}
    return {re.sub(r"[^\w.-]", "_", name): part for name, part in each_task(recipe).items()}


def perform(planned: PlannedRun, stopped: Callable[[], bool] = lambda: False, say: Say = lambda _: None) -> FinishedRun:
    """Train one run, from its last checkpoint if there is one, and save it.

    Args:
        planned: the run.
        stopped: called after each step; if it returns True, the step is saved and the run ends.
        say: called after each step with the progress.

    Raises:
        KeyboardInterrupt: if it was stopped.
        RecipeError, ManifestError, CheckpointError, TeacherError, StudyError: if it cannot start or continue.
        DivergedError: if a loss is no longer finite.
    """
    start = time.monotonic()
    folder = planned.store.work(*planned.key)
    parts = recipes(_taught(planned), planned.study.file.settings[planned.setting].each_task)
    metrics: dict[str, float] = {}
    headlines: dict[str, str] = {}
    for name, recipe in parts.items():
        trainer, found = train(recipe, folder / name, stopped, lambda text, name=name: say(f"{name} {text}".strip()))  # type: ignore[misc]
        metrics |= found
        named = {task.name: f"{task.name}.{HEADLINES[task.kind]}" for task in trainer.run.tasks}
        headlines |= {task: name for task, name in named.items() if name in found}
    run = FinishedRun(
        setting=planned.setting,
        repeat=planned.repeat.name,
        metrics=metrics,
        headlines=headlines,
        networks=tuple(f"{name}/last".lstrip("/") for name in parts),
        seconds=round(time.monotonic() - start, 1),
        recipe=own_recipe(planned.study, planned.setting, planned.repeat),
        versions={"mien": mien.__version__, "torch": torch.__version__},
        context=context_of(planned.study, planned.setting, planned.repeat),
    )
    planned.store.write(run)
    _tidy(folder, keep=planned.teaches)
    return run


def train(recipe: Recipe, folder: Path, stopped: Callable[[], bool], say: Say) -> tuple[Trainer, dict[str, float]]:
    """Train to the end and return the metrics of the last epoch.

    Not of the best epoch: it would be chosen on the evaluated rows, which would flatter every setting.
    """

    def searching(_: Mapping[str, float]) -> None:
        say("policy search")
        if stopped():  # the search continues from its last complete epoch
            raise KeyboardInterrupt

    if recipe.sharing is not None:
        from mien.learn.train.policy_search import with_policy

        recipe = with_policy(recipe, folder, searching)
    trainer = Trainer.of(recipe, folder)
    last = checkpoint.find(folder / "last")
    if last:
        trainer.resume()

    def stepped(_: Mapping[str, float]) -> None:
        say(f"{trainer.step}/{trainer.run.steps}")

    # without a step left, after a kill between the last checkpoint and the result, the checkpoint has the metrics
    metrics = trainer.train(stepped, stop=stopped) or _saved_metrics(last or folder / "last")
    return trainer, {
        name: value for name, value in metrics.items() if name not in ("epoch", "step") and name[:5] != "loss."
    }


def _saved_metrics(folder: Path) -> dict[str, float]:
    state = checkpoint.read_card(folder)["state"]
    found: dict[str, float] = state["metrics"] if "metrics" in state else state["figures"]  # as earlier versions wrote
    return found


def _taught(planned: PlannedRun) -> Recipe:
    """The recipe of a run with its teachers."""
    recipe = planned.study.recipe(planned.setting, planned.repeat)
    if planned.needs is None:
        return recipe
    teacher = planned.store.find(planned.study, planned.needs[0], planned.repeat)
    if teacher is None:
        raise StudyError(f"its teacher {' '.join(planned.needs)} is not finished")
    return recipe.model_copy(update={"teachers": tuple(map(str, planned.store.checkpoints(teacher)))})


def _tidy(folder: Path, keep: bool) -> None:
    """Remove the checkpoints of a finished run; of a teacher, all except the networks."""
    for path in sorted(folder.rglob("*")):
        if path.name == "last" and keep and path.parent.name != "search":
            (path / checkpoint.OPTIMIZER).unlink(missing_ok=True)
        elif path.is_dir() and re.fullmatch(r"last|best|\.(last|best)\.(old|new)", path.name):
            shutil.rmtree(path)
