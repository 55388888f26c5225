"""Predictors: a checkpoint, an exported file or a PyTorch network as a function from inputs to readable outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.annotate.model import Model, is_bundled
from mien.learn.checkpoint import load_network
from mien.learn.evaluate.predictions import Predictor
from mien.learn.models.network import readable
from mien.tasks import Task


def open_predictor(path: Path | str) -> tuple[Predictor, tuple[Task, ...]]:
    """A predictor and its tasks, from an exported ``.onnx`` file, the name of a bundled network or a checkpoint folder.

    Raises:
        ModelError, CheckpointError: if it cannot be used.

    Example:
        >>> predictor, tasks = open_predictor("tiny")
        >>> list(predictor(np.zeros((1, 112, 112, 3), np.uint8)))
        ['expression', 'action_units', 'affect']
    """
    if Path(path).suffix == ".onnx" or is_bundled(path):
        model = Model(path)
        return model, model.tasks
    network, card = load_network(path)
    tasks = tuple(Task.from_dict(task) for task in card["tasks"])
    return predictor_of(network, tasks), tasks


def predictor_of(
    network: nn.Module, tasks: tuple[Task, ...], device: torch.device | str = "cpu", *, raw: bool = False
) -> Predictor:
    """A PyTorch network as a predictor, in evaluation mode and single precision.

    Args:
        network: maps N x C x H x W pictures, or N x D features, to the raw outputs of each task.
        tasks: the tasks to predict.
        device: where the network is.
        raw: return logits instead of readable outputs.
    """

    def predict(inputs: NDArray[Any]) -> dict[str, NDArray[np.floating]]:
        training = network.training
        network.eval()
        with torch.inference_mode():
            given = torch.from_numpy(inputs).to(device)
            outputs = network(given.permute(0, 3, 1, 2) if given.ndim == 4 else given)
        network.train(training)
        values = {task.name: outputs[task.name] for task in tasks} if raw else readable(outputs, tasks)
        return {name: each.cpu().numpy() for name, each in values.items()}

    return predict
