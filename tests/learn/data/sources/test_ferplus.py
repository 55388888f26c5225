"""FER+ in its official layout, with votes that can be counted by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.learn.data.sources.ferplus import read
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.tasks import EXPRESSION

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
# usage, photo, then the ten columns of votes
LINES = """
Training,clear.png,0,9,0,0,0,0,0,0,1,0
Training,single.png,1,7,1,1,0,0,0,0,0,0
Training,mixed.png,0,0,6,0,0,0,4,0,0,0
Training,tie.png,5,0,0,5,0,0,0,0,0,0
Training,contempt.png,4,0,0,0,0,0,0,6,0,0
Training,half.png,0,0,0,0,3,0,0,4,0,0
Training,evenly.png,0,0,0,2,3,0,0,5,0,0
Training,unknown.png,1,1,1,1,0,0,0,0,6,0
Training,noface.png,0,0,0,0,0,0,0,0,0,10
Training,noise.png,1,1,1,1,1,1,1,1,1,1
Training,,0,9,0,0,0,0,0,0,1,0
Training,absent.png,0,9,0,0,0,0,0,0,1,0
Training,clear.png,0,9,0,0,0,0,0,0,1,0
Training,words.png,0,nine,0,0,0,0,0,0,1,0
Private,other.png,0,9,0,0,0,0,0,0,1,0
Training,short.png,0,9
PublicTest,valid.png,0,0,0,0,0,8,2,0,0,0
PrivateTest,test.png,10,0,0,0,0,0,0,0,0,0
"""
FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FOLDERS.values():
        (tmp_path / name).mkdir()
    for line in LINES.split():
        usage, photo = line.split(",")[:2]
        if photo and photo != "absent.png" and usage in FOLDERS:
            Image.fromarray(np.zeros((48, 48), np.uint8)).save(tmp_path / FOLDERS[usage] / photo)
    (tmp_path / "fer2013new.csv").write_text(HEADER + LINES)
    return tmp_path


@pytest.fixture
def rows(folder: Path) -> dict[str, dict[str, Any]]:
    found = list(read(folder, lambda _: None))
    assert len(found) == 7
    return {Path(row["path"]).stem: row for row in found}


def test_unusable_rows_are_reported(folder: Path) -> None:
    reports: list[str] = []
    list(read(folder, reports.append))
    table = folder / "fer2013new.csv"
    assert reports == [
        f"{folder / 'FER2013Train' / 'absent.png'}: no such file",
        f"{table}: line 14: duplicate photo 'clear.png', first in line 2",
        f"{table}: line 15: the votes of 'words.png' are not ten numbers",
        f"{table}: line 16: unknown Usage 'Private'",
        f"{table}: line 17: 4 cells, expected 12",
    ]


def shares(row: dict[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in EXPRESSION.labels if row[name]}


def test_only_existing_photos_of_the_seven_expressions_are_kept(rows: dict[str, dict[str, Any]]) -> None:
    assert set(rows) == {"clear", "single", "mixed", "tie", "evenly", "valid", "test"}


def test_every_split_is_read_from_its_folder(folder: Path, rows: dict[str, dict[str, Any]]) -> None:
    assert {name: rows[name]["split"] for name in ("clear", "valid", "test")} == {
        "clear": "train",
        "valid": "valid",
        "test": "test",
    }
    assert rows["valid"]["path"] == str(folder / "FER2013Valid" / "valid.png")
    assert {row["dataset"] for row in rows.values()} == {"ferplus"}


def test_the_hard_label_is_the_majority(rows: dict[str, dict[str, Any]]) -> None:
    assert {name: row["expression"] for name, row in rows.items()} == {
        "clear": "happiness",
        "single": "happiness",
        "mixed": "surprise",
        "tie": None,
        "evenly": None,
        "valid": "disgust",
        "test": "neutral",
    }


def test_single_votes_are_ignored_and_the_rest_are_shares(rows: dict[str, dict[str, Any]]) -> None:
    assert shares(rows["single"]) == {"happiness": 1}
    assert shares(rows["mixed"]) == pytest.approx({"surprise": 0.6, "fear": 0.4})
    assert shares(rows["tie"]) == {"neutral": 0.5, "sadness": 0.5}
    assert shares(rows["valid"]) == pytest.approx({"disgust": 0.8, "fear": 0.2})


def test_votes_for_contempt_are_not_shares_but_decide_whether_a_photo_is_kept(rows: dict[str, dict[str, Any]]) -> None:
    assert shares(rows["evenly"]) == pytest.approx({"sadness": 0.4, "anger": 0.6})  # 5 of 10 votes: just enough
    assert "half" not in rows  # 3 of 7


def test_weak_affect_is_the_vote_weighted_circumplex(rows: dict[str, dict[str, Any]]) -> None:
    # Russell & Mehrabian 1977: surprise (.40, .67), fear (-.64, .60), sadness (-.63, -.27), anger (-.51, .59)
    assert rows["mixed"]["valence"] == pytest.approx(0.6 * 0.40 - 0.4 * 0.64) == pytest.approx(-0.016)
    assert rows["mixed"]["arousal"] == pytest.approx(0.6 * 0.67 + 0.4 * 0.60) == pytest.approx(0.642)
    assert rows["evenly"]["valence"] == pytest.approx(-0.4 * 0.63 - 0.6 * 0.51) == pytest.approx(-0.558)
    assert rows["evenly"]["arousal"] == pytest.approx(-0.4 * 0.27 + 0.6 * 0.59) == pytest.approx(0.246)
    assert (rows["test"]["valence"], rows["test"]["arousal"]) == (0, 0)


def test_every_expression_has_its_place_in_the_circumplex() -> None:
    assert set(CIRCUMPLEX) == set(EXPRESSION.labels)
    positive = {name for name, (valence, _) in CIRCUMPLEX.items() if valence > 0}
    passive = {name for name, (_, arousal) in CIRCUMPLEX.items() if arousal < 0}
    assert (positive, passive) == ({"happiness", "surprise"}, {"sadness"})


def test_another_folder_is_refused(folder: Path) -> None:
    (folder / "fer2013new.csv").unlink()
    (folder / "FER2013Valid").rename(folder / "valid")
    with pytest.raises(FileNotFoundError) as caught:
        next(read(folder, lambda _: None))
    assert str(caught.value) == f"{folder}: not the folder of this data set: fer2013new.csv, FER2013Valid not found"
