"""The search for AdaShare's policy (Sun et al., 2020): weights and policy in turn, then the policy is sampled.

An epoch is one pass over the rows that the weights learn from; after the warm-up, it is followed by as many policy
steps on the rows held out for them. All steps use sampled gates. In the end the weights are discarded, because they
were learned together with other policies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien.atomic import replace_text
from mien.learn.checkpoint import CheckpointError, find
from mien.learn.data.batches.mixing import LabelledSet, Mixing
from mien.learn.recipe import Recipe, RecipeError, changed_keys, parse_stored
from mien.learn.sharing.adashare import AdaShare, sharing_loss, sparsity_loss
from mien.learn.train.log import RunningMeans, append
from mien.learn.train.micro_batches import in_parts
from mien.learn.train.objective import DivergedError
from mien.learn.train.optimiser import learning_rate
from mien.learn.train.setup.run import Run
from mien.learn.train.trainer import Report, Trainer, seed_of

Policy = list[list[bool]]
"""For each block and each task, whether the block is selected."""

POLICY = "policy.json"


def with_policy(recipe: Recipe, folder: Path, report: Report = lambda *_: None) -> Recipe:
    """The recipe with AdaShare's policy filled in, searched in ``folder/search`` if necessary.

    Any other recipe is returned unchanged.

    Raises:
        as :func:`search`.
    """
    part = recipe.sharing
    if part is None or part.factory is not AdaShare or part.arguments.get("policy") is not None:
        return recipe
    policy = search(recipe, folder / "search", report)
    filled = replace(part, arguments={**part.arguments, "policy": policy})
    return recipe.model_copy(update={"sharing": filled})


def search(recipe: Recipe, folder: Path, report: Report = lambda *_: None) -> Policy:
    """A policy for the recipe's data and network, sampled from the learned probabilities with the recipe's seed.

    A finished search is read from ``folder/policy.json``; an interrupted one resumes from its last whole epoch.

    Args:
        recipe: its ``sharing`` is AdaShare without a policy.
        folder: folder of the search; holds ``last``, ``log.csv`` and ``policy.json``.
        report: called after each step.

    Raises:
        RecipeError: if the recipe does not fit the data, or the folder holds the policy of another recipe.
        DivergedError: if a loss is no longer finite.
    """
    known = _read(folder / POLICY, recipe)
    if known is not None:
        return known
    searcher = PolicySearch.of(recipe, folder)
    if find(folder / "last") is not None:
        searcher.resume()
    searcher.train(report)
    selected = searcher.adashare.selected(len(searcher.adashare.blocks)).detach().cpu().numpy()
    policy: Policy = (np.random.default_rng(recipe.seed).random(selected.shape) < selected).tolist()
    if searcher.accelerator.is_main_process:
        found = {
            "policy": policy,
            "probabilities": selected.tolist(),
            "tasks": [task.name for task in searcher.run.tasks],
            "recipe": recipe.plain(),
        }
        replace_text(folder / POLICY, json.dumps(found, indent=1))
    searcher.accelerator.wait_for_everyone()
    return policy


def _read(path: Path, recipe: Recipe) -> Policy | None:
    """The policy of a finished search of this recipe; None if there is none."""
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text())
        policy: Policy = found["policy"]
        before = parse_stored(found["recipe"], str(path))
    except (AttributeError, OSError, KeyError, TypeError, ValueError):
        raise RecipeError(f"{path}: not a policy; remove it to search again") from None
    if changed := changed_keys(before, recipe):
        raise RecipeError(f"{path}: was searched with other values of {', '.join(changed)}; remove it to search again")
    return policy


def opened(epoch: int, epochs: int, blocks: int) -> int:
    """How many of the last blocks the policy decides on: one more in each of its epochs, starting with the last block.

    Departure: with fewer than two epochs per block they open faster, so that all are open for half of the time.

    Args:
        epoch: epoch of the policy, from 0.
        epochs: number of epochs of the policy.
        blocks: number of blocks of the network.
    """
    return min(blocks, math.ceil((epoch + 1) * max(1.0, 2 * blocks / epochs)))


def temperature(epoch: int, epochs: int, warmest: float, coldest: float) -> float:
    """Temperature of the samples in an epoch of the policy: falls geometrically from ``warmest`` to ``coldest``."""
    return float(warmest * (coldest / warmest) ** (epoch / max(1, epochs - 1)))


class PolicySearch(Trainer):
    """A training run that learns a policy; its weights are discarded.

    The weights are updated as in any training of this recipe, on a share of the rows; the policy's logits by Adam, on
    the rows held out. The held-out rows and the noise of each step depend on the seed only and are the same on every
    rank.

    Args:
        run: the run of a recipe whose ``sharing`` is AdaShare without a policy.
        folder: folder of the search.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        super().__init__(run, folder)
        self.settings: dict[str, Any] = self.recipe.sharing.arguments if self.recipe.sharing else {}
        self.policy_rows, self.weight_rows = _divide(self.mixing, self.settings["holdout"], self.recipe.seed)
        self.epochs: int = self.settings["search_epochs"]
        self.warmup: int = self.settings["warmup_epochs"]
        self.steps = self.epochs * self.weight_rows.steps_per_epoch
        self.policy_optimizer = torch.optim.Adam([self.logits], self.settings["policy_rate"])

    @property
    def adashare(self) -> AdaShare:
        """The network whose policy is searched."""
        bare = self.bare
        assert isinstance(bare, AdaShare)
        return bare

    @property
    def logits(self) -> Tensor:
        """The logits of the policy, blocks x tasks."""
        assert self.adashare.logits is not None
        return self.adashare.logits

    def train(
        self,
        report: Report = lambda *_: None,
        epoch_done: Callable[[dict[str, float]], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, float]:
        """Search from the current epoch to the end; return the last row of the log, {} if nothing was left to do.

        ``stop`` ends the search after the current epoch, which is saved. See
        :meth:`mien.learn.train.trainer.Trainer.train`.
        """
        row: dict[str, float] = {}
        per_epoch = self.weight_rows.steps_per_epoch
        for epoch in range(self.step // per_epoch, self.epochs):
            steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
            for step in steps:
                self.means.add(self.train_step(step))
                self.step += 1
                report(self.means.values())
            for step in steps if epoch >= self.warmup else ():
                self.means.add(self.policy_step(step))
                report(self.means.values())
            row = self._row(epoch)
            self.means = RunningMeans()
            if self.accelerator.is_main_process:
                append(self.folder / "log.csv", row)
            self.save("last", row)
            epoch_done(row)
            if epoch + 1 < self.epochs and self._any_rank(stop()):
                raise KeyboardInterrupt
        return row

    def train_step(self, step: int) -> dict[str, float]:
        """Update the weights once, with sampled gates; the policy is unchanged."""
        means = self._backward(self.weight_rows, step, policy=False)
        self.logits.grad = None
        self.update(learning_rate(step, self.steps, self.recipe.schedule))
        return means

    def policy_step(self, step: int) -> dict[str, float]:
        """Update the policy once, by the losses on held-out rows and the two regularisers; weights are unchanged."""
        means = self._backward(self.policy_rows, step, policy=True)
        self.policy_optimizer.step()
        return {f"policy.{name}": mean for name, mean in means.items()}

    def _backward(self, rows: Mixing, step: int, *, policy: bool) -> dict[str, float]:
        """Compute gradients of weights and logits: every parameter needs one in every step, on every rank."""
        epoch = step // self.weight_rows.steps_per_epoch - self.warmup
        epochs, blocks = self.epochs - self.warmup, len(self.adashare.blocks)
        free = opened(epoch, epochs, blocks) if epoch >= 0 else 0
        warmth = temperature(max(0, epoch), epochs, self.settings["temperature"], self.settings["coldest"])
        noise = np.random.default_rng([self.recipe.seed, policy, step]).random(self.logits.shape, np.float32)
        torch.manual_seed(seed_of(self.recipe.seed, policy, step, self.accelerator.process_index))
        batch = self.augment(rows.batch(step).to(self.accelerator.device))
        self.network.train()
        gates = self.adashare.gates(free, warmth, torch.from_numpy(noise).to(self.logits.device))
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            outputs = in_parts(self.network, batch.images, self.recipe.micro_batches, gates)
        try:
            loss, means = self.objective(outputs, batch)
        except DivergedError as error:
            raise DivergedError(f"{error} at step {step} of the search: a lower optimizer.rate may help") from None
        selected = self.adashare.selected(free)
        extra = {"sparsity": sparsity_loss(selected), "sharing": sharing_loss(selected)}
        for name, value in extra.items():
            loss = loss + (self.settings[name] if policy else 0.0) * value
        self.optimizer.zero_grad()
        self.policy_optimizer.zero_grad()
        self.accelerator.backward(loss)
        return means | ({name: float(value.detach()) for name, value in extra.items()} if policy else {})

    def _row(self, epoch: int) -> dict[str, float]:
        """A row of the log: the losses and, for each task, the mean probability that a block is selected."""
        selected = self.logits.detach().sigmoid().mean(0).tolist()
        chosen = {f"selected.{task.name}": value for task, value in zip(self.run.tasks, selected, strict=True)}
        return {"epoch": epoch + 1, "step": self.step, **self.means.prefixed("loss."), **chosen}

    def save(self, name: str, metrics: Mapping[str, float] | None = None) -> None:
        """Save as a trainer does, the policy's optimiser first, so that a kill leaves a matching pair."""
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            state = self.policy_optimizer.state_dict()["state"].get(0, {})
            self._moments.write_text(json.dumps({key: value.tolist() for key, value in state.items()}))
        super().save(name, metrics)
        if self.accelerator.is_main_process:
            for other in self.folder.glob("moments-*.json"):
                if other != self._moments:
                    other.unlink()

    def resume(self) -> None:
        """Continue from the last whole epoch, bit for bit.

        Raises:
            CheckpointError: if there is none, or it belongs to another recipe.
        """
        super().resume()
        try:
            state = json.loads(self._moments.read_text())
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.folder}: cannot be resumed ({error}); remove it to search again") from None
        if state:
            moments = {0: {key: torch.tensor(value) for key, value in state.items()}}
            groups = self.policy_optimizer.state_dict()["param_groups"]
            self.policy_optimizer.load_state_dict({"state": moments, "param_groups": groups})

    @property
    def _moments(self) -> Path:
        return self.folder / f"moments-{self.step}.json"


def _divide(mixing: Mixing, share: float, seed: int) -> tuple[Mixing, Mixing]:
    """The batches of a random share of the rows of each set, and those of the other rows."""
    parts: tuple[list[LabelledSet], list[LabelledSet]] = ([], [])
    for index, rows in enumerate(mixing.sets):
        count = len(rows.manifest)
        if count < 2:
            raise RecipeError(f"sharing: {rows.manifest.path} has {count} row, too few to hold some out")
        order = np.random.default_rng([seed, index]).permutation(count)
        held = np.isin(rows.rows, order[: min(count - 1, max(1, round(share * count)))])
        for part, mine in zip(parts, (held, ~held), strict=True):
            part.append(replace(rows, turns=rows.rows[mine]))
    plans = [mixing.plan.over([len(rows.rows) for rows in part]) for part in parts]
    held_out, others = (
        Mixing(part, mixing.tasks, seed, rank=mixing.rank, world=mixing.world, plan=plan, columns=mixing.columns)
        for part, plan in zip(parts, plans, strict=True)
    )  # with the labels that teachers filled in
    return held_out, others
