"""AdaShare (Sun, Panda, Feris and Saenko, 2020): each task selects or skips each residual block."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.learn.models.network import Network
from mien.learn.sharing.batch_norm import ActiveTask, own_statistics

Gates = Sequence[Sequence["float | Tensor"]]
"""For each block and task, the factor of the block's residual branch, in [0, 1]."""


def relaxed(logits: Tensor, temperature: float, noise: Tensor) -> Tensor:
    """Draw a Gumbel-softmax sample of select (1) or skip (0), differentiable in the logits.

    With two outcomes, the softmax of ``(log alpha + G1) / t`` and ``(log(1 - alpha) + G0) / t`` is the sigmoid of their
    difference, and the difference of two Gumbel variables is a logistic one.

    Args:
        logits: logits of alpha, the probability of selecting; any shape.
        temperature: t > 0; near 0 the samples are near 0 or 1.
        noise: uniform in (0, 1), of the same shape.
    """
    return torch.sigmoid((logits + torch.logit(noise, 1e-6)) / temperature)


def sparsity_loss(selected: Tensor) -> Tensor:
    """Sum of log alpha over blocks and tasks; it falls as more blocks are skipped.

    Args:
        selected: alpha, blocks x tasks.
    """
    return selected.clamp_min(torch.finfo(selected.dtype).tiny).log().sum()


def sharing_loss(selected: Tensor) -> Tensor:
    """Sum over pairs of tasks and blocks l = 1 ... L of (L - l) / L |alpha_l,k - alpha_l,m|.

    Its minimum, 0, is where all tasks select the same blocks. Lower blocks count more, the last not at all. Each pair
    counts once.

    Args:
        selected: alpha, blocks x tasks.
    """
    blocks, tasks = selected.shape
    weights = torch.arange(blocks - 1, -1, -1, device=selected.device) / blocks
    first, second = torch.triu_indices(tasks, tasks, 1, device=selected.device)
    return (weights[:, None] * (selected[:, first] - selected[:, second]).abs()).sum()


