"""``mien calibrate``: what it fits and refuses, and how ``mien export`` builds it in."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy.special import expit, softmax
from typer.testing import CliRunner

from mien.annotate.model import Model
from mien.cli.app import app
from mien.learn.checkpoint import load_network
from mien.learn.data.manifest import read_manifest
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer


@pytest.fixture(scope="module")
def trained(easy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data: dict[str, Any] = {
        "name": "easy",
        "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}},
        "data": [{"manifest": str(easy)}],
        "validation": {"manifest": str(easy), "split": "valid"},
        "losses": {"expression": {"BalancedSoftmax": {"strength": 0.5}}},
        "batch_size": 16,
        "epochs": 1,
    }
    trainer = Trainer.of(parse(data), folder)
    labels = read_manifest(easy).split("train").table["expression"].to_pylist()
    prior = trainer.objective.losses["expression"].prior  # type: ignore[attr-defined]
    known = [label for label in labels if label]
    assert prior == pytest.approx([known.count(label) / len(known) for label in trainer.run.tasks[0].labels])
    trainer.train()
    return folder / "best"


@pytest.fixture
def checkpoint(trained: Path, tmp_path: Path) -> Path:
    return copytree(trained, tmp_path / "best")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.mark.parametrize("half", [False, True])
def test_the_exported_network_is_the_calibrated_one(checkpoint: Path, easy: Path, tmp_path: Path, half: bool) -> None:
    found = run("calibrate", checkpoint, easy, "--valid-split", "train", "--prior", 0.5)
    assert found.exit_code == 0, found.output
    assert "AU12" in found.stdout
    assert "AU01" not in found.stdout
    calibration = json.loads((checkpoint / "calibration.json").read_text())
    assert (calibration["prior"], calibration["split"]) == (0.5, "train")
    target = tmp_path / "easy.onnx"
    assert run("export", checkpoint, target, *(["--half"] if half else [])).exit_code == 0
    model = Model(target)
    crops = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), np.uint8)
    network, _ = load_network(checkpoint)
    with torch.inference_mode():
        raw = network(torch.from_numpy(crops).permute(0, 3, 1, 2))
    told = model(crops)
    for name, activation in (("expression", lambda z: softmax(z, axis=1)), ("action_units", expit)):
        z = raw[name].numpy() * np.array(calibration["scale"][name]) + np.array(calibration["offset"][name])
        assert np.abs(told[name] - activation(z)).max() < (2e-2 if half else 1e-4)
    assert np.abs(told["affect"] - raw["affect"].clamp(-1, 1).numpy()).max() < (2e-2 if half else 1e-4)
    assert model.metadata["calibration"]["thresholds"]["AU12"] == calibration["thresholds"]["AU12"]
    assert "validation" not in model.metadata  # of training: figures of other outputs


def test_with_a_mirror_both_sides_of_a_face_count_alike(checkpoint: Path, easy: Path, tmp_path: Path) -> None:
    plain, mirror = tmp_path / "plain.onnx", tmp_path / "mirror.onnx"
    assert run("calibrate", checkpoint, easy).exit_code == 0
    assert run("export", checkpoint, plain).exit_code == 0
    assert run("calibrate", checkpoint, easy, "--mirror", "--overwrite").exit_code == 0
    assert run("export", checkpoint, mirror).exit_code == 0
    crops = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), np.uint8)
    turned = np.ascontiguousarray(crops[:, :, ::-1])
    model = Model(mirror)
    told, again = model(crops), model(turned)
    for name in told:
        assert np.abs(told[name] - again[name]).max() < 1e-4
        assert np.abs(Model(plain)(crops)[name] - Model(plain)(turned)[name]).max() > 1e-3
    assert model.metadata["calibration"]["mirror"] is True
    assert mirror.stat().st_size < plain.stat().st_size + 10_000  # no weight stands there twice
    calibration = json.loads((checkpoint / "calibration.json").read_text())
    network, _ = load_network(checkpoint)
    with torch.inference_mode():
        both = [network(torch.from_numpy(each).permute(0, 3, 1, 2))["action_units"].numpy() for each in (crops, turned)]
    z = np.mean(both, 0) * np.array(calibration["scale"]["action_units"]) + np.array(
        calibration["offset"]["action_units"]
    )
    assert np.abs(told["action_units"] - expit(z)).max() < 1e-4


def test_a_second_manifest_fits_labels_that_the_first_lacks(checkpoint: Path, easy: Path, tmp_path: Path) -> None:
    blind = copytree(easy, tmp_path / "blind") / "manifest.parquet"
    pq.write_table(pq.read_table(blind).drop_columns(["AU12"]), blind)
    assert run("calibrate", checkpoint, easy, "--valid-split", "train").exit_code == 0
    own = json.loads((checkpoint / "calibration.json").read_text())
    assert run("calibrate", checkpoint, blind.parent, easy, "--overwrite", "--valid-split", "train").exit_code == 0
    found = json.loads((checkpoint / "calibration.json").read_text())
    assert found["source"]["happiness"] == 0
    assert found["source"]["AU12"] == 1
    assert found["manifests"] == [str(blind.parent), str(easy)]
    assert (found["scale"], found["thresholds"]) == (own["scale"], own["thresholds"])


def test_half_halves_the_size(checkpoint: Path, tmp_path: Path) -> None:
    full, half = tmp_path / "full.onnx", tmp_path / "half.onnx"
    assert run("export", checkpoint, full).exit_code == run("export", checkpoint, half, "--half").exit_code == 0
    weights = sum(each.numel() * 4 for each in load_network(checkpoint)[0].parameters())
    assert full.stat().st_size - half.stat().st_size == pytest.approx(weights / 2, rel=0.25)


def test_refusals(checkpoint: Path, easy: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ((tmp_path, easy), "not a checkpoint of mien"),
        ((checkpoint, tmp_path / "no"), "no such file"),
        ((checkpoint, easy, "--valid-split", "test"), "test"),
    ):
        found = run("calibrate", *arguments)
        assert found.exit_code == 2
        assert said in found.stderr
        assert len(found.stderr.splitlines()) == 1
    assert not (checkpoint / "calibration.json").exists()


def test_a_damaged_calibration_is_not_built_in(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "calibration.json").write_text('{"scale": 3}')
    found = run("export", checkpoint, tmp_path / "easy.onnx")
    assert found.exit_code == 2
    assert "run `mien calibrate` again" in found.stderr
    assert not (tmp_path / "easy.onnx").exists()


def test_an_earlier_calibration_is_replaced_only_with_overwrite(checkpoint: Path, easy: Path) -> None:
    target = checkpoint / "calibration.json"
    target.write_text("mine")
    words = ("calibrate", checkpoint, easy, "--valid-split", "train")
    found = run(*words)
    assert (found.exit_code, found.stderr) == (
        2,
        f"mien: {target}: already exists (use --overwrite to replace it)\n",
    )
    assert target.read_text() == "mine"
    assert run(*words, "--overwrite").stdout.splitlines()[-1] == f"calibration: {target}"
    assert json.loads(target.read_text())["split"] == "train"


def test_the_former_name_of_the_file_is_read(checkpoint: Path, easy: Path, tmp_path: Path) -> None:
    assert run("calibrate", checkpoint, easy, "--valid-split", "train").exit_code == 0
    (checkpoint / "calibration.json").rename(checkpoint / "readout.json")
    assert run("export", checkpoint, tmp_path / "own.onnx").exit_code == 0
    assert Model(tmp_path / "own.onnx").metadata["calibration"]["thresholds"].keys() >= {"AU12"}
