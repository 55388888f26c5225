"""Features of a network as inputs of another: of the right rows, with all labels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mien.learn.checkpoint import CheckpointError, save
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.features.extract import BATCH, extract, open_network
from mien.learn.models import FaceBehaviorNet
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Preprocessing, VectorPreprocessing
from mien.tasks import FACE

SIDE, ROWS = 6, BATCH + 5
Write = Callable[..., Path]


class Trunk(nn.Module):
    """The means of the left and the right half, and a constant; records the sizes of the batches."""

    width = 7
    seen: ClassVar[list[int]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        halves = x.reshape(len(x), 3, SIDE, 2, SIDE // 2).mean((2, 4)).flatten(1)
        return torch.cat([halves, torch.ones(len(x), 1)], 1)


def halves(side: int = SIDE) -> Network:
    return Network(tasks=FACE, preprocessing=Preprocessing(side=side), trunk=Trunk(), weights="known").eval()


def expected(pictures: np.ndarray) -> np.ndarray:
    """The features of N x 3 x SIDE x SIDE pictures, by hand."""
    x = pictures / 127.5 - 1
    left, right = x[..., : SIDE // 2].mean((2, 3)), x[..., SIDE // 2 :].mean((2, 3))
    return np.concatenate([np.stack([left, right], 2).reshape(len(x), 6), np.ones((len(x), 1))], 1)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (ROWS, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture
def manifest(tmp_path: Path, make_set: Write, pictures: np.ndarray) -> Manifest:
    """The pack is in another order than the rows; some labels of every kind are missing."""
    rows = [
        {
            "crop": ROWS - 1 - index,
            "split": "valid" if index % 4 == 0 else "train",
            "subject": f"person {index // 2}",
            "expression": None if index % 3 else "fear",
            "AU12": None if index % 5 else 1.0,
            "valence": index / 100,
            "landmarks": None if index % 2 else [1.0, 2.0] * 5,
        }
        for index in range(ROWS)
    ]
    return read_manifest(make_set(tmp_path / "pictures", rows, pictures, licence="made up"))


def run(manifest: Manifest, out: Path, network: nn.Module | None = None, **options: Any) -> Manifest:
    extract(network or halves(), manifest, out, metadata={"network": "halves"}, **options)
    return read_manifest(out)


def test_every_row_has_its_own_features(manifest: Manifest, pictures: np.ndarray, tmp_path: Path) -> None:
    Trunk.seen.clear()
    found = run(manifest, tmp_path / "out")
    assert found.shape == (7,)
    assert Trunk.seen == [BATCH, 5]
    assert np.allclose(found.images(np.arange(ROWS)), expected(pictures[::-1].transpose(0, 3, 1, 2)), atol=1e-6)


def test_columns_and_metadata_are_kept(manifest: Manifest, tmp_path: Path) -> None:
    found = run(manifest, tmp_path / "out")
    kept = [name for name in manifest.table.column_names if name != "crop"]
    assert found.table.select(kept).to_pylist() == manifest.table.select(kept).to_pylist()
    assert found.tasks == manifest.tasks
    for task in FACE:
        assert np.array_equal(found.column(task), manifest.column(task), equal_nan=True)
    where = {"network": "halves", "flip": False}
    assert found.metadata["licence"] == "made up"
    assert found.metadata["features"] == where
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"manifest.parquet", "crops.npy"}


def test_flip_averages_with_the_mirror_image(manifest: Manifest, tmp_path: Path) -> None:
    plain = run(manifest, tmp_path / "plain").images(np.arange(ROWS))
    both = run(manifest, tmp_path / "both", flip=True)
    left, right = plain[:, 0:6:2], plain[:, 1:6:2]  # the halves are swapped
    assert np.allclose(both.images(np.arange(ROWS))[:, 0:6:2], (left + right) / 2, atol=1e-6)
    assert np.allclose(both.images(np.arange(ROWS))[:, 1:6:2], (left + right) / 2, atol=1e-6)
    assert both.metadata["features"]["flip"] is True


@pytest.mark.parametrize("shape", [(48, 48, 3), (24, 60, 3), (3, 3, 1)])
def test_pictures_of_another_size_are_resized(shape: tuple[int, ...], tmp_path: Path, make_set: Write) -> None:
    pack = np.random.default_rng(1).integers(0, 256, (3, *shape)).astype(np.uint8)
    found = run(read_manifest(make_set(tmp_path / "in", [{}, {}, {}], pack)), tmp_path / "out").images(np.arange(3))
    picture = torch.from_numpy(pack.transpose(0, 3, 1, 2)).float()
    scaled = interpolate(picture, (SIDE, SIDE), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
    assert np.allclose(found, expected(scaled.numpy()), atol=1e-5)


def test_feature_vectors_can_be_inputs_too(tmp_path: Path, make_set: Write) -> None:
    class Double(nn.Module):
        width = 4

        def forward(self, x: Tensor) -> Tensor:
            return 2 * x

    network = Network(tasks=FACE, preprocessing=VectorPreprocessing(4), trunk=Double()).eval()
    pack = np.random.default_rng(2).normal(size=(2, 4)).astype(np.float32)
    manifest = read_manifest(make_set(tmp_path / "in", [{}, {}], pack))
    assert np.allclose(run(manifest, tmp_path / "out", network).images(np.arange(2)), 2 * pack)
    with pytest.raises(ValueError, match="feature vectors have no mirror image"):
        run(manifest, tmp_path / "flipped", network, flip=True)
    with pytest.raises(ValueError, match=r"inputs have shape \(4,\), but the network reads \(3, 6, 6\)"):
        run(manifest, tmp_path / "pictures")
    with pytest.raises(ValueError, match=r"inputs have shape \(4,\), but the network reads \(5,\)"):
        run(manifest, tmp_path / "wide", Network(tasks=FACE, preprocessing=VectorPreprocessing(5), trunk=Double()))


def test_the_pictures_are_never_overwritten(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="has the pictures that the features come from"):
        run(manifest, manifest.path.parent)
    assert read_manifest(manifest.path).shape == (3, SIDE, SIDE)


def test_progress_counts_rows(manifest: Manifest, tmp_path: Path) -> None:
    seen: list[int] = []
    run(manifest, tmp_path / "out", advance=seen.append)
    assert seen == [BATCH, 5]


OWN = """
import torch
from torch import nn
from mien.learn.models import FaceBehaviorNet
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Preprocessing, VectorPreprocessing


