"""Summaries against slow loops over rows, and by hand."""

import csv
import json
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pytest

from mien.annotate.schema import table_schema
from mien.table import summary as module
from mien.table.summary import Summariser, Summary, write_summary
from mien.table.summary_schema import QUADRANTS
from mien.table.writer import TableWriteError
from mien.tasks import FACE, Kind, Task
from mien.video.smooth import Smoother

BIRD = Task("bird", Kind.CLASSES, ("duck", "heron", "wren"), ("a duck", "a heron", "a wren"))
STATE = Task("state", Kind.ATTRIBUTES, ("wet", "tired"), ("it is wet", "it is tired"))
MOOD = Task("mood", Kind.CONTINUOUS, ("altitude", "arousal", "valence"), ("how high", "how active", "how glad"))
TASKS = (BIRD, STATE, MOOD)
LABELS = [label for task in TASKS for label in task.labels]
WHERE = {"input": pa.string(), "frame": pa.int32(), "time": pa.float64(), "face": pa.int32(), "track": pa.int32()}


def schema_of(tasks: Sequence[Task]) -> pa.Schema:
    rest = [field for field in table_schema(tasks, "tiny") if field.name not in WHERE]
    return pa.schema([*(pa.field(name, kind) for name, kind in WHERE.items()), *rest], {"model": "tiny"})


SCHEMA = schema_of(TASKS)


def row(frame: int, time: float, track: int | None, values: Sequence[float], score: float = 0.75) -> dict[str, Any]:
    place = {"input": "pond.mp4", "frame": frame, "time": time, "face": 0, "track": track, "score": score}
    return place | dict(zip(LABELS, values, strict=True))


def nobody(frame: int, time: float) -> dict[str, Any]:
    return {"input": "pond.mp4", "frame": frame, "time": time, "note": "no face found"}


def wild(seed: int, frames: int = 80) -> list[dict[str, Any]]:
    """Three tracks that come and go, faces without a track, frames without a face, left-out frames, odd times."""
    draw = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    time, present = 0.0, [True, False, True]
    for frame in np.cumsum(draw.integers(1, 4, frames)).tolist():
        time += float(draw.exponential(0.1))
        present = [here if draw.random() < 0.7 else not here for here in present]
        tracks = [track if draw.random() < 0.9 else None for track in np.flatnonzero(present).tolist()]
        for track in tracks:
            values = np.float32([*draw.dirichlet([0.3] * 3), *draw.random(2), *draw.uniform(-1, 1, 3)]).tolist()
            rows.append(row(frame, time, track, values, float(np.float32(draw.random()))))
        if not tracks:
            rows.append(nobody(frame, time))
    return rows


def summed(rows: Sequence[dict[str, Any]], cuts: Sequence[int] = (), **settings: Any) -> Summary:
    summariser = Summariser(SCHEMA, TASKS, **settings)
    edges = [0, *cuts, len(rows)]
    for start, stop in pairwise(edges):
        summariser.add(pa.RecordBatch.from_pylist(list(rows[start:stop]), SCHEMA))
    return summariser.tables()


def durations(rows: Sequence[dict[str, Any]]) -> dict[int, float]:
    times = {row["frame"]: row["time"] for row in rows}
    clock = [*times.values()]
    steps = [after - before for before, after in pairwise(clock)]
    return dict(zip(times, [*steps, steps[-1] if steps else 0.0], strict=True))


def on(this: dict[str, Any], label: str, limit: float) -> bool:
    return (
        bool(this[label] >= limit) if label in STATE.labels else this[label] == max(this[name] for name in BIRD.labels)
    )