class AdaShare(nn.Module):
    """A residual network with a policy that determines which task uses which block.

    With a ``policy``, tasks that have had the same gates so far share the computation. A block that no task selects is
    neither computed nor trained, unless its shortcut changes the shape. Without a ``policy``, this module holds the
    policy's logits, and :func:`mien.learn.train.policy_search.search` finds it; until then, every task is evaluated
    with its more probable decisions.

    Departure: each task has its own running statistics of batch normalisation (see
    :class:`mien.learn.sharing.batch_norm.OwnStatistics`).

    Args:
        network: its trunk has ``begin``, ``blocks`` and ``end``; it is modified in place. The key ``features`` is
            dropped from its outputs, because each task may have its own.
        policy: for each block and each task, whether the block is selected; None: search before training.
        search_epochs: epochs of the search, including the warm-up.
        warmup_epochs: how many of these are the warm-up, in which all tasks select all blocks and only weights are
            learnt.
        sparsity, sharing: weights of :func:`sparsity_loss` and :func:`sharing_loss`.
        policy_rate: learning rate of the policy's logits (Adam); no logit moves further than about this times the
            number of search steps after the warm-up.
        temperature: temperature of the samples in the first epoch after the warm-up.
        coldest: temperature of the samples in the last epoch.
        holdout: share of the training rows on which the search learns the policy, 0.2 in the paper; the weights are
            learnt on the others.

    Raises:
        ValueError: if the network has no residual blocks, the policy is not blocks x tasks, or a number is outside its
            range.

    Example:
        >>> from mien.learn.models import ResidualMLP
        >>> network = ResidualMLP(inputs=(5,), depth=2)
        >>> shared = AdaShare(network=network, policy=[[True, True, False], [True, False, True]])
        >>> sorted(shared(torch.randn(4, 5)))
        ['action_units', 'affect', 'expression']
    """

    def __init__(
        self,
        *,
        network: Network,
        policy: list[list[bool]] | None = None,
        search_epochs: int = 30,
        warmup_epochs: int = 5,
        sparsity: float = 0.05,
        sharing: float = 0.05,
        policy_rate: float = 0.01,
        temperature: float = 5.0,
        coldest: float = 0.5,
        holdout: float = 0.2,
    ) -> None:
        super().__init__()
        if not all(hasattr(network.trunk, part) for part in ("begin", "blocks", "end")):
            raise ValueError(f"AdaShare: {type(network).__name__} has no residual blocks")
        if not 0 <= warmup_epochs < search_epochs:
            raise ValueError(f"AdaShare: warmup_epochs {warmup_epochs} must be below search_epochs {search_epochs}")
        if not 0 < coldest <= temperature:
            raise ValueError(f"AdaShare: temperature {temperature} must be at least coldest {coldest}, both above 0")
        if not 0 < holdout < 1 or policy_rate <= 0 or min(sparsity, sharing) < 0:
            raise ValueError("AdaShare: holdout must be in (0, 1), policy_rate above 0, sparsity and sharing 0 or more")
        self.network, self.tasks, self.active = network, tuple(network.tasks), ActiveTask()
        shape = (len(self.blocks), len(self.tasks))
        if policy is not None and [len(row) for row in policy] != [shape[1]] * shape[0]:
            raise ValueError(f"AdaShare: the policy must have {shape[0]} rows (blocks) of {shape[1]} (tasks)")
        self.policy = None if policy is None else tuple(tuple(map(bool, row)) for row in policy)
        self.logits = nn.Parameter(torch.zeros(shape)) if policy is None else None
        own_statistics(network.trunk, len(self.tasks), self.active)
        for block, row in zip(self.blocks, self.policy or (), strict=False):
            if _can_skip(block) and not any(row):
                block.requires_grad_(False)  # otherwise several processes would wait for its gradient forever

    @property
    def preprocessing(self) -> nn.Module:
        """The preprocessing of the network."""
        return self.network.preprocessing

    @property
    def blocks(self) -> nn.ModuleList:
        """The blocks that tasks select from."""
        blocks = self.network.trunk.blocks
        assert isinstance(blocks, nn.ModuleList)
        return blocks

    def decisions(self) -> list[list[float]]:
        """1 for select and 0 for skip, blocks x tasks: the policy or, without one, the more probable decision."""
        if self.logits is None:
            return [[float(each) for each in row] for row in self.policy or ()]
        return [[float(each) for each in row] for row in (self.logits >= 0).tolist()]

    def gates(self, opened: int, temperature: float, noise: Tensor) -> list[list[float | Tensor]]:
        """Draw the gates of one step of the search; closed blocks are selected by all tasks.

        Args:
            opened: how many of the last blocks take part in the search.
            temperature, noise: see :func:`relaxed`; noise is blocks x tasks.

        Raises:
            ValueError: if the policy is fixed.
        """
        closed = len(self.blocks) - opened
        sampled = relaxed(self._policy_logits(), temperature, noise)
        rows: list[list[float | Tensor]] = [[1.0] * len(self.tasks) for _ in range(closed)]
        return rows + [list(row.unbind()) for row in sampled[closed:]]

    def selected(self, opened: int) -> Tensor:
        """alpha, blocks x tasks: the probability that a block is selected; 1 for closed blocks.

        Raises:
            ValueError: if the policy is fixed.
        """
        closed = torch.arange(len(self.blocks), device=self._policy_logits().device) < len(self.blocks) - opened
        return torch.where(closed[:, None], 1.0, self._policy_logits().sigmoid())

    def forward(self, inputs: Tensor, gates: Gates | None = None) -> dict[str, Tensor]:
        """Return the raw outputs of each task, N x labels, like the network itself.

        Args:
            inputs: as the network takes them.
            gates: blocks x tasks; None: :meth:`decisions`.
        """
        x: Tensor = self.network.preprocessing(inputs)
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        self.active.index = 0
        groups = [(self.network.trunk.begin(x), list(range(len(self.tasks))))]  # type: ignore[operator]
        for block, row in zip(self.blocks, self.decisions() if gates is None else gates, strict=True):
            groups = [
                (self._run_block(block, x, row[members[0]], members[0]), members)
                for x, together in groups
                for members in _group_by_gate(row, together)
            ]
        outputs = {}
        for x, members in groups:
            features = self.network.dropout(self.network.trunk.end(x))  # type: ignore[operator]
            for task in (self.tasks[position] for position in members):
                outputs[task.name] = self.network.heads[task.name](features).float()
        return {task.name: outputs[task.name] for task in self.tasks}

    def _run_block(self, block: nn.Module, x: Tensor, gate: float | Tensor, task: int) -> Tensor:
        """Apply one block with the statistics of ``task``, the first of the tasks that share this computation."""
        if isinstance(gate, float) and gate == 0 and _can_skip(block):
            return x.relu()
        self.active.index = task
        out: Tensor = block(x, gate)
        return out

    def _policy_logits(self) -> Tensor:
        if self.logits is None:
            raise ValueError("AdaShare: the policy is fixed")
        return self.logits


def _group_by_gate(row: Sequence[float | Tensor], members: Sequence[int]) -> list[list[int]]:
    """Group the members by equal gates; a sampled gate has a group of its own."""
    groups: dict[object, list[int]] = {}
    for position in members:
        gate = row[position]
        groups.setdefault(gate if isinstance(gate, float) else (position,), []).append(position)
    return list(groups.values())


def _can_skip(block: nn.Module) -> bool:
    """Whether the block reduces to relu(x) at a gate of 0, so that there is nothing to compute."""
    shortcut = getattr(block, "shortcut", getattr(block, "downsample", block))
    return shortcut is None or isinstance(shortcut, nn.Identity)
