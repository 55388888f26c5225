"""The metrics of a network on a split of a manifest."""

from __future__ import annotations

from mien.learn.data.manifest import Manifest
from mien.learn.evaluate.metrics import metrics
from mien.learn.evaluate.predictions import Predictions, Predictor, predict
from mien.tasks import Task


def evaluate(predictor: Predictor, tasks: tuple[Task, ...], *manifests: Manifest, size: int = 256) -> dict[str, float]:
    """Predict the rows of some manifests and score all of them together, as :func:`score` does.

    Args:
        predictor, tasks: from :func:`mien.learn.evaluate.predictor.open_predictor`, for instance.
        manifests: at least one.
        size: the number of rows that are predicted at once.

    Raises:
        ManifestError: as :func:`mien.learn.evaluate.predictions.predict`.
    """
    return score(predict(predictor, tasks, *manifests, size=size))


def score(found: Predictions) -> dict[str, float]:
    """All metrics of predictions by ``task.metric``, and the number of rows as ``faces``.

    See :mod:`mien.learn.evaluate.metrics`. Missed rows count as errors; undefined metrics are absent.
    """
    return {
        "faces": float(len(found)),
        **metrics(found.outputs, found.labels, found.mask, found.tasks, found.missed),
    }
