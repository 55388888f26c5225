"""A tiny network that keeps the model contract, tables of annotations, and the one face that the repository has."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from mien.annotate.schema import Row, table_schema
from mien.faces.align import CROP, TEMPLATE
from mien.tasks import FACE, Kind, Task

pytest_plugins = [
    f"fixtures.{name}"
    for name in ("critics", "learning", "numbered_videos", "renders", "sharing", "shop", "studies", "videos")
]

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


def write_annotations(
    path: Path,
    faces: Sequence[tuple[int, float, int | None]],
    tasks: tuple[Task, ...] = FACE,
    *,
    smooth: bool = False,
    name: str = "a.mp4",
    video: bool = True,
    metadata: Mapping[str, str] | None = None,
    **columns: Sequence[object],
) -> Path:
    """A table whose rows are (frame, time, track), track -1 for a frame without a face; labels are drawn by chance.

    Args:
        smooth: whether there are smoothed columns; a tenth of the raw values.
        columns: replace whole columns.
    """
    generator = np.random.default_rng(0)
    labels = [label for task in tasks for label in task.labels]
    rows: list[Row] = []
    for frame, time, track in faces:
        row: Row = {"input": name, "frame": frame, "time": time}
        if track == -1:
            rows.append({**row, "note": "no face found"})
            continue
        face = sum(other["frame"] == frame for other in rows)
        row |= {"face": face, "track": track, "x": 10.0 + 60 * face, "y": 12.0, "width": 40.0, "height": 44.0}
        row |= dict(zip(labels, generator.random(len(labels)).round(3).tolist(), strict=True))
        row |= {
            task.name: max(task.labels, key=lambda label: row[label]) for task in tasks if task.kind is Kind.CLASSES
        }
        rows.append({**row, **({f"{label}_smooth": row[label] / 10 for label in labels} if smooth else {})})
    schema = table_schema(tasks, "tiny", video=video)
    if smooth:
        extra = [pa.field(f"{label}_smooth", pa.float32()) for label in labels]
        schema = pa.schema([*schema, *extra], schema.metadata)
    table = pa.Table.from_pylist(rows, schema.with_metadata({**schema.metadata, **(metadata or {})}))
    for column, values in columns.items():
        index = table.schema.get_field_index(column)
        table = table.set_column(index, schema.field(column), pa.array(values, schema.field(column).type))
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def annotations() -> Callable[..., Path]:
    return write_annotations


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """NASA's portrait of Eileen Collins, public domain; 512 x 512 with one face."""
    return ROOT / "examples" / "photos" / "astronaut.png"
