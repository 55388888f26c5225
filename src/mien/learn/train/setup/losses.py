"""The terms of a run: losses that replace the standard ones, fixed weights, and the balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mien.learn.balancing import FixedWeights
from mien.learn.balancing.balancer import Balancer
from mien.learn.data.batches.mixing import Mixing
from mien.learn.losses.supervised import Loss
from mien.learn.recipe import RecipeError
from mien.learn.recipe.class_spec import ClassSpec
from mien.learn.train.objective import Coupled
from mien.spelling import did_you_mean
from mien.tasks import Task


def term_names(tasks: Sequence[Task], couplings: Sequence[Coupled]) -> list[str]:
    """The names of all terms: those of the tasks, then those of the couplings."""
    return [*(task.name for task in tasks), *(name for each in couplings for name in each.names.values())]


def build_losses(specs: Mapping[str, ClassSpec], tasks: Sequence[Task], mixing: Mixing) -> dict[str, Loss]:
    """The losses that replace the standard ones, by task name; priors are counted over the rows of the batches."""
    own = {task.name: task for task in tasks}
    losses: dict[str, Loss] = {}
    for name, spec in specs.items():
        if name not in own:
            raise RecipeError(f"losses.{name}: the run has no such task{did_you_mean(name, own)}")
        try:
            loss = spec.build()
            if hasattr(loss, "counted"):
                sets = zip(mixing.sets, mixing.columns, mixing.plan.per_step, strict=True)
                labelled = [(columns[name][each.rows], rows) for each, columns, rows in sets if name in columns]
                loss = loss.counted(labelled, len(own[name]))
        except ValueError as error:
            raise RecipeError(f"losses.{name}: {error}") from None
        if loss.kind is not own[name].kind:
            kinds = f"{loss.kind.value}; {name} has {own[name].kind.value}"
            raise RecipeError(f"losses.{name}: {spec.name} is for {kinds}")
        losses[name] = loss
    return losses


def build_lambdas(weights: Mapping[str, float], tasks: Sequence[Task], couplings: Sequence[Coupled]) -> FixedWeights:
    """The fixed weights of the terms; a coupling's own name for a term applies to every pair of tasks."""
    names = term_names(tasks, couplings)
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"couplings: duplicate loss {duplicates[0]}")
    every_pair = {name: weights[term] for each in couplings for term, name in each.names.items() if term in weights}
    terms = {term for each in couplings for term in each.names}
    for name in weights:
        if name not in names and name not in terms:
            raise RecipeError(f"weights.{name}: no such loss{did_you_mean(name, names)}")
    return FixedWeights({**every_pair, **{name: value for name, value in weights.items() if name in names}})


def build_balancer(spec: ClassSpec | None, names: Sequence[str]) -> Balancer | None:
    """The balancer of the terms with these names, if the recipe has one."""
    if spec is None:
        return None
    try:
        balancer: Balancer = spec.build()
    except ValueError as error:
        raise RecipeError(f"balancing: {spec.name}: {error}") from None
    for each in getattr(balancer, "regression", ()):
        if each not in names:
            raise RecipeError(f"balancing: {spec.name}: regression: no loss {each}{did_you_mean(each, names)}")
    return balancer
