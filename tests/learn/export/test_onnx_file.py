"""The exported network equals the trained one, has its metadata, and no trace of this machine."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from scipy.special import expit, logit

from mien import __version__
from mien.annotate.model import Model
from mien.faces.align import TEMPLATE
from mien.learn.checkpoint import CheckpointError, load_network
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictor import open_predictor
from mien.learn.evaluate.score import evaluate
from mien.learn.export.onnx_file import export
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import FACE


@pytest.fixture(scope="module")
def checkpoint(easy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data: dict[str, Any] = {
        "name": "easy",
        "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1], "dropout": 0.5, "channels": "grey", "detail": 56}},
        "data": [{"manifest": str(easy)}],
        "validation": {"manifest": str(easy), "split": "valid"},
        "batch_size": 16,
        "couplings": ["DistributionMatching"],
        "epochs": 1,
    }
    Trainer.of(parse(data), folder).train()
    return folder / "best"


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "new" / "easy.onnx"
    assert export(checkpoint, path) <= 1e-4
    return path


@pytest.mark.parametrize("batch", [1, 5])
def test_outputs_are_those_of_the_network(batch: int, checkpoint: Path, exported: Path) -> None:
    crops = np.random.default_rng(batch).integers(0, 256, (batch, 112, 112, 3), np.uint8)
    session = onnxruntime.InferenceSession(exported.read_bytes(), providers=["CPUExecutionProvider"])
    found = session.run([task.name for task in FACE], {"crops": crops})
    network, _ = load_network(checkpoint)
    with torch.inference_mode():
        raw = network(torch.from_numpy(crops).permute(0, 3, 1, 2))
    wanted = (raw["expression"].softmax(1), raw["action_units"].sigmoid(), raw["affect"].clamp(-1, 1))
    for values, expected in zip(found, wanted, strict=True):
        assert values.shape == expected.shape
        assert np.abs(values - expected.numpy()).max() <= 1e-4
        assert values.std() > 1e-3


def test_metadata(exported: Path, easy: Path) -> None:
    properties = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    metadata = json.loads(properties["mien"])
    assert metadata["tasks"] == [task.to_dict() for task in FACE]
    assert metadata["preprocessing"] == {
        "size": 112,
        "shape": [3, 112, 112],
        "template": TEMPLATE.tolist(),
        "channels": "grey",
        "detail": 56,
        "scaling": "unit",
        "view": 112,
        "range": [-1, 1],
    }
    assert (metadata["name"], metadata["version"], metadata["format"]) == ("easy", __version__, 1)
    assert "expression.accuracy" in metadata["validation"]
    assert metadata["relatedness"][0]["class_labels"][0] == "neutral"


def test_there_is_no_path_of_this_machine(exported: Path, easy: Path) -> None:
    model = onnx.load(exported)
    del model.metadata_props[:]  # the recipe in them names the user's manifest
    content = model.SerializeToString()
    for trace in (b"site-packages", b"/src/mien", b"mien/learn", b".py", b"/tmp", str(Path.home()).encode() + b"/"):
        assert trace not in content


def test_the_annotator_reads_it(exported: Path, checkpoint: Path) -> None:
    model = Model(exported)
    assert (model.name, model.tasks, model.size) == ("easy", FACE, 112)
    crops = np.random.default_rng(0).integers(0, 256, (7, 112, 112, 3), np.uint8)
    predict, tasks = open_predictor(checkpoint)
    assert tasks == FACE
    for name, values in model(crops, batch_size=3).items():
        assert np.abs(values - predict(crops)[name]).max() <= 1e-4


def test_both_forms_have_the_same_metrics_on_a_split(exported: Path, checkpoint: Path, easy: Path) -> None:
    manifest = read_manifest(easy).split("valid")
    metrics = []
    for path in (exported, checkpoint):
        predict, tasks = open_predictor(path)
        metrics.append(evaluate(predict, tasks, manifest, size=7))
    assert metrics[0] == pytest.approx(metrics[1], abs=1e-4)
    assert metrics[0]["faces"] == 24
    state = json.loads((checkpoint / "checkpoint.json").read_text())["state"]
    recorded = state["metrics" if "metrics" in state else "figures"]
    assert metrics[1] == pytest.approx({name: recorded[name] for name in metrics[1]}, abs=1e-4)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        export(tmp_path, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_a_network_that_differs_is_not_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.learn.export.onnx_file._difference", lambda *_: 2e-4)
    with pytest.raises(RuntimeError, match=r"differs by 2\.0e-04, more than 1e-04"):
        export(checkpoint, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize("key", ["metrics", "figures"])
def test_checkpoints_of_this_and_of_earlier_versions(checkpoint: Path, tmp_path: Path, key: str) -> None:
    """Earlier, the metrics of the validation were called figures, and the calibration was in readout.json."""
    folder = copytree(checkpoint, tmp_path / "best")
    card = json.loads((folder / "checkpoint.json").read_text())
    card["state"] = {name: value for name, value in card["state"].items() if name not in ("metrics", "figures")}
    card["state"][key] = {"expression.accuracy": 0.25}
    (folder / "checkpoint.json").write_text(json.dumps(card))
    export(folder, tmp_path / "plain.onnx")
    assert Model(tmp_path / "plain.onnx").metadata["validation"] == {"expression.accuracy": 0.25}
    if key == "figures":
        plain = {"scale": {"action_units": [2.0] * 17}, "offset": {"action_units": [1.0] * 17}, "thresholds": {}}
        (folder / "readout.json").write_text(json.dumps(plain))
        export(folder, tmp_path / "calibrated.onnx")
        model = Model(tmp_path / "calibrated.onnx")
        assert model.metadata["calibration"] == {**plain, "mirror": False}
        assert "validation" not in model.metadata
        crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
        raw = logit(Model(tmp_path / "plain.onnx")(crops)["action_units"].astype(np.float64))
        assert model(crops)["action_units"] == pytest.approx(expit(2 * raw + 1), abs=1e-3)


@pytest.mark.parametrize("state", [None, [1]])
def test_checkpoints_whose_state_is_lost_are_exported_without_metrics(
    checkpoint: Path, tmp_path: Path, state: object
) -> None:
    folder = copytree(checkpoint, tmp_path / "best")
    card = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps({**card, "state": state}))
    export(folder, tmp_path / "plain.onnx")
    assert Model(tmp_path / "plain.onnx").metadata["validation"] is None
