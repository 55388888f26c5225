"""The training step of the contrastive adversarial framework (papers/001, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from mien.learn.batch import Batch
from mien.learn.checkpoint import CheckpointError, flat, unflatten
from mien.learn.models.network import FEATURES
from mien.learn.train.objective import DivergedError
from mien.learn.train.optimiser import optimizer_of, set_rate
from mien.learn.train.setup.adversary import Opponent

Outputs = Mapping[str, Tensor]

SKIPPED = "critic_skipped"
"""In the log: the share of steps whose batch lacked a group."""


class Adversary:
    """The critic, its optimiser, and the optimiser of the encoder's adversarial phase.

    A step has three phases, each with its own optimiser:

    - ``critic``: the critic minimises its loss; the encoder is frozen.
    - ``adversarial``: the encoder minimises the critic's adversarial loss; the critic is frozen.
    - ``regression``: encoder and heads minimise the recipe's ordinary objective, with all its tasks and couplings.

    A phase computes no gradient for what is frozen. The critic's phase does not change the encoder, so it shares the
    forward pass of the next phase. With ``forward: exact`` there are two passes per step (three if the critic comes
    last), one for each state of the encoder's weights: exactly Algorithm 1. With ``shared`` there is one: both
    gradients of the encoder are taken at the weights at the start of the step, and ``order`` only determines whether
    the critic is updated before the adversarial gradient is taken. Every pass updates the running statistics of batch
    normalisation.

    A batch with fewer than two strong samples or no weak one (over all ranks) skips the critic's and the adversarial
    phase, and is counted as skipped. Rows without a label in some dimension of the task are in no group.

    Departures: line 4 of the algorithm samples the weak set "from P"; it must be Q. The sum in line 8 ends at N_w, the
    number of weak samples, and is divided by N; we train on all rows.

    Args:
        opponent: critic, grouping, decision radius, the task whose labels are grouped, and the recipe's settings.
        encoder: the parameters that the features depend on.
        accelerator: knows the device and the other ranks.
    """

    def __init__(self, opponent: Opponent, encoder: Sequence[nn.Parameter], accelerator: Accelerator) -> None:
        self.settings, self.encoder, self.accelerator = opponent.settings, list(encoder), accelerator
        self.grouping, self.radius, self.task = opponent.grouping, opponent.radius, opponent.task
        self.critic = opponent.critic.to(accelerator.device).train()
        self.critic_optimizer = optimizer_of(self.settings.optimizer, self.critic.parameters())
        self.encoder_optimizer = optimizer_of(self.settings.optimizer, self.encoder)

    def step(
        self,
        forward: Callable[[bool], Outputs],
        backward: Callable[[Outputs], dict[str, float]],
        update: Callable[[], None],
        batch: Batch,
        *,
        rate: float,
        epoch: int,
    ) -> dict[str, float]:
        """Run one step and return the global mean of each loss.

        Args:
            forward: runs the network on the batch; its argument is whether ``backward`` will follow (DDP must know).
            backward: leaves the gradients of the objective in the parameters, and returns its means.
            update: updates encoder and heads with these gradients.
            batch: its labels determine which rows are strong and which weak.
            rate: factor on the learning rates.
            epoch: passes over the training set so far.

        Raises:
            DivergedError: if a loss is not finite.
        """
        for optimizer in (self.critic_optimizer, self.encoder_optimizer):
            set_rate(optimizer, self.settings.optimizer.rate * rate)
        groups, shared, order = self.groups(batch), self.settings.forward == "shared", list(self.settings.order)
        if shared:
            order.sort(key="regression".__eq__)  # its backward pass frees the graph, so it comes last
        means: dict[str, float] = {}
        updates: list[Callable[[], None]] = []
        outputs: Outputs | None = None
        for place, phase in enumerate(order):
            if outputs is None:  # at first, and after each phase that updated the encoder
                following = next((each for each in order[place:] if each != "critic"), None)
                outputs = forward(shared or following == "regression")
            if phase == "critic":
                means |= self.critic_phase(outputs[FEATURES], groups, epoch)
                continue
            if phase == "regression":
                means |= backward(outputs)
                updates.append(update)
            else:
                gradients, loss = self.adversarial_phase(outputs[FEATURES], groups, keep_graph=shared)
                means |= loss
                updates.append(partial(self._update_encoder, gradients))
            if not shared:
                updates.pop()()
                outputs = None
        for each in updates:
            each()
        return means

    def groups(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Indices of the strong and of the weak rows of a batch."""
        known = batch.mask[self.task].all(1)
        places = known.nonzero().squeeze(1)
        strong, weak = self.grouping.groups(batch.labels[self.task][known], self.radius)
        return places[strong], places[weak]

    def critic_phase(self, features: Tensor, groups: tuple[Tensor, Tensor], epoch: int) -> dict[str, float]:
        """Update the critic once, and return its loss, or that the phase was skipped.

        Args:
            features: N x width of this rank's rows.
            groups: indices of the strong and the weak ones among them.
            epoch: passes over the training set so far.
        """
        z, strong, weak = self._divided(features.detach(), groups)
        if not _enough(strong, weak):
            return {SKIPPED: 1.0}
        loss = self.critic.critic_loss(strong, weak, epoch)
        value = _finite("critic", loss)
        parameters = list(self.critic.parameters())
        self._update(self.critic_optimizer, parameters, self._gradients(loss + 0.0 * z.sum(), parameters))
        return {"critic": value, SKIPPED: 0.0}

    def adversarial_phase(
        self, features: Tensor, groups: tuple[Tensor, Tensor], *, keep_graph: bool = False
    ) -> tuple[list[Tensor] | None, dict[str, float]]:
        """The adversarial gradient of each encoder parameter over all ranks, None if skipped; and the loss.

        Args:
            features: N x width, with the graph of the encoder.
            groups: as for :meth:`critic_phase`.
            keep_graph: whether another gradient will be taken from the graph.
        """
        z, strong, weak = self._divided(features, groups)
        if not _enough(strong, weak):
            return None, {}
        loss = self.settings.weight * self.critic.adversarial_loss(strong, weak)
        value = _finite("adversarial", loss)
        return self._gradients(loss + 0.0 * z.sum(), self.encoder, keep_graph), {"adversarial": value}

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """The tensors that a checkpoint needs to resume: the critic, and the state of both optimisers."""
        return {
            "critic": self.critic.state_dict(),
            "critic_optimizer": flat(self.critic_optimizer),
            "encoder_optimizer": flat(self.encoder_optimizer),
        }

    def load(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Resume from :meth:`tensors`; CheckpointError if they belong to another critic."""
        try:
            self.critic.load_state_dict(dict(tensors["critic"]))
            unflatten(self.critic_optimizer, tensors["critic_optimizer"])
            unflatten(self.encoder_optimizer, tensors["encoder_optimizer"])
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"the critic cannot be used ({' '.join(str(error).split())[:200]})") from None

    def _divided(self, features: Tensor, groups: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The critic's outputs for this rank's rows, and for the strong and the weak rows of all ranks."""
        z = self.critic(features)
        strong, weak = (across_ranks(z[places], self.accelerator) for places in groups)
        return z, strong, weak

    def _gradients(self, loss: Tensor, parameters: Sequence[nn.Parameter], keep_graph: bool = False) -> list[Tensor]:
        """Gradients of a loss over all ranks' rows, whose graph only reaches this rank's rows, summed over ranks."""
        found = torch.autograd.grad(loss, parameters, retain_graph=keep_graph, allow_unused=True)
        parts = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
        if self.accelerator.num_processes == 1:
            return parts
        whole = self.accelerator.reduce(torch.cat([part.flatten() for part in parts]), "sum")
        return [piece.view_as(part) for piece, part in zip(whole.split([p.numel() for p in parts]), parts, strict=True)]

    def _update_encoder(self, gradients: list[Tensor] | None) -> None:
        if gradients is not None:
            self._update(self.encoder_optimizer, self.encoder, gradients)

    def _update(
        self, optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor]
    ) -> None:
        """One update with these gradients; the gradients in the parameters are restored afterwards."""
        before = [parameter.grad for parameter in parameters]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if self.settings.optimizer.clip:
            nn.utils.clip_grad_norm_(parameters, self.settings.optimizer.clip)
        optimizer.step()
        for parameter, kept in zip(parameters, before, strict=True):
            parameter.grad = kept


def across_ranks(rows: Tensor, accelerator: Accelerator) -> Tensor:
    """The rows of all ranks, in order of ranks; gradients reach this rank's rows only.

    Args:
        rows: n x d; n may differ between ranks, and be 0.
        accelerator: knows the other ranks.
    """
    if accelerator.num_processes == 1:
        return rows
    counts = accelerator.gather(torch.tensor([len(rows)], device=rows.device)).tolist()
    padded = rows.new_zeros(max(counts), rows.shape[1])
    padded[: len(rows)] = rows.detach()
    parts = list(accelerator.gather(padded).split(max(counts))) if max(counts) else [rows] * len(counts)
    parts = [part[:count] for part, count in zip(parts, counts, strict=True)]
    parts[accelerator.process_index] = rows
    return torch.cat(parts)


def _enough(strong: Tensor, weak: Tensor) -> bool:
    return len(strong) >= 2 and len(weak) >= 1


def _finite(name: str, loss: Tensor) -> float:
    value = float(loss.detach())
    if not torch.isfinite(loss.detach()):
        raise DivergedError(f"the loss {name} is {value}")
    return value
