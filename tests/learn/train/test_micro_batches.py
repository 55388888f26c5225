"""Parts of a batch give the gradients of the whole."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mien.learn.losses import RmseCorrelation
from mien.learn.train.micro_batches import in_parts


class Two(nn.Module):
    """Two outputs of one hidden layer."""

    def __init__(self, norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8) if norm else nn.Identity(), nn.ReLU())
        self.dropout, self.second = nn.Dropout(dropout), nn.Linear(8, 2)
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self.seen.append(len(x))
        features = self.dropout(self.first(x))
        return {"features": features, "affect": self.second(features)}


INPUTS = torch.tensor(np.random.default_rng(0).normal(size=(10, 3)), dtype=torch.float32)
LABELS = torch.tensor(np.random.default_rng(1).uniform(-1, 1, (10, 2)), dtype=torch.float32)


def gradients(network: Two, parts: int) -> list[Tensor]:
    """Of a loss that is no mean over rows."""
    outputs = in_parts(network, INPUTS, parts)
    term = RmseCorrelation()(outputs["affect"], LABELS, torch.ones(10, 2, dtype=torch.bool))
    (term.total / term.count + outputs["features"].var()).backward()
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("parts", [2, 3, 10, 99])
def test_the_gradient_is_that_of_the_whole(parts: int) -> None:
    for whole, sum_of_parts in zip(gradients(Two(), 1), gradients(Two(), parts), strict=True):
        torch.testing.assert_close(sum_of_parts, whole, rtol=1e-5, atol=1e-7)


def test_others_go_with_every_part_and_have_their_gradient() -> None:
    class Gated(Two):
        def forward(self, x: Tensor, gates: list[Tensor] | None = None) -> dict[str, Tensor]:
            assert gates is not None
            return {name: value * gates[0] for name, value in super().forward(x).items()}

    found = []
    for parts in (1, 3):
        gate = torch.tensor(0.7, requires_grad=True)
        in_parts(Gated(), INPUTS, parts, [gate])["affect"].square().sum().backward()
        found.append(gate.grad)
    torch.testing.assert_close(*found)


def test_only_a_part_is_in_the_network_at_a_time() -> None:
    network = Two()
    gradients(network, 3)
    assert network.seen[:3] == [4, 3, 3]
    assert sorted(network.seen[3:]) == [3, 3, 4], "each again on the way back"


def test_dropout_falls_the_same_way_both_times() -> None:
    network = Two(dropout=0.5)
    network.eval()
    still = gradients(network, 2)
    network = Two(dropout=0.5)
    torch.manual_seed(5)
    kept = in_parts(network, INPUTS, 2)["features"]
    (grad,) = torch.autograd.grad(kept.sum(), network.first[0].weight)  # type: ignore[arg-type]
    dropped = kept.detach() == 0
    # the gradient of what was dropped is 0: a second draw would drop others
    with torch.no_grad():
        active = (network.first(INPUTS) > 0) & ~dropped
    expected = 2 * torch.einsum("nh,nd->hd", active.float(), INPUTS)
    torch.testing.assert_close(grad, expected)
    assert len(still) == 4


def test_running_statistics_count_each_part_once() -> None:
    network, plain = Two(norm=True), Two(norm=True)
    gradients(network, 2)
    for part in INPUTS.tensor_split(2):
        plain(part)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)


def test_two_gradients_of_one_pass() -> None:
    network = Two()
    outputs = in_parts(network, INPUTS, 3)
    weights = list(network.first.parameters())
    first = torch.autograd.grad(outputs["features"].square().sum(), weights, retain_graph=True)
    second = torch.autograd.grad(outputs["affect"].square().sum(), weights)
    for name, found in (("features", first), ("affect", second)):
        plain = Two()
        whole = torch.autograd.grad(plain(INPUTS)[name].square().sum(), list(plain.first.parameters()))
        for one, other in zip(found, whole, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
