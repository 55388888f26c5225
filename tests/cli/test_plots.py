"""``mien curves`` and ``mien map``: what they write, print and refuse."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli.app import app
from mien.learn.recipe.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import AFFECT, EXPRESSION


@pytest.fixture(scope="module")
def faces(make_set: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 crops of 16 pixels of three persons in two videos each, valence and arousal in their colours."""
    draw = np.random.default_rng(0)
    affect = draw.uniform(-1, 1, (60, 2))
    crops = draw.normal(128, 5, (60, 16, 16, 3))
    crops[..., :2] += 80 * affect[:, None, None, :]
    rows = [
        {"split": "test" if row % 2 else "train", "valence": float(v), "arousal": float(a)}
        | {"subject": f"p{row % 3}", "video": f"v{row % 6}", "frame": 59 - row}
        for row, (v, a) in enumerate(affect)
    ]
    return make_set(tmp_path_factory.mktemp("faces"), rows, crops.clip(0, 255).astype(np.uint8), (AFFECT, EXPRESSION))


@pytest.fixture(scope="module")
def checkpoint(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1], "side": 16}}
    data = [{"manifest": str(faces)}]
    recipe = {"name": "tiny", "network": network, "tasks": ["affect"], "data": data, "epochs": 1, "batch_size": 10}
    Trainer(parse({**recipe, "validation": {"manifest": str(faces), "split": "test"}}), folder).run()
    return folder / "last"


def run(command: str, *words: object) -> Result:
    return CliRunner().invoke(app, [command, *map(str, words)])


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_curves_of_videos_and_of_single_faces(checkpoint: Path, faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "curves.png"
    done = run("curves", checkpoint, "--manifest", faces, "--out", out)
    assert (done.exit_code, done.stdout) == (0, f"3 videos, 30 frames: {out}\n")
    three = size(out)
    assert run("curves", checkpoint, "--manifest", faces, "--out", out, "--most", 1).exit_code == 0
    assert size(out)[1] < three[1]
    named = run("curves", checkpoint, "--manifest", faces, "--out", out, "--group", "subject", "--ranked")
    assert named.stdout == f"3 videos, 30 frames: {out}\n"


def test_a_map_is_the_same_each_time(checkpoint: Path, faces: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.png" for name in "abc")
    done = run("map", checkpoint, "--manifest", faces, "--out", first)
    assert (done.exit_code, done.stdout) == (0, f"30 faces: {first}\n")
    run("map", checkpoint, "--manifest", faces, "--out", second)
    assert first.read_bytes() == second.read_bytes()
    some = run("map", checkpoint, "--manifest", faces, "--out", third, "--most", 20, "--seed", 1)
    assert some.stdout == f"20 faces: {third}\n"


def test_a_map_has_the_panels_that_there_are_columns_for(
    checkpoint: Path, faces: Path, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "map.png"
    assert run("map", checkpoint, "--manifest", faces, "--out", out, "--column", "nobody").exit_code == 0
    one = size(out)
    run("map", checkpoint, "--manifest", faces, "--out", out)
    assert size(out)[0] > 1.8 * one[0]
    crops = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    named = make_set(tmp_path / "named", [{"split": "test", "subject": "a"}] * 8, crops, ())
    assert run("map", checkpoint, "--manifest", named, "--out", out).exit_code == 0
    assert size(out)[0] == one[0]
    bare = make_set(tmp_path / "bare", [{"split": "test"}] * 8, crops, ())
    refused = run("map", checkpoint, "--manifest", bare, "--out", out)
    assert refused.exit_code == 2
    assert "neither labels of affect nor a column subject to colour a map by" in refused.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--out", "{tmp}/a.jpg"), "a.jpg: the file's name must end in .png"),
        (("--out", "{tmp}/no/a.png"), "no/a.png: there is no folder"),
        (("--out", "{tmp}/a.png", "--split", "valid"), "no rows of split 'valid'"),
    ],
)
@pytest.mark.parametrize("command", ["curves", "map"])
def test_refusals_are_one_line(
    command: str, words: tuple[str, ...], reason: str, checkpoint: Path, faces: Path, tmp_path: Path
) -> None:
    found = run(command, checkpoint, "--manifest", faces, *(word.format(tmp=tmp_path) for word in words))
    assert found.exit_code == 2
    assert reason in found.stderr
    assert found.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words", "reason"),
    [
        ("curves", ("--task", "expression"), "has no task expression of continuous values; known: affect"),
        ("curves", ("--group", "tape"), "has no column tape"),
        ("map", ("--umap",), "this command needs umap: pip install 'mien[umap]'"),
    ],
)
def test_what_the_rows_or_the_machine_lack_is_named(
    command: str,
    words: tuple[str, ...],
    reason: str,
    checkpoint: Path,
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    found = run(command, checkpoint, "--manifest", faces, "--out", tmp_path / "a.png", *words)
    assert found.exit_code == 2
    assert reason in found.stderr


def test_only_a_checkpoint_has_features(network: Path, faces: Path, tmp_path: Path) -> None:
    found = run("map", network, "--manifest", faces, "--out", tmp_path / "a.png")
    assert found.exit_code == 2
    assert "not a checkpoint of mien" in found.stderr
