"""ResNet-18 and ResNet-50: torchvision's tensors, the small stem, and the export."""

import logging
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from mien.learn.models import ResNet18, ResNet50
from mien.learn.models.network import Network


@pytest.mark.parametrize(
    ("network", "tensors", "parameters", "last"),
    [
        (ResNet18, 120, 11_176_512, "layer4.1.conv2.weight"),
        (ResNet50, 318, 23_508_032, "layer4.2.conv3.weight"),
    ],
)
def test_it_has_torchvisions_tensors_except_the_last_layer(
    network: type[Network], tensors: int, parameters: int, last: str
) -> None:
    with torch.device("meta"):
        trunk = network().trunk  # type: ignore[call-arg]
    assert sum(parameter.numel() for parameter in trunk.parameters()) == parameters
    assert len(trunk.state_dict()) == tensors
    for name in ("conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer2.0.downsample.1.bias", last):
        assert name in trunk.state_dict()


def test_each_unit_is_a_block_and_tensors_are_saved_once() -> None:
    with torch.device("meta"):
        trunk = ResNet50().trunk
    blocks = list(trunk.blocks)  # type: ignore[arg-type]
    assert len(blocks) == 16
    assert blocks[3] is trunk.layer2[0]  # type: ignore[index]
    assert not [name for name in trunk.state_dict() if name.startswith("blocks")]


def test_the_small_stem_keeps_the_size() -> None:
    small, large = ResNet18(side=32, stem="small").trunk, ResNet18(side=32).trunk
    x = torch.zeros(1, 3, 32, 32)
    assert small.begin(x).shape == (1, 64, 32, 32)  # type: ignore[operator]
    assert large.begin(x).shape == (1, 64, 8, 8)  # type: ignore[operator]


def test_the_exported_network_has_the_same_outputs() -> None:
    torch.manual_seed(0)
    network = ResNet18(side=32, scaling="imagenet", channels="grey", detail=16).eval()
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
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
