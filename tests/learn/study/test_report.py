"""From the metrics of runs to summary, tables, files and chart."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.learn.evaluate.significance import holm, paired_difference
from mien.learn.study.plan import Study
from mien.learn.study.report import markdown, means, show_difference, write_report
from mien.learn.study.store import FinishedRun
from mien.learn.study.summary import Runs, StudySummary, summarise

Make = Callable[..., Study]
HEADLINES = {"category": "category.accuracy", "traits": "traits.f1"}
SEEDS = {"repeat": {"seeds": [0, 1, 2]}}


def runs_of(values: Mapping[str, Mapping[str, tuple[float, float]]]) -> Runs:
    """Runs by setting and repeat with these accuracies and F1."""
    return {
        (setting, repeat): FinishedRun(
            setting,
            repeat,
            {"category.accuracy": accuracy, "traits.f1": f1, "category.recall.a": 0.5},
            HEADLINES,
            ("last",),
            1.5,
            {"seed": int(repeat[-1])},
            {"mien": "0", "torch": "1"},
        )
        for setting, found in values.items()
        for repeat, (accuracy, f1) in found.items()
    }


BASE = {"seed0": (0.60, 0.50), "seed1": (0.62, 0.52), "seed2": (0.61, 0.54)}
VALUES = {
    "single-task": BASE,
    "multi-task": {name: (a - 0.02 - 0.001 * i, b + 0.001 * i) for i, (name, (a, b)) in enumerate(BASE.items())},
    "coupled": {name: (a + 0.02 + 0.001 * i, b - 0.001 * (1 - i)) for i, (name, (a, b)) in enumerate(BASE.items())},
}


@pytest.fixture
def summary(make_study: Make) -> StudySummary:
    study = make_study(settings={"single-task": {}, "multi-task": {}, "coupled": {}, "broken": {}}, **SEEDS)
    return summarise(study, runs_of(VALUES), {("broken", "seed1"): "the loss traits is nan"})


def test_differences_and_verdicts(summary: StudySummary) -> None:
    rows = {row.setting: row for row in summary.rows}
    assert summary.metrics == ("category.accuracy", "traits.f1"), "the headlines, where the study names none"
    assert rows["multi-task"].verdicts == {"category": "negative", "traits": "none shown"}
    assert rows["coupled"].verdicts == {"category": "positive", "traits": "none shown"}
    assert (rows["multi-task"].negative_transfer, rows["coupled"].negative_transfer) == (True, False)
    assert (rows["broken"].n, rows["broken"].negative_transfer) == (0, None)
    assert rows["single-task"].differences == rows["single-task"].verdicts == {}
    pairs = {
        name: paired_difference([VALUES[name][seed][0] for seed in BASE], [BASE[seed][0] for seed in BASE])
        for name in ("multi-task", "coupled")
    }
    adjusted = holm([found.p for found in pairs.values() if found])
    for (name, expected), p in zip(pairs.items(), adjusted, strict=True):
        found = rows[name].differences["category.accuracy"]
        assert found is not None
        assert expected is not None
        assert (found.mean, found.p, found.p_holm) == (expected.mean, expected.p, p)


def test_a_missing_run_removes_its_pair(make_study: Make) -> None:
    study = make_study(settings={"single-task": {}, "multi-task": {}}, **SEEDS)
    gap = {"single-task": {"seed0": (0.5, 0.5), "seed2": (0.7, 0.7)}, "multi-task": VALUES["multi-task"]}
    row = summarise(study, runs_of(gap), {}).rows[1]
    found, estimate = row.differences["category.accuracy"], row.estimates["category.accuracy"]
    assert found is not None
    assert estimate is not None
    assert (found.n, estimate.n) == (2, 3)
    assert found.mean == pytest.approx(((0.58 - 0.5) + (0.588 - 0.7)) / 2)


def test_one_run_has_no_interval_and_no_verdict(make_study: Make) -> None:
    study = make_study(settings={"single-task": {}, "multi-task": {}}, repeat={"seeds": [0]})
    one = {name: {"seed0": found["seed0"]} for name, found in VALUES.items() if name != "coupled"}
    found = summarise(study, runs_of(one), {})
    assert found.rows[1].negative_transfer is None
    assert "| multi-task | 1 | 58.0 | 50.0 | too few runs |" in markdown(found, "mien study")
    assert "| multi-task | -2.0 | +0.0 |" in markdown(found, "mien study")


def test_folds_widen_the_interval(make_study: Make) -> None:
    names = ["time0-fold0", "time0-fold1", "time1-fold0"]
    values = {setting: dict(zip(names, found.values(), strict=True)) for setting, found in VALUES.items()}
    settings = {"single-task": {}, "multi-task": {}, "coupled": {}}
    folds = summarise(make_study(settings=settings, repeat={"folds": 2, "times": 2}), runs_of(values), {})
    seeds = summarise(make_study(settings=settings, **SEEDS), runs_of(VALUES), {})

    def width(found: StudySummary) -> float:
        apart = found.rows[1].differences["category.accuracy"]
        assert apart is not None
        return apart.high - apart.low  # type: ignore[operator]

    assert width(folds) == pytest.approx(width(seeds) * ((1 / 3 + 1) / (1 / 3)) ** 0.5)


def test_the_page(summary: StudySummary) -> None:
    page = markdown(summary, "mien study study.yaml")
    assert "`mien study study.yaml`, seeds 0, 1, 2." in page
    assert "| single-task | 3 | 61.0 ± 1.0 | 52.0 ± 2.0 | reference |" in page
    assert "| multi-task | 3 | 58.9 ± 1.0 | 52.1 ± 2.1 | negative transfer |" in page
    assert "Metrics are of the last epoch" in page
    assert "| coupled | positive | none shown |" in page
    assert "- broken seed1: the loss traits is nan\n- broken seed2: not run yet" in page
    assert page.count("\n| broken |") == 3
    found = summary.rows[1].differences["category.accuracy"]
    assert show_difference(found, "category.accuracy", 1) == "-2.1 [-2.3, -1.9], p .001, Holm .002"


def test_a_concordance_is_no_percentage(make_study: Make) -> None:
    study = make_study(settings={"a": {}}, metrics=["affect.ccc"], **SEEDS)
    runs = {
        key: FinishedRun(
            key[0], key[1], {"affect.ccc": 0.5 + 0.01 * i}, {"affect": "affect.ccc"}, (), 1, {"seed": i}, {}
        )
        for i, key in enumerate([("a", "seed0"), ("a", "seed1"), ("a", "seed2")])
    }
    assert means(summarise(study, runs, {})) == [
        ["setting", "runs", "affect.ccc", "verdict"],
        ["a", "3", "0.510 ± 0.010", "reference"],
    ]


def test_the_files(summary: StudySummary, tmp_path: Path) -> None:
    write_report(tmp_path, summary, runs_of(VALUES), "mien study study.yaml")
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.md", "table.csv", "runs.csv", "study.json", "plot.png",
    }  # fmt: skip
    with (tmp_path / "runs.csv").open(newline="") as text:
        every = list(csv.DictReader(text))
    assert len(every) == 9
    assert float(every[3]["category.accuracy"]) == VALUES["multi-task"]["seed0"][0]
    assert every[3]["category.recall.a"] == "0.5", "all metrics, not only those of the report"
    with (tmp_path / "table.csv").open(newline="") as text:
        table = {(line["setting"], line["metric"]): line for line in csv.DictReader(text)}
    assert table["multi-task", "category.accuracy"]["verdict"] == "negative"
    assert table["broken", "traits.f1"]["mean"] == ""
    data = json.loads((tmp_path / "study.json").read_text())
    multi = data["settings"]["multi-task"]
    assert (multi["negative_transfer"], multi["verdicts"]["category"]) == (True, "negative")
    assert multi["metrics"]["category.accuracy"]["values"]["seed1"] == VALUES["multi-task"]["seed1"][0]
    assert data["metrics"] == ["category.accuracy", "traits.f1"]
    assert [gap["reason"] for gap in data["missing"]] == ["", "the loss traits is nan", ""]


@pytest.mark.parametrize("count", [1, 3])
def test_the_chart_has_a_panel_for_each_metric(make_study: Make, tmp_path: Path, count: int) -> None:
    metrics = ["category.accuracy", "traits.f1", "category.recall.a"][:count]
    study = make_study(settings={"single-task": {}, "multi-task": {}, "broken": {}}, metrics=metrics, **SEEDS)
    values = {name: VALUES[name] for name in ("single-task", "multi-task")}
    write_report(tmp_path, summarise(study, runs_of(values), {}), runs_of(values), "mien study")
    with Image.open(tmp_path / "plot.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[0] > (500 if count == 3 else 250)
    worse = (pixels == (0xC8, 0x50, 0x2D)).all(2)
    assert worse[: len(worse) * 2 // 3].any()  # in the first panel, not in the legend alone
