"""A tiny network that keeps the model contract, and the one picture of a face that the repository carries."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from mien.faces.align import CROP, TEMPLATE
from mien.tasks import FACE, Kind, Task

ROOT = Path(__file__).parents[1]


def write_network(path: Path, tasks: tuple[Task, ...] = FACE, /, **changes: object) -> Path:
    """Mean colour of the crop -> one linear layer a task -> softmax, sigmoid or tanh."""
    generator = np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["crops"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["mean", "top"], ["scaled"]),
    ]
    weights = [numpy_helper.from_array(np.float32(255), "top")]
    activation = {Kind.CLASSES: "Softmax", Kind.ATTRIBUTES: "Sigmoid", Kind.CONTINUOUS: "Tanh"}
    for task in tasks:
        weight = generator.normal(size=(3, len(task))).astype(np.float32) * 3
        weights.append(numpy_helper.from_array(weight, f"{task.name}_weight"))
        nodes.append(helper.make_node("MatMul", ["scaled", f"{task.name}_weight"], [f"{task.name}_logits"]))
        nodes.append(helper.make_node(activation[task.kind], [f"{task.name}_logits"], [task.name]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["batch", CROP, CROP, 3])],
        [helper.make_tensor_value_info(task.name, TensorProto.FLOAT, ["batch", len(task)]) for task in tasks],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    metadata: dict[str, object] = {
        "format": 1,
        "name": "tiny",
        "version": "0.1.0",
        "tasks": [task.to_dict() for task in tasks],
        "preprocessing": {"size": CROP, "template": TEMPLATE.tolist(), "channels": "rgb"},
    } | changes
    helper.set_model_props(model, {"mien": json.dumps(metadata)})
    save(model, str(path))
    return path


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "tiny.onnx")


@pytest.fixture(scope="session")
def make_network() -> Callable[..., Path]:
    return write_network


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """NASA's portrait of Eileen Collins, public domain; 512 x 512 with one face."""
    return ROOT / "examples" / "photos" / "astronaut.png"
