"""The training loop: one visible step, the same for one process and for several under torchrun."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

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
from mien.learn.recipe.recipe import Recipe
from mien.learn.train import build as assembly
from mien.learn.train import couplings as relations
from mien.learn.train.build_adversary import adversary
from mien.learn.train.log import RunningMeans, append, cut
from mien.learn.train.micro_batches import in_parts
from mien.learn.train.objective import DivergedError, Objective
from mien.learn.train.optimiser import learning_rate, optimizer_of, set_rate
from mien.learn.train.probes import open_probes
from mien.learn.train.teachers import fill, label
from mien.learn.train.warm_start import begin, freeze, keep_frozen_in_eval, rate_groups

Report = Callable[[Mapping[str, float]], None]
"""Called after each step with the mean of each loss in this epoch so far."""


class Trainer:
    """One run of a recipe: it owns the network, the batches and the folder.

    Args:
        recipe: what to train.
        folder: of the run; holds ``last``, ``best`` and ``log.csv``.

    Raises:
        RecipeError: if the recipe does not fit the data.
        mien.learn.data.manifest.manifest.ManifestError: if a manifest cannot be used.
        TeacherError, CheckpointError, ModelError: if a teacher, or the checkpoint to begin from, cannot be used.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe, self.folder = recipe, folder
        self.accelerator = Accelerator()
        training, self.validation = assembly.manifests(recipe)
        self.tasks = assembly.label_space(recipe, training)
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        self.mixing = assembly.mixing(recipe, training, self.tasks, rank, world)
        self.relatedness = relations.tables(recipe, self.tasks, self.mixing) if recipe.couplings else ()
        self.couplings = relations.couplings(recipe, self.relatedness, self.tasks, self.mixing)
        torch.manual_seed(recipe.seed)
        fresh = checkpoint.find(folder / "last") is None  # a run that goes on needs no other checkpoint
        network = assembly.network(recipe, self.tasks, training[0].shape, fresh)
        assembly.check_inputs(network, [*training, *self.validation])
        self.frozen = freeze(recipe, network)
        self.notes = [*assembly.lacking_shots(recipe, training), *(begin(recipe, network, self.tasks) if fresh else ())]
        self.select = assembly.select(recipe.select, self.tasks, self.validation)
        lambdas = assembly.lambdas(recipe, self.tasks, self.couplings)
        self.balancer = assembly.balancer(recipe, assembly.terms(self.tasks, self.couplings))
        for rows, columns in zip(training, self.mixing.columns, strict=True):  # after the tables were counted
            predicted = label(rows, self.tasks, [Path(teacher) for teacher in recipe.teachers])
            columns |= {
                task.name: fill(columns.get(task.name), predicted[task.name], task)
                for task in self.tasks
                if task.name in predicted
            }
        losses = assembly.losses(recipe, self.tasks, self.mixing)  # after the teachers: priors count what they fill in
        self.objective = Objective(self.tasks, self.couplings, lambdas, self.balancer, self.accelerator, losses)
        self.network, self.optimizer = self.accelerator.prepare(
            network, optimizer_of(recipe.optimizer, rate_groups(network, recipe.start))
        )
        self.adversary = adversary(recipe, self.bare, self.tasks, self.mixing, self.accelerator)
        self.probes = open_probes(recipe)
        assembly.check_inputs(network, [manifest for manifest, _ in self.probes.values()])
        self.augment = Augment(recipe.augmentation, self.tasks)
        self.step, self.best, self.means = 0, -math.inf, RunningMeans()
        self.steps = recipe.steps or recipe.epochs * self.mixing.steps_per_epoch
        self.batches = Prefetch(self.mixing.batch, self.steps)

    @property
    def untaught(self) -> list[str]:
        """Labels that no training row has and no coupling reaches: their outputs mean nothing."""
        unlabelled = self.mixing.unlabelled()
        return [label for name, label in unlabelled if not any(each.reaches(name, label) for each in self.couplings)]

    @property
    def bare(self) -> nn.Module:
        """The network without what accelerate wraps around it for several processes."""
        network: nn.Module = self.accelerator.unwrap_model(self.network)
        return network

    def run(
        self,
        report: Report = lambda *_: None,
        epoch_done: Callable[[dict[str, float]], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, float]:
        """Train from the current step to the end; return the last validation figures, none if nothing was left to do.

        Args:
            report: called after each step.
            epoch_done: called after each epoch with the row that goes into ``log.csv``; without figures if it was
                not judged.
            stop: asked after each step; once it is true on any rank, the step is saved and the run ends.

        Raises:
            KeyboardInterrupt: if it was stopped before the end.
            DivergedError: if a loss is no longer finite.
        """
        judged: dict[str, float] = {}
        per_epoch = self.mixing.steps_per_epoch
        while self.step < self.steps:
            self.means.add(self.train_step(self.step))
            self.step += 1
            report(self.means.values())
            if self.step % per_epoch == 0 or self.step == self.steps:
                epoch = -(-self.step // per_epoch)
                judged = self.validate() if epoch % self.recipe.validate_every == 0 or self.step == self.steps else {}
                row = {"epoch": epoch, "step": self.step, **self.means.prefixed("loss."), **judged}
                self.means = RunningMeans()
                self._finish_epoch(row)
                epoch_done(row)
            elif self.recipe.save_every and self.step % self.recipe.save_every == 0:
                self.save("last")
            if self.step < self.steps and self._stop_wanted(stop()):
                if self.step % per_epoch:
                    self.save("last")
                raise KeyboardInterrupt
        return judged

    def train_step(self, step: int) -> dict[str, float]:
        """One batch, one move of the weights (with an adversary: one step of it); the global mean of each loss."""
        torch.manual_seed(seed_of(self.recipe.seed, step, self.accelerator.process_index))
        batch = self.augment(self.batches(step).to(self.accelerator.device))
        self.network.train()
        keep_frozen_in_eval(self.frozen)
        rate = learning_rate(step, self.steps, self.recipe.schedule)

        def forward(descending: bool) -> Mapping[str, Tensor]:
            return self.forward(self.network if descending else self.bare, batch.images)

        def backward(outputs: Mapping[str, Tensor]) -> dict[str, float]:
            return self.backward(outputs, batch)

        try:
            if self.adversary is None:
                means = backward(forward(True))
                self.move(rate)
                return means
            epoch = step // self.mixing.steps_per_epoch
            return self.adversary.step(forward, backward, lambda: self.move(rate), batch, rate=rate, epoch=epoch)
        except DivergedError as error:
            raise DivergedError(f"{error} at step {step}: a lower optimizer.rate may help") from None

    def forward(self, network: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
        """The outputs of the network (or of what accelerate wraps around it) in the recipe's precision and parts."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            return in_parts(network, images, self.recipe.micro_batches)

    def backward(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, float]:
        """Leave the gradients of the objective in the parameters; the global mean of each term that had labels."""
        loss, means = self.objective(outputs, batch)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        return means

    def move(self, rate: float) -> None:
        """Move the weights by the gradients that they have; ``rate`` is the factor on the recipe's learning rate."""
        set_rate(self.optimizer, self.recipe.optimizer.rate * rate)
        if self.recipe.optimizer.clip:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.recipe.optimizer.clip)
        self.optimizer.step()

    def validate(self) -> dict[str, float]:
        """The figures of the validation rows, and of each probe how well the persons can be told apart."""
        judged = evaluate(predictor_of(self.bare, self.tasks, self.accelerator.device), self.tasks, *self.validation)
        for name, (manifest, column) in self.probes.items():
            seen, persons = features_of(self.bare, manifest, column, device=self.accelerator.device)
            judged[f"probe.{name}"] = identity_probe(seen, persons, seed=self.recipe.seed)["accuracy"]
        return judged

    def save(self, name: str, judged: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint into the run's folder (main process only), with the figures that it was judged by."""
        if self.accelerator.is_main_process:
            checkpoint.save(
                self.folder / name,
                self.bare,
                self.optimizer,
                besides=self.adversary.tensors() if self.adversary else {},
                tasks=self.tasks,
                relatedness=self.relatedness,
                recipe=self.recipe.plain(),
                state={
                    "step": self.step,
                    "best": self.best if math.isfinite(self.best) else None,
                    "means": self.means.state(),
                    "balancer": self.balancer.state() if self.balancer else {},
                    "figures": dict(judged or {}),
                },
            )

    def resume(self) -> None:
        """Go on from the run's last checkpoint, bit for bit.

        Raises:
            CheckpointError: if there is none, or it belongs to another recipe.
        """
        folder = checkpoint.find(self.folder / "last") or self.folder / "last"
        card = checkpoint.read_card(folder)
        then, now = checkpoint.recipe_of(card, folder).plain(), self.recipe.plain()  # keys that are new have defaults
        if then != now:
            changed = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
            raise checkpoint.CheckpointError(f"{folder}: was trained with other values of {', '.join(changed)}")
        checkpoint.load_weights(self.bare, folder)
        checkpoint.load_optimizer(self.optimizer, folder)
        if self.adversary:
            self.adversary.load({name: checkpoint.load_tensors(folder, name) for name in self.adversary.tensors()})
        state = card["state"]
        self.step, self.means = state["step"], RunningMeans(state["means"])
        self.best = -math.inf if state["best"] is None else state["best"]
        if self.balancer:
            self.balancer.load(state["balancer"])
        if self.accelerator.is_main_process:
            cut(self.folder / "log.csv", self.step)
        self.accelerator.wait_for_everyone()

    def _stop_wanted(self, asked: bool) -> bool:
        """Whether any rank was asked to stop: all leave after the same step, or one would wait for another for ever."""
        wanted = torch.tensor(float(asked), device=self.accelerator.device)
        return bool(self.accelerator.reduce(wanted, "sum") > 0)

    def _finish_epoch(self, row: dict[str, float]) -> None:
        if row.get(self.select, -math.inf) > self.best:
            self.best = row[self.select]
            self.save("best", row)
        if self.accelerator.is_main_process:  # before "last": a row too many is cut on resume, a lost one is lost
            append(self.folder / "log.csv", row)
        self.save("last", row)


def seed_of(*numbers: int) -> int:
    """One well-mixed seed of several numbers: a step's randomness depends on nothing that came before it."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
