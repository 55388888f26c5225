"""``mien probe``: from a checkpoint and pictures, from features, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Mien = Callable[..., Result]


def readings(result: Result) -> dict[tuple[str, str], str]:
    """The first metric of each reader and number of shots."""
    assert result.exit_code == 0, result.output
    header, *lines = [line.split("\t") for line in result.stdout.splitlines() if "\t" in line]
    assert header[:3] == ["method", "shots", "ccc"]
    return {(line[0], line[1]): line[2] for line in lines}


def test_features_give_what_their_network_gives(
    mien: Mien, affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    """The labels are in the colours, so even this network's features have them."""
    seen = tmp_path / "seen"
    assert mien("features", affect_checkpoint, moving_faces, seen).exit_code == 0
    pictures = readings(mien("probe", affect_checkpoint, moving_faces, "--task", "affect"))
    assert pictures == readings(mien("probe", seen, "--task", "affect"))
    assert set(pictures) == {("linear", "all"), ("knn", "all")}
    assert float(pictures["linear", "all"]) > 0.7


def test_shots_have_intervals_and_are_written(
    mien: Mien, refused: Callable[..., str], affect_checkpoint: Path, moving_faces: Path, tmp_path: Path
) -> None:
    out = tmp_path / "probe.json"
    words = ("probe", affect_checkpoint, moving_faces, "--task", "affect", "--out", out)
    shots = ("--shots", 5, "--shots", 20, "--repeats", 3, "--seed", 4)
    found = readings(mien(*words, *shots))
    assert set(found) == {(method, shots) for method in ("linear", "knn") for shots in ("5", "20")}
    assert all("[" in value for value in found.values())
    data = json.loads(out.read_text())
    assert (data["network"], data["manifest"]) == (str(affect_checkpoint), str(moving_faces))
    assert (data["train_split"], data["split"], data["repeats"], data["seed"]) == ("train", "test", 3, 4)
    assert [each["shots"] for each in data["readings"]] == [5, 5, 20, 20]
    assert f"{data['readings'][0]['metrics']['ccc']['mean']:.4f}" in found["linear", "5"]
    assert refused(*words, *shots) == f"{out}: already exists (use --overwrite to replace it)"
    assert readings(mien(*words, *shots, "--overwrite")) == found


def test_refusals(refused: Callable[..., str], affect_checkpoint: Path, moving_faces: Path) -> None:
    task = ("--task", "affect")
    for words, reason in (
        ((affect_checkpoint, *task), "is a checkpoint; give the MANIFEST of its pictures after it"),
        ((moving_faces, *task), "holds pictures, not features; give the NETWORK that reads them first"),
        ((moving_faces, moving_faces, *task), "not a checkpoint of mien"),
        ((affect_checkpoint, affect_checkpoint, moving_faces, *task), "takes one NETWORK and one MANIFEST; given: "),
        ((affect_checkpoint, moving_faces, "--task", "affects"), "has no task affects; did you mean affect?"),
        ((affect_checkpoint, moving_faces, *task, "--split", "train"), "split train: the rows to learn from cannot"),
        ((affect_checkpoint, moving_faces, *task, "--train-split", "no"), "no rows of split 'no'"),
        ((moving_faces,), "missing option '--task'; see 'mien probe --help'"),
        (task, "missing argument: expected [NETWORK] MANIFEST; see 'mien probe --help'"),
    ):
        assert reason in refused("probe", *words), words


@pytest.mark.parametrize("option", ["--train", "--manifest"])
def test_former_options_are_unknown(refused: Callable[..., str], moving_faces: Path, option: str) -> None:
    assert f"no such option: {option}" in refused("probe", moving_faces, "--task", "affect", option, "x")
