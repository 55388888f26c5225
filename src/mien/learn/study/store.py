"""The folder of a study: a JSON file for each finished run, from which reports are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mien.atomic import replace_text
from mien.learn.recipe import RecipeError, parse_stored
from mien.learn.study.plan import Repeat, Study, StudyError

FORMAT = 1

EARLIER = {"figures": "metrics", "setting_then": "context"}
"""Keys of a run in files of earlier versions."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Args:
        setting, repeat: their names.
        metrics: metrics of the last epoch, by ``task.metric``.
        headlines: the headline metric of each task, by the task's name.
        networks: folders of its checkpoints, in its own folder; removed unless the run is a teacher.
        seconds: the time that the last process took.
        recipe: plain data of its recipe, without the teachers that the study provides.
        versions: versions of mien and torch.
        context: what else the run depended on, see :func:`context_of`; None if an earlier version wrote the run.
    """

    setting: str
    repeat: str
    metrics: Mapping[str, float]
    headlines: Mapping[str, str]
    networks: tuple[str, ...]
    seconds: float
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]
    context: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RunStore:
    """The runs of a study on disk.

    Args:
        root: the folder of the study.
    """

    root: Path

    def work(self, setting: str, repeat: str) -> Path:
        """The folder of a run."""
        return self.root / "runs" / setting / repeat

    def checkpoints(self, run: FinishedRun) -> list[Path]:
        """The checkpoints of a finished run; they may have been removed."""
        return [self.work(run.setting, run.repeat) / name for name in run.networks]

    def write(self, run: FinishedRun) -> None:
        """Save a finished run, atomically."""
        path = self._result(run.setting, run.repeat)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps({"format": FORMAT, **asdict(run)}, indent=1))
        self._error(run.setting, run.repeat).unlink(missing_ok=True)

    def write_error(self, setting: str, repeat: str, reason: str) -> None:
        """Save why a run failed, until it is finished."""
        path = self._error(setting, repeat)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, reason + "\n")

    def errors(self, study: Study) -> dict[tuple[str, str], str]:
        """The first line of the error of each failed run, by setting and repeat."""
        found = {}
        for setting in study.file.settings:
            for repeat in study.repeats:
                path = self._error(setting, repeat.name)
                if path.exists() and not self._result(setting, repeat.name).exists():
                    found[setting, repeat.name] = path.read_text(encoding="utf-8").partition("\n")[0]
        return found

    def find(self, study: Study, setting: str, repeat: Repeat) -> FinishedRun | None:
        """A run; None if it is not finished. StudyError if it is from another recipe, or is broken."""
        path = self._result(setting, repeat.name)
        return _checked(path, study, setting, repeat) if path.exists() else None

    def read(self, study: Study) -> dict[tuple[str, str], FinishedRun]:
        """The finished runs of a study by setting and repeat, in the study's order.

        Raises:
            StudyError: with one line per setting with a run that is from another recipe, or is broken.
        """
        found, problems = {}, []
        for setting in study.file.settings:
            for repeat in study.repeats:
                try:
                    run = self.find(study, setting, repeat)
                except StudyError as error:
                    problems.append(str(error))
                    break
                if run is not None:
                    found[setting, repeat.name] = run
        if problems:
            raise StudyError("\n".join(problems))
        return found

    def _result(self, setting: str, repeat: str) -> Path:
        return self.root / "runs" / setting / f"{repeat}.json"

    def _error(self, setting: str, repeat: str) -> Path:
        return self.root / "runs" / setting / f"{repeat}.error"


def own_recipe(study: Study, setting: str, repeat: Repeat) -> dict[str, Any]:
    """The plain recipe of a run, without the teachers that the study provides: their paths depend on its folder."""
    plain = study.recipe(setting, repeat).plain()
    return {**plain, "teachers": []} if study.file.settings[setting].teachers else plain


def context_of(study: Study, setting: str, repeat: Repeat) -> dict[str, Any]:
    """What else a run depends on, apart from its own recipe: ``each_task``, and both of its teachers."""
    *teachers, _ = study.with_teachers([setting])
    alone = {name: study.file.settings[name].each_task for name in (*teachers, setting)}
    return {
        "each_task": alone[setting],
        "its teachers": [{"each_task": alone[name], "recipe": own_recipe(study, name, repeat)} for name in teachers],
    }


def _settings(run: FinishedRun) -> dict[str, Any]:
    """Recipe and context of a run; recipe keys that were added later have their defaults."""
    found = parse_stored(dict(run.recipe), "recipe").plain()
    if run.context is None:
        return found
    teachers = [
        {**each, "recipe": parse_stored(each["recipe"], "recipe").plain()} for each in run.context["its teachers"]
    ]
    return {**found, **run.context, "its teachers": teachers}


def _checked(path: Path, study: Study, setting: str, repeat: Repeat) -> FinishedRun:
    try:
        data = json.loads(path.read_text())
        if data.pop("format") != FORMAT:
            raise ValueError
        data = {EARLIER.get(key, key): value for key, value in data.items()}
        run = FinishedRun(**{**data, "networks": tuple(data["networks"])})
        then = _settings(run)
    except (OSError, AttributeError, KeyError, TypeError, ValueError, RecipeError):
        raise StudyError(f"{path}: not a run of this version of mien; remove the file to run it again") from None
    now = own_recipe(study, setting, repeat) | context_of(study, setting, repeat)
    if changed := sorted(key for key in now if key in then and then[key] != now[key]):
        raise StudyError(
            f"{path}: was trained with other values of {', '.join(changed)}; "
            f"remove {path.parent} to run {setting} again, or choose another folder with --out"
        )
    return run
