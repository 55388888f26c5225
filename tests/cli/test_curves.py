"""``mien curves``: what it draws, prints and refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

Mien = Callable[..., Result]


def height(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.height


def test_curves_of_videos_and_of_ranked_rows(
    mien: Mien, affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    three, one, ranked = (tmp_path / f"{name}.png" for name in ("three", "one", "ranked"))
    words = ("curves", affect_checkpoint, moving_faces)
    done = mien(*words, three)
    assert (done.exit_code, done.stdout) == (0, f"3 videos, 30 frames: {three}\n")
    assert mien(*words, one, "--most", 1).exit_code == 0
    assert height(one) < height(three)
    assert mien(*words, ranked, "--group", "subject", "--ranked").stdout == f"3 videos, 30 frames: {ranked}\n"
    assert ranked.read_bytes() != three.read_bytes()


def test_an_existing_picture_is_replaced_only_with_overwrite(
    mien: Mien, refused: Callable[..., str], affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    words = ("curves", affect_checkpoint, moving_faces, tmp_path / "a.png")
    (tmp_path / "a.png").write_text("mine")
    assert refused(*words) == f"{tmp_path / 'a.png'}: already exists (use --overwrite to replace it)"
    assert (tmp_path / "a.png").read_text() == "mine"
    assert mien(*words, "--overwrite").exit_code == 0
    assert height(tmp_path / "a.png") > 100


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("{tmp}/a.jpg",), "a.jpg: the file's name must end in .png"),
        (("{tmp}/no/a.png",), "no/a.png: there is no folder"),
        (("{tmp}/a.png", "--split", "valid"), "no rows of split 'valid'"),
        (("{tmp}/a.png", "--task", "expression"), "has no task expression of continuous values; known: affect"),
        (("{tmp}/a.png", "--group", "tape"), "has no column tape"),
    ],
)
def test_refusals_leave_nothing(
    refused: Callable[..., str],
    words: tuple[str, ...],
    reason: str,
    affect_checkpoint: Path,
    moving_faces: Path,
    tmp_path: Path,
) -> None:
    assert reason in refused("curves", affect_checkpoint, moving_faces, *(word.format(tmp=tmp_path) for word in words))
    assert list(tmp_path.iterdir()) == []
