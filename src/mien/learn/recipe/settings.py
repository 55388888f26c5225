"""The sections of a recipe, typed and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

import mien.learn.caf
from mien.learn.data.manifest import MANIFEST
from mien.learn.recipe.class_spec import class_spec, explain
from mien.relatedness.table import NAMED
from mien.spelling import did_you_mean


class Typed(BaseModel):
    """Base of all sections: unknown keys, NaN and infinity are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Inferred(Typed):
    """A relatedness counted in the training rows of the run (papers/002, "Beyond Affective Computing").

    Args:
        classes, attributes: names of the two tasks; by default the only ones of their kind.
        smoothing, minimum_support: see :func:`mien.relatedness.inference.infer`.
    """

    classes: str | None = None
    attributes: str | None = None
    smoothing: Annotated[float, Field(ge=0)] = 0.0
    minimum_support: Annotated[int, Field(ge=1)] = 1


def table(entry: Any) -> Any:
    """Check one entry of ``relatedness``: ``inferred`` or a mapping (:class:`Inferred`), a file, or a named table."""
    if isinstance(entry, Inferred):
        return entry
    if entry == "inferred" or isinstance(entry, dict):
        try:
            return Inferred.model_validate({} if entry == "inferred" else entry)
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, Inferred))) from None
    if not isinstance(entry, str):
        raise ValueError("expected the name of a table, a .json or .csv file, `inferred`, or a mapping of its keys")
    if entry not in NAMED and Path(entry).suffix not in (".json", ".csv"):
        raise ValueError(f"unknown table {entry}{did_you_mean(entry, [*NAMED, 'inferred'])}")
    return entry


def as_list(value: Any) -> Any:
    """Wrap a single value in a tuple."""
    return value if isinstance(value, list | tuple) else (value,)


def tables(value: Any) -> tuple[Any, ...]:
    """Check ``relatedness``: one table or a list of tables."""
    return tuple(table(entry) for entry in as_list(value))


class Rows(Typed):
    """Rows of a manifest.

    Args:
        manifest: the file, or the folder that holds it, relative to the working directory.
        split: the split of its rows.
    """

    manifest: str
    split: str

    @property
    def place(self) -> tuple[Path, str]:
        """File and split: equal for the same rows, however the path is written."""
        path = Path(self.manifest)
        return (path / MANIFEST if path.is_dir() else path).resolve(), self.split


class DataSet(Rows):
    """Rows to train on.

    Args:
        split: the split of its rows.
        size: how many of its rows are in each mini-batch; by default the recipe's ``batch_size`` is divided in
            proportion to the lengths of the sets, so that one epoch covers all of them.
        tasks: names of the tasks whose labels are used; by default all.
        balance: how much more often rows of rare classes are drawn, from 0 (every row once) to 1 (all classes equally
            often), see :func:`mien.learn.data.batches.mixing.balanced`; the classes are those of the first trained
            classification task that the set has labels for.
        keep: for each task the share of its labelled rows that keep the label; the other labels are hidden.
        shots: how many rows of each class to train on, drawn with the recipe's seed from the rows that a fold leaves;
            by default all. The classes are those of the first classification task that the set has labels for
            (:mod:`mien.learn.data.manifest.shots`); rows without its label are not trained on.
    """

    split: str = "train"
    size: Annotated[int, Field(gt=0)] | None = None
    tasks: tuple[str, ...] | None = None
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    keep: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    shots: Annotated[int, Field(gt=0)] | None = None


class WarmStart(Typed):
    """Initial weights, and how fast each part of the network learns (papers/003, section 3.1.4, few-shot).

    A part is a module of the network by its name, with everything inside it, such as ``trunk``, ``trunk.blocks.0`` or
    ``heads.expression``; or ``encoder``, which is everything except the heads. If several parts hold a weight, the
    longest name applies, and ``encoder`` last. See :mod:`mien.learn.train.setup.warm_start`.

    Args:
        checkpoint: a folder such as ``runs/NAME/best`` whose weights replace random ones; by default none.
        partial: whether the encoder may differ in some weights: weights of the same name and shape are loaded, the
            others are initialised and reported. By default all must fit.
        freeze: parts that do not change: no gradients, and fixed running statistics.
        rates: factors on the optimiser's learning rate, by part.
    """

    checkpoint: str | None = None
    partial: bool = False
    freeze: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    rates: dict[str, Annotated[float, Field(gt=0)]] = {}

    @model_validator(mode="after")
    def _frozen_or_rated(self) -> WarmStart:
        if both := sorted(set(self.freeze) & set(self.rates)):
            raise ValueError(f"rates.{both[0]}: this part is frozen, so it has no learning rate")
        return self


