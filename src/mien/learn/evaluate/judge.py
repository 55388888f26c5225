"""A network's figures on a split of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.annotate.model import Model, is_bundled
from mien.learn.data.manifest.manifest import Manifest
from mien.learn.evaluate.grouped_metrics import metrics, sums
from mien.learn.evaluate.predictions import Predictions, Predictor, predict
from mien.learn.models.network import readable
from mien.tasks import Task


def predictor_of(
    network: nn.Module, tasks: tuple[Task, ...], device: torch.device | str = "cpu", *, raw: bool = False
) -> Predictor:
    """A PyTorch network as a predictor, in evaluation mode and single precision; ``raw``: of logits."""

    def predict(inputs: NDArray[Any]) -> dict[str, NDArray[np.floating]]:
        training = network.training
        network.eval()
        with torch.inference_mode():
            given = torch.from_numpy(inputs).to(device)
            outputs = network(given.permute(0, 3, 1, 2) if given.ndim == 4 else given)
        network.train(training)
        told = {task.name: outputs[task.name] for task in tasks} if raw else readable(outputs, tasks)
        return {name: values.cpu().numpy() for name, values in told.items()}

    return predict


def open_predictor(path: Path | str) -> tuple[Predictor, tuple[Task, ...]]:
    """A predictor from an exported ``.onnx`` file, a bundled network's name or a checkpoint folder, and its tasks."""
    if Path(path).suffix == ".onnx" or is_bundled(path):
        model = Model(path)
        return model, model.tasks
    from mien.learn.checkpoint import load_network

    network, card = load_network(path)
    tasks = tuple(Task.from_dict(task) for task in card["tasks"])
    return predictor_of(network, tasks), tasks


def evaluate(predictor: Predictor, tasks: tuple[Task, ...], *manifests: Manifest, size: int = 256) -> dict[str, float]:
    """All figures of the tasks that the manifests label, by ``task.figure``, and the number of ``faces``.

    Classes are judged by their hard label. ``size`` rows are predicted at once. Of several manifests all rows are
    judged together.

    Raises:
        ManifestError: as :func:`mien.learn.evaluate.predictions.predict` does.
    """
    return judge(predict(predictor, tasks, *manifests, size=size))


def judge(found: Predictions) -> dict[str, float]:
    """All figures of predictions, by ``task.figure``, and the number of ``faces``; missed rows count as errors."""
    result = {"faces": float(len(found))}
    for task in found.tasks:
        if found.mask[task.name].any():
            totals = sums(found, task, np.zeros(len(found), int), 1).toarray()
            result |= {f"{task.name}.{name}": float(value[0]) for name, value in metrics(task, totals).items()}
    return {name: value for name, value in result.items() if not np.isnan(value)}
