"""Fixed weights."""

import torch

from mien.learn.balancing import FixedWeights


def test_unlisted_terms_have_weight_1() -> None:
    balancer = FixedWeights({"a": 0.25, "absent": 3.0})
    assert balancer({"a": torch.tensor(2.0), "b": torch.tensor(1.0)}) == {"a": 0.25, "b": 1.0}
    assert balancer({}, None, lambda tensor: tensor) == {}
    assert not balancer.needs_features


def test_there_is_no_state() -> None:
    balancer = FixedWeights({"a": 0.5})
    balancer.load(balancer.state())
    assert balancer.state() == {}
    assert balancer == FixedWeights({"a": 0.5})
