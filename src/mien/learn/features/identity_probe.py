"""The identity probe: how well a linear model tells people apart by a network's features.

The worse it does, the more person-independent the features are.
"""

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

from mien.learn.data.manifest import Manifest, ManifestError
from mien.learn.evaluate.predictions import as_given
from mien.learn.models.network import FEATURES

Array = NDArray[np.floating]

FOLDS = 5
"""Parts of each person's faces; each is predicted once from the others."""

STRENGTH = 100.0
"""scikit-learn's C, for rows whose squares sum to 1 on average; from 10 to 1000, the AT&T faces give the same."""

ITERATIONS = 200
"""Largest number of iterations of L-BFGS."""


def identity_probe(features: Array, persons: Sequence[object], seed: int = 0) -> dict[str, float]:
    """The share of faces that a multinomial logistic regression on the features assigns to the right person.

    It is evaluated by cross-validation with five folds, each with a fifth of the faces of every person. The features
    are standardised and divided by the square root of their number, so that networks of any width are penalised alike.

    Person-independent features have an ``accuracy`` near ``chance``: lower is better. A larger probe may find more. If
    all faces of a person come from one video or one lighting, the accuracy partly reflects these.

    Args:
        features: N x D, finite.
        persons: N, who each face is, None if unknown.
        seed: seed of the division into folds.

    Returns:
        ``accuracy``, the share of faces assigned to the right person; ``chance``, the share of the person with the most
        faces; the number of ``persons`` and ``faces`` that took part, and of faces ``left_out``, whose person is
        unknown or has fewer than five. With fewer than two people, accuracy and chance are absent.

    Raises:
        ValueError: if the numbers of persons and rows differ, or a feature is not finite.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(60, 8))
        >>> identity_probe(features, ["first", "second", "third"] * 20)["chance"]
        0.3333333333333333
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
    metrics = {} if len(found) < 2 else _cross_validated(features[kept], who, seed)
    return {**metrics, **{name: float(size) for name, size in sizes.items()}}


def _cross_validated(features: Array, who: NDArray[np.int_], seed: int) -> dict[str, float]:
    right = np.zeros(len(who), bool)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, who):
        right[test] = guess(*standardised(features[train], features[test]), who[train]) == who[test]
    return {"accuracy": float(right.mean()), "chance": float(np.bincount(who).max() / len(who))}


def standardised(known: Array, asked: Array) -> tuple[Array, Array]:
    """Features with mean 0 and standard deviation 1 over the ``known`` rows, divided by the root of their number."""
    scaler = StandardScaler().fit(known)
    first, second = (scaler.transform(rows) / np.sqrt(known.shape[1]) for rows in (known, asked))
    return first, second


def guess(known: Array, asked: Array, labels: NDArray[np.int_]) -> NDArray[np.int_]:
    """The predictions of a logistic regression on :func:`standardised` features: fitted to ``known``, for ``asked``."""
    if known.shape[1] > len(known):  # the weights are in the span of the rows, so fewer coordinates are enough
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
    """The features of a manifest's inputs, N x D, as the heads read them in evaluation mode, and the person of each.

    Args:
        network: a network with ``features`` among its outputs; its mode is restored.
        manifest: the rows, in their order.
        column: the column that names the person; None: no person is needed.
        device: where the network is.
        size: the number of rows in a batch.

    Raises:
        ManifestError: if the column is missing, or the network cannot read the inputs.
        ValueError: if the network has no shared features.
    """
    if column not in (None, *manifest.table.column_names):
        raise ManifestError(f"{manifest.path}: has no column {column}, which names the person")
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
            raise ValueError("the tasks of the network share no features")
        found.append(outputs[FEATURES].flatten(1).float().cpu().numpy())
    network.train(training)
    return np.concatenate(found), persons
