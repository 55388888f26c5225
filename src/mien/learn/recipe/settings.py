"""The sections of a recipe: typed settings, each documented where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

import mien.learn.caf
from mien.learn.data.manifest.manifest import MANIFEST
from mien.learn.recipe.class_spec import class_spec, explain
from mien.relatedness.table import NAMED
from mien.spelling import did_you_mean


class Typed(BaseModel):
    """What all sections are: no key but the known ones, no value that is not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Inferred(Typed):
    """A relatedness that is counted in the run's own training rows (papers/002, "Beyond Affective Computing").

    Args:
        classes, attributes: names of the two tasks; left out, the only ones of their kind.
        smoothing, minimum_support: see :func:`mien.relatedness.inference.infer`.
    """

    classes: str | None = None
    attributes: str | None = None
    smoothing: Annotated[float, Field(ge=0)] = 0.0
    minimum_support: Annotated[int, Field(ge=1)] = 1


def table(entry: Any) -> Any:
    """``inferred``, a mapping (both mean :class:`Inferred`), the path of a file, or a named table."""
    if isinstance(entry, Inferred):
        return entry
    if entry == "inferred" or isinstance(entry, dict):
        try:
            return Inferred.model_validate({} if entry == "inferred" else entry)
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, Inferred))) from None
    if not isinstance(entry, str):
        raise ValueError("expected a table's name, a .json or .csv file, `inferred`, or a mapping of its keys")
    if entry not in NAMED and Path(entry).suffix not in (".json", ".csv"):
        raise ValueError(f"there is no table {entry}{did_you_mean(entry, [*NAMED, 'inferred'])}")
    return entry


def several(value: Any) -> Any:
    """A list of one, where only one is given."""
    return value if isinstance(value, list | tuple) else (value,)


def tables(value: Any) -> tuple[Any, ...]:
    """The tables of relatedness that a recipe names, one or a list."""
    return tuple(table(entry) for entry in several(value))


class Rows(Typed):
    """Rows of a manifest.

    Args:
        manifest: the file, or the folder that holds it, relative to the working directory.
        split: which of its rows.
    """

    manifest: str
    split: str

    @property
    def place(self) -> tuple[Path, str]:
        """The file and the split: the same for the same rows, however the manifest is written."""
        path = Path(self.manifest)
        return (path / MANIFEST if path.is_dir() else path).resolve(), self.split


class DataSet(Rows):
    """Rows to train on.

    Args:
        split: which rows of the manifest.
        size: how many of its rows stand in each mini-batch; left out, the recipe's ``batch_size`` is divided
            in proportion to the sets, so that one epoch covers all.
        tasks: names of the tasks whose labels are used; left out, all.
        balance: how much more often the rows of rare classes come; 0 not at all, 1 so that all classes are alike
            (see :func:`mien.learn.data.batches.mixing.balanced`); of the first task of classes that is lent and trained.
        keep: share of the rows that keep their labels of a task, by the task's name; the others' are hidden.
        shots: how many rows of each class train, drawn by the recipe's seed from what a fold leaves; left out, all.
            Counted by the first task of the recipe that has classes and is lent by the set
            (:mod:`mien.learn.data.manifest.shots`); rows without its label do not train.
    """

    split: str = "train"
    size: Annotated[int, Field(gt=0)] | None = None
    tasks: tuple[str, ...] | None = None
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    keep: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    shots: Annotated[int, Field(gt=0)] | None = None


class Start(Typed):
    """What a run begins from, and which parts of its network move how fast (papers/003, section 3.1.4, few-shot).

    A part is a module of the network by its name, such as ``trunk``, ``trunk.blocks.0`` or ``heads.expression``, with
    all inside it; or ``encoder``, all but the heads. Of several that hold a weight the longest name counts, and
    ``encoder`` least. See :mod:`mien.learn.train.warm_start`.

    Args:
        checkpoint: a folder such as ``runs/NAME/best``, whose weights take the place of random ones; left out, none.
        partial: whether the encoder may differ in some weights: those of the same name and shape are taken over, the
            others begin afresh and are told. False: all must fit.
        freeze: parts that stay as they are: no gradients, and running statistics do not move.
        rates: factors on the optimiser's learning rate, by the part.
    """

    checkpoint: str | None = None
    partial: bool = False
    freeze: Annotated[tuple[str, ...], BeforeValidator(several)] = ()
    rates: dict[str, Annotated[float, Field(gt=0)]] = {}

    @model_validator(mode="after")
    def _either(self) -> Start:
        if both := sorted(set(self.freeze) & set(self.rates)):
            raise ValueError(f"rates.{both[0]}: this part is frozen, it has no learning rate")
        return self


