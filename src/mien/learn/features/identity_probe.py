"""How well a linear probe reads from a network's features who it is: the less, the more person-independent they are."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn

from mien.learn.data.manifest.manifest import Manifest, ManifestError, read_manifest
from mien.learn.evaluate.predictions import as_given
from mien.learn.models.network import FEATURES
from mien.learn.recipe.recipe import Recipe, RecipeError

Array = NDArray[np.floating]

FOLDS = 5
"""Parts of each person's faces; each is guessed from the others once."""

STRENGTH = 100.0
"""scikit-learn's C, for rows whose squares add up to 1 on average; from 10 to 1000 the AT&T faces are read alike."""

ITERATIONS = 200
"""Of L-BFGS, at most."""


def open_probes(recipe: Recipe) -> dict[str, tuple[Manifest, str]]:
    """The faces of each probe of a recipe, and the column that says whose they are.

    Raises:
        RecipeError: if there is no such column, there are not two persons with enough faces, or no features of all
            tasks to read.
        ManifestError: if a manifest cannot be used.
    """
    if recipe.probes and recipe.sharing:
        raise RecipeError(f"probes: they read shared features; with {recipe.sharing.name} each task has its own")
    found = {}
    for name, probe in recipe.probes.items():
        manifest = read_manifest(probe.manifest).split(probe.split)
        if probe.column not in manifest.table.column_names:
            raise RecipeError(f"probes.{name}: {manifest.path} has no column {probe.column}, which says who it is")
        counts = Counter(person for person in manifest.table[probe.column].to_pylist() if person is not None)
        if sum(count >= FOLDS for count in counts.values()) < 2:
            raise RecipeError(f"probes.{name}: {manifest.path} has no two persons with {FOLDS} faces or more")
        found[name] = manifest, probe.column
    return found


def identity_probe(features: Array, persons: Sequence[object], seed: int = 0) -> dict[str, float]:
    """How many faces a multinomial logistic regression on the features gives to the right person.

    It is judged by cross-validation with five folds, each with a fifth of the faces of every person, on features that
    are standardised and divided by the root of their number, so that networks of any width are penalised alike.

    Person-independent features have an ``accuracy`` near ``chance``: lower is better. Another probe may read more, and
    where all faces of a person come from one video or one light, the accuracy is in part that of telling these apart.

    Args:
        features: N x D, finite.
        persons: who each of the N is, None where that is not known.
        seed: of the division into folds.

    Returns:
        ``accuracy``, the share of faces given to the right person; ``chance``, that of the person with the most faces;
        the number of ``persons`` and ``faces`` that took part, and of faces ``left_out``, whose person has fewer than
        five or is not known. With fewer than two persons there is nothing to tell apart: accuracy and chance are not
        there.

    Raises:
        ValueError: if there are not as many persons as rows, or a feature is not finite.
    """
    features = np.asarray(features, np.float64)
    if len(persons) != len(features):
        raise ValueError(f"features of {len(features)} faces, but {len(persons)} persons")
    if not np.isfinite(features).all():
        raise ValueError("a feature is not finite: the network has diverged")
    names = [None if person is None else str(person) for person in persons]
    counts = Counter(name for name in names if name is not None)
    kept = [row for row, name in enumerate(names) if name is not None and counts[name] >= FOLDS]
    found, who = np.unique([str(names[row]) for row in kept], return_inverse=True)
    sizes = {"persons": len(found), "faces": len(kept), "left_out": len(names) - len(kept)}
    metrics = {} if len(found) < 2 else _judged(features[kept], who, seed)
    return {**metrics, **{name: float(size) for name, size in sizes.items()}}


def _judged(features: Array, who: NDArray[np.int_], seed: int) -> dict[str, float]:
    right = np.zeros(len(who), bool)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, who):
        right[test] = guess(*standardised(features[train], features[test]), who[train]) == who[test]
    return {"accuracy": float(right.mean()), "chance": float(np.bincount(who).max() / len(who))}


def standardised(known: Array, asked: Array) -> tuple[Array, Array]:
    """Features with mean 0 and deviation 1 over the ``known`` rows, divided by the root of their number."""
    scaler = StandardScaler().fit(known)
    first, second = (scaler.transform(rows) / np.sqrt(known.shape[1]) for rows in (known, asked))
    return first, second


def guess(known: Array, asked: Array, labels: NDArray[np.int_]) -> NDArray[np.int_]:
    """What a logistic regression on :func:`standardised` features, known with their labels, makes of those asked."""
    if known.shape[1] > len(known):  # the weights lie in the span of the rows: turned into it they are fewer
        axes = np.linalg.qr(known.T)[0]
        known, asked = known @ axes, asked @ axes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit(known, labels)
    guessed: NDArray[np.int_] = model.predict(asked)
    return guessed


@torch.inference_mode()
def features_of(
    network: nn.Module,
    manifest: Manifest,
    column: str | None = "subject",
    *,
    device: torch.device | str = "cpu",
    size: int = 256,
) -> tuple[NDArray[np.float32], list[str | None]]:
    """The features of a manifest's inputs, N x D, as the heads read them in evaluation mode, and whose they are.

    Args:
        network: has ``features`` among its outputs; it is left in the mode that it is in.
        manifest: its rows, in their order.
        column: says who it is; None: it does not matter.
        device: where the network is.
        size: rows that it sees together.

    Raises:
        ManifestError: if the column is missing, or the network cannot read the inputs.
        ValueError: if the network gives no features, as where each task has its own.
    """
    if column not in (None, *manifest.table.column_names):
        raise ManifestError(f"{manifest.path}: has no column {column}, which says who it is")
    names = manifest.table[column].to_pylist() if column else [None] * len(manifest)
    persons = [None if name is None else str(name) for name in names]
    training = network.training
    network.eval()
    found = []
    for start in range(0, len(manifest), size):
        rows = np.arange(start, min(start + size, len(manifest)))
        given = torch.from_numpy(as_given(torch.from_numpy(manifest.images(rows)))).to(device)
        try:
            outputs = network(given.permute(0, 3, 1, 2) if given.ndim == 4 else given)
        except ValueError as error:
            raise ManifestError(f"{manifest.path}: the network cannot read its inputs ({error})") from None
        if FEATURES not in outputs:
            raise ValueError("the network's tasks share no features that could be looked at")
        found.append(outputs[FEATURES].flatten(1).float().cpu().numpy())
    network.train(training)
    return np.concatenate(found), persons
