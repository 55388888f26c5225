"""Files are read back exactly, CSV written by hand is understood, and invalid files give one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.relatedness.table import DU_2014, NAMED, Relatedness


def made_up(seed: int, classes: int = 6, attributes: int = 4, counted: bool = True) -> Relatedness:
    generator = np.random.default_rng(seed)
    weights = generator.random((classes, attributes)) * (generator.random((classes, attributes)) < 0.7)
    prototypical = generator.random(weights.shape) < 0.2
    weights[prototypical | (generator.random(weights.shape) < 0.1)] = 1
    return Relatedness(
        "kind, of thing",
        'parts "seen"',
        tuple(f'{i}; a "class", é' for i in range(classes)),
        tuple(f"colour=\n{i}" for i in range(attributes)),
        weights,
        prototypical,
        "somebody,\nsomewhere; 50 %",
        generator.integers(0, 9, weights.shape) if counted else None,
    )


def same(first: Relatedness, second: Relatedness) -> bool:
    return first.to_dict() == second.to_dict() and second.weights.dtype == np.float64


@pytest.mark.parametrize("name", ["table.json", "table.csv", "TABLE.CSV"])
def test_files_are_read_back_exactly(name: str, tmp_path: Path) -> None:
    tables = [*NAMED.values(), *(made_up(seed, counted=seed % 2 == 0) for seed in range(4)), made_up(9, 1, 1)]
    for table in tables:
        table.save(tmp_path / name)
        assert same(table, Relatedness.load(tmp_path / name))


def test_dictionaries_survive_json_and_support_is_optional() -> None:
    for table in (DU_2014, made_up(0)):
        assert same(table, Relatedness.from_dict(json.loads(json.dumps(table.to_dict()))))
    old = {key: value for key, value in DU_2014.to_dict().items() if key != "support"}
    assert same(DU_2014, Relatedness.from_dict(old))


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "# attributes,parts\nshoe,laces,strap\nboot,0.75,\nsandal,,1*\n",
        "\ufeff# May,,\r\n# attributes,parts,\r\n,,\r\nshoe, laces ,strap\r\nboot,.75,0\r\n,,\r\nsandal,0,*\r\n",
        "# attributes;parts;\nshoe;laces;strap\nboot;0,75\nsandal;;1 *\n",
        "# attributes\tparts\nshoe\tlaces\tstrap\nboot\t0,75\nsandal\t\t1*\n",
    ],
    ids=["plain", "as a spreadsheet leaves it", "semicolons and decimal commas", "tabs"],
)
def test_csv_written_by_hand_is_understood(text: str, tmp_path: Path) -> None:
    table = Relatedness.load(write(tmp_path, text))
    assert (table.classes, table.attributes, table.source) == ("shoe", "parts", "mine.csv")
    assert (table.class_labels, table.attribute_labels) == (("boot", "sandal"), ("laces", "strap"))
    assert table.weights.tolist() == [[0.75, 0], [0, 1]]
    assert table.prototypical.tolist() == [[False, False], [False, True]]
    assert table.support is None


TOP = "# attributes,parts\nshoe,laces,strap\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TOP + "boot,much,0\n", "row boot, column laces: 'much' is not a number in [0, 1]"),
        (TOP + "boot,0,51%\n", "row boot, column strap: '51%' is not a number in [0, 1]"),
        (TOP + "boot,0,1.5\n", "row boot, column strap: '1.5' is not a number in [0, 1]"),
        (TOP + "boot,nan,0\n", "row boot, column laces: 'nan' is not a number in [0, 1]"),
        (TOP + "boot,0.5*,0\n", "row boot, column laces: '0.5*': a prototypical attribute has weight 1"),
        (TOP + "boot,0,0,0\n", "row boot has 4 cells, but the header has 3"),
        (TOP + ",0.1,0\n", "a row has no class: , 0.1, 0"),
        (TOP + "boot,0,0\nboot,1,1\n", "relatedness: duplicate class boot"),
        ("# attributes,parts\nshoe,,strap\nboot,0,0\n", "column 2 of the header has no name"),
        ("shoe,laces\nboot,1\n", "the attribute task is not named: add a row '# attributes'"),
        ("", "no header: the first row must name the class task, then each attribute"),
        ("# attributes,parts\n", "no header"),
        (TOP, "no classes below the header"),
        (TOP + "boot,0,0\n# support\n", "no rows below # support"),
        (
            TOP + "boot,0,0\n# support\nshoe,laces,strap\npump,1,1\n",
            "below # support, the header and the classes",
        ),
        (
            TOP + "boot,0,0\n# support\nshoe,laces,strap\nboot,1,x\n",
            "row boot, column strap, below # support: 'x' is not a number of rows",
        ),
    ],
)
def test_errors_in_a_csv_are_one_line_with_the_cell(text: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"mine\.csv") as caught:
        Relatedness.load(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def changed(**changes: object) -> str:
    return json.dumps(DU_2014.to_dict() | changes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a table of relatedness"),
        ('{"classes": "a"}', "not a table of relatedness (missing: attributes, class_labels"),
        (changed(class_labels="neutral"), "class_labels must be a list of names"),
        (changed(weights=[[0, 1], [0]]), "weights must be a list of rows of numbers, all of the same length"),
        (changed(weights=[["0"] * 17] * 7), "weights must be a list of rows of"),
        (changed(weights=None), "weights must be a list of rows of"),
        (changed(weights=[[0.0] * 17] * 6), "relatedness weights: shape (6, 17), expected (7, 17)"),
        (changed(weights=[[2.0] * 17] * 7), "relatedness weights must be in [0, 1]; row neutral, column AU01 has 2"),
        (changed(prototypical=[[0.5] * 17] * 7), "prototypical must be a list of rows of true or false"),
        (changed(support=[[0.5] * 17] * 7), "support must be a list of rows of whole numbers"),
    ],
)
def test_errors_in_a_json_are_one_line(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"mine\.json") as caught:
        Relatedness.load(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, TOP + "bücher,0,0\n", "cp1252")
    (tmp_path / "folder.csv").mkdir()
    for name, reason in (
        ("none.csv", "no such file"),
        ("mine.csv", "not UTF-8 text"),
        ("folder.csv", "Is a directory"),
        ("mine.xlsx", r"must end in \.json or \.csv"),
    ):
        with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
            Relatedness.load(tmp_path / name)
    with pytest.raises(ValueError, match=r"must end in \.json or \.csv"):
        DU_2014.save(tmp_path / "mine.txt")


@pytest.mark.parametrize(
    "change",
    [
        lambda table: replace(table, class_labels=(" neutral", *table.class_labels[1:])),
        lambda table: replace(table, class_labels=("# support", *table.class_labels[1:])),
        lambda table: replace(table, attribute_labels=("", *table.attribute_labels[1:])),
        lambda table: replace(table, classes="#expression"),
        lambda table: replace(table, source="ends in a space "),
    ],
)
def test_names_that_a_csv_would_change_are_refused_in_csv_only(
    change: Callable[[Relatedness], Relatedness], tmp_path: Path
) -> None:
    table = change(DU_2014)
    with pytest.raises(ValueError, match=r"t\.csv: the name .* does not fit into a CSV file \(use \.json\)"):
        table.save(tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    table.save(tmp_path / "t.json")
    assert same(table, Relatedness.load(tmp_path / "t.json"))
