"""The probe finds identities only if they are there, and counts the faces that it leaves out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from mien.learn.data.manifest import ManifestError, read_manifest
from mien.learn.features import identity_probe as probe
from mien.learn.features.identity_probe import features_of, identity_probe
from mien.learn.models import FaceBehaviorNet, ResidualMLP

PERSONS = [f"p{row % 6}" for row in range(90)]


def features(strength: float, width: int = 12, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    who = np.array([int(person[1:]) for person in PERSONS])
    return draw.normal(size=(90, width)) + strength * draw.normal(size=(6, width))[who]


def test_accuracy_rises_with_what_the_features_say_about_the_person() -> None:
    assert identity_probe(features(5.0), PERSONS)["accuracy"] == 1
    blind = identity_probe(features(0.0), PERSONS)
    assert blind["accuracy"] == pytest.approx(blind["chance"], abs=0.1)
    assert blind == {"accuracy": blind["accuracy"], "chance": 1 / 6, "persons": 6, "faces": 90, "left_out": 0}
    between = [identity_probe(features(strength), PERSONS)["accuracy"] for strength in (0.0, 0.5, 1.0, 5.0)]
    assert between == sorted(between)
    assert len(set(between)) == 4


@pytest.mark.parametrize("width", [12, 200])
def test_more_features_than_faces_change_nothing(width: int) -> None:
    draw = np.random.default_rng(1)
    rows, who = draw.normal(size=(400, width)) / np.sqrt(width), np.arange(60) % 4
    plain = LogisticRegression(C=probe.STRENGTH, max_iter=5000, tol=1e-7).fit(rows[:60], who).predict(rows[60:])
    assert (probe.guess(rows[:60], rows[60:], who) == plain).mean() > 0.99


def test_scale_and_offset_do_not_matter() -> None:
    given = features(0.6)
    found = identity_probe(given, PERSONS)
    assert identity_probe(given * np.linspace(0.01, 90, 12) - 7, PERSONS) == found
    assert identity_probe(given, PERSONS, seed=0) == found
    assert len({identity_probe(given, PERSONS, seed=seed)["accuracy"] for seed in range(4)}) > 1


def test_no_face_is_predicted_from_itself() -> None:
    draw = np.random.default_rng(2)
    apart = np.eye(90)  # each face has its own feature: a model that was trained on it would know it
    assert identity_probe(apart, [PERSONS[row] for row in draw.permutation(90)])["accuracy"] < 0.4


def test_people_with_few_faces_and_unknown_people_are_left_out() -> None:
    persons: list[str | None] = [*PERSONS[:60], *["rare"] * 4, *[None] * 26]
    given = features(5.0)
    found = identity_probe(given, persons)
    assert (found["persons"], found["faces"], found["left_out"]) == (6, 60, 30)
    assert found == identity_probe(given[:60], PERSONS[:60]) | {"left_out": 30}


@pytest.mark.parametrize("persons", [["one"] * 90, [None] * 90, [str(row) for row in range(90)]])
def test_fewer_than_two_people_have_no_accuracy(persons: list[str | None]) -> None:
    found = identity_probe(features(1.0), persons)
    assert set(found) == {"persons", "faces", "left_out"}
    assert found["persons"] == (persons[0] == "one")
    assert found["faces"] + found["left_out"] == 90


def test_no_faces() -> None:
    assert identity_probe(np.zeros((0, 3)), []) == {"persons": 0, "faces": 0, "left_out": 0}


@pytest.mark.parametrize("width", [3, 500])
def test_constant_features_are_at_chance(width: int) -> None:
    persons = ["often"] * 30 + ["seldom"] * 10
    found = identity_probe(np.full((40, width), 0.3, np.float32), persons)
    assert found["accuracy"] == found["chance"] == 0.75


def test_unusable_features_are_refused() -> None:
    with pytest.raises(ValueError, match="features of 90 faces, but 5 persons"):
        identity_probe(features(1.0), PERSONS[:5])
    with pytest.raises(ValueError, match="not finite"):
        identity_probe(np.full((90, 2), np.nan), PERSONS)


def test_features_are_those_that_the_heads_read(make_set: Callable[..., Path], tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    crops = draw.integers(0, 256, (7, 16, 16, 1), np.uint8)
    rows = [{"subject": "ab"[row % 2] if row else None} for row in range(7)]
    manifest = read_manifest(make_set(tmp_path / "set", rows, crops))
    torch.manual_seed(0)
    network = FaceBehaviorNet(width=8, depth=(1,), side=16, dropout=0.5).train()
    found, persons = features_of(network, manifest, size=3)
    assert network.training
    assert persons == [None, "b", "a", "b", "a", "b", "a"]
    assert found.dtype == np.float32
    whole, _ = features_of(network, manifest)
    assert found == pytest.approx(whole, abs=1e-6)
    with torch.inference_mode():
        assert torch.from_numpy(found).allclose(
            network.eval().features(torch.from_numpy(manifest.images(np.arange(7))))
        )


def test_features_of_vectors_and_refusals(make_set: Callable[..., Path], tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    manifest = read_manifest(make_set(tmp_path / "set", [{"actor": 1}] * 5, vectors))
    network = ResidualMLP(inputs=(4,), width=6)
    found, persons = features_of(network, manifest, "actor")
    assert (found.shape, persons) == ((5, 6), ["1"] * 5)
    with pytest.raises(ManifestError, match=r"manifest\.parquet: has no column subject, which names the person"):
        features_of(network, manifest)
    with pytest.raises(ManifestError, match="cannot read its inputs"):
        features_of(ResidualMLP(inputs=(9,)), manifest, "actor")

    class Apart(nn.Module):
        def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"expression": inputs}

    with pytest.raises(ValueError, match="share no features"):
        features_of(Apart(), manifest, "actor")
