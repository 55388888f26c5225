"""``mien relatedness show``: every kind of source, what it prints and writes, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from mien.cli.relatedness.arguments import open_tables
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness

Run = Callable[..., Result]


def test_a_named_table_is_shown_in_lines(run: Run) -> None:
    result = run("show", "du_2014")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split("\t") == ["expression", *DU_2014.attribute_labels]
    assert lines[2].split("\t")[:6] == ["happiness", "0", "0", "0", "0", "0.51"]
    assert lines[2].split("\t")[9] == "1*"
    assert lines[8] == DU_2014.source
    assert lines[9].startswith(
        "most informative about the expression (mutual information, the largest is 1): AU25 1.00, AU04 "
    )


def test_a_table_without_information(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("# attributes,parts\nshoe,laces\nboot,0.5\npump,0.5\n")
    assert run("show", tmp_path / "flat.csv").stdout.splitlines()[-1] == "no attribute is informative about the shoe"


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_table_is_written_and_shown_again(run: Run, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    assert run("show", "aff_wild2", "--out", path).stdout.splitlines()[-1] == f"table: {path}"
    assert Relatedness.load(path).to_dict() == AFF_WILD2.to_dict()
    assert run("show", path).stdout == run("show", "aff_wild2").stdout


def test_a_heat_map_is_drawn(run: Run, tmp_path: Path) -> None:
    assert run("show", "du_2014", "--out", tmp_path / "heat.png").exit_code == 0
    with Image.open(tmp_path / "heat.png") as picture:
        assert picture.width > picture.height > 200


def test_checkpoints_and_exported_networks_are_sources(
    run: Run, tmp_path: Path, make_network: Callable[..., Path], card: Callable[..., Path]
) -> None:
    both = [AFF_WILD2.to_dict(), DU_2014.to_dict()]
    one, two = card(tmp_path / "one", both[1]), card(tmp_path / "two", both)
    network = make_network(tmp_path / "n.onnx", relatedness=both[1])
    assert [table.to_dict() for table in open_tables(str(two))] == both
    assert run("show", one).stdout == run("show", network).stdout == run("show", "du_2014").stdout
    assert run("show", two).stdout == run("show", "aff_wild2").stdout + run("show", "du_2014").stdout
    assert run("show", two, "--out", tmp_path / "t.csv").exit_code == 0
    assert Relatedness.load(tmp_path / "t-2.csv").to_dict() == both[1]
    assert "0 of 119 cells" in run("diff", one, network).stdout


def test_existing_files_are_replaced_only_with_overwrite(
    run: Run, refused: Callable[..., str], card: Callable[..., Path], tmp_path: Path
) -> None:
    two = card(tmp_path / "two", [AFF_WILD2.to_dict(), DU_2014.to_dict()])
    (tmp_path / "t-2.csv").write_text("mine")
    reason = refused("relatedness", "show", two, "--out", tmp_path / "t.csv")
    assert reason == f"{tmp_path / 't-2.csv'}: already exists (use --overwrite to replace it)"
    assert not (tmp_path / "t-1.csv").exists()
    assert run("show", two, "--out", tmp_path / "t.csv", "--overwrite").exit_code == 0
    assert Relatedness.load(tmp_path / "t-2.csv").to_dict() == DU_2014.to_dict()


def test_refusals(refused: Callable[..., str], card: Callable[..., Path], shop: Path, network: Path) -> None:
    card(shop / "none", [])
    card(shop / "odd", {"weights": 1})
    (shop / "bad.csv").write_text("# attributes,parts\nshoe,laces\nboot,lots\n")
    for words, reason in (
        (("du",), "du: no such table (du_2014, aff_wild2, aff_wild2_002), and not a .csv, .json or .onnx file"),
        (("bad.csv",), "bad.csv: row boot, column laces: 'lots' is not a number in [0, 1]"),
        (("gone.json",), "gone.json: no such file"),
        ((shop,), f"{shop}: not a checkpoint of mien (no readable checkpoint.json)"),
        (("none",), "none: has no relatedness"),
        (("odd",), "odd: not a table of relatedness (missing: classes, attributes, class_labels"),
        ((network,), f"{network}: has no relatedness"),
        (("none.onnx",), "none.onnx: no such file"),
        (("du_2014", "--out", "t.pdf"), "t.pdf: the name must end in .csv, .json, .png"),
        (("du_2014", "--out", "gone/t.csv"), "No such file or directory: 'gone/t.csv'"),
    ):
        assert refused("relatedness", "show", *words).startswith(reason), words
