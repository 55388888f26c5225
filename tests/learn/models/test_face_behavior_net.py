"""FaceBehaviorNet: one feature vector, one linear head per task."""

import pytest
import torch

from mien.learn.models import FaceBehaviorNet
from mien.tasks import AFFECT, FACE, Kind, Task

CROPS = torch.randint(0, 256, (3, 3, 112, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> FaceBehaviorNet:
    torch.manual_seed(0)
    return FaceBehaviorNet(width=8, depth=(1, 1)).eval()


def test_each_task_has_a_head(network: FaceBehaviorNet) -> None:
    outputs = network(CROPS)
    assert {name: tuple(values.shape) for name, values in outputs.items()} == {
        "expression": (3, 7),
        "action_units": (3, 17),
        "affect": (3, 2),
        "features": (3, 16),
    }
    assert network.features(CROPS).shape == (3, 16)
    for task in FACE:
        head = network.heads[task.name]
        assert torch.allclose(outputs[task.name], head(network.features(CROPS)), atol=1e-6)


def test_any_label_space_has_heads() -> None:
    shoes = Task("shoes", Kind.CLASSES, ("boot", "sandal", "clog"), ("", "", ""))
    outputs = FaceBehaviorNet(tasks=(AFFECT, shoes), width=8, depth=(1,)).eval()(CROPS)
    assert {name: values.shape[1] for name, values in outputs.items()} == {"features": 8, "affect": 2, "shoes": 3}


def test_the_default_network_is_small() -> None:
    assert sum(parameter.numel() for parameter in FaceBehaviorNet().parameters()) < 2_100_000


def test_later_stages_halve_the_map_and_double_the_channels() -> None:
    network = FaceBehaviorNet(width=8, depth=(2, 1, 1)).eval()
    x = network.trunk.begin(network.preprocessing(CROPS))
    shapes = [tuple(x.shape[1:])]
    for unit in network.trunk.blocks:
        x = unit(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 28, 28), (8, 28, 28), (8, 28, 28), (16, 14, 14), (32, 7, 7)]


def test_the_stem_sees_minus_one_to_one(network: FaceBehaviorNet) -> None:
    seen = []
    network.trunk.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.stack([torch.zeros(3, 112, 112), torch.full((3, 112, 112), 255.0)]))
    assert (seen[0].min(), seen[0].max()) == (-1, 1)


@pytest.mark.parametrize(("side", "maps"), [(8, 8), (32, 32)])
def test_a_small_stem_keeps_the_size_of_a_small_picture(side: int, maps: int) -> None:
    network = FaceBehaviorNet(width=8, depth=(1, 1, 1, 1), stem="small", side=side).eval()
    pictures = CROPS[:, :, :side, :side]
    assert network.trunk.begin(network.preprocessing(pictures)).shape == (3, 8, maps, maps)
    assert network.features(pictures).shape == (3, 64)


def test_invalid_options_are_rejected() -> None:
    for nonsense in ({"width": 7}, {"depth": ()}, {"depth": (2, 0)}):
        with pytest.raises(ValueError, match="needs at least 8 channels, 1 stage and 1 unit in each"):
            FaceBehaviorNet(**nonsense)  # type: ignore[arg-type]


def test_uint8_and_float_crops_agree(network: FaceBehaviorNet) -> None:
    for task in FACE:
        assert torch.equal(network(CROPS)[task.name], network(CROPS.float())[task.name])


def test_a_crop_of_another_size_is_rejected(network: FaceBehaviorNet) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, 48, 48\)"):
        network(torch.zeros(1, 3, 48, 48))


def test_a_crop_does_not_depend_on_its_neighbours(network: FaceBehaviorNet) -> None:
    alone = network(CROPS[1:2])["expression"]
    assert torch.allclose(network(CROPS)["expression"][1:2], alone, atol=1e-5)
    assert not torch.allclose(network(CROPS)["expression"][:1], alone, atol=1e-3)


def test_dropout_works_on_the_shared_features_in_training_only() -> None:
    torch.manual_seed(0)
    network = FaceBehaviorNet(width=8, depth=(1,), dropout=0.5)
    network.eval()
    assert torch.equal(network(CROPS)["affect"], network(CROPS)["affect"])
    network.train()
    assert not torch.equal(network(CROPS)["affect"], network(CROPS)["affect"])