class Fold(Typed):
    """One fold of a cross-validation over the validation rows: the rows in the fold validate, the others train.

    Data sets with the same manifest and split lose the rows of the fold; others are used whole.

    Args:
        index: number of the fold, from 0.
        of: number of folds.
        seed: seed of the division; another seed is another repetition.
        group: a column, such as ``subject``; rows with the same value stay together.
    """

    index: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=2)] = 2
    seed: Annotated[int, Field(ge=0)] = 0
    group: str | None = None

    @model_validator(mode="after")
    def _index_exists(self) -> Fold:
        if self.index >= self.of:
            raise ValueError(f"index {self.index}: the last of {self.of} folds is {self.of - 1}")
        return self


class Mixture(Typed):
    """How many rows of each data set are in a step.

    Args:
        by: ``aligned``: the same number in every step, in proportion to the sets or as given by their ``size``, so that
            one epoch covers all (papers/003, section 4.4). ``proportional``: the set of each row is drawn, with a
            probability proportional to its length. ``temperature``: the same with length ** (1 / temperature).
        temperature: above 1 small sets are drawn more often; required by, and only by, ``by: temperature``.
    """

    by: Literal["aligned", "proportional", "temperature"] = "aligned"
    temperature: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _temperature_belongs(self) -> Mixture:
        if (self.by == "temperature") != (self.temperature is not None):
            raise ValueError("temperature is required by, and only by, `by: temperature`")
        return self


class Optimizer(Typed):
    """Momentum SGD, Adam or AdamW.

    Args:
        kind: ``sgd``, ``adam`` or ``adamw``.
        rate: the highest learning rate.
        momentum: SGD's momentum (Nesterov's); papers/003 uses 0.9.
        betas: decay rates of the moments of Adam and AdamW.
        weight_decay: L2 penalty, or AdamW's decay.
        clip: largest norm of the gradient; None for no clipping.
    """

    kind: Literal["sgd", "adam", "adamw"] = "sgd"
    rate: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    clip: Annotated[float, Field(gt=0)] | None = 5.0


class Schedule(Typed):
    """The learning rate over the steps.

    Args:
        warmup: share of all steps in which the rate rises from 0.
        decay: ``cosine`` to 0 at the end, ``constant`` (papers/003), or ``staircase`` (papers/001).
        factor, every: the staircase multiplies the rate by ``factor`` after every ``every`` steps.
    """

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    decay: Literal["cosine", "constant", "staircase"] = "cosine"
    factor: Annotated[float, Field(gt=0, le=1)] = 0.8
    every: Annotated[int, Field(gt=0)] = 10_000


class Probe(Rows):
    """Faces of known people for :func:`mien.learn.features.identity_probe.identity_probe`: the metric ``probe.NAME``.

    Args:
        column: the column that identifies the person.
    """

    split: str = "test"
    column: str = "subject"


class CriticOptimizer(Optimizer):
    """The optimiser of the critic, and of the encoder against it, with the defaults of the release."""

    kind: Literal["sgd", "adam", "adamw"] = "adam"
    rate: Annotated[float, Field(gt=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Phase = Literal["critic", "adversarial", "regression"]


class Adversarial(Typed):
    """The contrastive adversarial framework (papers/001): a critic separates strong from weak emotions by the features.

    Args:
        task: the continuous task whose labels are grouped; by default the only one.
        grouping: a class of ``mien.learn.caf`` that finds the decision radius between weak and strong.
        critic: a class of ``mien.learn.caf``.
        margin: a class of ``mien.learn.caf``, for a critic that has a margin; by default the critic's own.
        weight: weight of the adversarial loss in the encoder's own phase; the release uses 0.1.
        order: order of the three phases of a step; the release starts with ``regression``.
        forward: ``exact`` runs the encoder again after its weights have changed (Algorithm 1); ``shared`` takes the
            gradients of all phases from one pass and updates afterwards: faster. See
            :class:`mien.learn.train.adversary.Adversary`.
        optimizer: optimiser of the critic and of the encoder's adversarial phase, each with its own moments. The rate
            follows the recipe's schedule.
        stratify: whether strong and weak faces are spread evenly over the steps, so that each step has both.
    """

    task: str | None = None
    grouping: class_spec(mien.learn.caf, having="decision_radius") = Field(default="Otsu", validate_default=True)  # type: ignore[valid-type]
    critic: class_spec(mien.learn.caf, having="critic_loss") = Field(default="ContrastiveCritic", validate_default=True)  # type: ignore[valid-type]
    margin: class_spec(mien.learn.caf, having="between") | None = None  # type: ignore[valid-type]
    weight: Annotated[float, Field(gt=0)] = 1.0
    order: tuple[Phase, Phase, Phase] = ("critic", "adversarial", "regression")
    forward: Literal["exact", "shared"] = "exact"
    optimizer: CriticOptimizer = CriticOptimizer()
    stratify: bool = False

    @model_validator(mode="after")
    def _each_phase_once(self) -> Adversarial:
        if len(set(self.order)) < len(self.order):
            raise ValueError("order: needs each of critic, adversarial and regression once")
        return self