def oracle(
    rows: Sequence[dict[str, Any]], faces: Sequence[dict[str, Any]], pause: float, limit: float
) -> dict[str, Any]:
    """The columns of the labels over some faces; episodes if they are one track's."""
    lasts, frames = durations(rows), list(durations(rows))
    seconds = sum(lasts[face["frame"]] for face in faces)
    found = {"score_mean": statistics.mean(face["score"] for face in faces), "seconds": seconds}
    held = {}
    for label in LABELS:
        found[f"{label}_mean"] = statistics.mean(face[label] for face in faces)
        if label in MOOD.labels:
            found[f"{label}_sd"] = statistics.stdev(face[label] for face in faces)
            continue
        held[label] = sum(lasts[face["frame"]] for face in faces if on(face, label, limit))
        found[f"{label}_share"] = held[label] / seconds
        episodes = 0
        for at, face in enumerate(faces):
            if on(face, label, limit):
                before = faces[at - 1] if at else None
                lost = before and frames.index(face["frame"]) - frames.index(before["frame"]) > 1
                anew = not before or (lost and face["time"] - before["time"] > pause)
                episodes += bool(anew or not on(before or {}, label, limit))
        found[f"{label}_episodes"] = episodes
    found["bird"] = max(BIRD.labels, key=held.__getitem__)
    for name in QUADRANTS:
        inside = [
            lasts[face["frame"]]
            for face in faces
            if (face["valence"] >= 0) == ("positive" in name) and (face["arousal"] >= 0) == ("active" in name)
        ]
        found |= {f"{name}_seconds": sum(inside), f"{name}_share": sum(inside) / seconds}
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("pause", "limit"), [(0.5, 0.5), (0.0, 0.25), (1e9, 0.9)])
def test_it_is_what_slow_loops_say(seed: int, pause: float, limit: float) -> None:
    rows = wild(seed)
    found = summed(rows, range(7, len(rows), 7), pause=pause, thresholds=dict.fromkeys(STATE.labels, limit))
    faces = [row for row in rows if "score" in row]
    lasts, episodes = durations(rows), dict.fromkeys(LABELS, 0)
    for got in found.tracks.to_pylist():
        mine = [face for face in faces if face["track"] == got["track"]]
        expected = oracle(rows, mine, pause, limit) | {"frames": len(mine), "input": "pond.mp4"}
        expected |= {"first_frame": mine[0]["frame"], "last_frame": mine[-1]["frame"]}
        expected |= {"first_time": mine[0]["time"], "last_time": mine[-1]["time"]}
        if got["track"] is None:
            expected |= {name: None for name in expected if name.endswith("_episodes")}
        else:
            episodes = {label: episodes[label] + expected.get(f"{label}_episodes", 0) for label in LABELS}
        assert got.keys() == expected.keys() | {"track"}
        assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert found.tracks["track"].to_pylist() == [0, 1, 2, None]
    expected = oracle(rows, faces, pause, limit) | {"input": "pond.mp4", "tracks": 3, "faces": len(faces)}
    expected |= {f"{label}_episodes": episodes[label] for label in (*BIRD.labels, *STATE.labels)}
    counts = [sum(face["frame"] == frame for face in faces) for frame in lasts]
    expected |= {"frames": len(lasts), "seconds": sum(lasts.values()), "most_faces": max(counts)}
    expected["face_frames"] = sum(count > 0 for count in counts)
    expected["face_seconds"] = sum(last for last, count in zip(lasts.values(), counts, strict=True) if count)
    (got,) = found.video.to_pylist()
    assert got.keys() == expected.keys()
    assert got == pytest.approx(expected, abs=1e-9)


def test_how_rows_are_cut_into_batches_makes_no_difference() -> None:
    rows = wild(7)
    whole = summed(rows)
    draw = np.random.default_rng(0)
    for cuts in ([*range(1, len(rows))], *(np.sort(draw.integers(0, len(rows) + 1, 9)).tolist() for _ in range(5))):
        for table, other in zip(summed(rows, cuts), whole, strict=True):
            assert table.num_rows == other.num_rows
            for got, expected in zip(table.to_pylist(), other.to_pylist(), strict=True):
                assert got == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    duck, wren = [1.0, 0, 0, 0.2, 0.9, 0.5, 0.5, -0.5], [0, 0, 1.0, 0.8, 0.9, -0.5, -0.5, 0]
    rows = [row(0, 0, 4, duck), row(5, 1, 4, wren), nobody(10, 2), row(15, 2.25, 4, wren), row(20, 3, 4, duck)]
    found = summed(rows, pause=1.25)
    (track,), (video,) = found.tracks.to_pylist(), found.video.to_pylist()
    assert (track["track"], track["frames"], track["seconds"], video["seconds"]) == (4, 4, 3.5, 3.75)
    assert (video["frames"], video["face_frames"], video["face_seconds"], video["tracks"]) == (5, 4, 3.5, 1)
    assert (track["duck_share"], track["wren_share"], track["heron_share"]) == (0.5, 0.5, 0)
    assert (track["duck_mean"], track["duck_episodes"], track["wren_episodes"]) == (0.5, 2, 1)
    assert (track["wet_share"], track["wet_episodes"], track["tired_share"], track["tired_episodes"]) == (0.5, 1, 1, 1)
    assert (track["altitude_mean"], track["altitude_sd"]) == (0, pytest.approx(1 / 3**0.5))
    assert [track[f"{name}_seconds"] for name in QUADRANTS] == [0, 1.75, 0, 1.75]
    assert (track["first_frame"], track["last_time"], track["bird"]) == (0, 3, "duck")
    assert summed(rows, pause=1).tracks["wren_episodes"].to_pylist() == [2]


def test_smoothed_values_are_summed_up_where_they_are() -> None:
    calm, spike = [1.0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1.0, 1, 1, 1, 1, 1]
    rows = [
        row(frame, frame / 10, None if frame == 9 else 0, spike if frame in (4, 9) else calm) for frame in range(10)
    ]
    smoother = Smoother(SCHEMA, TASKS)
    for smoothed, share in ((True, 0.0), (False, 1 / 9)):
        summariser = Summariser(smoother.schema, TASKS, smoothed=smoothed)
        for batch in smoother([pa.RecordBatch.from_pylist(rows, SCHEMA)]):
            summariser.add(batch)
        tracks = summariser.tables().tracks
        assert tracks["wren_share"].to_pylist() == [pytest.approx(share), 1]
        assert json.loads(tracks.schema.metadata[b"summary"])["smoothed"] is smoothed


