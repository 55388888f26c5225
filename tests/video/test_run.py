"""One video to one table; an interrupted and resumed run ends with the same bytes."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mien.annotate.options import VideoOptions
from mien.annotate.pipeline import Annotator
from mien.media.picture import MediaError
from mien.table.writer import TableWriteError
from mien.video import run as module
from mien.video.checks import journal_path
from mien.video.journal import Journal, JournalError
from mien.video.postprocess import PostprocessOptions
from mien.video.run import VideoRun, is_complete

Clip = Callable[..., Path]
GAP = range(20, 30)


@pytest.fixture(scope="module")
def annotator(network: Path) -> Annotator:
    return Annotator(network, threads=1)


def run(
    annotator: Annotator, source: Path, out: Path, postprocess: PostprocessOptions | None = None, **options: bool
) -> module.VideoResult:
    return VideoRun(annotator, str(source), out, postprocess, **options)()


def test_a_video_to_a_table(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60, without=GAP), tmp_path / "a.parquet"
    result = run(annotator, source, out)
    assert (result.status, result.frames, result.faces, result.rows) == ("done", 60, 50, 60)
    assert result.seconds == pytest.approx(59 / 30)
    table = pq.read_table(out)
    assert table.schema.names[:5] == ["input", "frame", "time", "face", "track"]
    assert table["frame"].to_pylist() == list(range(60))
    assert table["time"].to_pylist() == pytest.approx([index / 30 for index in range(60)])
    assert [row["note"] for row in table.select(["note"]).to_pylist()] == [
        "no face found" if index in GAP else None for index in range(60)
    ]
    assert [task["name"] for task in json.loads(table.schema.metadata[b"tasks"])] == [
        task.name for task in annotator.tasks
    ]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.parquet", "a.summary.csv", "a.tracks.csv"]
    whole = annotator(source)
    assert whole.equals(table)


def test_sampled_frames(network: Path, clip: Clip, tmp_path: Path) -> None:
    chosen = Annotator(network, threads=1, video=VideoOptions(every=7, start=0.5, end=1.5, max_faces=1))
    table = chosen(clip(60, faces=2))
    assert table["frame"].to_pylist() == [21, 28, 35, 42]
    assert set(table["face"].to_pylist()) == {0}


def test_smoothing_adds_columns(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    raw, smooth = tmp_path / "raw.parquet", tmp_path / "smooth.parquet"
    run(annotator, clip(60, without=GAP), raw)
    run(annotator, clip(60, without=GAP), smooth, PostprocessOptions(smooth=5))
    before, after = pq.read_table(raw), pq.read_table(smooth)
    assert after.select(before.column_names).equals(before)
    assert after["valence_smooth"].null_count == len(GAP)
    assert after["valence_smooth"].to_pylist() != before["valence"].to_pylist()


def test_an_overlay_has_every_frame(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    import av

    run(annotator, clip(60, without=GAP), tmp_path / "a.parquet", PostprocessOptions(overlay=tmp_path / "a.mp4"))
    with av.open(str(tmp_path / "a.mp4")) as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) == 60


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_damaged_journal_resumes_to_the_same_bytes(
    annotator: Annotator, clip: Clip, tmp_path: Path, suffix: str
) -> None:
    source, whole = clip(60, without=GAP, faces=2), tmp_path / f"whole{suffix}"
    postprocess = PostprocessOptions(smooth=3)
    run(annotator, source, whole, postprocess)
    journal = _journal_of(annotator, source, tmp_path)
    generator = random.Random(0)
    out = tmp_path / f"again{suffix}"
    for length in [0, len(journal), *(generator.randrange(len(journal)) for _ in range(5))]:
        journal_path(out).write_bytes(journal[:length])
        result = run(annotator, source, out, postprocess, resume=True)
        assert (result.status, result.frames) == ("done", 60)
        assert out.read_bytes() == whole.read_bytes()
        for entry in tmp_path.glob("again.*"):
            entry.unlink()


def _journal_of(annotator: Annotator, source: Path, folder: Path) -> bytes:
    """The bytes of the journal of a whole run that ends as if the disk were full."""
    out = folder / "kept.parquet"
    started = VideoRun(annotator, str(source), out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Postprocessor, "write", _full)
        assert started().status == "failed"
    return journal_path(out).read_bytes()


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_tracks_continue_after_damage(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60, faces=2), tmp_path / "a.parquet"
    journal = _journal_of(annotator, source, tmp_path)
    journal_path(out).write_bytes(journal[: len(journal) // 2])
    run(annotator, source, out, resume=True)
    tracks = pq.read_table(out)["track"].to_pylist()
    assert set(tracks) == {0, 1}


def test_other_options_are_named(network: Path, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60, faces=2), tmp_path / "a.parquet"
    journal = _journal_of(Annotator(network, threads=1), source, tmp_path)
    journal_path(out).write_bytes(journal)
    for other, name in (
        (Annotator(network, threads=1, min_size=20), r"min_size \(was 16, is 20\)"),
        (Annotator(network, threads=1, video=VideoOptions(every=2)), r"every \(was 1, is 2\)"),
        (Annotator(threads=1), "model"),
        (Annotator(network, threads=1, compounds="raf_db"), "compounds"),
    ):
        with pytest.raises(JournalError, match=name):
            run(other, source, out, resume=True)
    source = tmp_path / source.name
    source.write_bytes(clip(60).read_bytes())
    with pytest.raises(JournalError, match=r"input .*, video"):
        run(Annotator(network, threads=1), source, out, resume=True)
    assert journal_path(out).read_bytes() == journal


def test_a_finished_table_is_recognised(annotator: Annotator, network: Path, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60), tmp_path / "a.parquet"
    assert not is_complete(annotator, str(source), out)
    run(annotator, source, out)
    assert is_complete(annotator, str(source), out)
    with pytest.raises(JournalError, match="every"):
        is_complete(Annotator(network, threads=1, video=VideoOptions(every=2)), str(source), out)
    out.write_bytes(out.read_bytes()[:-100])
    with pytest.raises(
        TableWriteError, match=rf"^{re.escape(str(out))}: cannot be read \(.*\); use --overwrite to start over$"
    ):
        is_complete(annotator, str(source), out)


def test_existing_files_are_unchanged(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60), tmp_path / "a.csv"
    out.write_text("mine")
    with pytest.raises(TableWriteError, match="already exists"):
        run(annotator, source, out)
    assert out.read_text() == "mine"
    out.unlink()
    journal_path(out).write_text("half")
    with pytest.raises(TableWriteError, match=r"unfinished \(use --resume to continue, --overwrite to start over\)"):
        run(annotator, source, out)
    for name, reason in (("a.xlsx", "must end in"), ("none/a.csv", "no folder"), ("", "must end in")):
        with pytest.raises(TableWriteError, match=reason):
            run(annotator, source, tmp_path / name)
    with pytest.raises(TableWriteError, match=r"must end in \.csv"):
        run(annotator, source, tmp_path / "a.parquet", PostprocessOptions(layout="openface"))


def test_the_list_of_failures_of_a_replaced_table_is_removed(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, errors = clip(60), tmp_path / "a.errors.csv"
    errors.write_text("input,error\nb.jpg,no such file\n")
    with pytest.raises(TableWriteError, match=r"a\.errors\.csv: already exists"):
        run(annotator, source, tmp_path / "a.parquet")
    assert errors.exists()
    run(annotator, source, tmp_path / "a.parquet", overwrite=True)
    assert not errors.exists()


def test_an_unreadable_video_leaves_no_files(annotator: Annotator, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(MediaError):
        run(annotator, tmp_path / "a.mp4", tmp_path / "a.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mp4"]


def test_ctrl_c_keeps_finished_frames(
    annotator: Annotator, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = clip(60), tmp_path / "a.parquet"
    write = Journal.write

    def interrupted(self: Journal, rows: object) -> None:
        write(self, rows)
        if self.frames >= 32:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", interrupted)
        result = run(annotator, source, out)
    assert (result.status, result.frames) == ("interrupted", 32)
    assert pq.read_table(out).num_rows == 32
    assert run(annotator, source, out, resume=True).status == "done"
    assert pq.read_table(out).num_rows == 60
    assert not journal_path(out).exists()


def test_a_stop_request_keeps_finished_frames(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60), tmp_path / "a.parquet"
    checks = iter([False, False, False, True])  # before the first chunk, then after each
    result = VideoRun(annotator, str(source), out)(stop=lambda: next(checks))
    assert (result.status, result.frames) == ("interrupted", 24)
    assert pq.read_table(out).num_rows == 24
    assert VideoRun(annotator, str(source), out, resume=True)(stop=lambda: True).frames == 24
    assert run(annotator, source, out, resume=True).frames == 60


def test_a_stop_request_while_the_overlay_is_drawn(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(60), tmp_path / "a.parquet"
    drawn: list[int] = []
    started = VideoRun(annotator, str(source), out, PostprocessOptions(overlay=tmp_path / "a.mp4"))
    assert started(drawn=drawn.append, stop=lambda: len(drawn) > 4).status == "interrupted"
    assert drawn == [1] * 5
    assert pq.read_table(out).num_rows == 60
    assert journal_path(out).exists()


def test_a_full_disk_keeps_finished_frames(
    annotator: Annotator, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = clip(60), tmp_path / "a.parquet"
    write = Journal.write

    def full(self: Journal, rows: object) -> None:
        if self.frames >= 16:
            _full()
        write(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        result = run(annotator, source, out)
    assert (result.status, result.error) == ("failed", "cannot write: No space left on device")
    assert pq.read_table(out).num_rows == 16
    assert run(annotator, source, out, resume=True).frames == 60


def test_damage_keeps_the_frames_before(annotator: Annotator, clip: Clip, tmp_path: Path) -> None:
    whole = clip(60, suffix=".avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    result = run(annotator, tmp_path / "cut.avi", tmp_path / "a.parquet")
    assert result.status == "damaged"
    assert result.error is not None
    table = pq.read_table(tmp_path / "a.parquet")
    assert 0 < table.num_rows == result.frames < 60
    assert json.loads(table.schema.metadata[b"errors"]) == [{"input": str(tmp_path / "cut.avi"), "error": result.error}]


def test_row_groups(annotator: Annotator, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.table import writer as store

    monkeypatch.setattr(store, "GROUP", 20)
    run(annotator, clip(60), tmp_path / "a.parquet", PostprocessOptions(smooth=3))
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 3
    assert file.metadata.num_rows == 60


def test_skipped_damaged_frames_are_reported(
    annotator: Annotator, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.FrameSampler, "damaged", 3)
    result = run(annotator, clip(60), tmp_path / "a.parquet")
    assert (result.status, result.frames) == ("damaged", 60)
    assert result.error == "skipped 3 damaged packets or frames"
    assert not journal_path(tmp_path / "a.parquet").exists()
