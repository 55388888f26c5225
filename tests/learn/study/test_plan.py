"""The study file: the runs that it defines, and its errors, one line each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mien.learn.recipe.keys import replace_key
from mien.learn.recipe.settings import Fold
from mien.learn.study.plan import Study, StudyError, load, parse_study

Plain = Callable[..., dict[str, Any]]
Make = Callable[..., Study]


def test_folds_become_runs(make_study: Make) -> None:
    study = make_study(repeat={"folds": 3, "times": 2, "group": "subject"})
    assert [repeat.name for repeat in study.repeats] == [
        f"time{time}-fold{fold}" for time in (0, 1) for fold in (0, 1, 2)
    ]
    assert study.repeats[4].fold == Fold(index=1, of=3, seed=1, group="subject")
    assert study.overlap == 1 / 2
    recipe = study.recipe("multi-task", study.repeats[4])
    assert (recipe.seed, recipe.fold) == (4, study.repeats[4].fold)


def test_the_seeds_of_the_runs(make_study: Make, plain_study: Plain) -> None:
    study = make_study(recipe={**plain_study()["recipe"], "seed": 7}, repeat={"folds": 2, "times": 3})
    assert [repeat.seed for repeat in study.repeats] == [7, 8, 9, 10, 11, 12]


def test_seeds_become_runs(make_study: Make) -> None:
    study = make_study(repeat={"seeds": [5, 1]})
    assert [(repeat.name, repeat.seed, repeat.fold) for repeat in study.repeats] == [
        ("seed5", 5, None),
        ("seed1", 1, None),
    ]
    assert study.overlap == 0


def test_changes_replace_keys_of_the_recipe(make_study: Make) -> None:
    change = {
        "couplings": ["DistributionMatching"],
        "weights.distribution_matching": 0.3,
        "data.0.keep.traits": 0.5,
        "network.ResidualMLP.width": 4,
    }
    study = make_study(settings={"plain": {}, "matching": {"change": change}})
    recipe = study.recipes["matching"]
    assert recipe.couplings[0].name == "DistributionMatching"
    assert recipe.weights == {"distribution_matching": 0.3}
    assert recipe.data[0].keep == {"traits": 0.5}
    assert recipe.network.arguments["width"] == 4
    plain = study.recipes["plain"]
    assert (plain.couplings, plain.weights, plain.data[0].keep, plain.network.arguments["width"]) == ((), {}, {}, 8)


def test_the_reference_is_the_first_setting_if_none_is_named(make_study: Make) -> None:
    assert make_study().reference == "single-task"
    assert make_study(reference="multi-task").reference == "multi-task"


def test_teachers_come_first(make_study: Make) -> None:
    study = make_study(settings={"c": {"teachers": "b"}, "b": {"teachers": "a"}, "a": {}})
    assert study.with_teachers(["c"]) == study.with_teachers(["b", "c"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"repeat": {"folds": 2, "time": 3}}, ["repeat.time: unknown key; did you mean times?"]),
        ({"repeat": {}}, ["repeat: expected either folds or seeds"]),
        ({"repeat": {"folds": 2, "seeds": [1]}}, ["repeat: expected either folds or seeds"]),
        ({"repeat": {"seeds": []}}, ["repeat: seeds: at least one is needed"]),
        ({"repeat": {"seeds": [1, 1]}}, ["repeat: seeds: duplicate seed"]),
        ({"repeat": {"seeds": [1], "times": 2}}, ["repeat: times and group only apply to folds"]),
        ({"settings": {"a": {"chnge": {}}}}, ["settings.a.chnge: unknown key; did you mean change?"]),
        ({"recipe": 3}, ["recipe: expected a recipe, or the path of one"]),
        ({"reference": "single"}, ["reference: no setting single; did you mean single-task?"]),
        ({"settings": {"a": {"teachers": "b"}}}, ["settings.a.teachers: no setting b; known: "]),
        ({"settings": {"a": {"teachers": "a"}}}, ["settings.a.teachers: a setting cannot be its own teacher"]),
        (
            {"settings": {"a": {"each_task": True}, "b": {"each_task": True, "teachers": "a"}}},
            ["settings.b.teachers: with each_task, a must not have each_task too"],
        ),
        (
            {"settings": {"a": {"change": {"couplngs": [], "seed": 3}}, "b": {"change": {"optimizer.rat": 1}}}},
            [
                "settings.a: change.seed: set by the study's `repeat`",
                "settings.a: couplngs: unknown key; did you mean couplings?",
                "settings.b: optimizer.rat: unknown key; did you mean rate?",
            ],
        ),
        (
            {"settings": {"a": {}, "b": {"teachers": "a", "change": {"teachers": ["x"]}}}},
            ["settings.b: change.teachers: already set by the setting's own `teachers`"],
        ),
    ],
)
def test_errors(plain_study: Plain, changes: dict[str, Any], lines: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(plain_study(**changes), "study.yaml")
    assert str(caught.value).splitlines() == [f"study.yaml: {line}" for line in lines]


def test_an_error_of_the_common_recipe_is_reported_once(plain_study: Plain) -> None:
    data = plain_study()
    with pytest.raises(StudyError) as caught:
        parse_study({**data, "recipe": {**data["recipe"], "epoch": 3}}, "study.yaml")
    assert str(caught.value) == "study.yaml: recipe: epoch: unknown key; did you mean epochs?"


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b"])
def test_names_of_settings_are_names_of_folders(plain_study: Plain, name: str) -> None:
    with pytest.raises(StudyError, match="settings"):
        parse_study(plain_study(settings={name: {}}))


def test_a_recipe_in_another_file(plain_study: Plain, tmp_path: Path) -> None:
    data = plain_study()
    recipe, study = tmp_path / "recipe.yaml", tmp_path / "study.yaml"
    recipe.write_text(yaml.safe_dump(data["recipe"]))
    study.write_text(yaml.safe_dump({**data, "recipe": str(recipe)}))
    assert load(study).recipes["multi-task"].plain() == parse_study(data).recipes["multi-task"].plain()
    assert load(study, ["recipe.epochs=7"]).recipes["multi-task"].epochs == 7
    with pytest.raises(StudyError, match="epoch: unknown key; did you mean epochs"):
        load(study, ["recipe.epoch=7"])
    recipe.unlink()
    with pytest.raises(StudyError, match=r"--set recipe\.epochs=7: .*recipe\.yaml: cannot be read"):
        load(study, ["recipe.epochs=7"])
    with pytest.raises(StudyError, match=r"recipe\.yaml: cannot be read"):
        load(study)


@pytest.mark.parametrize("text", ["- 1", "a: [", "a: \x00"])
def test_files_that_are_not_a_study(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(StudyError, match=r"study\.yaml: (cannot be read|a study is a mapping)"):
        load(tmp_path / "study.yaml")


def test_replace_key_refuses_keys_that_do_not_exist() -> None:
    data: dict[str, Any] = {"a": [{"b": 1}], "n": None, "s": "x"}
    replace_key(data, "a.0.b", 2)
    replace_key(data, "n.m", 3)
    assert data == {"a": [{"b": 2}], "n": {"m": 3}, "s": "x"}
    for key, reason in (
        ("a.1", "not a position in a list of 1"),
        ("a.x.b", "x is not a position"),
        ("s.x", "s has no keys below"),
    ):
        with pytest.raises(ValueError, match=reason):
            replace_key(data, key, 0)


@pytest.fixture
def study_file(plain_study: Plain, tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(plain_study(repeat={"seeds": [0, 1]})))  # JSON is YAML without anchors
    return path


def test_values_of_the_file_can_be_replaced(study_file: Path) -> None:
    study = load(study_file, ["name=other", "recipe.data.0.keep={category: 0.5}", "repeat.seeds=[7]"])
    assert study.name == "other"
    assert [repeat.seed for repeat in study.repeats] == [7]
    assert all(recipe.data[0].keep == {"category": 0.5} for recipe in study.recipes.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("name", "--set name: expected key=value"),
        ("recipe.data.9.size=1", "9 is not a position in a list of 1"),
        ("name=[", "--set name=["),
        ("recipe.epoch=3", "recipe: epoch: unknown key; did you mean epochs?"),
    ],
)
def test_wrong_replacements_are_refused(change: str, message: str, study_file: Path) -> None:
    with pytest.raises(StudyError) as caught:
        load(study_file, [change])
    assert message in str(caught.value)