class Fold(Typed):
    """One fold of a cross-validation over the validation rows: those in the fold validate, the others train.

    Data sets of the same manifest and split lose the fold's rows; other sets are used whole.

    Args:
        index: which fold, from 0.
        of: how many.
        seed: of the division; another seed is another repetition.
        group: a column, such as ``subject``, whose equal values stay together.
    """

    index: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=2)] = 2
    seed: Annotated[int, Field(ge=0)] = 0
    group: str | None = None

    @model_validator(mode="after")
    def _inside(self) -> Fold:
        if self.index >= self.of:
            raise ValueError(f"index {self.index}: of {self.of} folds the last is {self.of - 1}")
        return self


class Mixture(Typed):
    """How many rows of each data set stand in a step.

    Args:
        by: ``aligned``: as many in every step, in proportion to the sets or as their ``size`` says, so that one epoch
            covers all (papers/003, section 4.4). ``proportional``: the set of each row is drawn, all rows alike.
            ``temperature``: it is drawn with a probability proportional to the set's length ** (1 / temperature).
        temperature: above 1 small sets come more often; only with ``temperature``, which needs it.
    """

    by: Literal["aligned", "proportional", "temperature"] = "aligned"
    temperature: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _either(self) -> Mixture:
        if (self.by == "temperature") != (self.temperature is not None):
            raise ValueError("temperature is needed by, and only by, `by: temperature`")
        return self


class Optimizer(Typed):
    """Momentum SGD, Adam or AdamW.

    Args:
        kind: which.
        rate: the highest learning rate.
        momentum: of SGD (Nesterov's); that of papers/003 is 0.9.
        betas: how slowly the moments of Adam and AdamW forget.
        weight_decay: L2 penalty, or AdamW's decay.
        clip: largest norm of the gradient; None leaves it alone.
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
        warmup: share of all steps in which it rises from 0.
        decay: ``cosine`` to 0 at the end, ``constant`` (papers/003), or ``staircase`` (papers/001).
        factor, every: the staircase multiplies the rate by ``factor`` after each ``every`` steps.
    """

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    decay: Literal["cosine", "constant", "staircase"] = "cosine"
    factor: Annotated[float, Field(gt=0, le=1)] = 0.8
    every: Annotated[int, Field(gt=0)] = 10_000


class Probe(Rows):
    """Faces of known persons, for :func:`mien.learn.features.identity_probe.identity_probe`: the figure ``probe.NAME``.

    Args:
        column: says who it is.
    """

    split: str = "test"
    column: str = "subject"


class CriticOptimizer(Optimizer):
    """What moves the critic, and the encoder against it: an :class:`Optimizer` whose defaults are the release's."""

    kind: Literal["sgd", "adam", "adamw"] = "adam"
    rate: Annotated[float, Field(gt=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Phase = Literal["critic", "adversarial", "regression"]


class Adversarial(Typed):
    """The contrastive adversarial framework (papers/001): a critic tells strong from weak emotions by the features.

    Args:
        task: the continuous task whose labels are grouped; left out, the only one.
        grouping: a class of ``mien.learn.caf`` that finds the decision radius between weak and strong.
        critic: a class of ``mien.learn.caf``.
        margin: a class of ``mien.learn.caf``, for a critic that has one; left out, the critic's own default.
        weight: of the adversarial loss, in the encoder's own phase; the release's is 0.1.
        order: of the three phases of a step; the release begins with ``regression``.
        forward: ``exact`` runs the encoder anew once its weights have moved (Algorithm 1); ``shared`` takes the
            gradients of all phases from one pass, and moves afterwards: faster. See
            :class:`mien.learn.train.adversary.Adversary`.
        optimizer: of the critic, and of the encoder's adversarial step: each has its own moments. The rate follows
            the recipe's schedule.
        stratify: whether the strong and the weak faces are spread evenly over the steps, so that each has both.
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
    def _each_once(self) -> Adversarial:
        if len(set(self.order)) < len(self.order):
            raise ValueError("order: each of critic, adversarial and regression stands there once")
        return self
