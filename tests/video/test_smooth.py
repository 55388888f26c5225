"""Smoothing, compared with a slow loop over each track, and properties that hold for any rows."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mien.annotate.schema import table_schema
from mien.tasks import FACE, Kind, Task
from mien.video.smooth import Smoother, _Exponential, _Rows

BIRD = Task("bird", Kind.CLASSES, ("duck", "heron", "wren"), ("a duck", "a heron", "a wren"))
STATE = Task("state", Kind.ATTRIBUTES, ("wet", "tired"), ("it is wet", "it is tired"))
PLACE = Task("place", Kind.CONTINUOUS, ("altitude",), ("how high it flies",))
TASKS = (BIRD, STATE, PLACE)
LABELS = [label for task in TASKS for label in task.labels]
WHERE = {"frame": pa.int32(), "time": pa.float64(), "face": pa.int32(), "track": pa.int32()}


def schema_of(tasks: Sequence[Task]) -> pa.Schema:
    rest = [field for field in table_schema(tasks, "tiny") if field.name not in WHERE]
    return pa.schema([*(pa.field(name, kind) for name, kind in WHERE.items()), *rest], {"model": "tiny"})


SCHEMA = schema_of(TASKS)


def row(frame: int, time: float, track: int | None, values: Sequence[float]) -> dict[str, Any]:
    word = BIRD.labels[int(np.argmax(values[:3]))]
    return {
        "frame": frame,
        "time": time,
        "face": 0,
        "track": track,
        "bird": word,
        **dict(zip(LABELS, values, strict=True)),
    }


def wild(seed: int, frames: int = 60) -> list[dict[str, Any]]:
    """Three tracks that come and go, faces without a track, frames without a face, skipped frames, odd times."""
    draw = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    time, present = 0.0, [True, False, True]
    for frame in np.cumsum(draw.integers(1, 4, frames)):
        time += float(draw.exponential(0.05))
        present = [here if draw.random() < 0.8 else not here for here in present]
        tracks = [track if draw.random() < 0.9 else None for track in np.flatnonzero(present)]
        for track in draw.permutation(np.array(tracks, object)):
            values = [*draw.dirichlet([0.3] * 3), *draw.random(2), draw.uniform(-1, 1)]
            rows.append(row(int(frame), time, track, np.float32(values).tolist()))
        if not tracks:
            rows.append({"frame": int(frame), "time": time, "note": "no face found"})
    return rows


def batches(rows: Sequence[dict[str, Any]], cuts: Sequence[int] = (), schema: pa.Schema = SCHEMA) -> Iterator[Any]:
    edges = [0, *cuts, len(rows)]
    for start, stop in pairwise(edges):
        yield pa.RecordBatch.from_pylist(list(rows[start:stop]), schema)


def smoothed(rows: Sequence[dict[str, Any]], cuts: Sequence[int] = (), **settings: Any) -> list[dict[str, Any]]:
    return [row for batch in Smoother(SCHEMA, TASKS, **settings)(batches(rows, cuts)) for row in batch.to_pylist()]


def oracle(rows: Sequence[dict[str, Any]], window: int, constant: float | None) -> list[list[float] | None]:
    """As documented: a loop over tracks, rows and labels."""
    frames = sorted({row["frame"] for row in rows})
    found: list[list[float] | None] = [None] * len(rows)
    for track in {row.get("track") for row in rows} - {None}:
        mine = [(index, row) for index, row in enumerate(rows) if row.get("track") == track]
        before = None
        for index, this in mine:
            here = frames.index(this["frame"])
            near = [row for _, row in mine if abs(frames.index(row["frame"]) - here) <= window // 2]
            values = np.array([np.median([row[label] for row in near]) for label in LABELS])
            total = values[:3].sum()
            values[:3] = values[:3] / total if total > 0 else [this[label] for label in LABELS[:3]]
            if constant is not None:
                if before and not (here - before[0] > 1 and this["time"] - before[1] > constant):
                    kept = np.exp(-(this["time"] - before[1]) / constant)
                    values = kept * before[2] + (1 - kept) * values
                before = (here, this["time"], values)
            found[index] = list(values)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("window", "constant"), [(1, None), (3, None), (5, None), (9, 0.2), (1, 0.05)])
def test_smoothing_equals_a_slow_loop(seed: int, window: int, constant: float | None) -> None:
    rows = wild(seed)
    found = smoothed(rows, range(7, len(rows), 7), window=window, constant=constant)
    assert len(found) == len(rows)
    for raw, got, expected in zip(rows, found, oracle(rows, window, constant), strict=True):
        assert all(got[name] == raw.get(name) for name in SCHEMA.names), "raw columns are never changed"
        values = [got[f"{label}_smooth"] for label in LABELS]
        if expected is None:
            assert values == [None] * len(LABELS)
            assert got["bird_smooth"] is None
        else:
            assert values == pytest.approx(expected, abs=1e-6)
            assert sum(values[:3]) == pytest.approx(1, abs=1e-6)
            assert got["bird_smooth"] == BIRD.labels[int(np.argmax(values[:3]))]


@pytest.mark.parametrize("seed", range(3))
def test_rows_do_not_depend_on_the_batches(seed: int) -> None:
    rows = wild(seed)
    whole = smoothed(rows, constant=0.1)
    assert smoothed(rows, range(1, len(rows)), constant=0.1) == whole
    draw = np.random.default_rng(seed)
    for _ in range(5):
        cuts = np.sort(draw.integers(0, len(rows) + 1, 9)).tolist()  # empty batches, too
        assert smoothed(rows, cuts, constant=0.1) == whole


def test_a_stopped_run_differs_in_its_last_frames_only() -> None:
    rows = wild(5)
    stop = 40
    certain = [at for at in range(stop) if rows[at]["frame"] < sorted({row["frame"] for row in rows[:stop]})[-3]]
    assert smoothed(rows[:stop], constant=0.1)[: len(certain)] == smoothed(rows, constant=0.1)[: len(certain)]


def test_rows_are_yielded_as_soon_as_they_are_final() -> None:
    values = [0.5, 0.25, 0.25, 0, 1, 0]
    taken = 0

    def endless() -> Iterator[Any]:
        nonlocal taken
        for frame in range(100_000):
            taken += 1
            yield from batches([row(frame, frame / 30, 0, values)])

    stream = Smoother(SCHEMA, TASKS, window=5)(endless())
    for given in range(1, 50):
        assert next(stream).num_rows == 1
        assert taken == given + 3


def test_ended_tracks_are_dropped() -> None:
    filtered = _Exponential(0.1)
    for frame in range(100):
        at = np.array([frame])
        filtered(_Rows(at, at / 30, at, np.zeros((1, 1))), np.zeros((1, 1)))
    assert len(filtered._before) == 4


def test_a_constant_is_unchanged_and_a_spike_is_removed() -> None:
    calm, spike = [0.5, 0.25, 0.25, 0, 1, -0.5], [0, 0, 1, 1, 0, 1.0]
    rows = [row(frame, frame / 30, 7, calm) for frame in range(20)]
    for settings in ({}, {"window": 9}, {"window": 1, "constant": 0.3}, {"constant": 2.0}):
        found = smoothed(rows, **settings)
        assert all([got[f"{label}_smooth"] for label in LABELS] == pytest.approx(calm) for got in found)
    rows[10] = row(10, 10 / 30, 7, spike)
    assert all([got[f"{label}_smooth"] for label in LABELS] == calm for got in smoothed(rows, window=3))
    rows[11] = row(11, 11 / 30, 7, spike)
    assert all([got[f"{label}_smooth"] for label in LABELS] == calm for got in smoothed(rows))
    assert {got["bird"] for got in smoothed(rows)} == {"duck", "wren"}
    assert {got["bird_smooth"] for got in smoothed(rows)} == {"duck"}


@pytest.mark.parametrize("settings", [{"window": 7}, {"window": 1, "constant": 0.2}])
def test_no_leak_across_a_gap_or_between_tracks(settings: dict[str, Any]) -> None:
    low, high = [1.0, 0, 0, 0, 0, -1], [0, 0, 1.0, 1, 1, 1]
    rows = [row(frame, frame / 10, 1, low) for frame in range(10)]
    rows += [{"frame": frame, "time": frame / 10} for frame in range(10, 13)]
    rows += [row(13, 1.3, 1, high)]  # alone, so any leak shows
    rows += [row(frame, frame / 10, 3, low) for frame in range(14, 17)]
    rows += [row(frame, frame / 10, track, [low, high][track - 1]) for frame in range(17, 30) for track in (1, 2)]
    for raw, got in zip(rows, smoothed(rows, **settings), strict=True):
        assert [got[f"{label}_smooth"] for label in LABELS] == [raw.get(label) for label in LABELS]


def test_a_short_gap_is_bridged_and_has_no_values_itself() -> None:
    calm, spike = [0.5, 0.25, 0.25, 0, 1, -0.5], [0, 0, 1, 1, 0, 1.0]
    rows = [row(frame, frame / 30, 0, calm) for frame in (0, 1, 2)] + [{"frame": 3, "time": 0.1}]
    rows += [row(4, 4 / 30, 0, spike)] + [row(frame, frame / 30, 0, calm) for frame in (5, 6, 7)]
    found = smoothed(rows)
    assert [got["altitude_smooth"] for got in found] == [-0.5, -0.5, -0.5, None, -0.5, -0.5, -0.5, -0.5]


def test_the_exponential_is_exact_for_any_times() -> None:
    step = [(0.0, -1.0), (1.0, 1.0), (1.01, 1.0), (1.5, 1.0), (1.51, 1.0), (3.0, 1.0)]
    rows = [row(at, time, 0, [1, 0, 0, 0, 0, value]) for at, (time, value) in enumerate(step)]
    dense = [(time, 1.0 if time > 0 else -1.0) for time in np.arange(0, 3.001, 0.01).round(2).tolist()]
    more = [row(at, time, 0, [1, 0, 0, 0, 0, value]) for at, (time, value) in enumerate(dense)]
    few = {got["time"]: got["altitude_smooth"] for got in smoothed(rows, window=1, constant=0.7)}
    many = {got["time"]: got["altitude_smooth"] for got in smoothed(more, window=1, constant=0.7)}
    for time, value in few.items():
        assert value == pytest.approx(1 - 2 * np.exp(-time / 0.7), abs=1e-6)
        assert value == pytest.approx(many[time], abs=1e-6)


def test_classes_whose_medians_are_all_0_keep_their_raw_values() -> None:
    turns = np.tile(np.eye(3), (4, 1)).tolist()
    rows = [row(frame, frame / 30, 0, [*turn, 0, 0, 0]) for frame, turn in enumerate(turns)]
    found = smoothed(rows, window=3)
    assert [got["bird_smooth"] for got in found[1:-1]] == [got["bird"] for got in found[1:-1]]
    assert [found[4][f"{label}_smooth"] for label in BIRD.labels] == turns[4]


def test_rows_without_a_track_or_without_all_labels_have_no_smoothed_value() -> None:
    calm = [0.5, 0.25, 0.25, 0, 1, -0.5]
    rows = [row(0, 0, None, calm), row(1, 0.1, 0, calm), row(2, 0.2, 0, [*calm[:-1], None]), row(3, 0.3, 0, calm)]  # type: ignore[list-item]
    found = smoothed(rows)
    assert [got["altitude_smooth"] for got in found] == [None, -0.5, None, -0.5]
    assert [got["duck_smooth"] for got in found] == [None, 0.5, None, 0.5]
    assert smoothed([row(0, 0, None, calm)])[0]["duck_smooth"] is None
    assert smoothed([]) == []


def test_smoothed_columns_and_their_meanings() -> None:
    schema = Smoother(schema_of(FACE), FACE, window=7, constant=0.5).schema
    names = schema.names
    for label in ("expression", "fear", "AU01", "valence"):
        assert names.index(f"{label}_smooth") == names.index(label) + 1
        assert schema.field(f"{label}_smooth").type == schema.field(label).type
    metadata = schema.field("valence_smooth").metadata
    assert metadata[b"range"] == b"[-1, 1]"
    assert (
        metadata[b"meaning"]
        .decode()
        .endswith(
            "0 is neutral, smoothed: the median over 7 looked-at frames of its track, then exponentially with a time "
            "constant of 0.5 s"
        )
    )
    assert json.loads(schema.metadata[b"smoothing"]) == {"window": 7, "constant": 0.5}
    assert schema.metadata[b"model"] == b"tiny"


def test_invalid_settings_and_tables() -> None:
    for window in (0, 4, -1):
        with pytest.raises(ValueError, match=f"odd number of frames, not {window}"):
            Smoother(SCHEMA, TASKS, window=window)
    for constant in (0, -1.5, float("nan")):
        with pytest.raises(ValueError, match="more than 0 seconds"):
            Smoother(SCHEMA, TASKS, constant=constant)
    with pytest.raises(ValueError, match="no column time, track"):
        Smoother(table_schema(TASKS, "tiny"), TASKS)
    twice = Task("more", Kind.ATTRIBUTES, ("wet_smooth",), ("?",))
    with pytest.raises(ValueError, match="duplicate columns: wet_smooth"):
        Smoother(schema_of((*TASKS, twice)), TASKS)
