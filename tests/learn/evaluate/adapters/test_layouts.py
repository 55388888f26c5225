"""The layouts of other tools, read by the adapters for the tables of these tools: what is written is read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import mien
from mien.annotate.schema import table_schema
from mien.learn.evaluate.adapters.schema import OPENFACE, PY_FEAT, recognised
from mien.learn.evaluate.adapters.tool_tables import read
from mien.table.layouts import Layout, csv_writer
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Task


def written(path: Path, name: str, table: pa.Table, tasks: tuple[Task, ...] = FACE) -> Path:
    layout = Layout(name, tasks)
    with path.open("wb") as stream, csv_writer(stream, layout.schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(layout(batch))
    return path


@pytest.mark.parametrize("name", ["openface", "py-feat"])
def test_what_is_written_is_read(tmp_path: Path, astronaut: Path, network: Path, name: str) -> None:
    table = mien.annotate([astronaut, np.zeros((64, 64, 3), np.uint8)], model=network)
    table = table.set_column(table.schema.names.index("frame"), "frame", pa.array([7, 8], pa.int32()))
    path = written(tmp_path / "faces.csv", name, table)
    assert recognised(Layout(name, FACE).schema.names, []).name == name
    found = read(path, FACE)
    assert (found.tasks, found.pictures, found.frames.tolist()) == (FACE, (str(astronaut),), [7])
    assert np.allclose(found.boxes[0], [table[side][0].as_py() for side in ("x", "y", "width", "height")], atol=1e-3)
    for task in FACE:
        expected = np.array([table[label][0].as_py() for label in task.labels])
        if name == "openface" and task is ACTION_UNITS:
            expected = expected >= 0.5
        assert np.allclose(found.outputs[task.name][0], expected, atol=1e-6)


def test_intensities_are_read_as_the_probabilities_they_come_from(tmp_path: Path) -> None:
    values = {unit: place / 17 for place, unit in enumerate(ACTION_UNITS.labels)}
    table = pa.Table.from_pylist([{"input": "a.mp4", "face": 0, **values}], table_schema(FACE, "tiny"))
    path = written(tmp_path / "faces.csv", "openface", table)
    head, first = (line.split(",") for line in path.read_text().splitlines())
    kept = [at for at, name in enumerate(head) if not name.endswith("_c") or name in OPENFACE.marks]
    path.write_text("\n".join(",".join(line[at] for at in kept) for line in (head, first)) + "\n")
    found = read(path, FACE, "openface")
    for unit, value in zip(ACTION_UNITS.labels, found.outputs["action_units"][0], strict=True):
        expected = float(values[unit] >= 0.5) if f"{unit}_c" in OPENFACE.marks else values[unit]
        assert value == pytest.approx(expected, abs=1e-6)


def test_unknown_labels_are_not_read_as_absent(tmp_path: Path) -> None:
    few = Task("action_units", ACTION_UNITS.kind, ("AU01", "AU12", "AU24"), ("?", "?", "?"))
    table = pa.Table.from_pylist(
        [{"input": "a.mp4", "face": 0, "AU01": 0.75, "AU12": 0.25, "AU24": 0.5}], table_schema((few,), "tiny")
    )
    for name in ("openface", "py-feat"):
        found = read(written(tmp_path / f"{name}.csv", name, table, (few,)), FACE)
        assert [task.labels for task in found.tasks] == [few.labels]


def test_layouts_and_schemas_have_the_same_labels() -> None:
    for schema in (OPENFACE, PY_FEAT):
        columns = set(Layout(schema.name, FACE).schema.names)
        found = {label for column, label in schema.labels.items() if column in columns}
        assert found == {*EXPRESSION.labels, *ACTION_UNITS.labels, *AFFECT.labels}
        assert {schema.frame, *schema.box, *schema.marks} <= columns
