"""`mien relatedness`: what it prints and writes, from every kind of source, and how it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli.relatedness import open_tables, relatedness
from mien.learn.data.manifest.manifest import MANIFEST, PACK, write_manifest
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness
from mien.tasks import Kind, Task, one_hot_labels

SHOE = Task("shoe", Kind.CLASSES, ("boot", "sandal", "pump"), ("",) * 3)
PARTS = Task("parts", Kind.ATTRIBUTES, ("laces", *one_hot_labels("heel", ("flat", "high"))), ("",) * 3)


def run(*words: object) -> Result:
    app = typer.Typer()
    app.add_typer(relatedness, name="relatedness")
    return CliRunner().invoke(app, ["relatedness", *map(str, words)])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of shoes: some labels are missing, one part is never annotated."""
    monkeypatch.chdir(tmp_path)
    kinds = ["boot", "boot", "sandal", None, "sandal", "boot"]
    laces = [1, 1, 0, 1, None, 0]
    rows = [
        {"path": f"{at}.png", "split": "train", "crop": at, "shoe": kind, "laces": lace, "heel=flat": at % 2}
        for at, (kind, lace) in enumerate(zip(kinds, laces, strict=True))
    ]
    rows.append({**rows[0], "split": "test", "shoe": "pump"})
    write_manifest(tmp_path / MANIFEST, rows, (SHOE, PARTS), {"source": "the shop"})
    np.save(tmp_path / PACK, np.zeros((7, 112, 112, 1), np.uint8))
    return tmp_path


def card(folder: Path, tables: object) -> Path:
    folder.mkdir()
    (folder / "checkpoint.json").write_text(json.dumps({"format": 1, "relatedness": tables}))
    return folder


def test_a_named_table_is_shown_in_lines() -> None:
    result = run("show", "du_2014")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split("\t") == ["expression", *DU_2014.attribute_labels]
    assert lines[2].split("\t")[:6] == ["happiness", "0", "0", "0", "0", "0.51"]
    assert lines[2].split("\t")[9] == "1*"
    assert lines[8] == DU_2014.source
    assert lines[9].startswith(
        "tell most about the expression (mutual information, the largest is 1): AU25 1.00, AU04 "
    )


def test_a_table_that_tells_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("# attributes,parts\nshoe,laces\nboot,0.5\npump,0.5\n")
    assert run("show", tmp_path / "flat.csv").stdout.splitlines()[-1] == "no attribute tells anything about the shoe"


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_table_is_written_and_shown_again(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    assert run("show", "aff_wild2", "--out", path).stdout.splitlines()[-1] == f"table: {path}"
    assert Relatedness.load(path).to_dict() == AFF_WILD2.to_dict()
    assert run("show", path).stdout == run("show", "aff_wild2").stdout


def test_a_heat_map_is_drawn(tmp_path: Path) -> None:
    assert run("show", "du_2014", "--out", tmp_path / "heat.png").exit_code == 0
    with Image.open(tmp_path / "heat.png") as picture:
        assert picture.width > picture.height > 200


def test_checkpoints_and_exported_networks_are_sources(tmp_path: Path, make_network: Callable[..., Path]) -> None:
    both = [AFF_WILD2.to_dict(), DU_2014.to_dict()]
    one, two = card(tmp_path / "one", both[1]), card(tmp_path / "two", both)
    network = make_network(tmp_path / "n.onnx", relatedness=both[1])
    assert [table.to_dict() for table in open_tables(str(two))] == both
    assert run("show", one).stdout == run("show", network).stdout == run("show", "du_2014").stdout
    assert run("show", two).stdout == run("show", "aff_wild2").stdout + run("show", "du_2014").stdout
    assert run("show", two, "--out", tmp_path / "t.csv").exit_code == 0
    assert Relatedness.load(tmp_path / "t-2.csv").to_dict() == both[1]
    assert "0 of 119 cells" in run("diff", one, network).stdout


def test_inference_from_a_manifest(shop: Path) -> None:
    result = run("infer", shop, "--classes", "shoe", "--attributes", "parts", "--out", "t.csv", "--minimum-support", 2)
    assert (result.exit_code, result.stderr) == (0, "")
    table = Relatedness.load("t.csv")
    assert table.source == "inferred from the shop, split train, 6 rows; smoothing 0, minimum support 2"
    assert table.support is not None
    assert table.support.tolist() == [[3, 3, 0], [1, 2, 0], [0, 0, 0]]
    assert table.weights.tolist() == [[2 / 3, 2 / 3, 0], [0.5, 0, 0], [0.5, 0.4, 0]]
    assert result.stdout.splitlines()[-4:] == [
        "3 of 9 cells were counted over 2 rows or more",
        "the other 6 carry the overall rate of their attribute",
        "no row is annotated for heel=high: weight 0",
        "table: t.csv",
    ]
    assert run("infer", shop, "--classes", "shoe", "--attributes", "parts", "--out", "t.png").exit_code == 0


def test_smoothing_and_prototypes_reach_the_table(shop: Path) -> None:
    words = ["infer", shop / MANIFEST, "--classes", "shoe", "--attributes", "parts", "--out", "t.json"]
    assert run(*words, "--smoothing", 1, "--prototypical", 0.6).exit_code == 0
    table = Relatedness.load("t.json")
    assert table.prototypical[:, 0].tolist() == [True, False, False]
    assert table.weights[:, 0].tolist() == [1, 0.25, 0.5]


def test_votes_serve_where_there_are_no_hard_labels(tmp_path: Path) -> None:
    shares = ((0.7, 0.3, 0.0), (0.2, 0.8, 0.0))
    rows = [
        {"path": "a", "split": "train", "crop": 0, **dict(zip(SHOE.labels, share, strict=True)), "laces": at}
        for at, share in enumerate(shares)
    ]
    write_manifest(tmp_path / MANIFEST, rows, (SHOE, PARTS), {})
    np.save(tmp_path / PACK, np.zeros((1, 112, 112, 1), np.uint8))
    out = tmp_path / "t.csv"
    assert run("infer", tmp_path, "--classes", "shoe", "--attributes", "parts", "--out", out).exit_code == 0
    assert Relatedness.load(out).weights[:, 0].tolist() == [0, 1, 0.5]


def test_differences_are_listed_the_largest_first(tmp_path: Path) -> None:
    result = run("diff", "aff_wild2", "aff_wild2_002", "--out", tmp_path / "d.png")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "expression\taction_units\taff_wild2\taff_wild2_002\tdifference",
        "fear\tAU05\t0.38\t\t-0.38",
        "disgust\tAU17\t0.23\t\t-0.23",
        "disgust\tAU09\t0.21\t\t-0.21",
        "anger\tAU09\t0.15\t\t-0.15",
        "sadness\tAU17\t0.1\t\t-0.1",
        "5 of 119 cells differ by more than 0.005",
        f"heat map: {tmp_path / 'd.png'}",
    ]
    assert "... and 3 more" in run("diff", "aff_wild2", "aff_wild2_002", "--most", 2).stdout
    assert run("diff", "du_2014", "du_2014").stdout == "0 of 119 cells differ by more than 0.005\n"
    assert "1*" in run("diff", "du_2014", "aff_wild2").stdout


