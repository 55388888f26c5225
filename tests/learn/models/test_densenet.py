"""DenseNet-121: torchvision's tensors, by current and older names."""

import torch

from mien.learn.models import DenseNet121


def test_it_has_torchvisions_tensors_except_the_last_layer() -> None:
    with torch.device("meta"):
        trunk = DenseNet121().trunk
    tensors = trunk.state_dict()
    assert sum(parameter.numel() for parameter in trunk.parameters()) == 6_953_856
    assert trunk.width == 1024
    assert tensors["features.conv0.weight"].shape == (64, 3, 7, 7)
    assert tensors["features.denseblock4.denselayer16.conv2.weight"].shape == (32, 128, 3, 3)
    assert tensors["features.transition3.conv.weight"].shape == (512, 1024, 1, 1)
    assert tensors["features.norm5.weight"].shape == (1024,)


def test_a_layer_appends_to_its_input() -> None:
    torch.manual_seed(0)
    layer = DenseNet121(side=32).eval().trunk.features.denseblock1.denselayer1  # type: ignore[union-attr]
    x = torch.randn(1, 64, 4, 4)
    found = layer(x)  # type: ignore[operator]
    assert found.shape == (1, 96, 4, 4)
    assert torch.equal(found[:, :64], x)


def test_names_of_the_older_file_are_translated() -> None:
    with torch.device("meta"):
        network = DenseNet121(side=32)
    old = "features.denseblock2.denselayer11"
    names = [
        f"{old}.norm.1.running_mean",
        f"{old}.conv.2.weight",
        "features.transition1.norm.weight",
        "features.norm5.bias",
    ]
    renamed = network.translate(dict.fromkeys(names, torch.zeros(1)))
    assert list(renamed) == [
        f"{old}.norm1.running_mean",
        f"{old}.conv2.weight",
        "features.transition1.norm.weight",
        "features.norm5.bias",
    ]
    assert set(renamed) <= set(network.trunk.state_dict())
