from pathlib import Path

import pytest

from mien.atomic import replace_text, replacing


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_partial_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        _write_and_fail(partial)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf_8(tmp_path: Path) -> None:
    replace_text(tmp_path / "a.txt", "\u00e9\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n"


def _write_and_fail(path: Path) -> None:
    path.write_text("new")
    raise RuntimeError
