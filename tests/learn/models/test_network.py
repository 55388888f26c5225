"""Properties of every built-in network: outputs, residual trunks and gates, learning, weights from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import mien.learn.models
from mien.learn.models import (
    VGG16,
    AlexNet,
    DenseNet121,
    EfficientNetLite0,
    FaceBehaviorNet,
    ResidualMLP,
    ResNet18,
    ResNet50,
)
from mien.learn.models.network import FEATURES, Network, initialise, readable
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task

NETWORKS: dict[str, Callable[..., Network]] = {
    "FaceBehaviorNet": lambda **given: FaceBehaviorNet(**{"width": 8, "depth": (1, 2), "side": 32} | given),
    "ResNet18": lambda **given: ResNet18(**{"side": 32} | given),
    "ResNet50": lambda **given: ResNet50(**{"side": 32} | given),
    "VGG16": lambda **given: VGG16(**{"side": 32, "head": "pool", "dropout": 0.0} | given),
    "AlexNet": lambda **given: AlexNet(**{"side": 64, "dropout": 0.0} | given),
    "DenseNet121": lambda **given: DenseNet121(**{"side": 32} | given),
    "EfficientNetLite0": lambda **given: EfficientNetLite0(**{"side": 32} | given),
    "ResidualMLP": lambda **given: ResidualMLP(**{"inputs": (6,), "width": 16} | given),
}
WIDTHS = {
    "FaceBehaviorNet": 16,
    "ResNet18": 512,
    "ResNet50": 2048,
    "VGG16": 512,
    "AlexNet": 9216,
    "DenseNet121": 1024,
    "EfficientNetLite0": 1280,
    "ResidualMLP": 16,
}
RESIDUAL = ["FaceBehaviorNet", "ResNet18", "ResNet50", "ResidualMLP"]


def built(name: str, **given: Any) -> Network:
    torch.manual_seed(0)
    return NETWORKS[name](**given)


def inputs_of(name: str, rows: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    if name == "ResidualMLP":
        return torch.randn(rows, 6, generator=generator)
    side = 64 if name == "AlexNet" else 32
    return torch.randint(0, 256, (rows, 3, side, side), dtype=torch.uint8, generator=generator)


def test_every_network_of_the_package_is_tested() -> None:
    assert set(NETWORKS) | {"TimmNetwork"} == set(mien.learn.models.__all__)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_features_and_one_head_per_task(name: str) -> None:
    network, inputs = built(name).eval(), inputs_of(name)
    with torch.no_grad():
        outputs, features = network(inputs), network.features(inputs)
    width = WIDTHS[name]
    assert network.trunk.width == width
    shapes = {key: tuple(values.shape) for key, values in outputs.items()}
    assert shapes == {FEATURES: (2, width), "expression": (2, 7), "action_units": (2, 17), "affect": (2, 2)}
    assert torch.equal(outputs[FEATURES], features)
    assert features.isfinite().all()
    assert features.min() >= 0, "a rectifier comes last"
    for task in FACE:
        assert torch.allclose(outputs[task.name], network.heads[task.name](features), atol=1e-6)
    assert network.preprocessing.to_dict()["shape"] == list(inputs.shape[1:])  # type: ignore[operator]


@pytest.mark.parametrize("name", NETWORKS)
def test_one_step_lowers_the_loss(name: str) -> None:
    network, inputs = built(name).train(), inputs_of(name, 4)
    target = torch.tensor([0, 1, 2, 3])

    def loss() -> Tensor:
        return nn.functional.cross_entropy(network(inputs)["expression"], target)

    before = loss()
    before.backward()
    touched = [parameter for parameter in network.parameters() if parameter.grad is not None]
    squared = sum(float(parameter.grad.square().sum()) for parameter in touched)  # type: ignore[union-attr]
    torch.optim.SGD(touched, 0.01 / squared).step()  # a step short enough to lower the loss by about 0.01
    with torch.no_grad():
        after = loss()
    assert -0.02 < after - before < -0.005
    assert all(parameter.grad is not None for parameter in network.trunk.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_bf16_outputs_are_float32_and_close_to_fp32(name: str) -> None:
    network, inputs = built(name).eval(), inputs_of(name)
    with torch.inference_mode():
        exact = network(inputs)["action_units"]
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(inputs)["action_units"]
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("name", RESIDUAL)
def test_a_residual_trunk_is_begin_blocks_and_end(name: str) -> None:
    network, inputs = built(name).eval(), inputs_of(name)
    trunk: Any = network.trunk
    assert isinstance(trunk.blocks, nn.ModuleList)
    with torch.inference_mode():
        x = trunk.begin(network.preprocessing(inputs))
        for block in trunk.blocks:
            assert torch.equal(block(x), block(x, torch.tensor(1.0)))
            x = block(x)
        assert torch.allclose(trunk.end(x), network.features(inputs), atol=1e-5)


@pytest.mark.parametrize("name", RESIDUAL)
def test_a_gate_scales_the_residual_branch(name: str) -> None:
    network, inputs = built(name).eval(), inputs_of(name)
    trunk: Any = network.trunk
    with torch.inference_mode():
        x = trunk.begin(network.preprocessing(inputs))
        for block in trunk.blocks:
            own = getattr(block, "shortcut", None) or getattr(block, "downsample", None) or nn.Identity()
            for nothing in (0.0, torch.tensor(0.0)):
                assert torch.equal(block(x, nothing), own(x).relu())
            residual = branch(block, x)
            for gate in (0.3, 1.0):
                assert torch.allclose(block(x, gate), (gate * residual + own(x)).relu(), atol=1e-4)
            x = block(x)


def branch(block: nn.Module, x: Tensor) -> Tensor:
    """The residual of a block, from its layers in order, with a ReLU after all but the last."""
    kinds = ("conv", "bn") if hasattr(block, "conv1") else ("linear", "norm")
    count = sum(hasattr(block, f"{kinds[0]}{index}") for index in (1, 2, 3))
    for index in range(1, count + 1):
        for kind in kinds:
            x = getattr(block, f"{kind}{index}")(x)
        if index < count:
            x = x.relu()
    return x


@pytest.mark.parametrize("name", RESIDUAL)
def test_the_gradient_of_a_gate(name: str) -> None:
    network = built(name).eval()
    trunk: Any = network.trunk
    gate = torch.tensor(0.5, requires_grad=True)
    block = trunk.blocks[0]
    with torch.no_grad():
        x = trunk.begin(network.preprocessing(inputs_of(name)))
        residual = branch(block, x)
    out = block(x, gate)
    out.sum().backward()
    assert gate.grad is not None
    assert gate.grad.item() == pytest.approx(residual[out > 0].sum().item(), rel=1e-3)
    assert gate.grad.item() != 0


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("FaceBehaviorNet", "ResidualMLP")])
def test_weights_are_loaded_without_the_classifier(name: str, tmp_path: Path) -> None:
    source = built(name).trunk.state_dict()
    tensors = {key: torch.randn_like(value) if value.is_floating_point() else value for key, value in source.items()}
    last = {
        "VGG16": "classifier.6.weight",
        "AlexNet": "classifier.6.weight",
        "ResNet18": "fc.weight",
        "ResNet50": "fc.weight",
    }
    save_file(tensors | {last.get(name, "classifier.weight"): torch.zeros(1000, 8)}, tmp_path / "own.safetensors")
    network = built(name, weights=str(tmp_path / "own.safetensors"))
    before = {key: value.clone() for key, value in network.heads.state_dict().items()}
    assert any(not torch.equal(value, tensors[key]) for key, value in network.trunk.state_dict().items())
    network.load_pretrained()
    assert all(torch.equal(value, tensors[key]) for key, value in network.trunk.state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in network.heads.state_dict().items())


def test_a_network_is_built_without_its_weights_file() -> None:
    network = built("ResNet18", weights="/nowhere.safetensors")
    with pytest.raises(ValueError, match=r"weights: /nowhere.safetensors: cannot be read"):
        network.load_pretrained()
    plain = built("ResNet18")
    plain.load_pretrained()
    assert all(
        torch.equal(a, b)
        for a, b in zip(plain.state_dict().values(), built("ResNet18").state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("stem", ["imagenet", "small"])
@pytest.mark.parametrize("name", ["FaceBehaviorNet", "ResNet18", "ResNet50"])
def test_pictures_of_8_pixels_are_enough(name: str, stem: str) -> None:
    network = built(name, side=8, stem=stem).train()
    features = network.features(inputs_of(name, 4)[:, :1, :8, :8])
    assert features.shape == (4, WIDTHS[name])
    assert features.isfinite().all()
    assert features.std(0).max() > 0


@pytest.mark.parametrize(("name", "side"), [("VGG16", 31), ("DenseNet121", 31), ("AlexNet", 62)])
def test_a_picture_too_small_to_halve_five_times_is_rejected(name: str, side: int) -> None:
    with pytest.raises(ValueError, match=rf"side {side}: {name} halves"):
        built(name, side=side)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("features", "the name of the feature vector"),
        ("type", "PyTorch reserves it"),
        ("a.b", "PyTorch reserves it"),
    ],
)
def test_reserved_task_names_are_rejected(task: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"a task cannot be called {task}: .*{reason}"):
        ResidualMLP(inputs=(3,), tasks=(Task(task, Kind.CLASSES, ("x", "y"), ("", "")),))


@pytest.mark.parametrize("groups", [1, 8])
def test_initial_weights_preserve_variance_with_grouped_channels(groups: int) -> None:
    torch.manual_seed(0)
    for fan, channels in (("out", 64), ("in", 128)):
        conv = nn.Conv2d(128, 64, 3, groups=groups)
        initialise(conv, fan)  # type: ignore[arg-type]
        assert conv.weight.var().item() == pytest.approx(2 * groups / (9 * channels), rel=0.05)
        assert (conv.bias == 0).all()


def test_readable_outputs_are_in_their_ranges() -> None:
    raw = {task.name: torch.linspace(-9, 9, 4 * len(task)).view(4, -1) for task in FACE}
    values = readable(raw, FACE)
    assert values["expression"].sum(1).tolist() == pytest.approx([1] * 4)
    assert torch.allclose(values["action_units"], 1 / (1 + (-raw["action_units"]).exp()))
    assert values["affect"].tolist() == [[-1, -1], [-1, -1], [1, 1], [1, 1]]
    inside = torch.tensor([[-0.5, 0.25]])
    assert torch.equal(readable({"affect": inside}, (AFFECT,))["affect"], inside)
    assert [values[task.name].argmax(1)[0].item() for task in (EXPRESSION, ACTION_UNITS)] == [6, 16]
