"""ResidualMLP, the network for feature vectors."""

import pytest
import torch

from mien.learn.models import ResidualMLP
from mien.tasks import Kind, Task

KIND = Task("kind", Kind.CLASSES, ("a", "b"), ("", ""))


def test_a_row_does_not_depend_on_other_rows_in_training() -> None:
    torch.manual_seed(0)
    network = ResidualMLP(inputs=(5,), width=8).train()
    vectors = torch.randn(4, 5)
    assert torch.allclose(network(vectors)["affect"][1:2], network(vectors[1:2])["affect"], atol=1e-6)


def test_it_learns_exclusive_or() -> None:
    torch.manual_seed(0)
    vectors = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = torch.tensor([0, 1, 1, 0])
    network = ResidualMLP(inputs=(2,), tasks=(KIND,), width=16, depth=1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(vectors)["kind"], target).backward()
        optimizer.step()
    assert torch.equal(network(vectors)["kind"].argmax(1), target)


def test_without_units_there_is_one_layer() -> None:
    network = ResidualMLP(inputs=(5,), width=8, depth=0)
    assert [name for name, _ in network.trunk.named_parameters()] == [
        "linear.weight",
        "linear.bias",
        "norm.weight",
        "norm.bias",
    ]
    features = network.features(torch.randn(9, 5))
    assert features.min() == 0
    assert features.max() > 0


def test_pictures_and_invalid_options_are_rejected() -> None:
    with pytest.raises(ValueError, match="these inputs are pictures, 3 x 48 x 48"):
        ResidualMLP(inputs=(3, 48, 48))
    for nonsense in ({"width": 0}, {"depth": -1}):
        with pytest.raises(ValueError, match="width must be 1 or more, depth 0 or more"):
            ResidualMLP(inputs=(3,), **nonsense)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected N x 3"):
        ResidualMLP(inputs=(3,))(torch.zeros(2, 4))
