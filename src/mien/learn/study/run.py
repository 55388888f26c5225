"""One run of a study: train, or go on with training, and keep the figures of the last epoch."""

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
from mien.learn.recipe.recipe import Recipe
from mien.learn.study.each_task import each_task
from mien.learn.study.plan import Repeat, Study, StudyError
from mien.learn.study.store import Run, RunStore, besides, own_recipe
from mien.learn.train.setup.selection import HEADLINES
from mien.learn.train.trainer import Trainer

Say = Callable[[str], None]
"""Told after each step how far the run is."""


@dataclass(frozen=True, eq=False)
class Job:
    """A run that is to be made.

    Args:
        study: that it belongs to.
        store: where it is kept.
        setting: by name.
        repeat: which.
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
        """The run that must be finished before: its teacher's."""
        teacher = self.study.file.settings[self.setting].teachers
        return (teacher, self.repeat.name) if teacher else None

    @property
    def teaches(self) -> bool:
        """Whether its networks are needed when it is finished."""
        return self.setting in {setting.teachers for setting in self.study.file.settings.values()}


def jobs(study: Study, store: RunStore, only: list[str]) -> list[Job]:
    """The runs that are not finished, one repeat after the other, teachers before their students.

    A finished teacher whose checkpoints are gone is made again if a student waits for them.

    Args:
        study, store: which study, and where.
        only: settings, to which their teachers are added; empty for all.

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
        found += [Job(study, store, name, repeat) for name in settings if name in wanted]
    return found


def recipes(recipe: Recipe, alone: bool) -> dict[str, Recipe]:
    """What a run trains, by the name of its folder: the recipe itself (no name), or one for each task."""
    if not alone:
        return {"": recipe}
    return {re.sub(r"[^\w.-]", "_", name): part for name, part in each_task(recipe).items()}


def perform(job: Job, stopped: Callable[[], bool] = lambda: False, say: Say = lambda _: None) -> Run:
    """Make one run, from its last checkpoint if it was begun, and keep it.

    Args:
        job: which.
        stopped: asked after each step; once it is true, the step is saved and the run left.
        say: told after each step how far the run is.

    Raises:
        KeyboardInterrupt: if it was stopped.
        RecipeError, ManifestError, CheckpointError, TeacherError, StudyError: if it cannot begin or go on.
        DivergedError: if a loss is no longer finite.
    """
    begun = time.monotonic()
    folder = job.store.work(*job.key)
    parts = recipes(_taught(job), job.study.file.settings[job.setting].each_task)
    metrics: dict[str, float] = {}
    headlines: dict[str, str] = {}
    for name, recipe in parts.items():
        trainer, judged = train(recipe, folder / name, stopped, lambda text, name=name: say(f"{name} {text}".strip()))  # type: ignore[misc]
        metrics |= judged
        named = {task.name: f"{task.name}.{HEADLINES[task.kind]}" for task in trainer.run.tasks}
        headlines |= {task: name for task, name in named.items() if name in judged}
    run = Run(
        setting=job.setting,
        repeat=job.repeat.name,
        metrics=metrics,
        headlines=headlines,
        networks=tuple(f"{name}/last".lstrip("/") for name in parts),
        seconds=round(time.monotonic() - begun, 1),
        recipe=own_recipe(job.study, job.setting, job.repeat),
        versions={"mien": mien.__version__, "torch": torch.__version__},
        setting_then=besides(job.study, job.setting, job.repeat),
    )
    job.store.write(run)
    _tidy(folder, keep=job.teaches)
    return run


def train(recipe: Recipe, folder: Path, stopped: Callable[[], bool], say: Say) -> tuple[Trainer, dict[str, float]]:
    """Train to the end and judge by the last epoch: an epoch chosen by the judged rows would flatter every setting."""

    def searching(_: Mapping[str, float]) -> None:
        say("policy search")
        if stopped():  # the search goes on from its last whole epoch
            raise KeyboardInterrupt

    if recipe.sharing is not None:
        from mien.learn.train.policy_search import with_policy

        recipe = with_policy(recipe, folder, searching)
    trainer = Trainer.of(recipe, folder)
    begun = checkpoint.find(folder / "last")
    if begun:
        trainer.resume()

    def stepped(_: Mapping[str, float]) -> None:
        say(f"{trainer.step}/{trainer.run.steps}")

    # nothing is left to do after a kill between the last checkpoint and the figures: the checkpoint has them
    judged = trainer.train(stepped, stop=stopped) or checkpoint.read_card(begun or folder / "last")["state"]["metrics"]
    return trainer, {
        name: value for name, value in judged.items() if name not in ("epoch", "step") and name[:5] != "loss."
    }


def _taught(job: Job) -> Recipe:
    """The job's recipe, its teachers found."""
    recipe = job.study.recipe(job.setting, job.repeat)
    if job.needs is None:
        return recipe
    teacher = job.store.find(job.study, job.needs[0], job.repeat)
    if teacher is None:
        raise StudyError(f"its teacher {' '.join(job.needs)} is not finished")
    return recipe.model_copy(update={"teachers": tuple(map(str, job.store.checkpoints(teacher)))})


def _tidy(folder: Path, keep: bool) -> None:
    """Remove what a finished run no longer needs; of a teacher, all but the networks."""
    for path in sorted(folder.rglob("*")):
        if path.name == "last" and keep and path.parent.name != "search":
            (path / checkpoint.OPTIMIZER).unlink(missing_ok=True)
        elif path.is_dir() and re.fullmatch(r"last|best|\.(last|best)\.(old|new)", path.name):
            shutil.rmtree(path)
