"""``mien relatedness infer``: what it counts, writes and refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from typer.testing import Result

from mien.learn.data.manifest import MANIFEST, PACK, write_manifest
from mien.relatedness.table import Relatedness
from mien.tasks import Kind, Task, one_hot_labels

SHOE = Task("shoe", Kind.CLASSES, ("boot", "sandal", "pump"), ("",) * 3)
PARTS = Task("parts", Kind.ATTRIBUTES, ("laces", *one_hot_labels("heel", ("flat", "high"))), ("",) * 3)
Run = Callable[..., Result]


def test_inference_from_a_manifest(run: Run, shop: Path) -> None:
    result = run("infer", shop, "t.csv", "--classes", "shoe", "--attributes", "parts", "--minimum-support", 2)
    assert (result.exit_code, result.stderr) == (0, "")
    table = Relatedness.load("t.csv")
    assert table.source == "inferred from the shop, split train, 6 rows; smoothing 0, minimum support 2"
    assert table.support is not None
    assert table.support.tolist() == [[3, 3, 0], [1, 2, 0], [0, 0, 0]]
    assert table.weights.tolist() == [[2 / 3, 2 / 3, 0], [0.5, 0, 0], [0.5, 0.4, 0]]
    assert result.stdout.splitlines()[-4:] == [
        "3 of 9 cells were counted over 2 rows or more",
        "the other 6 have the overall rate of their attribute",
        "no row is annotated for heel=high: weight 0",
        "table: t.csv",
    ]
    assert run("infer", shop, "t.png", "--classes", "shoe", "--attributes", "parts").exit_code == 0


def test_smoothing_and_prototypes_reach_the_table(run: Run, shop: Path) -> None:
    words = ["infer", shop / MANIFEST, "t.json", "--classes", "shoe", "--attributes", "parts"]
    assert run(*words, "--smoothing", 1, "--prototypical", 0.6).exit_code == 0
    table = Relatedness.load("t.json")
    assert table.prototypical[:, 0].tolist() == [True, False, False]
    assert table.weights[:, 0].tolist() == [1, 0.25, 0.5]


def test_votes_are_used_if_there_are_no_hard_labels(run: Run, tmp_path: Path) -> None:
    shares = ((0.7, 0.3, 0.0), (0.2, 0.8, 0.0))
    rows = [
        {"path": "a", "split": "train", "crop": 0, **dict(zip(SHOE.labels, share, strict=True)), "laces": at}
        for at, share in enumerate(shares)
    ]
    write_manifest(tmp_path / MANIFEST, rows, (SHOE, PARTS), {})
    np.save(tmp_path / PACK, np.zeros((1, 112, 112, 1), np.uint8))
    out = tmp_path / "t.csv"
    assert run("infer", tmp_path, out, "--classes", "shoe", "--attributes", "parts").exit_code == 0
    assert Relatedness.load(out).weights[:, 0].tolist() == [0, 1, 0.5]


def test_the_split_is_counted_that_is_named(run: Run, shop: Path) -> None:
    words = ("infer", shop, "t.csv", "--classes", "shoe", "--attributes", "parts", "--train-split", "test")
    assert run(*words).exit_code == 0
    assert "split test, 1 rows" in Relatedness.load("t.csv").source


def test_refusals(refused: Callable[..., str], shop: Path) -> None:
    for words, reason in (
        (("--classes", "shoes", "--attributes", "parts"), f"{shop / MANIFEST}: has no task shoes; known: "),
        (("--classes", "parts", "--attributes", "parts"), "the task parts has the kind attributes, expected"),
        (
            ("--classes", "shoe", "--attributes", "parts", "--train-split", "no"),
            f"{shop / MANIFEST}: no rows of split",
        ),
        (("--attributes", "parts"), "missing option '--classes'; see 'mien relatedness infer --help'"),
    ):
        assert refused("relatedness", "infer", shop, "t.csv", *words).startswith(reason), words
    Path("t.csv").write_text("mine")
    words = ("relatedness", "infer", shop, "t.csv", "--classes", "shoe", "--attributes", "parts")
    assert refused(*words) == "t.csv: already exists (use --overwrite to replace it)"
    assert Path("t.csv").read_text() == "mine"
