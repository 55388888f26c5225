"""AlexNet (tuned) of papers/001: sizes, regressors, and export."""

import logging
import warnings
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from mien.learn.models import AlexNet
from mien.learn.models.alexnet import AlexTrunk
from mien.tasks import ACTION_UNITS, AFFECT


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_are_the_papers_and_names_are_torchvisions() -> None:
    with torch.device("meta"):
        network = AlexNet(tasks=(AFFECT,), side=224)
    assert count(network.trunk) == 2_469_696
    assert count(network.heads) == (9216 * 64 + 64) + (64 * 8 + 8) + (8 * 2 + 2)
    assert count(network) == 3_060_122  # "3.0M" without a critic
    shapes = {name: tuple(tensor.shape) for name, tensor in network.trunk.state_dict().items() if "weight" in name}
    assert shapes == {
        "features.0.weight": (64, 3, 11, 11),
        "features.3.weight": (192, 64, 5, 5),
        "features.6.weight": (384, 192, 3, 3),
        "features.8.weight": (256, 384, 3, 3),
        "features.10.weight": (256, 256, 3, 3),
    }


@pytest.mark.parametrize(("side", "map_"), [(224, 6), (112, 2), (63, 1)])
def test_features_are_the_last_map_pooled_to_6_by_6(side: int, map_: int) -> None:
    torch.manual_seed(0)
    trunk, x = AlexTrunk().eval(), torch.randn(2, 3, side, side)
    with torch.inference_mode():
        last, found = trunk.features(x), trunk(x)
    assert last.shape == (2, 256, map_, map_)
    times = 6 // map_
    assert torch.equal(found, last.repeat_interleave(times, 2).repeat_interleave(times, 3).flatten(1))
    assert 0.01 < found.std() < 100


def test_each_task_has_its_own_regressor() -> None:
    network = AlexNet(tasks=(AFFECT, ACTION_UNITS), hidden=(5,), dropout=0.25)
    kinds: dict[str, Any] = {name: [type(layer) for layer in head] for name, head in network.heads.items()}  # type: ignore[arg-type]
    assert kinds == {name: [nn.Linear, nn.ReLU, nn.Linear] for name in ("affect", "action_units")}
    assert count(network.heads["affect"]) == 9217 * 5 + 6 * 2
    assert count(AlexNet(tasks=(AFFECT,), hidden=()).heads) == 9217 * 2


def test_dropout_comes_before_each_hidden_layer() -> None:
    network = AlexNet(tasks=(AFFECT,), dropout=0.25)
    head = network.heads["affect"]
    assert [type(layer).__name__ for layer in head] == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]  # type: ignore[attr-defined]
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.25, 0.25]


@pytest.mark.parametrize("wrong", [(0,), (64, -1)])
def test_a_hidden_layer_without_width_is_rejected(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"hidden \[.*\]: all widths must be 1 or more"):
        AlexNet(hidden=wrong)


@pytest.mark.parametrize("side", [112, 224])
def test_the_exported_network_has_the_same_outputs(side: int) -> None:
    torch.manual_seed(0)
    network = AlexNet(tasks=(AFFECT,), side=side).eval()
    pictures = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dynamic = ({0: torch.export.Dim("rows")},)
        program = torch.onnx.export(
            network, (pictures,), dynamo=True, verbose=False, opset_version=18, dynamic_shapes=dynamic
        )
    logger.setLevel(level)
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    rows = torch.cat([pictures, pictures.flip(0)])
    found = session.run(None, {session.get_inputs()[0].name: rows.numpy()})
    with torch.inference_mode():
        wanted = network(rows)
    for values, expected in zip(found, wanted.values(), strict=True):
        assert np.abs(values - expected.numpy()).max() <= 1e-4
        assert values.std() > 1e-3
