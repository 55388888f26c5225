"""``mien data prepare``: its lines, its exit status, and the options that the manifest sets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli.app import app
from mien.learn.data.manifest import MANIFEST, read_manifest, write_manifest
from mien.tasks import FACE

POINTS = [float(value) for value in (60, 50, 90, 50, 75, 65, 62, 85, 88, 85)]


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["data", "prepare", str(folder), "--workers", "1", *options])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(np.full((128, 150, 3), [200, 10, 10], np.uint8)).save(tmp_path / "a.png")
    rows = [{"path": "a.png", "split": "train", "landmarks": POINTS}]
    rows += [{"path": f"gone{k}.png", "split": "train"} for k in range(25)]
    write_manifest(tmp_path / MANIFEST, rows, FACE, {"grey": True})
    return tmp_path


def test_skipped_rows_are_printed_and_counted(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[:20] == [f"mien: gone{k}.png: no such file" for k in range(20)]
    assert lines[20:] == [f"mien: and 5 more: {folder}/prepare.errors.txt lists all"]
    assert result.stdout == f"1 faces in {folder}; 25 rows skipped, see {folder}/prepare.errors.txt\n"
    assert read_manifest(folder).shape == (1, 112, 112)


def test_options_override_the_manifest(folder: Path) -> None:
    assert run(folder, "--colour", "--tight").exit_code == 1
    manifest = read_manifest(folder)
    assert manifest.shape == (3, 112, 112)
    assert manifest.metadata["prepared"]["finder"]["enlarge"] == 6


def test_a_prepared_manifest_is_refused(folder: Path) -> None:
    write_manifest(folder / MANIFEST, [{"path": "a.png", "split": "train", "landmarks": POINTS}], FACE, {})
    result = run(folder)
    assert (result.exit_code, result.stderr) == (0, "")
    again = run(folder)
    assert again.exit_code == 2
    assert (
        again.stderr
        == f"mien: {folder}/manifest.parquet: already prepared; import it again to prepare it with other options\n"
    )


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"mien: {tmp_path}/manifest.parquet: no such file; `mien data import` creates one\n"
