"""The bundled networks match their card, their metrics and their recipes."""

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
MAX_BYTES = {"default": 20_000_000, "tiny": 3_000_000}


@pytest.fixture(scope="module", params=BUNDLED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    return dict(json.loads((WEIGHTS / "figures.json").read_text())["networks"])


def test_network_is_small_and_contains_no_path(name: str) -> None:
    content = (WEIGHTS / f"{name}.onnx").read_bytes()
    assert len(content) <= MAX_BYTES[name]
    assert not any(word in content for word in (b"site-packages", b"/src/", b"/home/", b"/tmp/"))


def test_network_was_trained_by_its_recipe(name: str) -> None:
    from mien.learn.recipe import load, parse_stored

    assert parse_stored(Model(name).metadata["recipe"], name).plain() == load(ROOT / f"recipes/{name}.yaml").plain()


def test_card_matches_the_metrics() -> None:
    card = runpy.run_path(str(TOOLS / "model_card.py"))["card"]()
    assert (WEIGHTS / "CARD.md").read_text() == card


def test_pages_match_the_results() -> None:
    tool = runpy.run_path(str(ROOT / "tools/pages.py"))
    pages = [page.read_text() for page in tool["PAGES"]]
    assert pages == [tool["filled"](page) for page in pages]
    for page in pages:
        emptied = tool["BLOCK"].sub(lambda found: f"{found[1]}<!-- end -->", page)
        assert emptied != page
        assert tool["filled"](emptied) == page
    assert {found["name"] for page in pages for found in tool["BLOCK"].finditer(page)} == set(tool["TABLES"])


def test_results_cover_every_setting_of_the_ablation() -> None:
    settings = runpy.run_path(str(TOOLS / "ablation.py"))["SETTINGS"]
    found = json.loads((ROOT / "docs/results/weights_ablation.json").read_text())
    assert list(found) == list(settings)
    by_eye = json.loads((ROOT / "docs/results/by_eye.json").read_text())["comparison"]
    assert set(by_eye) == {name for name, each in found.items() if "action_units.f1" in each["photos"]}
    assert max(by_eye, key=lambda name: by_eye[name]) == list(settings)[-1]  # the setting that is shipped


def test_16_bits_cost_less_than_half_a_point() -> None:
    for kinds in json.loads((ROOT / "docs/results/precision.json").read_text()).values():
        for key in ("expression.accuracy", "expression.mean_recall", "action_units.f1_present", "affect.ccc"):
            assert kinds["16"][key] > kinds["32"][key] - 0.005


def test_shipped_prior_was_selected_in_validation(metrics: dict[str, Any]) -> None:
    chosen = runpy.run_path(str(TOOLS / "figures.py"))["chosen"]
    assert metrics["default"]["prior"] == chosen(metrics["default"]["validation"])


def test_ties_between_priors_go_to_the_higher_accuracy() -> None:
    chosen = runpy.run_path(str(TOOLS / "figures.py"))["chosen"]
    rows = [
        {"prior": prior, "accuracy": accuracy, "balanced accuracy": balanced}
        for prior, accuracy, balanced in ((0.0, 0.7, 0.9001), (0.5, 0.8, 0.8), (1.0, 0.9, 0.69))
    ]
    assert chosen(rows) == 0.5  # the means are 0.80005, 0.8 and 0.795
    assert chosen([{**row, "accuracy": 1 - row["accuracy"]} for row in rows]) == 0.0


@pytest.mark.parametrize("file", ["calibration.json", "readout.json"])
def test_the_prior_is_read_from_new_and_older_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    (tmp_path / "runs/tiny/last").mkdir(parents=True)
    (tmp_path / "runs/tiny/last" / file).write_text('{"prior": 0.5}')
    monkeypatch.chdir(tmp_path)
    assert runpy.run_path(str(TOOLS / "figures.py"))["prior_of"]("tiny") == 0.5


def test_measured_accuracy_meets_the_targets(metrics: dict[str, Any]) -> None:
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


def test_a_smile_is_recognised(name: str) -> None:
    (face,) = mien.annotate(ROOT / "examples/photos/astronaut.png", model=name).to_pylist()
    assert face["expression"] == "happiness"
    assert min(face["AU12"], face["AU25"], face["valence"]) > 0.5
    assert max(face["AU04"], face["AU15"], face["AU09"]) < 0.4


def test_a_file_takes_precedence_over_a_bundled_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mien.ModelError, match="tiny: not an ONNX network"):
        Model("tiny")
    assert Model("default").name == "default"


def test_votes_improved_the_labels() -> None:
    """Measured with codes by a coder who had not seen the labels."""
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


def test_labels_from_score_and_expression_follow_bayes_rule() -> None:
    """Scores are Gaussian with and without the unit, and the rates of the table are slightly wrong."""
    teach = runpy.run_path(str(TOOLS / "teach.py"))
    draw = np.random.default_rng(0)
    rates = np.array([0.05, 0.9, 0.5, 0.1])
    classes = draw.choice(4, 20_000, p=(0.5, 0.1, 0.2, 0.2))
    shown = draw.random(len(classes)) < rates[classes]
    evidence = draw.normal(1.5 * shown, 1)
    truth = expit(logit(rates[classes]) + 1.5 * evidence - 1.5**2 / 2)
    score = expit(2 * evidence - 3)  # on an arbitrary scale
    fitted = draw.random(len(classes)) < 0.8
    labels = teach["informed"](score, np.eye(4)[classes], np.array([0.05, 0.9, 0.6, 0.05]), fitted)
    assert np.abs(labels - truth).mean() < 0.03
    assert ((labels >= 0.5) == shown).mean() > max(
        ((score >= 0.5) == shown).mean(), ((rates[classes] > 0.5) == shown).mean()
    )


def test_votes_change_only_the_informed_units() -> None:
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


def test_labels_grow_with_the_blendshapes() -> None:
    teach = runpy.run_path(str(TOOLS / "teach.py"))
    shapes = {name for parts in teach["UNITS"].values() for name, _ in parts}
    steps = [0.0, 0.05, 0.2, 0.5, 1.0, None]
    sides = {f"{shape}{side}": pa.array(steps, pa.float32()) for shape in shapes for side in ("Left", "Right")}
    sides |= {name: pa.array(steps, pa.float32()) for name in ("browInnerUp", "jawOpen", "mouthShrugLower")}
    for pair in ("browInnerUp", "jawOpen", "mouthShrugLower"):
        del sides[f"{pair}Left"], sides[f"{pair}Right"]
    for unit, column in teach["labels"](pa.table(sides)).items():
        *labels, without_face = column.to_pylist()
        assert without_face is None, unit
        assert labels == sorted(labels), unit
        assert labels[0] < 0.02 < 0.98 < labels[-1], unit
        ((_, half), *_) = teach["UNITS"][unit]
        assert np.interp(half, steps[:-1], labels) == pytest.approx(0.5, abs=0.35), unit
