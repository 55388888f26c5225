"""Runs: a valid manifest, reproducible pictures, and resuming after an interruption."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.learn.data.manifest import MANIFEST, PACK, read_manifest
from mien.learn.data.render.action_units import AVAILABLE
from mien.learn.data.render.camera import Camera
from mien.learn.data.render.choices import Choices
from mien.learn.data.render.draw import RenderSettings, draw_person, draw_shot
from mien.learn.data.render.generate import CHUNK, PARTIAL, PLAN, render, row_of
from mien.learn.data.render.picture import View
from mien.tasks import ACTION_UNITS

SMALL = RenderSettings(seed=4, identities=5, size=64, samples=1)


def test_a_row_records_its_shot() -> None:
    settings = RenderSettings(seed=4, threshold=1.5)
    view = View(np.zeros((1, 3)), Camera((0, 0, 1), 20, 64), np.arange(10.0).reshape(5, 2), (1.0, 2.0, 3.0, 4.0))
    for index in range(40):
        shot = draw_shot(settings, index)
        row = row_of(index, shot, draw_person(4, shot.subject), view, settings)
        assert row["AU23"] is None
        assert "AU23_intensity" not in row
        assert list(row)[8:25] == list(ACTION_UNITS.labels)
        for unit in AVAILABLE:
            level = shot.intensities.get(unit, 0.0)
            assert row[f"{unit}_intensity"] == level
            assert row[unit] == float(level >= 1.5)
        assert row["subject"] == f"ict-4-{shot.subject:05d}"
        assert (row["crop"], row["split"], row["expression"]) == (index, shot.split, shot.expression)
        assert (row["yaw"], row["width"], row["landmarks"]) == (shot.pose.yaw, 3.0, list(range(10)))


def test_bad_input_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="count 0: at least 1 picture is needed"):
        render(tmp_path, tmp_path / "out", 0, SMALL)
    with pytest.raises(ValueError, match="not ICT-FaceKit Light"):
        render(tmp_path, tmp_path / "out", 1, SMALL)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def made(facekit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mitsuba", reason="the renderer is not installed")
    out = tmp_path_factory.mktemp("renders")
    done: list[int] = []
    render(facekit, out, CHUNK + 2, SMALL, workers=2, pictures=True, advance=done.append)
    assert done == [CHUNK, 2]
    return out


def test_a_run_writes_a_manifest_a_pack_and_its_pictures(made: Path) -> None:
    manifest = read_manifest(made)
    assert len(manifest) == CHUNK + 2
    assert {path.name for path in made.iterdir()} == {MANIFEST, PACK, "pictures"}
    assert all((made / path).is_file() for path in manifest.table["path"].to_pylist())
    labels = manifest.column(ACTION_UNITS)
    assert np.isnan(labels[:, ACTION_UNITS.labels.index("AU23")]).all()
    assert np.isnan(labels).sum() == len(manifest)
    assert manifest.metadata["settings"]["seed"] == 4
    crops = np.asarray(manifest.crops)
    assert crops.shape == (CHUNK + 2, 112, 112, 3)
    assert (crops.std((1, 2, 3)) > 5).all()


def test_pictures_do_not_depend_on_count_and_workers(made: Path, facekit: Path, tmp_path: Path) -> None:
    render(facekit, tmp_path, 3, SMALL, workers=1, expressions=False)
    np.testing.assert_array_equal(np.load(tmp_path / PACK), np.load(made / PACK)[:3])
    manifest = read_manifest(tmp_path)
    assert "expression" not in manifest.table.column_names
    assert set(manifest.metadata["weak"]) == {"affect", "action_units"}
    assert set(read_manifest(made).metadata["weak"]) == {"expression", "affect", "action_units"}


def test_an_interrupted_run_resumes(made: Path, facekit: Path, tmp_path: Path) -> None:
    whole = np.load(made / PACK)
    # as after a kill: the first picture is complete (marked, to see that it is kept), the second only in part
    marked = whole[:3].copy()
    marked[0, 0, 0], marked[1, 50:], marked[2] = 77, 0, 0
    np.save(tmp_path / "cut.npy", marked)
    shutil.move(tmp_path / "cut.npy", tmp_path / PARTIAL)
    plan = json.loads(json.dumps({"count": 3, **SMALL.plain()}))
    assert "choices" not in plan  # as older runs wrote it
    (tmp_path / PLAN).write_text(json.dumps(plan))
    render(facekit, tmp_path, 3, SMALL, workers=1)
    again = np.load(tmp_path / PACK)
    assert (again[0, 0, 0] == 77).all()
    np.testing.assert_array_equal(again[1:], whole[1:3])
    assert not (tmp_path / PLAN).exists()


def test_a_run_with_other_settings_starts_over(made: Path, facekit: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "other.npy", np.full((1, 112, 112, 3), 77, np.uint8))
    shutil.move(tmp_path / "other.npy", tmp_path / PARTIAL)
    (tmp_path / PLAN).write_text(json.dumps({"count": 1, **replace(SMALL, seed=5).plain()}))
    render(facekit, tmp_path, 1, SMALL, workers=1)
    np.testing.assert_array_equal(np.load(tmp_path / PACK), np.load(made / PACK)[:1])


def test_a_sweep_is_rendered_and_recorded(facekit: Path, tmp_path: Path) -> None:
    pytest.importorskip("mitsuba", reason="the renderer is not installed")
    choices = Choices(sweep="AU26", levels=3, persons=(2,), background="#ff0000", yaw=(0.0, 0.0), tone=(0.9, 0.9))
    render(facekit, tmp_path, 3, replace(SMALL, choices=choices), workers=1, pictures=True)
    manifest = read_manifest(tmp_path)
    columns = {
        name: manifest.table[name].to_pylist() for name in ("AU26_intensity", "AU25", "subject", "yaw", "kind", "tone")
    }
    assert columns == {
        "AU26_intensity": [0, 2.5, 5],
        "AU25": [0, 1, 1],
        "subject": ["ict-4-00002"] * 3,
        "yaw": [0] * 3,
        "kind": ["sweep"] * 3,
        "tone": [0.9] * 3,
    }
    assert manifest.metadata["settings"]["choices"]["sweep"] == "AU26"
    pictures = np.stack([np.asarray(Image.open(tmp_path / path)) for path in manifest.table["path"].to_pylist()])
    red, green, blue = pictures[0, 1, 1].astype(int)
    assert red > 200 > 60 > max(green, blue)
    assert np.abs(np.diff(pictures[:, :20].astype(int), axis=0)).mean() < 3  # the brow stays
    assert np.abs(np.diff(pictures[:, 35:60, 15:50].astype(int), axis=0)).mean() > 5  # the mouth opens
