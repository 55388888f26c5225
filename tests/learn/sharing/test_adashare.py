"""AdaShare: gates, their samples, the two regularisers, and a fixed policy."""

from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from mien.learn.models.face_behavior_net import FaceBehaviorNet
from mien.learn.sharing import AdaShare
from mien.learn.sharing.adashare import relaxed, sharing_loss, sparsity_loss
from mien.tasks import FACE


def vectors(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(1))


def by_hand(network: nn.Module, x: torch.Tensor, policy: list[list[bool]]) -> dict[str, torch.Tensor]:
    """One pass per task, block by block, without the skipped blocks."""
    outputs = {}
    for position, task in enumerate(network.tasks):
        z = network.trunk.begin(x)
        for block, row in zip(network.trunk.blocks, policy, strict=True):
            z = block(z) if row[position] else block.shortcut(z).relu()
        outputs[task.name] = network.heads[task.name](network.trunk.end(z))
    return outputs


@pytest.mark.parametrize("seed", range(4))
def test_a_policy_equals_one_pass_per_task_without_skipped_blocks(small: ModuleType, seed: int) -> None:
    generator = np.random.default_rng(seed)
    policy = (generator.random((3, 3)) < 0.5).tolist()
    outputs = AdaShare(network=small.on_vectors(), policy=policy)(vectors())
    for name, expected in by_hand(small.on_vectors(), vectors(), policy).items():
        assert torch.allclose(outputs[name], expected, atol=1e-6), name


def test_the_policy_holds_for_units_that_change_the_shape(small: ModuleType) -> None:
    policy = [[True, False, True], [False, True, True]]
    x = torch.randn(4, 3, 6, 6)
    outputs = AdaShare(network=small.on_maps(), policy=policy).eval()(x)
    for name, expected in by_hand(small.on_maps().eval(), x, policy).items():
        assert torch.allclose(outputs[name], expected, atol=1e-6), name


def test_selecting_every_block_gives_the_network_itself(small: ModuleType) -> None:
    outputs = AdaShare(network=small.on_vectors(), policy=[[True] * 3] * 3)(vectors())
    expected = small.on_vectors()(vectors())
    assert list(outputs) == [task.name for task in small.TASKS]
    for name, values in outputs.items():
        assert torch.equal(values, expected[name])


def test_a_gate_of_1_or_0_in_the_search_keeps_or_skips(small: ModuleType) -> None:
    searching = AdaShare(network=small.on_vectors())
    policy = [[True, False, True], [False, False, True], [True, True, False]]
    gates = [[torch.tensor(float(each)) for each in row] for row in policy]
    fixed = AdaShare(network=small.on_vectors(), policy=policy)
    expected = fixed(vectors())
    for name, values in searching(vectors(), gates).items():
        assert torch.allclose(values, expected[name], atol=1e-6)


def test_tasks_with_equal_gates_so_far_share_the_computation(small: ModuleType) -> None:
    network = AdaShare(network=small.on_vectors(), policy=[[True] * 3, [True, True, False], [True, False, True]])
    calls = [0, 0, 0]
    for index, block in enumerate(network.blocks):
        block.register_forward_hook(lambda *_, index=index: calls.__setitem__(index, calls[index] + 1))
    network(vectors())
    assert calls == [1, 1, 2]


def test_a_block_that_no_task_selects_is_not_trained(small: ModuleType) -> None:
    network = AdaShare(network=small.on_maps(), policy=[[False] * 3, [False] * 3])
    sum(values.sum() for values in network(torch.randn(4, 3, 6, 6)).values()).backward()
    frozen = {name for name, each in network.named_parameters() if not each.requires_grad}
    assert {name.split(".")[3] for name in frozen} == {"0"}, "the second unit's shortcut is still needed"
    assert all(each.grad is not None for each in network.parameters() if each.requires_grad)


def test_features_are_dropped_out_in_training(small: ModuleType) -> None:
    network = AdaShare(network=small.on_vectors(), policy=[[True] * 3] * 3)
    network.network.dropout.p = 1.0
    for name, values in network(vectors()).items():
        assert torch.equal(values, network.network.heads[name].bias.expand_as(values))


def test_each_task_has_its_own_statistics(small: ModuleType) -> None:
    network = AdaShare(network=small.on_maps(), policy=[[True, False, True], [True] * 3])
    network(torch.randn(8, 3, 6, 6))
    tracked = network.get_buffer("network.trunk.blocks.1.bn1.norm.num_batches_tracked")
    assert tracked.tolist() == [1, 1, 0], "the third task shares the pass of the first"


