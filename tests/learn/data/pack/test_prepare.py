"""Preparation of imported manifests: the crops, the skipped rows, and byte-identical results after a kill."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.faces.align import align
from mien.faces.detect import YuNet
from mien.learn.data.manifest import MANIFEST, PACK, ManifestError, read_manifest, write_manifest
from mien.learn.data.manifest.shards import SHARDS
from mien.learn.data.pack.crops import PackOptions
from mien.learn.data.pack.finder import TIGHT
from mien.learn.data.pack.prepare import ERRORS, PLAN, prepare_manifest
from mien.tasks import AFFECT, FACE

HOW = PackOptions(shard=4)

RUN = """
import sys
from pathlib import Path
from mien.learn.data.pack.crops import PackOptions
from mien.learn.data.pack.prepare import prepare_manifest
if __name__ == "__main__":
    prepare_manifest(Path(sys.argv[1]), PackOptions(shard=4), workers=2)
"""


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """Ten pictures of a face, each at another position, and an empty one."""
    folder = tmp_path_factory.mktemp("faces")
    portrait = Image.open(astronaut).convert("RGB").crop((128, 0, 384, 256)).resize((128, 128))
    for k in range(10):
        wide = Image.new("RGB", (176, 128), (90, 90, 90))
        wide.paste(portrait, (4 * k, 0))
        wide.save(folder / f"{k}.png")
    Image.new("RGB", (176, 128)).save(folder / "empty.png")
    return folder


def rows_of(faces: Path) -> list[dict[str, Any]]:
    """Rows of pictures, some of them unusable; the valence encodes the row number."""
    names = ["0", "1", "empty", "2", "3", "3", "4", "gone", *"56789", "0", "1"]
    rows = [{"path": str(faces / f"{name}.png"), "split": "train"} for name in names]
    return [{**row, "valence": k / 20, "frame": None, "note": f"row {k}"} for k, row in enumerate(rows)]


def imported(folder: Path, rows: list[dict[str, Any]], **metadata: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder / MANIFEST, rows, FACE, {"source": "made up", **metadata})
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, faces: Path) -> Path:
    """Prepared without interruption, in this process."""
    folder = imported(tmp_path_factory.mktemp("whole"), rows_of(faces))
    prepare_manifest(folder, HOW, workers=1)
    return folder


def test_crops_labels_and_positions_stay_together(whole: Path, faces: Path) -> None:
    manifest = read_manifest(whole)
    kept = [k for k in range(15) if k not in (2, 7)]
    assert manifest.table["note"].to_pylist() == [f"row {k}" for k in kept]
    np.testing.assert_allclose(manifest.column(AFFECT)[:, 0], np.array(kept) / 20, rtol=1e-6)
    detector = YuNet(min_size=10, threads=1)
    for index, row in enumerate(manifest.table.to_pylist()):
        image = np.asarray(Image.open(row["path"]))
        face = detector(image)[0]
        crop = manifest.images(np.array([index]))[0].transpose(1, 2, 0)
        np.testing.assert_array_equal(crop, align(image, face.landmarks))
        np.testing.assert_allclose(np.reshape(row["landmarks"], (5, 2)), face.landmarks)
        assert [row[side] for side in ("x", "y", "width", "height")] == pytest.approx(list(face.box))
        assert row["found"] is True
    assert manifest.metadata["prepared"]["use"] == "landmarks"
    assert manifest.metadata["source"] == "made up"


def test_skipped_rows_are_written_to_a_file(whole: Path, faces: Path) -> None:
    lines = [f"{faces}/empty.png: no face found", f"{faces}/gone.png: no such file"]
    assert (whole / ERRORS).read_text().splitlines() == lines
    assert sorted(files(whole)) == [f"{SHARDS}/0000{k}.npy" for k in range(4)] + [MANIFEST, ERRORS]


def test_processes_write_the_same_files(whole: Path, faces: Path, tmp_path: Path) -> None:
    done = []
    prepare_manifest(imported(tmp_path, rows_of(faces)), HOW, workers=2, advance=done.append)
    assert sum(done) == 15
    assert files(tmp_path) == files(whole)


def test_after_several_kills_the_files_are_the_same(whole: Path, faces: Path, tmp_path: Path) -> None:
    imported(tmp_path, rows_of(faces))
    generator, kills = random.Random(0), 0
    tables = tmp_path / SHARDS
    for attempt in range(4):
        start = [sys.executable, "-c", RUN, str(tmp_path)]
        process = subprocess.Popen(start, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len([*tables.glob("*.parquet")]) > attempt and generator.random() < 0.3:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.02)
        process.wait()
    assert kills >= 2
    if not (tmp_path / ERRORS).exists() or (tables / PLAN).exists():
        prepare_manifest(tmp_path, HOW, workers=1)
    assert files(tmp_path) == files(whole)


def test_finished_shards_are_not_made_again(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.learn.data.pack import prepare

    imported(tmp_path, rows_of(faces))
    seen, one = [], prepare.make_crop

    def broken(row: dict[str, Any], *rest: Any) -> Any:
        if len(seen) == 10:
            raise KeyboardInterrupt
        seen.append(row["path"])
        return one(row, *rest)

    monkeypatch.setattr(prepare, "make_crop", broken)
    with pytest.raises(KeyboardInterrupt):
        prepare_manifest(tmp_path, HOW, workers=1)
    seen.clear()
    monkeypatch.setattr(prepare, "make_crop", lambda row, *rest: (seen.append(row["path"]), one(row, *rest))[1])
    prepare_manifest(tmp_path, HOW, workers=1)
    assert len(seen) == 15 - 8  # two shards of four were whole
    with pytest.raises(ManifestError, match="already prepared; import it again"):
        prepare_manifest(tmp_path, HOW)


def test_a_kill_between_the_last_two_steps(whole: Path, faces: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from mien.learn.data.pack import prepare

    imported(tmp_path, rows_of(faces))
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_tidy", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare_manifest(tmp_path, HOW, workers=1)
    assert len(prepare_manifest(tmp_path, HOW)) == 2
    assert files(tmp_path) == files(whole)


def test_other_options_or_manifests_start_over(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.learn.data.pack import prepare

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_replace_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare_manifest(imported(tmp_path, rows_of(faces)), HOW, workers=1)
    (tmp_path / SHARDS / "mine.txt").write_text("not ours")
    prepare_manifest(tmp_path, replace(HOW, grey=True, shard=100), workers=1)
    assert read_manifest(tmp_path).shape == (1, 112, 112)
    assert sorted(files(tmp_path / SHARDS)) == ["00000.npy", "mine.txt"]
    prepare_manifest(imported(tmp_path, rows_of(faces)[:3]), HOW, workers=1)
    assert len(read_manifest(tmp_path)) == 2


def test_frames_of_videos(
    faces: Path, tmp_path: Path, make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.learn.data.pack import locate

    frames = [np.asarray(Image.open(faces / f"{k}.png")) for k in range(10)]
    path = str(make_video(tmp_path / "v.mp4", frames))
    rows = [{"path": path, "frame": k, "split": "train", "valence": k / 20} for k in (0, 1, 2, 4, 5, 6, 7, 9, 12)]
    opened = []

    class Counted(locate.FrameLookup):
        def __init__(self, path: Path) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(locate, "FrameLookup", Counted)
    problems = prepare_manifest(imported(tmp_path / "set", rows), HOW, workers=1)
    assert problems == [f"{path} frame 12: the video has 10 frames"]
    assert len(opened) == 1
    assert len([*(tmp_path / "set" / SHARDS).iterdir()]) == 2
    manifest = read_manifest(tmp_path / "set")
    assert manifest.table["frame"].to_pylist() == [0, 1, 2, 4, 5, 6, 7, 9]
    for index, frame in enumerate(manifest.table["frame"].to_pylist()):
        still = align(frames[frame], np.reshape(manifest.table["landmarks"][index].as_py(), (5, 2)))
        crop = manifest.images(np.array([index]))[0].transpose(1, 2, 0)
        assert np.abs(crop.astype(int) - still).mean() < 8  # the video is compressed
        assert manifest.table["x"][index].as_py() == pytest.approx(manifest.table["x"][0].as_py() + 4 * frame, abs=3)


def test_given_landmarks_need_no_detector(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.learn.data.pack import crops

    monkeypatch.setattr(crops, "_detectors", lambda _: [lambda _: 1 / 0])
    points = [float(value) for value in (60, 50, 90, 50, 75, 65, 62, 85, 88, 85)]
    rows = [{"path": str(faces / "0.png"), "split": "train", "landmarks": points, "x": 1.5}]
    assert prepare_manifest(imported(tmp_path, rows), HOW, workers=1) == []
    manifest = read_manifest(tmp_path)
    expected = align(np.asarray(Image.open(faces / "0.png")), np.reshape(points, (5, 2)))
    np.testing.assert_array_equal(manifest.images(np.array([0]))[0].transpose(1, 2, 0), expected)
    assert manifest.table["landmarks"][0].as_py() == points
    assert "x" not in manifest.table.column_names  # no row has one


def test_tight_faces_are_found(faces: Path, tmp_path: Path) -> None:
    small = Image.open(faces / "0.png").crop((22, 12, 102, 112)).resize((48, 48), Image.Resampling.BOX)
    small.save(tmp_path / "small.png")
    rows = [{"path": "small.png", "split": "train"}]
    assert prepare_manifest(imported(tmp_path, rows), replace(HOW, finder=TIGHT), workers=1) == []
    assert 0 < read_manifest(tmp_path).table["width"][0].as_py() < 60


def test_no_face_in_any_row(faces: Path, tmp_path: Path) -> None:
    rows = [{"path": str(faces / "empty.png"), "split": "train"}]
    earlier = tmp_path / "prepare.faults.txt"
    earlier.write_text("from an earlier version")
    for _ in range(2):
        with pytest.raises(ManifestError, match=r"no row has a usable face; the reasons are in .*prepare\.errors\.txt"):
            prepare_manifest(imported(tmp_path, rows), HOW, workers=1)
    assert (tmp_path / ERRORS).read_text().endswith("no face found\n")
    assert not earlier.exists()


def test_unusable_manifests_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file; `mien data import` creates one"):
        prepare_manifest(tmp_path, HOW)
    (tmp_path / MANIFEST).write_text("notes")
    with pytest.raises(ManifestError, match="not a mien manifest"):
        prepare_manifest(tmp_path, HOW)
    write_manifest(tmp_path / MANIFEST, [], FACE, {})
    with pytest.raises(ManifestError, match="no pictures to prepare"):
        prepare_manifest(tmp_path, HOW)


def test_an_earlier_pack_is_removed(whole: Path, faces: Path, tmp_path: Path) -> None:
    np.save(tmp_path / PACK, np.zeros((1, 4, 4, 1), np.uint8))
    prepare_manifest(imported(tmp_path, rows_of(faces)), HOW, workers=1)
    assert files(tmp_path) == files(whole)
    assert json.loads(pq.read_schema(tmp_path / MANIFEST).metadata[b"mien"])["prepared"]["shard"] == 4
