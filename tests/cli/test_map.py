"""``mien map``: what it draws, prints and refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

Mien = Callable[..., Result]


def width(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_a_map_is_the_same_each_time(mien: Mien, affect_checkpoint: Path, moving_faces: Path, tmp_path: Path) -> None:
    first, second, third, fourth = (tmp_path / f"{name}.png" for name in "abcd")
    words = ("map", affect_checkpoint, moving_faces)
    done = mien(*words, first)
    assert (done.exit_code, done.stdout) == (0, f"30 faces: {first}\n")
    mien(*words, second)
    assert first.read_bytes() == second.read_bytes()
    assert mien(*words, third, "--most", 20, "--seed", 1).stdout == f"20 faces: {third}\n"
    mien(*words, fourth, "--most", 20, "--seed", 2)
    assert third.read_bytes() != fourth.read_bytes()


def test_a_map_has_a_panel_for_each_column(
    mien: Mien,
    refused: Callable[..., str],
    affect_checkpoint: Path,
    moving_faces: Path,
    make_set: Callable[..., Path],
    tmp_path: Path,
) -> None:
    out = tmp_path / "map.png"
    assert mien("map", affect_checkpoint, moving_faces, out, "--group", "nobody").exit_code == 0
    one = width(out)
    mien("map", affect_checkpoint, moving_faces, out, "--overwrite")
    assert width(out) > 1.8 * one
    crops = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    named = make_set(tmp_path / "named", [{"split": "test", "subject": "a"}] * 8, crops, ())
    assert mien("map", affect_checkpoint, named, out, "--overwrite").exit_code == 0
    assert width(out) == one
    bare = make_set(tmp_path / "bare", [{"split": "test"}] * 8, crops, ())
    reason = refused("map", affect_checkpoint, bare, out, "--overwrite")
    assert "neither labels of affect nor a column subject to colour a map by" in reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("{tmp}/a.jpg",), "a.jpg: the file's name must end in .png"),
        (("{tmp}/no/a.png",), "no/a.png: there is no folder"),
        (("{tmp}/a.png", "--split", "valid"), "no rows of split 'valid'"),
        (("{tmp}/a.png", "--umap"), "this command needs umap: pip install 'mien[umap]'"),
    ],
)
def test_refusals_leave_nothing(
    refused: Callable[..., str],
    words: tuple[str, ...],
    reason: str,
    affect_checkpoint: Path,
    moving_faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    assert reason in refused("map", affect_checkpoint, moving_faces, *(word.format(tmp=tmp_path) for word in words))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_picture_is_not_replaced(
    refused: Callable[..., str], affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_text("mine")
    reason = refused("map", affect_checkpoint, moving_faces, tmp_path / "a.png")
    assert reason == f"{tmp_path / 'a.png'}: already exists (use --overwrite to replace it)"
    assert (tmp_path / "a.png").read_text() == "mine"


def test_only_a_checkpoint_has_features(
    refused: Callable[..., str], network: Path, moving_faces: Path, tmp_path: Path
) -> None:
    assert "not a checkpoint of mien" in refused("map", network, moving_faces, tmp_path / "a.png")
