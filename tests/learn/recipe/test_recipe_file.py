"""Recipes: every shipped one loads, and every fault is named with its key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mien.learn.losses import CoAnnotation, DistributionMatching
from mien.learn.models import FaceBehaviorNet
from mien.learn.recipe import RecipeError, load, parse
from mien.tasks import AFFECT

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.yaml"))
MINIMAL: dict[str, Any] = {"name": "x", "data": [{"manifest": "m"}], "validation": {"manifest": "m", "split": "valid"}}


def refused(**changes: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(MINIMAL | changes)
    return str(caught.value)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path: Path) -> None:
    recipe = load(path)
    assert recipe.name == path.stem
    recipe.network.build()
    for coupling in recipe.couplings:
        coupling.build()


def test_recipes_are_shipped() -> None:
    assert RECIPES


def test_what_is_left_out_has_the_documented_default() -> None:
    recipe = parse(MINIMAL)
    assert isinstance(recipe.network.build(), FaceBehaviorNet)
    assert (recipe.batch_size, recipe.epochs, recipe.couplings) == (128, 30, ())
    assert (recipe.optimizer.kind, recipe.optimizer.momentum, recipe.data[0].split) == ("sgd", 0.9, "train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "recipe: epoch: unknown key; did you mean epochs?"),
        ({"optimizer": {"mometum": 0.9}}, "recipe: optimizer.mometum: unknown key; did you mean momentum?"),
        ({"augmentation": {"rotat": 3}}, "recipe: augmentation.rotat: unknown key; did you mean rotate?"),
        ({"data": [{"manifest": "m", "splt": "a"}]}, "recipe: data.0.splt: unknown key; did you mean split?"),
        ({"validation": {"manifets": "m"}}, "recipe: validation.0.manifets: unknown key; did you mean manifest?"),
        (
            {"network": {"FaceBehaviorNet": {"widht": 8}}},
            "recipe: network: FaceBehaviorNet.widht: unknown key; did you mean width?",
        ),
        (
            {"couplings": ["CoAnnotation", {"DistributionMatching": {"readng": "kl"}}]},
            "recipe: couplings.1: DistributionMatching.readng: unknown key; did you mean reading?",
        ),
        (
            {"couplings": ["DistributionMaching"]},
            "recipe: couplings.0: unknown class DistributionMaching; did you mean DistributionMatching?",
        ),
        (
            {"network": "FaceBehaviourNet"},
            "recipe: network: unknown class FaceBehaviourNet; did you mean FaceBehaviorNet?",
        ),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest_right_one(changes: dict[str, Any], message: str) -> None:
    assert message in refused(**changes).splitlines()


@pytest.mark.parametrize("name", ["LossTerm", "CouplingLoss", "cross_entropy"])
def test_what_is_no_coupling_is_not_taken_for_one(name: str) -> None:
    message = refused(couplings=[name])
    assert f"couplings.0: unknown class {name}; " in message


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"epochs": "many"}, "epochs"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 1}, "batch_size"),
        ({"optimizer": {"rate": -1}}, "optimizer.rate"),
        ({"optimizer": {"kind": "lion"}}, "optimizer.kind"),
        ({"precision": "fp8"}, "precision"),
        ({"weights": {"expression": -1}}, "weights.expression"),
        ({"data": [{"manifest": "m", "size": 0}]}, "data.0.size"),
        ({"augmentation": {"flip": 2}}, "augmentation.flip"),
        ({"name": "a/b"}, "name"),
    ],
)
def test_a_wrong_value_is_named_by_its_key(changes: dict[str, Any], key: str) -> None:
    (line,) = refused(**changes).splitlines()
    assert line.startswith(f"recipe: {key}: ")
    assert line.partition("not ")[2]


def test_wrong_arguments_of_a_part_are_named() -> None:
    assert "network: FaceBehaviorNet.width: " in refused(network={"FaceBehaviorNet": {"width": "wide"}})
    assert "couplings.0: DistributionMatching.reading: " in refused(
        couplings=[{"DistributionMatching": {"reading": "x"}}]
    )
    assert "network: expected one class name" in refused(network={"FaceBehaviorNet": {}, "Other": {}})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"couplings": "CoAnnotation"}, "couplings: expected a list, not 'CoAnnotation'"),
        ({"augmentation": "none"}, "augmentation: expected keys with their values, not 'none'"),
        ({"weights": [1]}, "weights: expected keys with their values, not [1]"),
        ({"network": {"FaceBehaviorNet": 3}}, "network: FaceBehaviorNet: expected keys with their values, not 3"),
    ],
)
def test_what_is_expected_is_said_in_the_words_of_yaml(changes: dict[str, Any], line: str) -> None:
    assert refused(**changes) == f"recipe: {line}"


def test_an_argument_whose_default_is_made_anew_may_be_left_out() -> None:
    recipe = parse(MINIMAL | {"balancing": "FixedWeights"})
    assert recipe.plain()["balancing"] == {"FixedWeights": {"weights": {}}}
    assert recipe.balancing.build().weights == {}


def test_a_missing_key_is_named_and_every_fault_has_a_line() -> None:
    with pytest.raises(RecipeError) as caught:
        parse({"name": "x", "epochs": 0})
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["data", "validation", "epochs"]
    assert "recipe: data: this key is required" in str(caught.value)


def test_without_any_data_the_list_is_too_short() -> None:
    assert "data: " in refused(data=[])


def test_parts_come_with_their_arguments() -> None:
    recipe = parse(
        MINIMAL
        | {
            "network": {"FaceBehaviorNet": {"width": 8, "depth": [1], "channels": "grey"}},
            "couplings": [{"DistributionMatching": {"reading": "soft_target", "reweight": False}}, "CoAnnotation"],
        }
    )
    network = recipe.network.build(tasks=(AFFECT,))
    assert (network.tasks, network.trunk.stem[0].out_channels, network.preprocessing.channels) == ((AFFECT,), 8, "grey")
    assert [part.build() for part in recipe.couplings] == [
        DistributionMatching("soft_target", reweight=False),
        CoAnnotation(),
    ]


def test_a_class_of_ones_own_is_named_by_its_dotted_path(tiny_module: Path) -> None:
    recipe = parse(MINIMAL | {"network": {"own_network.Tiny": {"side": 4}}})
    assert recipe.network.build(tasks=(AFFECT,)).side == 4
    assert "own_network.Tiny.sde: unknown key; did you mean side?" in refused(network={"own_network.Tiny": {"sde": 4}})
    assert "no class own_network.Tin" in refused(network="own_network.Tin")
    assert "no class nowhere.Tiny" in refused(network="nowhere.Tiny")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(MINIMAL | {"optimizer": {"rate": 0.5}}))
    return path


def test_changes_replace_values_of_the_file(file: Path) -> None:
    changes = ["epochs=3", "optimizer.rate=1e-2", "schedule.decay=constant", "weights.affect=0.5", "data.0.size=7"]
    recipe = load(file, changes)
    assert recipe.data[0].size == 7
    assert (recipe.epochs, recipe.optimizer.rate, recipe.schedule.decay) == (3, 0.01, "constant")
    assert recipe.weights == {"affect": 0.5}


def test_plain_data_keeps_every_value_and_makes_the_same_recipe() -> None:
    recipe = parse(MINIMAL | {"couplings": [{"DistributionMatching": {"reading": "soft_target"}}, "CoAnnotation"]})
    plain = json.loads(json.dumps(recipe.plain()))
    assert plain["optimizer"]["momentum"] == 0.9
    assert plain["couplings"][0]["DistributionMatching"]["reading"] == "soft_target"
    assert json.loads(json.dumps(parse(plain).plain())) == plain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "--set epochs: expected key=value"),
        ("name.first=x", "--set name.first=x: name has no keys below it"),
        ("epochs=[1", "--set epochs=[1: "),
        ("optimizer.rat=1", "optimizer.rat: unknown key; did you mean rate?"),
    ],
)
def test_a_wrong_change_is_refused(change: str, message: str, file: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(file, [change])
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"a: [", b"- a\n", b"", b"\xff\xfe\x00"])
def test_what_is_not_a_recipe_file_is_refused(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(RecipeError, match=r"recipe\.yaml: "):
        load(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nothing\.yaml: cannot be read"):
        load(tmp_path / "nothing.yaml")


def test_the_tiny_recipe_of_the_tests_is_one(plain_recipe: Callable[..., dict[str, Any]]) -> None:
    assert parse(plain_recipe()).network.arguments["width"] == 8


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("aff_wild2", ["aff_wild2"]),
        ("inferred", [{}]),
        ({"classes": "a", "smoothing": 2}, [{"classes": "a", "smoothing": 2.0}]),
        (["du_2014", "own/table.csv"], ["du_2014", "own/table.csv"]),
    ],
)
def test_a_relatedness_is_a_name_a_file_or_inferred(given: Any, taken: list[Any]) -> None:
    blank = {"classes": None, "attributes": None, "smoothing": 0.0, "minimum_support": 1}
    plain = parse(MINIMAL | {"relatedness": given}).plain()["relatedness"]
    assert plain == [blank | entry if isinstance(entry, dict) else entry for entry in taken]
    assert parse(MINIMAL | {"relatedness": plain}).plain()["relatedness"] == plain


def test_a_wrong_relatedness_is_named() -> None:
    assert "unknown table du_2015; did you mean du_2014?" in refused(relatedness="du_2015")
    assert "smothing: unknown key; did you mean smoothing?" in refused(relatedness={"smothing": 1})
    assert "relatedness: expected the name of a table" in refused(relatedness=3)


def test_a_fold_that_is_none_is_refused() -> None:
    assert "fold: index 2: the last of 2 folds is 1" in refused(fold={"index": 2})
    assert "fold.indx: unknown key; did you mean index?" in refused(fold={"indx": 1, "index": 0})


def test_what_wraps_a_network_is_checked_like_every_part() -> None:
    assert "sharing: unknown class TaskRoting; did you mean TaskRouting?" in refused(sharing="TaskRoting")
    assert "balancing: unknown class GradNrm; did you mean GradNorm?" in refused(balancing="GradNrm")
