"""VGG-16: layers with torchvision's names and sizes, and timm's names for them."""

import pytest
import torch

from mien.learn.models import VGG16
from mien.learn.models.vgg import VGGTrunk


@pytest.mark.parametrize(("batch_norm", "parameters"), [(True, 134_268_992), (False, 134_260_544)])
def test_it_has_torchvisions_tensors_except_the_last_layer(batch_norm: bool, parameters: int) -> None:
    with torch.device("meta"):
        trunk = VGGTrunk(batch_norm, "fc", 0.5)
    tensors = trunk.state_dict()
    assert sum(parameter.numel() for parameter in trunk.parameters()) == parameters
    assert tensors["features.0.weight"].shape == (64, 3, 3, 3)
    assert tensors["features.40.weight" if batch_norm else "features.28.weight"].shape == (512, 512, 3, 3)
    assert tensors["classifier.0.weight"].shape == (4096, 25088)
    assert tensors["classifier.3.weight"].shape == (4096, 4096)
    assert sum(name.startswith("classifier.") for name in tensors) == 4
    assert trunk.width == 4096


def test_the_hidden_layers_read_a_7_by_7_map() -> None:
    torch.manual_seed(0)
    network = VGG16(side=32, dropout=0.5).eval()
    picture = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        found = network(picture)["features"]
        map_ = network.trunk.features(network.preprocessing(picture))  # type: ignore[operator]
        same = network.trunk.classifier(map_.expand(-1, -1, 7, 7).flatten(1))  # type: ignore[operator]
    assert map_.shape == (1, 512, 1, 1)
    assert found.shape == (1, 4096)
    assert torch.allclose(found, same, atol=1e-5)


def test_timms_names_are_translated() -> None:
    network = VGG16(side=32, head="pool")
    renamed = network.translate(
        {
            "features.0.weight": torch.zeros(64, 3, 3, 3),
            "pre_logits.fc1.weight": torch.arange(24.0).view(2, 3, 2, 2),
            "pre_logits.fc1.bias": torch.zeros(2),
            "pre_logits.fc2.weight": torch.zeros(4, 2, 1, 1),
            "head.fc.weight": torch.zeros(5, 4),
        }
    )
    assert {name: tuple(tensor.shape) for name, tensor in renamed.items()} == {
        "features.0.weight": (64, 3, 3, 3),
        "classifier.0.weight": (2, 12),
        "classifier.0.bias": (2,),
        "classifier.3.weight": (4, 2),
        "head.fc.weight": (5, 4),
    }
    assert torch.equal(renamed["classifier.0.weight"][0], torch.arange(12.0))
