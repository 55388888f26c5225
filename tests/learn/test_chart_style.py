"""Charts are written atomically, as PNG files only."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from mien.learn.chart_style import quiet, shortened, write


def test_a_chart_is_written_without_other_files(tmp_path: Path) -> None:
    picture = Figure(figsize=(2, 1), dpi=100)
    axes = picture.add_subplot()
    quiet(axes, grid=True)
    assert [name for name, spine in axes.spines.items() if spine.get_visible()] == ["left", "bottom"]
    (tmp_path / "a.png").write_bytes(b"an older one")
    write(picture, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as found:
        assert found.size == (200, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_long_names_keep_their_end() -> None:
    assert [shortened("abcdef", most) for most in (6, 5, 2)] == ["abcdef", "…cdef", "…f"]


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.jpg: the file's name must end in \.png"):
        write(Figure(), tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match=r"b/a\.png: there is no folder .*b$"):
        write(Figure(), tmp_path / "b" / "a.png")
