"""``mien evaluate``: its table, its report, label spaces other than the network's, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mien
from mien.cli.app import app
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import EXPRESSION, Kind, Task

BUNDLED = Path(mien.__file__).parent / "weights/default.onnx"
EIGHT = Task(
    "expression",
    Kind.CLASSES,
    ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    ("",) * 8,
)
UNITS = Task("action_units", Kind.ATTRIBUTES, ("AU12", "AU01", "AU28"), ("",) * 3)
CROPS = np.random.default_rng(0).integers(0, 256, (12, 112, 112, 1), np.uint8)


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def faces(make_set: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The label space of the bundled network."""
    rows = [
        {"split": "test", "dataset": "affectnet", "subject": f"s{row % 4}", "gender": "fm"[row % 2]}
        | {"expression": EXPRESSION.labels[row % 7], "AU12": row % 2, "valence": row / 12, "arousal": 0.5 - row / 12}
        for row in range(12)
    ]
    return make_set(tmp_path_factory.mktemp("faces"), rows, CROPS)


@pytest.fixture(scope="module")
def others(make_set: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight classes in another order, other units, no affect."""
    rows = [
        {"split": "test", "dataset": "raf_db", "expression": EIGHT.labels[row % 8]}
        | {"AU12": row % 2, "AU01": 0.0, "AU28": 1.0}
        for row in range(12)
    ]
    return make_set(tmp_path_factory.mktemp("others"), rows, CROPS, (EIGHT, UNITS))


def test_official_metrics_report_and_json(faces: Path, tmp_path: Path) -> None:
    status, output = run(BUNDLED, faces, "--report", tmp_path / "report", "--resamples", 30)
    assert status == 0, output
    lines = output.splitlines()
    assert lines[0] == f"official metric\t{BUNDLED}"
    assert [line.split("\t")[0] for line in lines[1:5]] == [
        "affectnet affect.ccc.valence",
        "affectnet affect.ccc.arousal",
        "affectnet affect.ccc",
        "affectnet expression.accuracy",
    ]
    assert "4 subjects, resampled 30 times (seed 0)" in output
    assert "labels: " not in output
    assert not list((tmp_path / "report").glob("*.partial"))
    data = json.loads((tmp_path / "report/metrics.json").read_text())
    (metrics,) = data["networks"].values()
    (details,) = data["details"].values()
    assert metrics["faces"] == 12
    assert details["official"]["affectnet"]["metrics"]["expression.accuracy"] == metrics["expression.accuracy"]
    assert set(details["subgroups"]["gender"]) == {"f", "m"}
    assert "<html" in (tmp_path / "report/report.html").read_text()
    assert run(BUNDLED, faces, "--report", tmp_path / "one.html", "--resamples", 0)[0] == 0
    assert "No intervals: switched off." in (tmp_path / "one.html").read_text()


def test_existing_outputs_are_replaced_only_with_overwrite(faces: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "metrics.json").write_text("mine")
    words = (BUNDLED, faces, "--resamples", 0, "--report", report)
    status, output = run(*words)
    assert (status, output) == (
        2,
        f"mien: {report / 'metrics.json'}: already exists (use --overwrite to replace it)\n",
    )
    assert [(path.name, path.read_text()) for path in report.iterdir()] == [("metrics.json", "mine")]
    assert run(*words, "--overwrite")[0] == 0
    assert json.loads((report / "metrics.json").read_text())["split"] == "test"


def test_group_is_what_the_intervals_resample(faces: Path, tmp_path: Path) -> None:
    words = (BUNDLED, faces, "--resamples", 30)
    assert "4 subjects, resampled 30 times (seed 0)" in run(*words)[1]
    assert "2 genders, resampled 30 times (seed 0)" in run(*words, "--group", "gender")[1]


def test_the_same_seed_gives_the_same_json(faces: Path, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        assert run(BUNDLED, faces, "--out", tmp_path / name, "--resamples", 20, "--seed", 5)[0] == 0
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()


def test_another_label_space_is_mapped_and_reported(others: Path, tmp_path: Path) -> None:
    status, output = run(BUNDLED, others, "--out", tmp_path / "found.json", "--resamples", 20)
    assert status == 0, output
    told = [line for line in output.splitlines() if line.startswith("labels: ")]
    assert len(told) == 2
    assert "happiness is happy, sadness is sad" in told[0]
    assert "unknown to the network: contempt (2 rows skipped)" in told[0]
    assert "unknown to the network: AU28" in told[1]
    data = json.loads((tmp_path / "found.json").read_text())
    (metrics,), (maps,) = data["networks"].values(), data["label maps"].values()
    assert (metrics["faces"], metrics["expression.faces"]) == (12, 10)
    assert {name for name in metrics if name.startswith("action_units.f1.")} == {
        "action_units.f1.AU01",
        "action_units.f1.AU12",
    }
    assert maps["expression"]["labels"]["happiness"] == "happy"
    assert maps["expression"]["rows skipped"] == 2
    assert set(maps) == {"expression", "action_units"}


def test_networks_with_different_tasks_side_by_side(others: Path, make_set: Any, tmp_path: Path) -> None:
    small = make_set(
        tmp_path / "small",
        [{"expression": "fear"}, {"expression": "anger"}, {"expression": "neutral", "split": "valid"}],
        CROPS[:3],
        (EXPRESSION,),
    )
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1]}}
    recipe = {
        "name": "small",
        "network": network,
        "data": [{"manifest": str(small)}],
        "validation": {"manifest": str(small), "split": "valid"},
        "tasks": ["expression"],
        "batch_size": 2,
        "epochs": 1,
    }
    Trainer.of(parse(recipe), tmp_path / "run").train()
    out = tmp_path / "found.json"
    status, output = run(tmp_path / "run/best", BUNDLED, others, "--out", out, "--resamples", 10)
    assert status == 0, output
    first, second = json.loads(out.read_text())["networks"].values()
    assert not [name for name in first if name.startswith("action_units")]
    assert "action_units.f1" in second
    assert first["expression.faces"] == second["expression.faces"] == 10


def test_nothing_in_common_is_refused(make_set: Any, tmp_path: Path) -> None:
    birds = make_set(
        tmp_path / "birds",
        [{"split": "test", "bird": "duck"}],
        CROPS[:1],
        (Task("bird", Kind.CLASSES, ("duck", "owl"), ("", "")),),
    )
    status, output = run(BUNDLED, birds)
    assert status == 2
    assert "have no label in common (expression, action_units, affect; bird)" in output
    assert output.startswith("mien: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--protocol", "raf"), "--protocol raf: no such protocol; known: headline, aff_wild"),
        (("--by", "hat"), "no column hat for subgroups"),
        (("--group", "hat"), "no column hat to group rows by"),
        (("--report", "report.pdf"), "report.pdf: a report is an .html file, or a folder"),
        (("--report", "nowhere/report.html"), "there is no folder nowhere"),
        (("--out", "nowhere/metrics.json"), "there is no folder nowhere"),
    ],
)
def test_refusals_are_one_line(
    words: tuple[str, ...], message: str, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = run(BUNDLED, faces, *words)
    assert status == 2
    assert message in output
    assert len(output.splitlines()) == 1


def test_the_bundled_network_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.annotate.model import Model
    from mien.learn.evaluate.predictor import open_predictor

    monkeypatch.chdir(tmp_path)
    predictor, tasks = open_predictor("default")
    assert isinstance(predictor, Model)
    assert tasks == Model().tasks
    (tmp_path / "default").mkdir()
    with pytest.raises(ValueError, match="default: not a checkpoint of mien"):
        open_predictor("default")
