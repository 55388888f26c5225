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
from mien.learn.balancing import FixedWeights
from mien.learn.batch import Batch
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.data.mixing import LabelledSet, Mixing, balanced, proportional_sizes
from mien.learn.evaluate import evaluate, predictor_of
from mien.learn.log import RunningMeans, append, cut
from mien.learn.losses import Coupling, LossTerm, supervised
from mien.learn.metrics import figures
from mien.learn.optimisation import learning_rate, optimizer_of
from mien.learn.parts import nearest
from mien.learn.recipe import Recipe, RecipeError
from mien.relatedness import NAMED
from mien.tasks import Kind, Task

Report = Callable[[Mapping[str, float]], None]
"""Called after each step with the mean of each loss in this epoch so far."""


class DivergedError(RuntimeError):
    """A loss is no longer finite; the checkpoints hold what was before."""


class Trainer:
    """One run of a recipe: it owns the network, the batches and the folder.

    Args:
        recipe: what to train.
        folder: of the run; holds ``last``, ``best`` and ``log.csv``.

    Raises:
        RecipeError: if the recipe does not fit the data.
        mien.learn.data.manifest.ManifestError: if a manifest cannot be used.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe, self.folder = recipe, folder
        self.accelerator = Accelerator()
        self.stop = False
        manifests = [read_manifest(part.manifest).split(part.split) for part in recipe.data]
        self.validation = read_manifest(recipe.validation.manifest).split(recipe.validation.split)
        self.tasks = _tasks(recipe, manifests)
        self.relatedness = NAMED[recipe.relatedness]
        self.couplings: list[Coupling] = [part.build() for part in recipe.couplings]
        torch.manual_seed(recipe.seed)
        try:
            if self.couplings:
                self.relatedness.check(self.tasks)
            network = recipe.network.build(tasks=self.tasks).to(memory_format=torch.channels_last)
        except (TypeError, ValueError) as error:
            raise RecipeError(str(error)) from None
        if not hasattr(getattr(network, "preprocessing", None), "to_dict"):
            raise RecipeError(f"network: {recipe.network.name} has no `preprocessing` with `to_dict`")
        self.select = _select(recipe.select, self.tasks, self.validation)
        self.balancer = FixedWeights(_weights(recipe, self.tasks, self.couplings))
        self.mixing = Mixing(
            _sets(recipe, manifests),
            self.tasks,
            recipe.seed,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        self.network, self.optimizer = self.accelerator.prepare(network, optimizer_of(recipe.optimizer, network))
        self.augment = recipe.augmentation.build()
        self.step, self.best, self.means = 0, -math.inf, RunningMeans()
        self.steps = recipe.epochs * self.mixing.steps_per_epoch

    @property
    def untaught(self) -> list[str]:
        """Labels that no training row has and no coupling reaches: their outputs mean nothing."""
        coupled = (self.relatedness.classes, self.relatedness.attributes) if self.couplings else ()
        return [label for name, label in self.mixing.unlabelled() if name not in coupled]

    @property
    def bare(self) -> nn.Module:
        """The network without what accelerate wraps around it for several processes."""
        network: nn.Module = self.accelerator.unwrap_model(self.network)
        return network

    def run(
        self, report: Report = lambda *_: None, epoch_done: Callable[[dict[str, float]], None] = lambda _: None
    ) -> dict[str, float]:
        """Train from the current step to the end; return the last validation figures, none if nothing was left to do.

        ``trainer.stop = True`` (on any rank, from a signal handler say) ends it after the current step, saved.

        Args:
            report: called after each step.
            epoch_done: called after each epoch with the row that goes into ``log.csv``.

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
            if self.step % per_epoch == 0:
                judged = self.validate()
                row = {"epoch": self.step // per_epoch, "step": self.step, **self.means.prefixed("loss."), **judged}
                self.means = RunningMeans()
                self._finish_epoch(row)
                epoch_done(row)
            elif self.recipe.save_every and self.step % self.recipe.save_every == 0:
                self.save("last")
            if self.step < self.steps and self._stop_wanted():
                if self.step % per_epoch:
                    self.save("last")
                raise KeyboardInterrupt
        return judged

    def train_step(self, step: int) -> dict[str, float]:
        """One batch, one backward pass, one move of the weights; the global mean of each term that had labels."""
        torch.manual_seed(_seed(self.recipe.seed, step, self.accelerator.process_index))
        batch = self.mixing.batch(step).to(self.accelerator.device)
        self.network.train()
        images = self.augment(batch.images)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            outputs = self.network(images)
        loss, means = self.objective(self.terms(outputs, batch))
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.optimizer.rate * learning_rate(step, self.steps, self.recipe.schedule)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        if self.recipe.optimizer.clip:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.recipe.optimizer.clip)
        self.optimizer.step()
        return means

    def terms(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, LossTerm]:
        """The supervised term of each task and the terms of each coupling."""
        terms = supervised(outputs, batch, self.tasks)
        for coupling in self.couplings:
            terms |= coupling(outputs, batch, self.relatedness)
        return terms

    def objective(self, terms: Mapping[str, LossTerm]) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the global means, and those means.

        Counts are summed over the ranks before the division. DDP averages gradients over ranks, hence the
        factor ``world``. A term that no rank has labels for is dropped, and stays attached by a zero.
        """
        world = self.accelerator.num_processes
        counts = self.accelerator.reduce(torch.stack([term.count.float() for term in terms.values()]), "sum")
        means: dict[str, Tensor] = {}
        loss = torch.zeros((), device=counts.device)
        for (name, term), count in zip(terms.items(), counts, strict=True):
            if count > 0:
                means[name] = term.total * world / count
            else:
                loss = loss + 0.0 * term.total
        for name, weight in self.balancer(means).items():
            loss = loss + weight * means[name]
        values = {name: float(self.accelerator.reduce(mean.detach(), "mean")) for name, mean in means.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise DivergedError(f"the loss {name} is {value} at step {self.step}: a lower optimizer.rate may help")
        return loss, values

    def validate(self) -> dict[str, float]:
        """The figures of the validation split."""
        return evaluate(predictor_of(self.bare, self.tasks, self.accelerator.device), self.tasks, self.validation)

    def save(self, name: str, judged: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint into the run's folder (main process only), with the figures that it was judged by."""
        if self.accelerator.is_main_process:
            checkpoint.save(
                self.folder / name,
                self.bare,
                self.optimizer,
                tasks=self.tasks,
                relatedness=self.relatedness,
                recipe=self.recipe.plain(),
                state={
                    "step": self.step,
                    "best": self.best if math.isfinite(self.best) else None,
                    "means": self.means.state(),
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
        then, now = card["recipe"], self.recipe.plain()
        if then != now:
            changed = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
            raise checkpoint.CheckpointError(f"{folder}: was trained with other values of {', '.join(changed)}")
        checkpoint.load_weights(self.bare, folder)
        checkpoint.load_optimizer(self.optimizer, folder)
        state = card["state"]
        self.step, self.means = state["step"], RunningMeans(state["means"])
        self.best = -math.inf if state["best"] is None else state["best"]
        if self.accelerator.is_main_process:
            cut(self.folder / "log.csv", self.step)
        self.accelerator.wait_for_everyone()

    def _stop_wanted(self) -> bool:
        """Whether any rank was asked to stop: all leave after the same step, or one would wait for another for ever."""
        wanted = torch.tensor(float(self.stop), device=self.accelerator.device)
        return bool(self.accelerator.reduce(wanted, "sum") > 0)

    def _finish_epoch(self, row: dict[str, float]) -> None:
        if row[self.select] > self.best:
            self.best = row[self.select]
            self.save("best", row)
        if self.accelerator.is_main_process:  # before "last": a row too many is cut on resume, a lost one is lost
            append(self.folder / "log.csv", row)
        self.save("last", row)


def _seed(*numbers: int) -> int:
    """One well-mixed seed of several numbers: a step's randomness depends on nothing that came before it."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _tasks(recipe: Recipe, manifests: list[Manifest]) -> tuple[Task, ...]:
    """The label space of the manifests, cut down to what the recipe names."""
    known: dict[str, Task] = {}
    for manifest in manifests:
        for task in manifest.tasks:
            first = known.setdefault(task.name, task)
            if (first.kind, first.labels) != (task.kind, task.labels):
                raise RecipeError(f"{manifest.path}: its task {task.name} is not that of the other manifests")
    for name in (*(recipe.tasks or ()), *(name for part in recipe.data for name in part.tasks or ())):
        if name not in known:
            raise RecipeError(f"tasks: no manifest has the task {name}{nearest(name, known)}")
    return tuple(known[name] for name in recipe.tasks or known)


def _sets(recipe: Recipe, manifests: list[Manifest]) -> list[LabelledSet]:
    turns = [balanced(rows, rows.tasks, part.balance) for part, rows in zip(recipe.data, manifests, strict=True)]
    unsized = [len(each) for part, each in zip(recipe.data, turns, strict=True) if part.size is None]
    shares = iter(proportional_sizes(unsized, recipe.batch_size))
    return [
        LabelledSet(rows, part.tasks, part.size or next(shares), each)
        for part, rows, each in zip(recipe.data, manifests, turns, strict=True)
    ]


def _weights(recipe: Recipe, tasks: tuple[Task, ...], couplings: list[Coupling]) -> dict[str, float]:
    names = [*(task.name for task in tasks), *(name for coupling in couplings for name in coupling.terms)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"couplings: the loss {twice[0]} stands there twice")
    for name in recipe.weights:
        if name not in names:
            raise RecipeError(f"weights.{name}: there is no such loss{nearest(name, names)}")
    return dict(recipe.weights)


HEADLINES = {Kind.CLASSES: "accuracy", Kind.ATTRIBUTES: "f1", Kind.CONTINUOUS: "ccc"}
"""The figure of each kind of task that a run is judged by."""


def _select(wanted: str | None, tasks: tuple[Task, ...], validation: Manifest) -> str:
    """The figure that ``best`` is chosen by, checked against the labels of the validation rows before any training."""
    blank = {task.name: np.zeros((len(validation), len(task)), np.float32) for task in tasks}
    labels = {task.name: validation.column(task, hard=True) for task in tasks}
    known = {name: ~np.isnan(column) for name, column in labels.items()}
    names = [*figures(blank, {name: np.nan_to_num(column) for name, column in labels.items()}, known, tasks)]
    if wanted is None:
        wanted = next((name for task in tasks if (name := f"{task.name}.{HEADLINES[task.kind]}") in names), None)
        if wanted is None:
            raise RecipeError(f"validation: {validation.path} has no label of {', '.join(task.name for task in tasks)}")
    elif wanted not in names:
        raise RecipeError(f"select: the validation has no figure {wanted}{nearest(wanted, names)}")
    return wanted