def test_labels_that_one_lacks_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("# attributes,action_units\nexpression,AU12,AU99\nhappiness,1*,\njoy,,1\n")
    lines = run("diff", "du_2014", tmp_path / "mine.csv").stdout.splitlines()
    assert lines[0] == "du_2014 lacks the class joy"
    assert lines[1].startswith(f"{tmp_path / 'mine.csv'} lacks the class neutral, sadness")
    assert lines[2] == "du_2014 lacks the attribute AU99"
    assert lines[3].endswith("AU14, AU15 and 6 more")
    assert lines[4] == "0 of 1 cells differ by more than 0.005"


def test_bad_words_are_one_line_and_status_2(shop: Path, network: Path) -> None:
    card(shop / "none", [])
    card(shop / "odd", {"weights": 1})
    (shop / "bad.csv").write_text("# attributes,parts\nshoe,laces\nboot,lots\n")
    infer = ("infer", shop, "--out", "t.csv")
    for words, reason in (
        (("show", "du"), "du: no such table (du_2014, aff_wild2, aff_wild2_002), and not a .csv, .json or .onnx file"),
        (("show", "bad.csv"), "bad.csv: row boot, column laces: 'lots' is not a number in [0, 1]"),
        (("show", "gone.json"), "gone.json: no such file"),
        (("show", shop), f"{shop}: not a checkpoint of mien (no readable checkpoint.json)"),
        (("show", "none"), "none: carries no relatedness"),
        (("show", "odd"), "odd: not a relatedness (missing: classes, attributes, class_labels"),
        (("show", network), f"{network}: carries no relatedness"),
        (("show", "none.onnx"), "none.onnx: no such file"),
        (("show", "du_2014", "--out", "t.pdf"), "t.pdf: the file's name must end in .csv, .json, .png"),
        (("show", "du_2014", "--out", "gone/t.csv"), "No such file or directory: 'gone/t.csv'"),
        (("diff", "du_2014", "none"), "none: carries no relatedness"),
        (("diff", "du_2014", "aff_wild2", "--out", "d.csv"), "d.csv: the file's name must end in .png"),
        ((*infer, "--classes", "shoes", "--attributes", "parts"), f"{shop / MANIFEST}: has no task shoes (there are "),
        ((*infer, "--classes", "parts", "--attributes", "parts"), "the task parts has the kind attributes, expected"),
        (
            (*infer, "--classes", "shoe", "--attributes", "parts", "--split", "no"),
            f"{shop / MANIFEST}: no rows of split",
        ),
    ):
        result = run(*words)
        assert result.exit_code == 2, words
        assert result.stderr.startswith(f"mien: {reason}"), (result.stderr, reason)
        assert result.stderr.count("\n") == 1
        assert result.stdout == "" or "gone" in str(words[-1])
