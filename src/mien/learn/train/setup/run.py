"""A recipe and its manifests become a frozen run: everything that the trainer loops over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mien.learn.balancing import FixedWeights
from mien.learn.balancing.balancer import Balancer
from mien.learn.data.batches.mixing import Mixing
from mien.learn.data.manifest import Manifest
from mien.learn.losses.supervised import Loss
from mien.learn.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import WarmStart
from mien.learn.train.objective import Coupled
from mien.learn.train.setup.adversary import Opponent, build_opponent
from mien.learn.train.setup.couplings import build_couplings, build_relatedness
from mien.learn.train.setup.initial_network import build_network, check_inputs
from mien.learn.train.setup.losses import build_balancer, build_lambdas, build_losses, term_names
from mien.learn.train.setup.probes import open_probes
from mien.learn.train.setup.rows import build_mixing, label_space, missing_shots, select_rows
from mien.learn.train.setup.selection import selection_metric
from mien.learn.train.setup.teachers import fill_labels
from mien.learn.train.setup.warm_start import freeze, load_warm_start
from mien.relatedness.table import Relatedness
from mien.tasks import Task


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that a training run needs before its first step.

    Args:
        recipe: what it was built from.
        tasks: the label space.
        mixing: the batches, with the labels that teachers filled in.
        validation: the rows that it is evaluated on.
        select: the validation metric that selects the best checkpoint.
        probes: for each probe, the faces and the column that identifies the person.
        network: the network with its initial weights, on the CPU.
        frozen: modules of the network that stay in evaluation mode.
        relatedness: the tables of the couplings; none if nothing is coupled.
        couplings: each over one pair of tasks.
        losses: by task name, for tasks whose loss is not the standard one of their kind.
        lambdas: the fixed weights of the terms.
        balancer: weighs the terms in every step; None for fixed weights only.
        opponent: the critic and what it needs, if the run is adversarial.
        notes: lines that the user should see before training.
    """

    recipe: Recipe
    tasks: tuple[Task, ...]
    mixing: Mixing
    validation: Sequence[Manifest]
    select: str
    probes: Mapping[str, tuple[Manifest, str]]
    network: nn.Module
    frozen: Sequence[nn.Module]
    relatedness: tuple[Relatedness, ...]
    couplings: Sequence[Coupled]
    losses: Mapping[str, Loss]
    lambdas: FixedWeights
    balancer: Balancer | None
    opponent: Opponent | None
    notes: Sequence[str]

    @property
    def steps(self) -> int:
        """The number of steps of the whole run."""
        return self.recipe.steps or self.recipe.epochs * self.mixing.steps_per_epoch

    @property
    def untaught(self) -> list[str]:
        """Labels that no training row has and no coupling reaches: their outputs are meaningless."""
        unlabelled = self.mixing.unlabelled()
        return [label for name, label in unlabelled if not any(each.reaches(name, label) for each in self.couplings)]


def build_run(recipe: Recipe, *, initialise: bool = True) -> Run:
    """Build a run from a recipe.

    Tables and priors of the couplings are counted in the labels that the manifests have, before teachers fill in
    others; priors of losses after that, since they are those of the batches. The seed determines the weights. Teachers
    predict last of all, once the recipe, the network and the data are known to fit: that can take minutes.

    Args:
        recipe: what to train.
        initialise: whether to read pretrained weights and the warm start; a run that resumes needs neither.

    Raises:
        RecipeError: if the recipe does not fit the data.
        ManifestError: if a manifest cannot be used.
        TeacherError, CheckpointError, ModelError: if a teacher or the warm start cannot be used.
    """
    check_sharing(recipe)
    training, validation = select_rows(recipe)
    tasks = label_space(recipe, training)
    labelled = build_mixing(recipe, training, tasks)
    relatedness = build_relatedness(recipe.relatedness, tasks, labelled) if recipe.couplings else ()
    couplings = build_couplings(recipe.couplings, relatedness, tasks, labelled)
    select = selection_metric(recipe.select, tasks, validation)
    lambdas = build_lambdas(recipe.weights, tasks, couplings)
    balancer = build_balancer(recipe.balancing, term_names(tasks, couplings))

    torch.manual_seed(recipe.seed)
    pretrained = initialise and recipe.warm_start.checkpoint is None
    network = build_network(recipe.network, recipe.sharing, tasks, training[0].shape, pretrained=pretrained)
    probes = open_probes(recipe.probes)
    check_inputs(network, [*training, *validation, *(manifest for manifest, _ in probes.values())])
    frozen = freeze(network, recipe.warm_start, recipe.balancing)
    started = load_warm_start(network, recipe.warm_start, recipe.network, tasks) if initialise else []
    mixing = fill_labels(labelled, tasks, [Path(teacher) for teacher in recipe.teachers])
    opponent = build_opponent(recipe.adversarial, recipe.network.name, network, tasks, mixing)

    return Run(
        recipe=recipe,
        tasks=tasks,
        mixing=mixing.stratified(opponent.strata) if opponent and opponent.settings.stratify else mixing,
        validation=validation,
        select=select,
        probes=probes,
        network=network,
        frozen=frozen,
        relatedness=relatedness,
        couplings=couplings,
        losses=build_losses(recipe.losses, tasks, mixing),
        lambdas=lambdas,
        balancer=balancer,
        opponent=opponent,
        notes=[*missing_shots(recipe, training), *started],
    )


def check_sharing(recipe: Recipe) -> None:
    """Raise RecipeError if a recipe with ``sharing`` has a section that needs features shared by all tasks."""
    if recipe.sharing is None:
        return
    balancing = recipe.balancing
    needs_features = {
        "warm_start": recipe.warm_start != WarmStart(),
        "balancing": balancing is not None and getattr(balancing.factory, "needs_features", False),
        "adversarial": recipe.adversarial is not None,
        "probes": bool(recipe.probes),
    }
    for key, needed in needs_features.items():
        if needed:
            name = recipe.sharing.name
            raise RecipeError(f"{key}: needs features that all tasks share; with {name} each task has its own")
