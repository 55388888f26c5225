"""Batch normalisation with running statistics for each task."""

import torch
from torch import nn

from mien.learn.sharing.batch_norm import ActiveTask, OwnStatistics, own_statistics


def layer(tasks: int = 2) -> tuple[OwnStatistics, ActiveTask]:
    active = ActiveTask()
    norm = nn.BatchNorm1d(3)
    nn.init.uniform_(norm.weight)
    return OwnStatistics(norm, tasks, active), active


def test_each_task_is_evaluated_with_its_own_statistics() -> None:
    torch.manual_seed(0)
    both, active = layer()
    alone = [nn.BatchNorm1d(3) for _ in range(2)]
    for _ in range(5):
        for task, single in enumerate(alone):
            x = torch.randn(16, 3) * (task + 1) + 5 * task
            active.index = task
            single.load_state_dict(single.state_dict() | {"weight": both.norm.weight, "bias": both.norm.bias})
            assert torch.equal(both(x), single(x))
    both.eval()
    for task, single in enumerate(alone):
        active.index = task
        assert torch.equal(both.norm.running_mean[task], single.running_mean)
        assert torch.equal(both(x), single.eval()(x))
    assert both.norm.num_batches_tracked.tolist() == [5, 5]


def test_scale_and_shift_are_common_and_stored_once() -> None:
    both, active = layer()
    assert [tuple(each.shape) for each in both.parameters()] == [(3,), (3,)]
    assert set(both.state_dict()) == {f"norm.{name}" for name in (
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked")}  # fmt: skip
    x = torch.randn(8, 3)
    gradients = []
    for active.index in (0, 1):
        gradients += torch.autograd.grad((both(x) ** 2).sum(), both.norm.weight)
    normalised = (x - x.mean(0)) / (x.var(0, correction=0) + both.norm.eps).sqrt()
    expected = 2 * both.norm.weight * normalised.square().sum(0)  # d/dw of sum (w n)^2
    for gradient in gradients:
        assert torch.allclose(gradient, expected, rtol=1e-5)


def test_a_norm_without_running_statistics_is_kept() -> None:
    trunk = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3))
    own_statistics(trunk, 2, ActiveTask())
    assert isinstance(trunk[0], nn.BatchNorm1d)
    assert isinstance(trunk[1], OwnStatistics)