class Sums(nn.Module):
    width = 3

    def forward(self, x):
        return x.flatten(2).sum(2) if x.ndim == 4 else x[:, :3]


class Plain(nn.Module):
    def __init__(self, *, tasks):
        super().__init__()
        self.preprocessing = Preprocessing()

    def forward(self, inputs):
        return {}


class Known(Network):
    def __init__(self, *, tasks, side: int = 6, weights: str | None = None):
        super().__init__(tasks=tasks, preprocessing=Preprocessing(side=side), trunk=Sums(), weights=weights)
        self.loaded = None

    def load_pretrained(self):
        self.loaded = self.weights


class Vectors(Network):
    def __init__(self, *, tasks, inputs, weights: str | None = None):
        super().__init__(tasks=tasks, preprocessing=VectorPreprocessing(inputs[0]), trunk=Sums(), weights=weights)

    def load_pretrained(self):
        pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "own_features.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))


@pytest.mark.usefixtures("own")
def test_a_class_is_built_with_its_arguments_and_weights(manifest: Manifest) -> None:
    network, metadata = open_network("own_features.Known: {side: 12, weights: some.file}", manifest)
    assert network.loaded == "some.file"
    assert not network.training
    assert network.tasks == manifest.tasks  # type: ignore[comparison-overlap]
    assert metadata == {"network": {"own_features.Known": {"side": 12, "weights": "some.file"}}}


@pytest.mark.usefixtures("own")
def test_a_class_gets_the_shape_of_its_inputs(tmp_path: Path, make_set: Write) -> None:
    manifest = read_manifest(make_set(tmp_path / "in", [{}], np.ones((1, 5), np.float32)))
    network, _ = open_network("own_features.Vectors: {weights: some.file}", manifest)
    assert network.preprocessing.to_dict()["vector"] == 5  # type: ignore[operator,union-attr]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("own_features.Known", "without weights its features are random; set `weights`"),
        ("own_features.Known: {sides: 12}", "Known.sides: unknown key; did you mean side?"),
        ("own_features.Plain", "its tasks share no features"),
        ("NoSuchNet: {weights: wheel}", "unknown class NoSuchNet"),
        ("{own", "neither a checkpoint nor a class"),
        ("[a, b]", "expected one class name"),
    ],
)
def test_unusable_networks_are_refused(text: str, message: str, manifest: Manifest) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")) as caught:
        open_network(text, manifest)
    assert "\n" not in str(caught.value)


def test_features_of_a_checkpoint_are_those_that_its_heads_read(
    manifest: Manifest, tmp_path: Path, plain_recipe: Callable[..., dict[str, Any]]
) -> None:
    arguments = {"width": 8, "depth": [1, 1], "side": 32}
    torch.manual_seed(0)
    trained = FaceBehaviorNet(tasks=FACE, width=8, depth=(1, 1), side=32).eval()
    recipe = plain_recipe(network={"FaceBehaviorNet": arguments})
    optimizer = torch.optim.SGD(trained.parameters(), 0.1)
    save(tmp_path / "run", trained, optimizer, tasks=FACE, relatedness=(), recipe=recipe, state={})
    network, metadata = open_network(str(tmp_path / "run"), manifest)
    assert metadata["checkpoint"] == str(tmp_path / "run")
    found = run(manifest, tmp_path / "out", network)
    rows = np.array([0, 3])
    pictures = interpolate(torch.from_numpy(manifest.images(rows)).float(), (32, 32), mode="bilinear", antialias=True)
    with torch.inference_mode():
        assert np.allclose(found.images(rows), trained(pictures)["features"].numpy(), atol=1e-6)


def test_a_missing_checkpoint_is_named(manifest: Manifest) -> None:
    with pytest.raises(CheckpointError, match="runs/nothing/best: not a checkpoint"):
        open_network("runs/nothing/best", manifest)


def test_a_manifest_without_rows_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    empty = replace(manifest, table=manifest.table.filter(pa.array([False] * ROWS)))
    with pytest.raises(ValueError, match=r"manifest\.parquet: has no rows"):
        run(empty, tmp_path / "out")
