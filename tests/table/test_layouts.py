"""Layouts of other tools, cell by cell, and read by pandas."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mien.annotate.schema import table_schema
from mien.table.layouts import LANDMARKS, POSE, PY_FEAT_UNITS, PY_FEAT_WORDS, Layout, csv_writer
from mien.tasks import ACTION_UNITS, AFFECT, ALL_TASKS, COMPOUND, EXPRESSION, FACE, Kind, Task
from mien.video.smooth import Smoother

WHERE = {"input": pa.string(), "frame": pa.int32(), "time": pa.float64(), "face": pa.int32(), "track": pa.int32()}

UNITS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15", "AU17", "AU20", "AU23")
OPENFACE = [
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *(f"{unit}_r" for unit in (*UNITS, "AU25", "AU26", "AU45")),
    *(f"{unit}_c" for unit in (*UNITS, "AU25", "AU26", "AU28", "AU45")),
]
"""The columns of OpenFace 2.2 with -aus."""


def schema_of(tasks: Sequence[Task]) -> pa.Schema:
    rest = [field for field in table_schema(tasks, "tiny") if field.name not in WHERE]
    return pa.schema([*(pa.field(name, kind) for name, kind in WHERE.items()), *rest], {"model": "tiny"})


def row(frame: int, track: int | None, **labels: float) -> dict[str, Any]:
    place = {"face": 0, "track": track, "x": 10.5, "y": 20, "width": 30, "height": 40, "score": 0.875}
    expression = {"neutral": 1.0} | dict.fromkeys(EXPRESSION.labels[1:], 0.0)
    zeros = dict.fromkeys((*ACTION_UNITS.labels, *AFFECT.labels), 0.0)
    return {"input": "a, b.mp4", "frame": frame, "time": frame / 8, **place, **expression, **zeros, **labels}


def nobody(frame: int) -> dict[str, Any]:
    return {"input": "a, b.mp4", "frame": frame, "time": frame / 8, "note": "no face found"}


def written(name: str, rows: Sequence[dict[str, Any]], tasks: Sequence[Task] = FACE, **settings: Any) -> bytes:
    """Write a CSV batch by batch."""
    layout, stream = Layout(name, tasks, **settings), io.BytesIO()
    with csv_writer(stream, layout.schema) as writer:
        for start in range(0, len(rows), 2):
            writer.write_batch(layout(pa.RecordBatch.from_pylist(list(rows[start : start + 2]), schema_of(tasks))))
    return stream.getvalue()


def cells(
    name: str, rows: Sequence[dict[str, Any]], tasks: Sequence[Task] = FACE, **settings: Any
) -> list[dict[str, Any]]:
    return [
        dict(Layout(name, tasks, **settings)(pa.RecordBatch.from_pylist([each], schema_of(tasks))).to_pylist()[0])
        for each in rows
    ]


def test_openface_columns_come_first_and_in_order() -> None:
    names = Layout("openface", FACE).schema.names
    assert names[: len(OPENFACE)] == OPENFACE
    assert names[len(OPENFACE) :] == [
        *("AU24_r", "AU24_c", "input", "x", "y", "width", "height"), *EXPRESSION.labels, *AFFECT.labels
    ]  # fmt: skip


def test_openface_cells() -> None:
    first, lost, stranger = cells(
        "openface", [row(0, 3, AU01=0.5, AU12=1, AU24=0.25, valence=-0.5), nobody(1), row(2, None, AU01=0.4375)]
    )
    assert [first[name] for name in OPENFACE[:5]] == [1, 3, 0, 0.875, 1]
    assert [first[name] for name in ("AU01_r", "AU12_r", "AU02_r", "AU24_r")] == [2, 4, 0, 1]
    assert [first[name] for name in ("AU01_c", "AU12_c", "AU02_c", "AU24_c")] == [1, 1, 0, 0]
    assert [first[name] for name in ("AU45_r", "AU45_c", "AU28_c")] == [None] * 3
    assert [first[name] for name in ("input", "x", "neutral", "valence")] == ["a, b.mp4", 10.5, 1, -0.5]
    assert [lost[name] for name in OPENFACE[:6]] == [2, -1, 0.125, 0, 0, 0]
    assert [lost[name] for name in ("AU12_c", "AU45_c", "x", "valence", "input")] == [0, None, None, None, "a, b.mp4"]
    assert [stranger[name] for name in ("frame", "face_id", "success", "AU01_r", "AU01_c")] == [3, -1, 1, 1.75, 0]


def test_thresholds() -> None:
    found = cells("openface", [row(0, 0, AU01=0.3, AU02=0.3)], thresholds={"AU01": 0.3})[0]
    assert (found["AU01_c"], found["AU02_c"]) == (1, 0)


def test_a_table_of_pictures_has_the_number_of_the_face_and_no_time() -> None:
    faces = pa.Table.from_pylist([row(0, None) | {"face": face} for face in (0, 1)], table_schema(FACE, "tiny"))
    found = Layout("openface", FACE)(faces.to_batches()[0]).to_pylist()
    assert [(face["face_id"], face["timestamp"], face["frame"]) for face in found] == [(0, 0, 1), (1, 0, 1)]
    found = Layout("py-feat", FACE)(faces.to_batches()[0]).to_pylist()
    assert [(face["Identity"], face["approx_time"]) for face in found] == [("Person_0", None), ("Person_1", None)]


def test_py_feat_cells() -> None:
    labels = {"AU01": 0.5, "neutral": 0.25, "anger": 0.75, "valence": -0.5, "arousal": 1}
    first, lost = cells("py-feat", [row(720, 3, **labels), nobody(721)])
    names = [*first]
    assert names[:5] == ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]
    assert names[5:147] == [*LANDMARKS, *POSE]
    assert names[167:176] == ["Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "valence", "arousal"]
    assert names[176:] == ["input", "frame", "approx_time", "Identity", "time"]
    assert [first[name] for name in names[:6]] == [10.5, 20, 30, 40, 0.875, None]
    assert [first[name] for name in ("AU01", "AU11", "AU43", "Neutral", "Anger")] == [0.5, None, None, 0.25, 0.75]
    assert [first[name] for name in names[174:]] == [-0.5, 1, "a, b.mp4", 720, "01:30", "Person_3", 90]
    assert {name for name in names if lost[name] is not None} == {"input", "frame", "approx_time", "time"}


def test_labels_are_the_smoothed_values_if_available() -> None:
    schema = schema_of(FACE)
    rows = [row(frame, None if frame == 9 else 0, AU01=float(frame == 2), fear=0) for frame in range(10)]
    rows[9]["AU01"] = 0.75
    smooth = list(Smoother(schema, FACE)([pa.RecordBatch.from_pylist(rows, schema)]))
    for name, column, scale in (("openface", "AU01_r", 4), ("py-feat", "AU01", 1)):
        for smoothed, spike in ((True, 0), (False, 1)):
            layout = Layout(name, FACE, smoothed=smoothed)
            values = [cell for batch in smooth for cell in layout(batch)[column].to_pylist()]
            assert values == [0, 0, spike * scale, 0, 0, 0, 0, 0, 0, 0.75 * scale], "without a track: the raw one"
            assert not any("smooth" in name for name in layout.schema.names)


def test_other_labels_follow() -> None:
    for name in ("openface", "py-feat"):
        assert Layout(name, ALL_TASKS).schema.names[-len(COMPOUND) :] == [*COMPOUND.labels]
    wings = Task("wings", Kind.ATTRIBUTES, ("AU99", "flapping"), ("?", "they flap"))
    assert Layout("openface", (wings,)).schema.names[40:] == [
        "AU99_r", "AU99_c", "input", "x", "y", "width", "height", "flapping"
    ]  # fmt: skip


def test_invalid_layouts() -> None:
    with pytest.raises(ValueError, match="unknown layout openpose; expected openface or py-feat"):
        Layout("openpose", FACE)
    with pytest.raises(ValueError, match="layout openface has no column for any of the labels valence, arousal"):
        Layout("openface", (AFFECT,))
    with pytest.raises(ValueError, match="layout py-feat has no column for any of the labels happily surprised"):
        Layout("py-feat", (COMPOUND,))
    odd = Task("odd", Kind.ATTRIBUTES, ("timestamp",), ("?",))
    with pytest.raises(ValueError, match="layout openface has duplicate columns: timestamp"):
        Layout("openface", (*FACE, odd))


def test_lines_may_be_split_at_commas() -> None:
    head, first, second, third = written("openface", [row(0, 0), nobody(1), row(2, 0)], FACE).decode().splitlines()
    assert head.split(",")[: len(OPENFACE)] == OPENFACE
    assert first.startswith("1,0,0,0.875,1,0,0,")
    assert second.startswith("2,-1,0.125,0,0,0,0,")
    assert '"a, b.mp4"' in third
    assert third.split(",")[: len(OPENFACE)][-2:] == ["", ""]


@pytest.mark.parametrize("name", ["openface", "py-feat"])
def test_pandas_reads_it(name: str) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_csv(io.BytesIO(written(name, [row(0, 1, AU12=0.75), nobody(1), row(2, 1, AU12=0.25)])))
    assert frame.shape == (3, len(Layout(name, FACE).schema))
    assert [*frame.columns] == Layout(name, FACE).schema.names
    if name == "openface":
        good = frame[frame.success == 1]
        assert (good.AU12_r.mean(), good.AU12_c.tolist(), good.timestamp.tolist()) == (2, [1, 0], [0, 0.25])
        assert frame.AU45_r.isna().all()
    else:
        assert frame.AU12.mean() == 0.5
        assert frame.Identity.tolist()[0] == "Person_1"
        assert frame.FaceScore.isna().tolist() == [False, True, False]


def test_py_feat_reads_it(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not ours
        pytest.importorskip("feat", reason="py-feat is not installed")
        from feat.utils.io import read_feat, read_openface

        rows = [row(frame, frame % 2, AU12=0.75, anger=0.25, valence=-0.5) for frame in range(4)] + [nobody(4)]
        for name in ("openface", "py-feat"):
            (tmp_path / name).write_bytes(written(name, rows))
        fex = read_feat(str(tmp_path / "py-feat"))
        assert fex.detector == "Detectorv2"
        assert [*fex.aus.columns] == [f"AU{number:02}" for number in PY_FEAT_UNITS]
        assert fex.aus.AU12.tolist()[:4] == [0.75] * 4
        assert [*fex.emotions.columns] == [*PY_FEAT_WORDS.values()]
        assert fex.emotions.Anger.tolist()[:4] == [0.25] * 4
        assert fex.faceboxes.iloc[0].tolist() == [10.5, 20, 30, 40, 0.875]
        assert fex.identities.tolist()[:4] == ["Person_0", "Person_1"] * 2
        assert (fex.landmarks.shape, fex.poses.shape) == ((5, 136), (5, 6))
        assert fex.time.frame.tolist() == [0, 1, 2, 3, 4]
        assert fex.inputs.tolist() == ["a, b.mp4"] * 5
        assert fex.extract_mean().mean_valence.tolist() == [-0.5]
        fex = read_openface(str(tmp_path / "openface"))
        assert fex.aus.shape == (5, 35)
        assert fex.aus.AU12_r.tolist() == [3, 3, 3, 3, 0]
        assert fex.time.timestamp.tolist() == [0, 0.125, 0.25, 0.375, 0.5]
