"""The training loop: one visible step, the same for one process and for several under torchrun."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from mien.learn import checkpoint
from mien.learn.batch import Batch
from mien.learn.data.batches.augment import Augment
from mien.learn.data.batches.prefetch import Prefetch
from mien.learn.evaluate.predictor import predictor_of
from mien.learn.evaluate.score import evaluate
from mien.learn.features.identity_probe import features_of, identity_probe
from mien.learn.recipe import Recipe, changed_keys
from mien.learn.train.adversary import Adversary
from mien.learn.train.log import RunningMeans, append, cut
from mien.learn.train.micro_batches import in_parts
from mien.learn.train.objective import DivergedError, Objective
from mien.learn.train.optimiser import learning_rate, optimizer_of, set_rate
from mien.learn.train.setup.adversary import encoder_parameters
from mien.learn.train.setup.run import Run, build_run
from mien.learn.train.setup.warm_start import keep_frozen_in_eval, rate_groups

Own = TypeVar("Own", bound="Trainer")

Report = Callable[[Mapping[str, float]], None]
"""Called after each step with the mean of each loss in this epoch so far."""


class Trainer:
    """Loops over a run: batches, updates, validation, checkpoints.

    Args:
        run: what to train; its network is trained in place.
        folder: for ``last``, ``best`` and ``log.csv``.

    Attributes:
        step: steps done so far.
        best: highest value of the selection metric so far.

    Example:
        >>> trainer = Trainer.of(load("recipes/digits.yaml"), Path("runs/digits"))  # doctest: +SKIP
        >>> metrics = trainer.train()  # doctest: +SKIP
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.recipe, self.folder = run, run.recipe, folder
        self.accelerator = Accelerator()
        self.mixing = run.mixing.shard(self.accelerator.process_index, self.accelerator.num_processes)
        self.objective = Objective(run.tasks, run.couplings, run.lambdas, run.balancer, self.accelerator, run.losses)
        groups = rate_groups(run.network, self.recipe.warm_start)
        self.network, self.optimizer = self.accelerator.prepare(
            run.network, optimizer_of(self.recipe.optimizer, groups)
        )
        self.adversary = (
            Adversary(run.opponent, encoder_parameters(self.bare), self.accelerator) if run.opponent else None
        )
        self.augment = Augment(self.recipe.augmentation, run.tasks)
        self.batches = Prefetch(self.mixing.batch, run.steps)
        self.step, self.best, self.means = 0, -math.inf, RunningMeans()

    @classmethod
    def of(cls: type[Own], recipe: Recipe, folder: Path) -> Own:
        """Build a trainer for a recipe. If the folder holds a run to resume, initial weights are not read.

        Raises:
            RecipeError, ManifestError, TeacherError, CheckpointError, ModelError: as
                :func:`mien.learn.train.setup.run.build_run`.
        """
        return cls(build_run(recipe, initialise=checkpoint.find(folder / "last") is None), folder)

    @property
    def bare(self) -> nn.Module:
        """The network without the wrapper that accelerate adds for several processes."""
        network: nn.Module = self.accelerator.unwrap_model(self.network)
        return network

    def train(
        self,
        report: Report = lambda *_: None,
        epoch_done: Callable[[dict[str, float]], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, float]:
        """Train from the current step to the end; return the last validation metrics, {} if nothing was left to do.

        Args:
            report: called after each step.
            epoch_done: called after each epoch with its row of ``log.csv``; without metrics if it was not validated.
            stop: called after each step; once it returns True on any rank, the step is saved and the run ends.

        Raises:
            KeyboardInterrupt: if it was stopped before the end.
            DivergedError: if a loss is no longer finite.
        """
        metrics: dict[str, float] = {}
        per_epoch = self.mixing.steps_per_epoch
        while self.step < self.run.steps:
            self.means.add(self.train_step(self.step))
            self.step += 1
            report(self.means.values())
            last = self.step == self.run.steps
            if self.step % per_epoch == 0 or last:
                epoch = -(-self.step // per_epoch)
                metrics = self.validate() if epoch % self.recipe.validate_every == 0 or last else {}
                row = {"epoch": epoch, "step": self.step, **self.means.prefixed("loss."), **metrics}
                self.means = RunningMeans()
                self._finish_epoch(row)
                epoch_done(row)
            elif self.recipe.save_every and self.step % self.recipe.save_every == 0:
                self.save("last")
            if not last and self._any_rank(stop()):
                if self.step % per_epoch:
                    self.save("last")
                raise KeyboardInterrupt
        return metrics

    def train_step(self, step: int) -> dict[str, float]:
        """Run one batch and one update (an adversary's three phases); return the global mean of each loss."""
        torch.manual_seed(seed_of(self.recipe.seed, step, self.accelerator.process_index))
        batch = self.augment(self.batches(step).to(self.accelerator.device))
        self.network.train()
        keep_frozen_in_eval(self.run.frozen)
        rate = learning_rate(step, self.run.steps, self.recipe.schedule)

        def forward(with_backward: bool) -> Mapping[str, Tensor]:
            return self.forward(self.network if with_backward else self.bare, batch.images)

        def backward(outputs: Mapping[str, Tensor]) -> dict[str, float]:
            return self.backward(outputs, batch)

        try:
            if self.adversary is None:
                means = backward(forward(True))
                self.update(rate)
                return means
            epoch = step // self.mixing.steps_per_epoch
            return self.adversary.step(forward, backward, lambda: self.update(rate), batch, rate=rate, epoch=epoch)
        except DivergedError as error:
            raise DivergedError(f"{error} at step {step}: a lower optimizer.rate may help") from None

    def forward(self, network: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
        """The outputs of the network (or of its wrapper) in the recipe's precision and micro-batches."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            return in_parts(network, images, self.recipe.micro_batches)

    def backward(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, float]:
        """Leave the gradients of the objective in the parameters; return the global mean of each term with labels."""
        loss, means = self.objective(outputs, batch)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        return means

    def update(self, rate: float) -> None:
        """Update the weights with their gradients; ``rate`` is the factor on the recipe's learning rate."""
        set_rate(self.optimizer, self.recipe.optimizer.rate * rate)
        if self.recipe.optimizer.clip:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.recipe.optimizer.clip)
        self.optimizer.step()

    def validate(self) -> dict[str, float]:
        """The metrics of the validation rows, and how well each probe tells people apart."""
        predictor = predictor_of(self.bare, self.run.tasks, self.accelerator.device)
        metrics = evaluate(predictor, self.run.tasks, *self.run.validation)
        for name, (manifest, column) in self.run.probes.items():
            features, persons = features_of(self.bare, manifest, column, device=self.accelerator.device)
            metrics[f"probe.{name}"] = identity_probe(features, persons, seed=self.recipe.seed)["accuracy"]
        return metrics

    def save(self, name: str, metrics: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint into the run's folder (main process only), with the metrics of its validation."""
        if self.accelerator.is_main_process:
            balancer = self.run.balancer
            checkpoint.save(
                self.folder / name,
                self.bare,
                self.optimizer,
                extra=self.adversary.tensors() if self.adversary else {},
                tasks=self.run.tasks,
                relatedness=self.run.relatedness,
                recipe=self.recipe.plain(),
                state={
                    "step": self.step,
                    "best": self.best if math.isfinite(self.best) else None,
                    "means": self.means.state(),
                    "balancer": balancer.state() if balancer else {},
                    "metrics": dict(metrics or {}),
                },
            )

    def resume(self) -> None:
        """Continue from the run's last checkpoint, bit for bit.

        Raises:
            CheckpointError: if there is none, or it belongs to another recipe.
        """
        folder = checkpoint.find(self.folder / "last") or self.folder / "last"
        card = checkpoint.read_card(folder)
        if changed := changed_keys(checkpoint.recipe_of(card, folder), self.recipe):
            raise checkpoint.CheckpointError(f"{folder}: was trained with other values of {', '.join(changed)}")
        checkpoint.load_weights(self.bare, folder)
        checkpoint.load_optimizer(self.optimizer, folder)
        if self.adversary:
            self.adversary.load({name: checkpoint.load_tensors(folder, name) for name in self.adversary.tensors()})
        state = card["state"]
        self.step, self.means = state["step"], RunningMeans(state["means"])
        self.best = -math.inf if state["best"] is None else state["best"]
        if self.run.balancer:
            self.run.balancer.load(state["balancer"])
        if self.accelerator.is_main_process:
            cut(self.folder / "log.csv", self.step)
        self.accelerator.wait_for_everyone()

    def _any_rank(self, asked: bool) -> bool:
        """Whether any rank was asked to stop: all stop after the same step, or one would wait for another forever."""
        count = torch.tensor(float(asked), device=self.accelerator.device)
        return bool(self.accelerator.reduce(count, "sum") > 0)

    def _finish_epoch(self, row: dict[str, float]) -> None:
        if row.get(self.run.select, -math.inf) > self.best:
            self.best = row[self.run.select]
            self.save("best", row)
        if self.accelerator.is_main_process:  # before "last": an extra row is cut on resume, a lost one stays lost
            append(self.folder / "log.csv", row)
        self.save("last", row)


def seed_of(*numbers: int) -> int:
    """One well-mixed seed from several numbers, so that a step's randomness depends on nothing before it."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
