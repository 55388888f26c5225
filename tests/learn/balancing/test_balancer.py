"""The Gramian of the gradients at the features against a row-by-row oracle, in one process and in several."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mien.learn.balancing import FixedWeights, GradNorm, GramianWeights, MgdaUb, UncertaintyWeighting
from mien.learn.balancing.balancer import Balancer, fill_missing, gramian, losses

USING_FEATURES = [MgdaUb, GradNorm, GramianWeights]


def network(seed: int = 0) -> tuple[nn.Linear, nn.ModuleList, Tensor]:
    torch.manual_seed(seed)
    heads = nn.ModuleList([nn.Linear(4, size) for size in (1, 2, 3)])
    return nn.Linear(5, 4), heads, torch.randn(7, 5)


def totals(heads: nn.ModuleList, features: Tensor) -> list[Tensor]:
    return [head(features).square().sum() for head in heads]


def test_inner_products_of_the_gradients_at_the_features() -> None:
    trunk, heads, inputs = network()
    features = trunk(inputs).tanh()
    means = {f"t{index}": total / 7 for index, total in enumerate(totals(heads, features))}
    found = gramian(means, features)
    rows = []
    for head in heads:
        weight, bias = (value.detach().double().numpy() for value in (head.weight, head.bias))
        z = features.detach().double().numpy()
        rows.append(np.stack([2 * (weight @ row + bias) @ weight / 7 for row in z]).ravel())
    expected = [[sum(a * b) for b in rows] for a in rows]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    assert found.dtype == torch.float64


def test_parameters_get_no_gradient_and_the_graph_is_kept() -> None:
    trunk, heads, inputs = network()
    features = trunk(inputs)
    means = {f"t{index}": total for index, total in enumerate(totals(heads, features))}
    gramian(means, features)
    parameters = [*trunk.parameters(), *heads.parameters()]
    assert all(parameter.grad is None for parameter in parameters)
    torch.stack([*means.values()]).sum().backward()
    assert all(parameter.grad is not None for parameter in parameters)


def test_shares_of_several_processes_sum_to_the_whole() -> None:
    trunk, heads, inputs = network()
    world, cuts = 3, [slice(0, 1), slice(1, 5), slice(5, 7)]
    whole = trunk(inputs)
    means = {f"t{index}": total / 7 for index, total in enumerate(totals(heads, whole))}
    parts, shares = [], []
    for cut in cuts:
        part = trunk(inputs[cut])
        local = {f"t{index}": total * world / 7 for index, total in enumerate(totals(heads, part))}
        calls: list[Tensor] = []
        gramian(local, part, lambda tensor, calls=calls: calls.append(tensor) or torch.ones_like(tensor))
        parts.append(calls[1])
        shares.append(losses(local))
    torch.testing.assert_close(sum(parts) / world**2, gramian(means, whole), rtol=1e-5, atol=1e-8)
    for name, value in losses(means).items():
        assert sum(share[name] for share in shares) / world == pytest.approx(value, rel=1e-5)
    assert losses({"a": torch.tensor(2.0)}, lambda tensor: 4 * tensor) == {"a": 2.0}


def test_a_term_independent_of_the_features_has_zeros() -> None:
    features = torch.ones(2, 3, requires_grad=True)
    own = torch.ones(2, requires_grad=True)
    means = {"reads": features.sum(), "does_not": own.sum(), "constant": torch.tensor(1.0)}
    assert gramian(means, features).tolist() == [[6, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_process_may_have_no_rows() -> None:
    features = torch.ones(0, 3, requires_grad=True)
    assert gramian({"a": features.sum()}, features).tolist() == [[0.0]]


def test_half_precision_features_are_summed_in_full() -> None:
    features = torch.ones(1000, 3, dtype=torch.bfloat16, requires_grad=True)
    assert gramian({"a": features.float().sum()}, features).item() == 3000


@pytest.mark.parametrize("factory", USING_FEATURES)
def test_unusable_features_are_rejected(factory: type[Balancer]) -> None:
    balancer, other = factory(), torch.ones(3, requires_grad=True)
    assert balancer.needs_features
    features = torch.ones(2, 3, requires_grad=True)
    with pytest.raises(ValueError, match="needs shared features, and the network has none"):
        balancer({"a": other.sum()}, None)
    with pytest.raises(ValueError, match="needs a gradient at the shared features, and the trunk is frozen"):
        balancer({"a": other.sum()}, features.detach())
    with pytest.raises(ValueError, match="no loss depends on the shared features"):
        balancer({"a": other.sum()}, features)
    with pytest.raises(ValueError, match="the gradient of the loss b at the shared features is not finite"):
        balancer({"a": features.sum(), "b": (features * float("inf")).sum()}, features)


@pytest.mark.parametrize("factory", [FixedWeights, UncertaintyWeighting, *USING_FEATURES])
def test_no_terms_no_weights(factory: type[Balancer]) -> None:
    assert factory()({}, torch.ones(2, 3, requires_grad=True), lambda tensor: tensor) == {}


def test_missing_weights_are_the_mean() -> None:
    assert fill_missing({"a": 1.0, "b": 2.0}, "abc") == {"a": 1.0, "b": 2.0, "c": 1.5}
    assert fill_missing({}, "ab") == {"a": 1.0, "b": 1.0}
