"""Import errors are grouped by their reason, shown in part, and written to a file in full."""

from pathlib import Path

import pytest

from mien.learn.data.importing.errors import ERRORS, KINDS, OTHER, SHOWN, ImportErrors, kind_of


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["a/b.jpg: no such file", "/data/other 1.png: no such file", "c.jpg: no such file"], "no such file"),
        (
            ["l.csv: line 12: valence '1.5' is outside [-1, 1]", "l.csv: line 7: valence '-3' is outside [-1, 1]"],
            "valence … is outside […, …]",
        ),
        (["v.mp4: frame 7: no face found", "v.mp4: frame 12: no face found"], "no face found"),
        (["t.csv: line 3: 2 cells, expected 5", "t.csv: line 4: 1 cells, expected 5"], "… cells, expected …"),
    ],
)
def test_lines_of_one_kind(lines: list[str], kind: str) -> None:
    assert {kind_of(line) for line in lines} == {kind}


def test_the_first_of_each_kind_are_shown_and_all_are_kept(tmp_path: Path) -> None:
    shown: list[str] = []
    errors = ImportErrors(shown.append)
    lines = [f"{n}.jpg: no such file" for n in range(SHOWN + 7)] + ["l.csv: line 1: valence 'x' is not a number"]
    for line in lines:
        errors(line)
    assert shown == [*lines[:SHOWN], lines[-1]]
    errors.close(tmp_path)
    assert shown[-1] == f"and 7 more: no such file (all are in {tmp_path / ERRORS})"
    assert (tmp_path / ERRORS).read_text().splitlines() == lines
    assert errors.kinds == {"no such file": SHOWN + 7, "valence … is not a number": 1}


@pytest.mark.parametrize("name", [ERRORS, "import.faults.txt"])
def test_without_errors_an_old_file_is_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("from an earlier import")
    ImportErrors(pytest.fail).close(tmp_path)
    assert not (tmp_path / name).exists()


def test_beyond_the_limit_kinds_are_counted_together(tmp_path: Path) -> None:
    shown: list[str] = []
    errors = ImportErrors(shown.append)
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(KINDS + 50)]
    for word in words:
        errors(f"l.csv: line 1: {word}")
    assert len(errors.kinds) == KINDS + 1
    assert errors.kinds[OTHER] == 50
    assert len(shown) == KINDS + SHOWN
    errors.close(None)
    assert shown[-1] == f"and {50 - SHOWN} more: {OTHER}"
