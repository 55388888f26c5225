"""Exporting a checkpoint as the ONNX file that annotating needs."""

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
from mien.learn.export.calibration import Calibration, read_calibration
from mien.learn.export.mirror import Mirrored
from mien.learn.models.network import readable
from mien.tasks import Task

OPSET, IR_VERSION = 18, 9
"""Versions that the oldest supported ONNX Runtime can read, independent of the exporting PyTorch."""

SMALL = 256
"""Weights with fewer numbers, such as those of normalisation, keep 32 bits: rounding them would gain nothing."""

TOLERANCE = 1e-4
"""Largest difference between the outputs of the exported and the original network."""

HALF_TOLERANCE = 2e-2
"""The same if weights are rounded to 16 bits: 11 bits of precision, over some twenty layers."""


class Exported(nn.Module):
    """The network as it is used: aligned uint8 crops in, readable values out.

    Args:
        network: from a checkpoint.
        tasks: its label space, in the order of the outputs.
        calibration: calibration of its raw outputs; None for none.
    """

    def __init__(self, network: nn.Module, tasks: tuple[Task, ...], calibration: Calibration | None = None) -> None:
        super().__init__()
        self.network, self.tasks = Mirrored(network, tasks) if calibration and calibration.mirror else network, tasks
        self.scale, self.offset = (
            {name: torch.tensor(values) for name, values in side.items()}
            for side in ((calibration.scale, calibration.offset) if calibration else ({}, {}))
        )

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """N x side x side x 3 uint8 to one N x labels tensor per task."""
        raw = self.network(crops.permute(0, 3, 1, 2))
        raw |= {name: raw[name] * scale + self.offset[name] for name, scale in self.scale.items()}
        return tuple(readable(raw, self.tasks).values())


def export(folder: Path | str, target: Path, *, name: str | None = None, half: bool = False) -> float:
    """Write ``target``, check it against the original, and return the largest difference of any output.

    A calibration that ``mien calibrate`` wrote into the checkpoint's folder is built in, and is in the metadata.

    Args:
        folder: a checkpoint.
        target: the ``.onnx`` file.
        name: name of the network; None for the recipe's.
        half: store the weights in 16 bits, which halves the file. Arithmetic stays in 32 bits, so the speed is the
            same.

    Raises:
        CheckpointError: if the checkpoint cannot be used, or its network reads features instead of pictures.
        RuntimeError: if the outputs of the exported network differ by more than 1e-4, with ``half`` 2e-2.
    """
    network, card = load_network(folder)
    tasks = tuple(Task.from_dict(task) for task in card["tasks"])
    side = card["preprocessing"].get("size")
    if side is None:
        raise CheckpointError(f"{folder}: its network reads feature vectors; only picture networks can be exported")
    calibration = read_calibration(find(Path(folder)) or Path(folder))
    module = Exported(network, tasks, calibration).eval()
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8))
    model = _converted(module, crops)
    if half:
        halve(model)
    onnx.helper.set_model_props(model, {"mien": json.dumps(_metadata(card, name, calibration))})
    data = model.SerializeToString()
    difference = _difference(module, data, crops)
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if not difference <= allowed:  # also true for NaN
        raise RuntimeError(f"{target}: the exported network differs by {difference:.1e}, more than {allowed:.0e}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return difference


def _converted(module: Exported, crops: Tensor) -> Any:
    """The ONNX model of a network, without traces of this machine."""
    with _quiet():
        program = torch.onnx.export(
            module,
            (crops,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["crops"],
            output_names=[task.name for task in module.tasks],
            dynamic_shapes=({0: torch.export.Dim("faces")},),
        )
    assert program is not None
    model: Any = program.model_proto
    _strip(model)
    model.ir_version = min(model.ir_version, IR_VERSION)
    return model


def _metadata(card: dict[str, Any], name: str | None, calibration: Calibration | None) -> dict[str, Any]:
    """The metadata of the file; ``validation`` has the metrics of training, which a calibration would change."""
    state = card.get("state")
    known = state if isinstance(state, dict) else {}
    validation = known.get("metrics", known.get("figures"))  # earlier versions called the metrics figures
    return {
        "format": FORMAT,
        "name": name or card["recipe"]["name"],
        "version": mien.__version__,
        **{key: card[key] for key in ("tasks", "preprocessing", "relatedness", "recipe", "versions")},
        **({"calibration": calibration.to_dict()} if calibration else {"validation": validation}),
    }


def halve(model: Any) -> None:
    """Store each large weight of an ONNX model in 16 bits, with a cast that ONNX Runtime does once, on loading."""
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
    """Silence the exporter's messages about its own internals, and about torchvision, which we do not use."""
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
    """Remove the exporter's notes on the source of each node: they contain paths, and take space."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def _difference(module: Exported, data: bytes, crops: Tensor) -> float:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    exported = session.run([task.name for task in module.tasks], {"crops": crops.numpy()})
    with torch.inference_mode():
        original = module(crops)
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(exported, original, strict=True))