def test_a_video_without_a_face_without_frames_and_of_one_frame() -> None:
    found = summed([nobody(0, 0), nobody(1, 0.5)])
    (video,) = found.video.to_pylist()
    assert (found.tracks.num_rows, video["frames"], video["seconds"], video["face_seconds"]) == (0, 2, 1, 0)
    assert (video["duck_mean"], video["duck_share"], video["bird"], video["score_mean"]) == (None, None, None, None)
    assert (
        summed([]).video.to_pylist()[0] | {"frames": 0, "seconds": 0, "input": None} == summed([]).video.to_pylist()[0]
    )
    (track,) = summed([row(0, 0, 0, [1, 0, 0, 1, 0, 0.5, 0, 0])]).tracks.to_pylist()
    assert (track["frames"], track["seconds"], track["duck_mean"], track["altitude_mean"]) == (1, 0, 1, 0.5)
    assert (track["duck_share"], track["altitude_sd"], track["wet_episodes"]) == (None, None, 1)


def test_what_is_held_does_not_grow_with_the_rows() -> None:
    summariser = Summariser(SCHEMA, TASKS)
    batch = pa.RecordBatch.from_pylist([row(0, 0, 0, [1, 0, 0, 1, 0, 0.5, 0, 0])], SCHEMA)
    for frame in range(1000):
        at = {"frame": pa.array([frame], pa.int32()), "time": pa.array([frame / 10])}
        for name, column in at.items():
            batch = batch.set_column(batch.schema.names.index(name), SCHEMA.field(name), column)
        summariser.add(batch)
        assert summariser._held is not None
        assert len(summariser._held.frame) == 1
    assert summariser.tables().tracks["seconds"].to_pylist() == [pytest.approx(100)]


def test_every_column_says_what_it_is() -> None:
    for table in Summariser(schema_of(FACE), FACE).tables():
        for field in table.schema:
            assert field.metadata.keys() == {b"range", b"unit", b"meaning"}, field.name
            assert all(field.metadata.values())
        assert table.schema.metadata[b"model"] == b"tiny"
        assert {"expression", "fear_share", "AU12_episodes", "valence_sd", "negative_active_seconds"} <= {
            *table.schema.names
        }
    plain = Task("place", Kind.CONTINUOUS, ("valence",), ("?",))
    names = Summariser(schema_of((plain,)), (plain,)).tables().video.schema.names
    assert names[-3:] == ["score_mean", "valence_mean", "valence_sd"]
    limits = Summariser(SCHEMA, TASKS, thresholds={"wet": 0.3}).tables().tracks.schema
    assert (
        limits.field("wet_share").metadata[b"meaning"].endswith(b"its probability is 0.3 or more; null if that is 0 s")
    )


def test_tables_that_cannot_be_summed_up() -> None:
    with pytest.raises(ValueError, match="nothing to sum up: the table has no column time, track"):
        Summariser(table_schema(TASKS, "tiny"), TASKS)
    odd = Task("frames", Kind.CLASSES, ("a", "b"), ("?", "?"))
    with pytest.raises(ValueError, match="the summary would have two columns named frames"):
        Summariser(schema_of((odd,)), (odd,))


def test_both_tables_stand_beside_the_main_one(tmp_path: Path) -> None:
    summary = summed(wild(0))
    paths = write_summary(tmp_path / "pond.parquet", summary)
    assert [path.name for path in paths] == ["pond.tracks.csv", "pond.summary.csv"]
    for path, table in zip(paths, summary, strict=True):
        lines = [*csv.DictReader(path.read_text().splitlines())]
        assert [*lines[0]] == table.schema.names
        assert [float(line["valence_mean"]) for line in lines] == table["valence_mean"].to_pylist()
        assert [line["bird"] for line in lines] == table["bird"].to_pylist()
    with pytest.raises(TableWriteError, match=r"pond\.tracks\.csv: already exists \(use --overwrite"):
        write_summary(tmp_path / "pond.csv", summary)
    assert write_summary(tmp_path / "pond.csv", summary, overwrite=True) == paths
    with pytest.raises(TableWriteError, match=r"a\.tracks\.csv: cannot be written: No such file"):
        write_summary(tmp_path / "none" / "a.csv", summary)


def test_summaries_that_cannot_be_written_leave_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, stream: IO[bytes], _: pa.Schema) -> None:
            stream.write(b"input,")

        def write_table(self, _: pa.Table) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None: ...

    first, _ = write_summary(tmp_path / "pond.parquet", summed(wild(0)))
    before = first.read_bytes()
    monkeypatch.setattr(module, "csv_writer", Full)
    with pytest.raises(TableWriteError, match=r"pond\.tracks\.csv: cannot be written: No space left"):
        write_summary(tmp_path / "pond.parquet", summed(wild(1)), overwrite=True)
    assert first.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pond.summary.csv", "pond.tracks.csv"]
