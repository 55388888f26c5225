"""``mien relatedness diff``: the order of the differences, and labels that only one table has."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_differences_are_listed_the_largest_first(run: Run, tmp_path: Path) -> None:
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


def test_labels_of_one_table_only(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("# attributes,action_units\nexpression,AU12,AU99\nhappiness,1*,\njoy,,1\n")
    lines = run("diff", "du_2014", tmp_path / "mine.csv").stdout.splitlines()
    assert lines[0] == "du_2014 lacks the class joy"
    assert lines[1].startswith(f"{tmp_path / 'mine.csv'} lacks the class neutral, sadness")
    assert lines[2] == "du_2014 lacks the attribute AU99"
    assert lines[3].endswith("AU14, AU15 and 6 more")
    assert lines[4] == "0 of 1 cells differ by more than 0.005"


def test_refusals(refused: Callable[..., str], card: Callable[..., Path], tmp_path: Path) -> None:
    none = card(tmp_path / "none", [])
    assert refused("relatedness", "diff", "du_2014", none) == f"{none}: has no relatedness"
    both = ("relatedness", "diff", "du_2014", "aff_wild2", "--out")
    assert refused(*both, "d.csv") == "d.csv: the name must end in .png"
    (tmp_path / "d.png").write_text("mine")
    assert refused(*both, tmp_path / "d.png") == f"{tmp_path / 'd.png'}: already exists (use --overwrite to replace it)"
