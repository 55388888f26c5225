"""``mien data render``: what it makes, what can be chosen, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mien.cli.app import app
from mien.learn.data.manifest import read_manifest
from mien.learn.data.render.choices import Choices
from mien.learn.data.render.draw import RenderSettings


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", "render", *map(str, words)])


def test_renders_become_a_manifest(facekit: Path, tmp_path: Path) -> None:
    pytest.importorskip("mitsuba", reason="the renderer is not installed")
    options = ["--count", "2", "--kind", "single=3", "--kind", "neutral"]
    options += ["--property", "size=64", "--property", "samples=1"]
    result = run(facekit, tmp_path / "out", *options, "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "2 faces in" in result.output
    manifest = read_manifest(tmp_path / "out")
    assert manifest.metadata["settings"]["kinds"] == [["single", 3.0], ["neutral", 1.0]]


def test_everything_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mien.learn.data.render import generate

    made: list[RenderSettings] = []
    monkeypatch.setattr(generate, "render", lambda *given, **_: made.append(given[3]))
    options = "--person 3 --person 5 --au AU12=3 --au AU06=2 --sweep AU25"
    options += " --property persons_seed=9 --property levels=11"
    scene = ("yaw=-20:20", "pitch=5", "roll=-1:1.5", "light=left", "tone=0:0.5", "distance=40:80", "background=grey")
    options += "".join(f" --property {each}" for each in scene)
    result = run(tmp_path, tmp_path / "out", *options.split())
    assert result.exit_code == 0, result.output
    assert made[0].choices == Choices(
        persons=(3, 5),
        persons_seed=9,
        units=(("AU12", 3.0), ("AU06", 2.0)),
        sweep="AU25",
        levels=11,
        yaw=(-20.0, 20.0),
        pitch=(5.0, 5.0),
        roll=(-1.0, 1.5),
        light="left",
        tone=(0.0, 0.5),
        distance=(40.0, 80.0),
        background="grey",
    )
    run(tmp_path, tmp_path / "out", "--show", "fear", "--show", "happily surprised")
    assert made[1].choices == Choices(classes=("fear", "happily surprised"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "not ICT-FaceKit Light"),
        (["--kind", "angry=1"], "unknown kind angry"),
        (["--kind", "single=much"], "--kind single=much: 'much' is not a number"),
        (["--property", "samples=10"], "samples 10 is not a square number"),
        (["--property", "threshold=3"], "threshold 3.0 is outside (0, 2]"),
        (["--au", "AU12"], "--au AU12: '' is not a number"),
        (["--au", "AU12=9"], "AU12: intensity 9 is outside [0, 5]"),
        (["--sweep", "AU23"], "AU23: the face model cannot show it"),
        (["--show", "joy"], "unknown class joy"),
        (["--property", "yaw=left"], "--property yaw=left: expected a number, or two as LOW:HIGH"),
        (["--property", "levels=many"], "--property levels=many: expected a whole number"),
        (["--property", "yawn=3"], "--property yawn=3: unknown property yawn; did you mean yaw?"),
        (["--property", "tone=0.5:2"], "tone 0.5:2 is not a range within 0:1"),
        (["--property", "light=moon"], "unknown light moon"),
        (["--property", "background=sky"], "unknown colour sky"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, options: list[str], reason: str) -> None:
    result = run(tmp_path, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_renderer_is_named(facekit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = run(facekit, tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == "mien: this command needs mitsuba: pip install 'mien[train,render]'\n"


def test_a_finished_set_is_replaced_only_with_overwrite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_set: Callable[..., Path]
) -> None:
    from mien.learn.data.render import generate

    made: list[object] = []
    monkeypatch.setattr(generate, "render", lambda *given, **_: made.append(given))
    out = make_set(tmp_path / "out", [{"AU12": 1}], np.zeros((1, 2, 2, 1), np.uint8))
    result = run(tmp_path, out)
    assert (result.exit_code, result.stderr, made) == (
        2,
        f"mien: {out / 'manifest.parquet'}: already exists (use --overwrite to replace it)\n",
        [],
    )
    assert run(tmp_path, out, "--overwrite").exit_code == 0
    (out / generate.PLAN).write_text("{}")  # an unfinished set continues
    assert run(tmp_path, out).exit_code == 0
    assert len(made) == 2
