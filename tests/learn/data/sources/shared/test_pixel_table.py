"""Pixels in a CSV file, written as pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.learn.data.sources.shared.pixel_table import pixel_rows

RAMP = " ".join(str(value % 256) for value in range(48 * 48))
BLACK = " ".join(["0"] * 48 * 48)


def test_pictures_are_written_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        f"emotion,pixels,Usage\n1,{RAMP},Training\n0,{BLACK},PrivateTest\n1,{RAMP},PublicTest\n"
    )
    found = list(pixel_rows(tmp_path / "a.csv", tmp_path / "out", ("anger", None), pytest.fail))
    assert [(entry.path.name, entry.split, entry.label, entry.first) for entry in found] == [
        ("00000.png", "train", None, "00000"), ("00001.png", "test", "anger", "00001"),
        ("00002.png", "valid", None, "00000"),
    ]  # fmt: skip
    with Image.open(found[0].path) as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture).ravel(), np.arange(48 * 48) % 256)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"2,{BLACK},Training", "emotion '2' is not from 0 to 1"),
        (f",{BLACK},Training", "emotion '' is not from 0 to 1"),
        (f"0,{BLACK},Else", "unknown usage 'Else'"),
        (f"0,{BLACK} 0,Training", "expected 48 x 48 pixels from 0 to 255"),
        (f"0,{BLACK[:-1]}256,Training", "expected 48 x 48 pixels from 0 to 255"),
        (f"0,{BLACK[:-1]}-1,Training", "expected 48 x 48 pixels from 0 to 255"),
        (f"0,{BLACK[:-1]}x,Training", "expected 48 x 48 pixels from 0 to 255"),
        ("0,,Training", "expected 48 x 48 pixels from 0 to 255"),
        (f"0,{BLACK}", "2 cells, expected 3"),
    ],
)
def test_unusable_rows_are_reported(tmp_path: Path, row: str, reason: str) -> None:
    table = tmp_path / "a.csv"
    table.write_text(
        f"\ufeffemotion, Usage, pixels\n{row}\n0,{BLACK},Training\n".replace(", Usage, pixels", ",pixels, Usage")
    )
    reports: list[str] = []
    found = list(pixel_rows(table, tmp_path / "out", ("anger", None), reports.append))
    assert reports == [f"{table}: line 2: {reason}"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [entry.path.name for entry in found] == ["00001.png"]


def test_without_usage_the_split_is_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"emotion,pixels\n0,{BLACK}\n")
    assert [entry.split for entry in pixel_rows(tmp_path / "a.csv", tmp_path / "out", ("anger",), pytest.fail)] == [
        "all"
    ]
