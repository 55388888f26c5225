"""The bundled networks are what their card, their figures and the recipes say."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, logit

import mien
from mien.annotate.model import BUNDLED, Model

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src/mien/weights"
TOOLS = ROOT / "tools/weights"
LARGEST = {"default": 20_000_000, "tiny": 3_000_000}


@pytest.fixture(scope="module", params=BUNDLED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    return dict(json.loads((WEIGHTS / "figures.json").read_text())["networks"])


def test_it_is_small_and_carries_no_path(name: str) -> None:
    content = (WEIGHTS / f"{name}.onnx").read_bytes()
    assert len(content) <= LARGEST[name]
    assert not any(word in content for word in (b"site-packages", b"/src/", b"/home/", b"/tmp/"))


def test_it_was_made_by_the_recipe(name: str) -> None:
    from mien.learn.recipe.recipe import load, parse

    assert parse(Model(name).metadata["recipe"]).plain() == load(ROOT / f"recipes/{name}.yaml").plain()


def test_the_card_says_what_the_figures_say() -> None:
    card = runpy.run_path(str(TOOLS / "model_card.py"))["card"]()
    assert (WEIGHTS / "CARD.md").read_text() == card


def test_the_pages_show_what_the_results_say() -> None:
    tool = runpy.run_path(str(ROOT / "tools/pages.py"))
    pages = [page.read_text() for page in tool["PAGES"]]
    assert pages == [tool["filled"](page) for page in pages]
    assert {found["name"] for page in pages for found in tool["BLOCK"].finditer(page)} == set(tool["TABLES"])


def test_every_setting_was_compared() -> None:
    settings = runpy.run_path(str(TOOLS / "ablation.py"))["SETTINGS"]
    found = json.loads((ROOT / "docs/results/weights_ablation.json").read_text())
    assert list(found) == list(settings)
    by_eye = json.loads((ROOT / "docs/results/by_eye.json").read_text())["comparison"]
    assert set(by_eye) == {name for name, each in found.items() if "action_units.f1" in each["photos"]}
    assert max(by_eye, key=lambda name: by_eye[name]) == list(settings)[-1]  # what goes out


def test_what_is_shipped_costs_less_than_half_a_point() -> None:
    for kinds in json.loads((ROOT / "docs/results/precision.json").read_text()).values():
        for key in ("expression.accuracy", "expression.mean_recall", "action_units.f1_present", "affect.ccc"):
            assert kinds["16"][key] > kinds["32"][key] - 0.005


def test_the_population_was_chosen_in_validation(metrics: dict[str, Any]) -> None:
    chosen = runpy.run_path(str(TOOLS / "figures.py"))["chosen"]
    assert metrics["default"]["prior"] == chosen(metrics["default"]["validation"])


def test_the_measured_accuracy_is_what_was_promised(metrics: dict[str, Any]) -> None:
    photos = metrics["default"]["photos"]
    assert photos["expression.faces"] > 3000
    assert photos["expression.accuracy"] >= 0.84
    assert photos["expression.mean_recall"] >= 0.79
    assert photos["action_units.f1_present"] >= 0.75
    assert metrics["tiny"]["photos"]["expression.accuracy"] >= 0.78


def test_probabilities_are_calibrated(metrics: dict[str, Any]) -> None:
    for network in metrics.values():
        own = {each["prior"]: each for each in network["populations"]}
        assert all(each["calibration error"] < 0.08 for each in own.values())
        assert own[1.0]["accuracy"] > own[0.0]["accuracy"]
        assert own[0.0]["balanced accuracy"] > own[1.0]["balanced accuracy"]


def test_a_smile_is_read_as_one(name: str) -> None:
    (face,) = mien.annotate(ROOT / "examples/photos/astronaut.png", model=name).to_pylist()
    assert face["expression"] == "happiness"
    assert min(face["AU12"], face["AU25"], face["valence"]) > 0.5
    assert max(face["AU04"], face["AU15"], face["AU09"]) < 0.4


def test_a_file_goes_before_a_bundled_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mien.ModelError, match="tiny: not an ONNX network"):
        Model("tiny")
    assert Model("default").name == "default"


def test_votes_made_the_labels_better() -> None:
    """By the codes of somebody who had not seen them."""
    teach, tool = (runpy.run_path(str(TOOLS / f"{name}.py")) for name in ("teach", "by_eye"))
    found = json.loads((ROOT / "docs/results/by_eye.json").read_text())
    codes = json.loads((TOOLS / "by_eye_codes.json").read_text())
    assert found["photos"] == len(codes)
    for unit, each in found["units"].items():
        assert each["shown"] == sum(
            unit in code["shown"] for code in codes.values() if "covered" not in code or unit not in tool["MOUTH"]
        )
        if unit in teach["INFORMED"]:
            assert min(each["labels"], each["default"]) > each["teacher alone"]


def test_a_score_and_an_expression_say_what_bayes_rule_says() -> None:
    """Scores that are Gaussian with and without the unit, and rates that the table has a little wrong."""
    teach = runpy.run_path(str(TOOLS / "teach.py"))
    draw = np.random.default_rng(0)
    rates = np.array([0.05, 0.9, 0.5, 0.1])
    classes = draw.choice(4, 20_000, p=(0.5, 0.1, 0.2, 0.2))
    shown = draw.random(len(classes)) < rates[classes]
    evidence = draw.normal(1.5 * shown, 1)
    truth = expit(logit(rates[classes]) + 1.5 * evidence - 1.5**2 / 2)
    score = expit(2 * evidence - 3)  # its scale is its own
    fitted = draw.random(len(classes)) < 0.8
    told = teach["informed"](score, np.eye(4)[classes], np.array([0.05, 0.9, 0.6, 0.05]), fitted)
    assert np.abs(told - truth).mean() < 0.03
    assert ((told >= 0.5) == shown).mean() > max(
        ((score >= 0.5) == shown).mean(), ((rates[classes] > 0.5) == shown).mean()
    )


def test_votes_inform_only_the_units_that_they_should() -> None:
    teach = runpy.run_path(str(TOOLS / "teach.py"))
    draw = np.random.default_rng(0)
    votes = np.eye(7)[draw.integers(0, 7, 500)]
    votes[:50] = np.nan
    scores = draw.random(500).astype(np.float32)
    alone = {unit: pa.array(scores, mask=np.arange(500) >= 480) for unit in teach["UNITS"]}
    found = teach["with_expressions"](alone, votes, np.arange(500) < 400)
    assert {unit for unit in alone if found[unit] != alone[unit]} == set(teach["INFORMED"])
    assert all(column.null_count == 20 for unit, column in found.items() if unit != "AU24")
    assert [value is not None for value in found["AU24"].to_pylist()] == [*(scores[:480] >= 0.9), *[False] * 20]
    assert set(found["AU24"].drop_null().to_pylist()) == {0.0}
    angry = votes[:480, 4] == 1
    assert np.mean(found["AU04"].to_numpy(zero_copy_only=False)[:480][angry]) > 0.8


def test_a_teacher_says_more_the_more_it_sees() -> None:
    teach = runpy.run_path(str(TOOLS / "teach.py"))
    shapes = {name for parts in teach["UNITS"].values() for name, _ in parts}
    steps = [0.0, 0.05, 0.2, 0.5, 1.0, None]
    sides = {f"{shape}{side}": pa.array(steps, pa.float32()) for shape in shapes for side in ("Left", "Right")}
    sides |= {name: pa.array(steps, pa.float32()) for name in ("browInnerUp", "jawOpen", "mouthShrugLower")}
    for pair in ("browInnerUp", "jawOpen", "mouthShrugLower"):
        del sides[f"{pair}Left"], sides[f"{pair}Right"]
    for unit, column in teach["labels"](pa.table(sides)).items():
        *seen, nobody = column.to_pylist()
        assert nobody is None, unit
        assert seen == sorted(seen), unit
        assert seen[0] < 0.02 < 0.98 < seen[-1], unit
        ((_, half), *_) = teach["UNITS"][unit]
        assert np.interp(half, steps[:-1], seen) == pytest.approx(0.5, abs=0.35), unit
