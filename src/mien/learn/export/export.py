"""From a checkpoint to the one ONNX file that annotating needs."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import torch
from torch import Tensor, nn

import mien
from mien.annotate.model import FORMAT
from mien.learn.checkpoint import CheckpointError, find, load_network
from mien.learn.export.calibration import CALIBRATION, OLD_CALIBRATION, Calibration
from mien.learn.export.mirror import Mirrored
from mien.learn.models.network import readable
from mien.tasks import Task

OPSET, IR_VERSION = 18, 9
"""What the oldest ONNX Runtime that annotates can read, whichever PyTorch exports."""

SMALL = 256
"""Weights of fewer numbers, such as those of normalisation, keep 32 bits: nothing is gained by rounding them."""

TOLERANCE = 1e-4
"""Largest difference between the outputs of the exported and the original network."""

HALF_TOLERANCE = 2e-2
"""The same where weights are rounded to 16 bits: 11 bits of precision, over some twenty layers."""


class Exported(nn.Module):
    """The network as a user meets it: aligned uint8 crops in, readable values out.

    Args:
        network: from a checkpoint.
        tasks: its label space; the order of the outputs.
        calibration: what calibrates its raw outputs, if anything does.
    """

    def __init__(self, network: nn.Module, tasks: tuple[Task, ...], calibration: Calibration | None = None) -> None:
        super().__init__()
        self.network, self.tasks = Mirrored(network, tasks) if calibration and calibration.mirror else network, tasks
        self.scale, self.offset = (
            {name: torch.tensor(values) for name, values in side.items()}
            for side in ((calibration.scale, calibration.offset) if calibration else ({}, {}))
        )

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """N x side x side x 3 uint8 to one N x labels tensor a task."""
        raw = self.network(crops.permute(0, 3, 1, 2))
        raw |= {name: raw[name] * scale + self.offset[name] for name, scale in self.scale.items()}
        return tuple(readable(raw, self.tasks).values())


def export(folder: Path | str, target: Path, *, name: str | None = None, half: bool = False) -> float:
    """Write ``target``, check it against the original, and return the largest difference of any output.

    A readout that ``mien calibrate`` left in the checkpoint's folder is built in, and stands in the metadata.

    Args:
        folder: a checkpoint.
        target: the ``.onnx`` file.
        name: of the network; the recipe's if left out.
        half: keep the weights in 16 bits: a file of half the size. The arithmetic stays in 32, so it is as fast.

    Raises:
        CheckpointError: if the checkpoint cannot be used, or its network reads features instead of pictures.
        RuntimeError: if the exported network's outputs differ by more than 1e-4, with ``half`` 2e-2.
    """
    network, card = load_network(folder)
    tasks = tuple(Task.from_dict(task) for task in card["tasks"])
    calibration = _readout(find(Path(folder)) or Path(folder))
    module = Exported(network, tasks, calibration).eval()
    side = card["preprocessing"].get("size")
    if side is None:
        raise CheckpointError(f"{folder}: its network reads feature vectors; only one that reads pictures is exported")
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8))
    with _quiet():
        program = torch.onnx.export(
            module,
            (crops,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["crops"],
            output_names=[task.name for task in tasks],
            dynamic_shapes=({0: torch.export.Dim("faces")},),
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    if half:
        halve(model)
    model.ir_version = min(model.ir_version, IR_VERSION)
    metadata = {
        "format": FORMAT,
        "name": name or card["recipe"]["name"],
        "version": mien.__version__,
        **{key: card[key] for key in ("tasks", "preprocessing", "relatedness", "recipe", "versions")},
        # a readout moves every figure of the training's validation: these are of outputs that the file does not give
        **({"readout": calibration.to_dict()} if calibration else {"validation": card["state"]["metrics"]}),
    }
    onnx.helper.set_model_props(model, {"mien": json.dumps(metadata)})
    data = model.SerializeToString()
    difference = _difference(module, data, crops, tasks)
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if not difference <= allowed:  # nor NaN
        raise RuntimeError(f"{target}: the exported network differs by {difference:.1e}, more than {allowed:.0e}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return difference


def _readout(folder: Path) -> Calibration | None:
    for path in (folder / CALIBRATION, folder / OLD_CALIBRATION):
        try:
            return Calibration.from_dict(json.loads(path.read_text()))
        except FileNotFoundError:
            continue
        except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            raise CheckpointError(f"{path}: cannot be used ({error}); run `mien calibrate` again") from None
    return None


def halve(model: Any) -> None:
    """Keep each large weight of an ONNX model in 16 bits, behind a cast that ONNX Runtime does once, at loading."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or math.prod(weight.dims) < SMALL:
            continue
        values, name = onnx.numpy_helper.to_array(weight), weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about its own internals, and about torchvision, which we do without."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _strip(model: Any) -> None:
    """Drop the exporter's notes on where in our source each node came from: they carry paths, and weigh."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def _difference(module: nn.Module, data: bytes, crops: Tensor, tasks: tuple[Task, ...]) -> float:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    exported = session.run([task.name for task in tasks], {"crops": crops.numpy()})
    with torch.inference_mode():
        original = module(crops)
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(exported, original, strict=True))
