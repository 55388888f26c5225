"""Lists of pictures with numbers as labels."""

from pathlib import Path

from mien.learn.data.sources.shared.listed_pictures import listed_pictures


def test_usable_lines_are_yielded_and_others_reported(tmp_path: Path) -> None:
    for name in ("1/a.PNG", "2/b.jpg", "2/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    path, reports = tmp_path / "list.txt", list[str]()
    entries = [
        (1, "a.jpg", "1"), (3, "b.jpg", "2"), (4, "a.jpg", "2"), (5, "b.jpg", "3"), (6, "b.jpg", "0"),
        (7, "c.jpg", "1"), (8, "d.jpg", "x"),
    ]  # fmt: skip

    def place(name: str, code: int) -> Path:
        return tmp_path / str(code) / name

    assert [tuple(entry) for entry in listed_pictures(path, entries, range(1, 3), place, reports.append)] == [
        (f"{path}: line 1", "a.jpg", tmp_path / "1" / "a.PNG", 1),
        (f"{path}: line 3", "b.jpg", tmp_path / "2" / "b.jpg", 2),
    ]
    assert reports == [
        f"{path}: line 4: a.jpg: duplicate picture",
        f"{path}: line 5: 3 is outside [1, 2]",
        f"{path}: line 6: 0 is outside [1, 2]",
        f"{path}: line 7: c.jpg: no such picture in {tmp_path / '1'}",
        f"{path}: line 8: 'x' is not a number",
    ]


def test_a_missing_picture_may_be_listed_again(tmp_path: Path) -> None:
    """Only pictures that have a row are duplicates."""
    reports: list[str] = []
    entries = [(1, "a.jpg", "0"), (2, "a.jpg", "0")]
    assert not list(listed_pictures(tmp_path / "l", entries, range(2), lambda name, _: tmp_path / name, reports.append))
    assert [line.split(": ")[-1] for line in reports] == [f"no such picture in {tmp_path}"] * 2
