"""A run: the metrics of its last epoch, resuming after a kill, teachers, and the files that are kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.learn.recipe import RecipeError
from mien.learn.study.plan import Study, StudyError
from mien.learn.study.run import PlannedRun, _saved_metrics, jobs, perform
from mien.learn.study.store import RunStore
from mien.learn.train.trainer import Trainer

Make = Callable[..., Study]


WAYS = ("whole", "killed")


class Killed(BaseException):
    pass


def job(study: Study, folder: Path, setting: str) -> PlannedRun:
    return PlannedRun(study, RunStore(folder), setting, study.repeats[0])


def kill_after(steps: int) -> Callable[[str], None]:
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        if len(told) == steps:
            raise Killed

    return say


def test_metrics_are_those_of_the_last_epoch(make_study: Make, tmp_path: Path) -> None:
    study = make_study()
    run = perform(job(study, tmp_path / "study", "multi-task"))
    trainer = Trainer.of(study.recipe("multi-task", study.repeats[0]), tmp_path / "alone")
    assert run.metrics == trainer.train() == trainer.validate()
    assert run.headlines == {"category": "category.accuracy", "traits": "traits.f1"}
    assert RunStore(tmp_path / "study").read(study) == {("multi-task", "time0-fold0"): run}


def test_single_task_runs_are_separate_and_their_metrics_joined(make_study: Make, tmp_path: Path) -> None:
    run = perform(job(make_study(), tmp_path, "single-task"))
    assert {"category.accuracy", "traits.f1"} <= set(run.metrics)
    logs = sorted(str(path.relative_to(tmp_path / "runs/single-task")) for path in tmp_path.rglob("log.csv"))
    assert logs == ["time0-fold0/category/log.csv", "time0-fold0/traits/log.csv"]


@pytest.mark.parametrize("setting", ["multi-task", "single-task"])
@pytest.mark.parametrize("steps", [1, 4, 5])
def test_a_killed_run_resumes_bit_for_bit(make_study: Make, tmp_path: Path, setting: str, steps: int) -> None:
    study = make_study()
    whole = perform(job(study, tmp_path / "whole", setting))
    with pytest.raises(Killed):
        perform(job(study, tmp_path / "killed", setting), say=kill_after(steps))
    assert RunStore(tmp_path / "killed").read(study) == {}
    assert perform(job(study, tmp_path / "killed", setting)).metrics == whole.metrics
    logs = [{path.parent.name: path.read_text() for path in (tmp_path / way).rglob("log.csv")} for way in WAYS]
    assert logs[0] == logs[1], "the losses are identical"


def test_a_stopped_run_saves_its_step(make_study: Make, tmp_path: Path) -> None:
    study = make_study()
    whole = perform(job(study, tmp_path / "whole", "multi-task"))
    begun = job(study, tmp_path / "stopped", "multi-task")
    asked = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        perform(begun, stopped=lambda: next(asked))
    said: list[str] = []
    assert perform(begun, say=said.append).metrics == whole.metrics
    assert said[0] == "3/6"


def test_a_kill_between_the_last_checkpoint_and_the_result(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    whole = perform(job(study, tmp_path / "whole", "single-task"))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "write", killed)
        with pytest.raises(Killed):
            perform(job(study, tmp_path / "killed", "single-task"))
    said: list[str] = []
    assert perform(job(study, tmp_path / "killed", "single-task"), say=said.append).metrics == whole.metrics
    assert said == [], "nothing is trained again"


def test_teachers_are_the_networks_of_the_same_fold(make_study: Make, tmp_path: Path) -> None:
    settings = {"student": {"teachers": "single-task"}, "single-task": {"each_task": True}, "multi-task": {}}
    study = make_study(settings=settings, repeat={"folds": 2})
    todo = jobs(study, RunStore(tmp_path), [])
    assert [each.key for each in todo[:3]] == [
        ("single-task", "time0-fold0"),
        ("student", "time0-fold0"),
        ("multi-task", "time0-fold0"),
    ]
    with pytest.raises(StudyError, match="its teacher single-task time0-fold0 is not finished"):
        perform(todo[1])
    single, student, multi = (perform(each) for each in todo[:3])
    logs = [(tmp_path / "runs" / run.setting / "time0-fold0/log.csv").read_text() for run in (student, multi)]
    assert logs[0] != logs[1], "the teachers' labels are used"
    assert student.recipe["teachers"] == []
    kept = {str(path.relative_to(tmp_path / "runs")) for path in tmp_path.rglob("*.safetensors")}
    assert kept == {f"single-task/time0-fold0/{task}/last/network.safetensors" for task in ("category", "traits")}
    assert RunStore(tmp_path).checkpoints(single)[0].is_dir()


def test_a_teacher_without_networks_is_trained_again_for_a_student(make_study: Make, tmp_path: Path) -> None:
    alone = make_study(settings={"multi-task": {}}, repeat={"seeds": [0]}, recipe=whole_rows(make_study))
    perform(job(alone, tmp_path, "multi-task"))
    both = {"multi-task": {}, "student": {"teachers": "multi-task"}}
    study = make_study(settings=both, repeat={"seeds": [0]}, recipe=whole_rows(make_study))
    todo = jobs(study, RunStore(tmp_path), [])
    assert [each.setting for each in todo] == ["multi-task", "student"]
    for each in todo:
        perform(each)
    assert jobs(study, RunStore(tmp_path), []) == []


def whole_rows(make_study: Make) -> dict[str, Any]:
    return make_study().recipes["multi-task"].plain()


def test_adashare_searches_its_policy_first(make_study: Make, tmp_path: Path) -> None:
    change = {"sharing": {"AdaShare": {"search_epochs": 2, "warmup_epochs": 1}}}
    study = make_study(settings={"adashare": {"change": change}})
    begun = job(study, tmp_path, "adashare")
    with pytest.raises(KeyboardInterrupt):
        perform(begun, stopped=lambda: True)
    assert "traits.f1" in perform(begun).metrics
    assert (tmp_path / "runs/adashare/time0-fold0/search/policy.json").exists()
    assert not list(tmp_path.rglob("*.safetensors"))
    assert jobs(study, RunStore(tmp_path), [])[0].repeat.name == "time0-fold1"


def test_only_some_settings_and_their_teachers(make_study: Make, tmp_path: Path) -> None:
    study = make_study(settings={"a": {}, "b": {"teachers": "a"}, "c": {}}, repeat={"seeds": [0]})
    assert [each.setting for each in jobs(study, RunStore(tmp_path), ["b"])] == ["a", "b"]
    assert [each.setting for each in jobs(study, RunStore(tmp_path), ["c"])] == ["c"]


def test_runs_of_another_recipe_are_refused(make_study: Make, tmp_path: Path) -> None:
    perform(job(make_study(), tmp_path, "multi-task"))
    changed = make_study(settings={"multi-task": {"change": {"epochs": 3}}})
    with pytest.raises(StudyError, match=r"other values of epochs; remove .*multi-task to run multi-task again"):
        jobs(changed, RunStore(tmp_path), [])


def test_runs_of_earlier_versions_without_newer_keys_are_read(make_study: Make, tmp_path: Path) -> None:
    study = make_study()
    perform(job(study, tmp_path, "multi-task"))
    path = tmp_path / "runs/multi-task/time0-fold0.json"
    data = json.loads(path.read_text())
    del data["recipe"]["save_every"], data["recipe"]["precision"]
    path.write_text(json.dumps(data))
    assert len(jobs(study, RunStore(tmp_path), ["multi-task"])) == 1
    path.write_text("{")
    with pytest.raises(StudyError, match=r"time0-fold0\.json: not a run of this version"):
        jobs(study, RunStore(tmp_path), [])


def earlier(data: dict[str, Any]) -> dict[str, Any]:
    """The file of a run as earlier versions wrote it."""
    names = {"metrics": "figures", "context": "setting_then"}
    for recipe in (data["recipe"], *(teacher["recipe"] for teacher in data["context"]["its teachers"])):
        recipe["start"] = recipe.pop("warm_start")
    return {names.get(key, key): value for key, value in data.items()}


def test_runs_of_earlier_versions_have_other_names(make_study: Make, tmp_path: Path) -> None:
    study, store = make_study(), RunStore(tmp_path)
    run = perform(job(study, tmp_path, "multi-task"))
    path = tmp_path / "runs/multi-task/time0-fold0.json"
    path.write_text(json.dumps(earlier(json.loads(path.read_text()))))
    assert replace(store.read(study)["multi-task", "time0-fold0"], recipe=run.recipe) == run
    changed = make_study(settings={"multi-task": {"each_task": True}})
    with pytest.raises(StudyError, match="other values of each_task"):
        store.read(changed)


def test_runs_of_earlier_versions_with_teachers(make_study: Make, tmp_path: Path) -> None:
    study, store = make_study(settings={"student": {"teachers": "teacher"}, "teacher": {}}), RunStore(tmp_path)
    for name in ("teacher", "student"):
        perform(job(study, tmp_path, name))
        path = tmp_path / f"runs/{name}/time0-fold0.json"
        path.write_text(json.dumps(earlier(json.loads(path.read_text()))))
    assert list(store.read(study)) == [("student", "time0-fold0"), ("teacher", "time0-fold0")]
    changed = make_study(settings={"student": {"teachers": "teacher"}, "teacher": {"change": {"epochs": 1}}})
    with pytest.raises(StudyError, match=r"student.*other values of its teachers"):
        store.find(changed, "student", changed.repeats[0])


@pytest.mark.parametrize("key", ["metrics", "figures"])
def test_saved_metrics_of_this_and_of_earlier_versions(tmp_path: Path, key: str) -> None:
    (tmp_path / "checkpoint.json").write_text(json.dumps({"format": 1, "state": {key: {"traits.f1": 0.25}}}))
    assert _saved_metrics(tmp_path) == {"traits.f1": 0.25}


def test_a_recipe_that_does_not_fit_the_data_is_refused(make_study: Make, tmp_path: Path) -> None:
    study = make_study(settings={"a": {"change": {"tasks": ["colour"]}}})
    with pytest.raises(RecipeError, match="no manifest has the task colour"):
        perform(job(study, tmp_path, "a"))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"student": {"teachers": "teacher"}, "teacher": {"change": {"epochs": 1}}}, "its teachers"),
        ({"student": {}, "teacher": {}}, "its teachers"),
        ({"student": {"teachers": "teacher", "each_task": True}, "teacher": {}}, "each_task"),
    ],
)
def test_runs_of_another_setting_are_refused(
    make_study: Make, tmp_path: Path, settings: dict[str, Any], key: str
) -> None:
    study = make_study(settings={"student": {"teachers": "teacher"}, "teacher": {}})
    for name in ("teacher", "student"):
        perform(job(study, tmp_path, name))
    assert len(RunStore(tmp_path).read(study)) == 2
    changed = make_study(settings=settings)
    with pytest.raises(StudyError, match=f"student.*other values of {key}; remove"):
        RunStore(tmp_path).find(changed, "student", changed.repeats[0])
    path = tmp_path / "runs/student/time0-fold0.json"
    data = json.loads(path.read_text())
    del data["context"]
    path.write_text(json.dumps(data))
    assert RunStore(tmp_path).find(changed, "student", changed.repeats[0]), "written by an earlier version"
