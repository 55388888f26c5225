"""The folder of a study: a JSON file for each finished run, which is what reports are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mien.learn.recipe.recipe import RecipeError, parse
from mien.learn.study.plan import Repeat, Study, StudyError

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        setting, repeat: which it is, by name.
        metrics: of the last epoch, by ``task.figure``.
        headlines: the figure that each task is judged by, by the task's name.
        networks: folders of its checkpoints, in its own folder; gone unless the run is a teacher.
        seconds: that the last process took for it.
        recipe: its plain data, without the teachers that the study chose.
        versions: of mien and torch.
        setting_then: what the setting was besides its recipe, see :func:`besides`; None if an older version wrote it.
    """

    setting: str
    repeat: str
    metrics: Mapping[str, float]
    headlines: Mapping[str, str]
    networks: tuple[str, ...]
    seconds: float
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]
    setting_then: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RunStore:
    """Where a study keeps its runs.

    Args:
        root: the folder of the study.
    """

    root: Path

    def work(self, setting: str, repeat: str) -> Path:
        """The folder in which a run trains."""
        return self.root / "runs" / setting / repeat

    def checkpoints(self, run: Run) -> list[Path]:
        """The checkpoints of a finished run; they may be gone."""
        return [self.work(run.setting, run.repeat) / name for name in run.networks]

    def write(self, run: Run) -> None:
        """Keep a finished run: a kill leaves its file whole or leaves none."""
        replace_text(self._result(run.setting, run.repeat), json.dumps({"format": FORMAT, **asdict(run)}, indent=1))
        self._error(run.setting, run.repeat).unlink(missing_ok=True)

    def write_error(self, setting: str, repeat: str, reason: str) -> None:
        """Keep why a run failed, until it is finished."""
        replace_text(self._error(setting, repeat), reason + "\n")

    def errors(self, study: Study) -> dict[tuple[str, str], str]:
        """The first line of why runs failed that are not finished, by setting and repeat."""
        found = {}
        for setting in study.file.settings:
            for repeat in study.repeats:
                path = self._error(setting, repeat.name)
                if path.exists() and not self._result(setting, repeat.name).exists():
                    found[setting, repeat.name] = path.read_text().partition("\n")[0]
        return found

    def find(self, study: Study, setting: str, repeat: Repeat) -> Run | None:
        """A run; None if it is not finished. StudyError if it was made by another recipe, or is broken."""
        path = self._result(setting, repeat.name)
        return _checked(path, study, setting, repeat) if path.exists() else None

    def read(self, study: Study) -> dict[tuple[str, str], Run]:
        """The finished runs of a study, by setting and repeat, in its order.

        Raises:
            StudyError: with a line for each setting with a run that was made by another recipe, or that is broken.
        """
        found, faults = {}, []
        for setting in study.file.settings:
            for repeat in study.repeats:
                try:
                    run = self.find(study, setting, repeat)
                except StudyError as error:
                    faults.append(str(error))
                    break
                if run is not None:
                    found[setting, repeat.name] = run
        if faults:
            raise StudyError("\n".join(faults))
        return found

    def _result(self, setting: str, repeat: str) -> Path:
        return self.root / "runs" / setting / f"{repeat}.json"

    def _error(self, setting: str, repeat: str) -> Path:
        return self.root / "runs" / setting / f"{repeat}.error"


def own_recipe(study: Study, setting: str, repeat: Repeat) -> dict[str, Any]:
    """The plain recipe of a run, without the teachers that the study chooses: their paths move with the folder."""
    plain = study.recipe(setting, repeat).plain()
    return {**plain, "teachers": []} if study.file.settings[setting].teachers else plain


def besides(study: Study, setting: str, repeat: Repeat) -> dict[str, Any]:
    """What a run depends on besides its own recipe: whether each task is alone, and the same of its teachers."""
    *teachers, _ = study.with_teachers([setting])
    alone = {name: study.file.settings[name].each_task for name in (*teachers, setting)}
    return {
        "each_task": alone[setting],
        "its teachers": [{"each_task": alone[name], "recipe": own_recipe(study, name, repeat)} for name in teachers],
    }


def _then(run: Run) -> dict[str, Any]:
    """Recipe and setting of a run; recipe keys that are newer than the run take their defaults."""
    found = parse(dict(run.recipe)).plain()
    if run.setting_then is None:
        return found
    teachers = [{**each, "recipe": parse(each["recipe"]).plain()} for each in run.setting_then["its teachers"]]
    return {**found, **run.setting_then, "its teachers": teachers}


def _checked(path: Path, study: Study, setting: str, repeat: Repeat) -> Run:
    try:
        data = json.loads(path.read_text())
        if data.pop("format") != FORMAT:
            raise ValueError
        run = Run(**{**data, "networks": tuple(data["networks"])})
        then = _then(run)
    except (OSError, AttributeError, KeyError, TypeError, ValueError, RecipeError):
        raise StudyError(f"{path}: not a run of this version of mien; remove it to run it again") from None
    now = own_recipe(study, setting, repeat) | besides(study, setting, repeat)
    if changed := sorted(key for key in now if key in then and then[key] != now[key]):
        raise StudyError(
            f"{path}: was made with other values of {', '.join(changed)}; "
            f"remove {path.parent} to run {setting} again, or begin elsewhere with --out DIR"
        )
    return run


def replace_text(path: Path, text: str) -> None:
    """Write a file at one stroke: a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
