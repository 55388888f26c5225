"""Task Routing: which task uses which unit, in the forward pass and in the gradient."""

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from mien.learn.sharing import TaskRouting
from mien.learn.sharing.task_routing import Routed, routing_masks


def routed(network: TaskRouting) -> dict[str, Routed]:
    return {name: module for name, module in network.named_modules() if isinstance(module, Routed)}


def pictures(n: int = 4) -> Tensor:
    return torch.randn(n, 3, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("units", "tasks", "sharing", "common"),
    [(16, 3, 0.5, 8), (16, 3, 0.0, 0), (16, 3, 1.0, 16), (7, 2, 0.3, 2), (2, 3, 0.0, 1), (1, 5, 0.0, 1)],
)
def test_a_share_is_common_and_the_other_units_are_dealt_out(
    units: int, tasks: int, sharing: float, common: int
) -> None:
    masks = routing_masks(units, tasks, sharing, (3, 1))
    assert masks.shape == (tasks, units)
    users = masks.sum(0)
    assert set(users.tolist()) <= {1.0, float(tasks)}
    assert int((users == tasks).sum()) == common
    own = masks[:, users < tasks].sum(1)
    assert own.max() - own.min() <= 1
    assert masks.sum(1).min() >= 1


def test_masks_depend_only_on_the_seed(small: ModuleType) -> None:
    first = TaskRouting(network=small.on_maps(seed=0), seed=5)
    second = TaskRouting(network=small.on_maps(seed=9), seed=5)
    third = TaskRouting(network=small.on_maps(seed=0), seed=6)
    same = [
        torch.equal(first.get_buffer(f"{name}.masks"), second.get_buffer(f"{name}.masks")) for name in routed(first)
    ]
    other = [
        torch.equal(first.get_buffer(f"{name}.masks"), third.get_buffer(f"{name}.masks")) for name in routed(first)
    ]
    assert all(same)
    assert not all(other)
    layers = [first.get_buffer(f"network.trunk.blocks.0.{norm}.masks") for norm in ("bn1", "bn2")]
    assert not torch.equal(*layers), "each layer has its own draw"


def test_masks_are_buffers_and_part_of_the_state(small: ModuleType) -> None:
    network = TaskRouting(network=small.on_maps())
    masks = {name for name in network.state_dict() if name.endswith("masks")}
    assert len(masks) == len(routed(network)) == 6
    assert masks <= {name for name, _ in network.named_buffers()}
    assert not masks & {name for name, _ in network.named_parameters()}
    assert sum(each.numel() for each in network.parameters()) == sum(
        each.numel() for each in small.on_maps().parameters()
    )


def test_trunk_layers_are_routed_and_heads_are_not(small: ModuleType) -> None:
    assert set(routed(TaskRouting(network=small.on_maps()))) == {
        f"network.trunk.{name}"
        for name in ("stem.1", "blocks.0.bn1", "blocks.0.bn2", "blocks.1.bn1", "blocks.1.bn2", "blocks.1.shortcut")
    }
    vectors = routed(TaskRouting(network=small.on_vectors(depth=1)))
    assert set(vectors) == {f"network.trunk.{name}" for name in ("stem", "blocks.0.linear1", "blocks.0.linear2")}


def test_a_masked_unit_is_0_after_the_normalisation(small: ModuleType) -> None:
    network = TaskRouting(network=small.on_maps(), sharing=0.2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.bias)
    seen: list[Tensor] = []
    layer = network.get_submodule("network.trunk.blocks.0.bn1")
    layer.register_forward_hook(lambda *call: seen.append(call[2]))
    network(pictures())
    for out, mask in zip(seen, layer.masks, strict=True):
        assert not out[:, mask == 0].any()
        assert out[:, mask == 1].flatten(2).any(2).all()


@pytest.mark.parametrize("made", ["on_maps", "on_vectors"])
def test_a_tasks_gradient_touches_its_own_units_only(small: ModuleType, made: str) -> None:
    network = TaskRouting(network=getattr(small, made)(), sharing=0.25)
    inputs = pictures() if made == "on_maps" else torch.randn(4, 5)
    filters = {
        "on_maps": ("blocks.0.conv1.weight", "blocks.0.bn1"),
        "on_vectors": ("blocks.0.linear1.layer.weight", "blocks.0.linear1"),
    }[made]
    weight = network.get_parameter(f"network.trunk.{filters[0]}")
    masks = network.get_buffer(f"network.trunk.{filters[1]}.masks")
    for position, task in enumerate(small.TASKS):
        (gradient,) = torch.autograd.grad((network(inputs)[task.name] ** 2).sum(), weight)
        touched = gradient.flatten(1).any(1)
        assert not touched[masks[position] == 0].any()
        assert touched[masks[position] == 1].any()