def test_samples_are_those_of_a_gumbel_softmax() -> None:
    generator = np.random.default_rng(0)
    logits, draws = torch.tensor([[0.7, -1.2]]), 20_000
    probability = 1 / (1 + np.exp(-logits.numpy()))
    gumbel = -np.log(-np.log(generator.random((2, draws, 2))))
    scores = np.stack([np.log(1 - probability) + gumbel[0], np.log(probability) + gumbel[1]]) / 0.8
    softmax = np.exp(scores[1]) / np.exp(scores).sum(0)
    noise = torch.from_numpy(generator.random((draws, 2)))
    mine = relaxed(logits.double().expand(draws, 2), 0.8, noise).numpy()
    for moment in (1, 2, 3):
        assert np.allclose((mine**moment).mean(0), (softmax**moment).mean(0), atol=0.01)
    cold = relaxed(logits.double().expand(draws, 2), 1e-3, noise).numpy()
    assert np.allclose((cold > 0.5).mean(0), probability[0], atol=0.01), "near temperature 0 it draws the policy"
    assert relaxed(torch.zeros(1), 1.0, torch.tensor([0.8])).item() == pytest.approx(0.8), "more noise selects"


def test_a_sample_is_differentiable_in_the_logits() -> None:
    logits = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    noise = torch.rand(3, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda given: relaxed(given, 0.7, noise), logits)


def test_the_losses_on_the_policy_against_a_slow_loop() -> None:
    selected = np.random.default_rng(0).uniform(0.05, 0.95, (4, 3))
    sparsity, sharing = 0.0, 0.0
    for block in range(4):
        for task in range(3):
            sparsity += np.log(selected[block, task])
            for other in range(task):
                sharing += (4 - (block + 1)) / 4 * abs(selected[block, task] - selected[block, other])
    assert float(sparsity_loss(torch.from_numpy(selected))) == pytest.approx(sparsity, abs=1e-9)
    assert float(sharing_loss(torch.from_numpy(selected))) == pytest.approx(sharing, abs=1e-9)
    assert float(sharing_loss(torch.from_numpy(selected[:, [2, 0, 1]]))) == pytest.approx(sharing, abs=1e-9)
    assert float(sharing_loss(torch.from_numpy(selected[:, :1].repeat(3, 1)))) == 0


def test_the_losses_of_a_certain_policy() -> None:
    logits = torch.tensor([[-200.0, 200.0], [0.0, 0.0]], requires_grad=True)
    sparsity, sharing = sparsity_loss(logits.sigmoid()), sharing_loss(logits.sigmoid())
    (sparsity + sharing).backward()
    assert sparsity.item() == pytest.approx(np.log(torch.finfo(torch.float32).tiny) + 2 * np.log(0.5))
    assert sharing.item() == pytest.approx(0.5)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_closed_blocks_are_selected_by_all_tasks(small: ModuleType) -> None:
    network = AdaShare(network=small.on_vectors())
    noise = torch.full((3, 3), 0.3)
    gates = network.gates(1, 1.0, noise)
    assert gates[:2] == [[1.0] * 3] * 2
    assert all(isinstance(gate, torch.Tensor) for gate in gates[2])
    assert network.selected(1).tolist() == [[1.0] * 3, [1.0] * 3, [0.5] * 3]
    sum(values.sum() for values in network(vectors(), gates).values()).backward()
    assert network.logits is not None
    assert network.logits.grad is not None
    assert network.logits.grad.any(1).tolist() == [False, False, True]


def test_without_a_policy_it_evaluates_the_more_probable_decisions(small: ModuleType) -> None:
    network = AdaShare(network=small.on_vectors())
    policy = [[True, False, True], [False, False, True], [True, True, False]]
    assert network.logits is not None
    network.logits.data = torch.where(torch.tensor(policy), 2.0, -2.0)
    expected = AdaShare(network=small.on_vectors(), policy=policy)(vectors())
    for name, values in network(vectors()).items():
        assert torch.equal(values, expected[name])


def test_invalid_arguments_are_rejected(small: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"3 rows \(blocks\) of 3 \(tasks\)"):
        AdaShare(network=small.on_vectors(), policy=[[True] * 3] * 2)
    with pytest.raises(ValueError, match=r"3 rows \(blocks\) of 3 \(tasks\)"):
        AdaShare(network=small.on_vectors(), policy=[[True] * 2] * 3)
    with pytest.raises(ValueError, match="warmup_epochs 5 must be below search_epochs 5"):
        AdaShare(network=small.on_vectors(), search_epochs=5)
    with pytest.raises(ValueError, match=r"holdout must be in \(0, 1\)"):
        AdaShare(network=small.on_vectors(), holdout=1.0)
    with pytest.raises(ValueError, match=r"temperature 0\.1 must be at least coldest 0\.5"):
        AdaShare(network=small.on_vectors(), temperature=0.1)
    with pytest.raises(ValueError, match="policy is fixed"):
        AdaShare(network=small.on_vectors(), policy=[[True] * 3] * 3).selected(1)
    blockless = FaceBehaviorNet(tasks=FACE, width=8, depth=[1])
    blockless.trunk = nn.Flatten()
    with pytest.raises(ValueError, match="no residual blocks"):
        AdaShare(network=blockless)