def test_a_normalisation_that_mixes_units_is_masked_before_and_after(small: ModuleType) -> None:
    network = small.on_vectors(depth=0)
    network.trunk.stem = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8))
    nn.init.ones_(network.trunk.stem[1].bias)
    network = TaskRouting(network=network, sharing=0.0)
    linear, norm = network.network.trunk.stem
    assert isinstance(linear, Routed)
    assert torch.equal(linear.masks, norm.masks)
    x = torch.randn(4, 5)
    (gradient,) = torch.autograd.grad((network(x)["kind"] ** 2).sum(), linear.layer.weight)
    assert not gradient[linear.masks[0] == 0].any()
    assert not network.network.trunk.stem(x)[:, norm.masks[-1] == 0].any()


def test_sharing_1_gives_the_network_itself(small: ModuleType) -> None:
    plain = small.on_maps()
    network = TaskRouting(network=small.on_maps(), sharing=1.0)
    outputs, expected = network(pictures()), plain(pictures())
    assert set(outputs) == {task.name for task in small.TASKS}
    for name, values in outputs.items():
        assert torch.allclose(values, expected[name], atol=1e-6)


def test_sharing_0_separates_the_tasks_units(small: ModuleType) -> None:
    network = TaskRouting(network=small.on_vectors(), sharing=0.0)
    x = torch.randn(4, 5)
    before = network(x)
    stem = network.network.trunk.stem
    with torch.no_grad():
        stem.layer.weight[stem.masks[1] == 1] += 1
    after = network(x)
    assert torch.equal(before["kind"], after["kind"])
    assert not torch.equal(before["parts"], after["parts"])


@pytest.mark.parametrize("made", ["on_maps", "on_vectors"])
def test_sharing_0_separates_the_trunks_parameters(small: ModuleType, made: str) -> None:
    network = TaskRouting(network=getattr(small, made)(), sharing=0.0)
    inputs = pictures(16) if made == "on_maps" else torch.randn(16, 5)
    weights = list(network.network.trunk.parameters())
    users = [torch.zeros_like(each) for each in weights]
    for task in small.TASKS:
        loss = (network(inputs)[task.name] ** 2).sum()
        for user, gradient in zip(users, torch.autograd.grad(loss, weights), strict=True):
            user += gradient != 0
    assert max(int(user.max()) for user in users) == 1
    assert sum(int((user == 1).sum()) for user in users) > sum(user.numel() for user in users) / 4


def test_features_are_dropped_out_in_training(small: ModuleType) -> None:
    network = TaskRouting(network=small.on_vectors())
    network.network.dropout.p = 1.0
    for name, values in network(torch.randn(4, 5)).items():
        assert torch.equal(values, network.network.heads[name].bias.expand_as(values))


def test_every_unit_learns_from_its_owner(small: ModuleType) -> None:
    network = TaskRouting(network=small.on_maps(seed=2), sharing=0.0)  # a seed without dead units
    outputs = network(pictures(16))
    sum(values.square().sum() for values in outputs.values()).backward()
    assert all(each.grad is not None for each in network.parameters())
    for name, each in network.named_parameters():
        if each.ndim > 1:  # filters and rows; a bias before a normalisation has no effect
            assert each.grad.flatten(1).any(1).all(), name


def test_invalid_arguments_are_rejected(small: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"sharing must be in \[0, 1\], not 1\.5"):
        TaskRouting(network=small.on_maps(), sharing=1.5)
    with pytest.raises(ValueError, match="seed must be 0 or more, not -1"):
        TaskRouting(network=small.on_maps(), seed=-1)
    network = small.on_vectors(inputs=8, depth=0)
    network.trunk.stem = nn.Identity()
    with pytest.raises(ValueError, match="no convolution or linear layer"):
        TaskRouting(network=network)
