"""Copies as they lie on disks: wrapped, littered, in capitals, with holes."""

from pathlib import Path

import pytest

from mien.learn.data.sources.shared import copies
from mien.learn.data.sources.shared.copies import Shelf, dealt, home, pictures, share, subject_splits


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_picture_is_found_whatever_its_letters_and_ending(tmp_path: Path) -> None:
    touch(tmp_path / "A.JPG", tmp_path / "b.png", tmp_path / "._b.jpg")
    shelf = Shelf()
    assert shelf.find(tmp_path / "a.jpg") == tmp_path / "A.JPG"
    assert shelf.find(tmp_path / "b.jpg") == tmp_path / "b.png"
    assert shelf.find(tmp_path / "c.jpg") is None
    assert shelf.find(tmp_path / "no folder" / "a.jpg") is None


def test_pictures_go_by_the_number_at_their_end(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("7.png", "clip_0012.JPG", "0003.obj", "cover.png", "0009.jpeg")))
    assert {number: path.name for number, path in Shelf().numbered(tmp_path).items()} == {
        7: "7.png", 9: "0009.jpeg", 12: "clip_0012.JPG",
    }  # fmt: skip


def test_a_folder_is_listed_once_and_few_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(copies.KEPT + 1):
        touch(tmp_path / str(number) / "a.jpg")
    listed: list[Path] = []
    entries = copies._entries
    monkeypatch.setattr(copies, "_entries", lambda folder, **kind: (listed.append(folder), entries(folder, **kind))[1])
    shelf = Shelf()
    for _ in range(1000):
        assert shelf.find(tmp_path / "0" / "a.jpg")
        assert not shelf.find(tmp_path / "0" / "b.jpg")
    assert len(listed) == 1
    for number in range(1, copies.KEPT + 1):
        shelf.find(tmp_path / str(number) / "a.jpg")
    assert len(listed) == copies.KEPT + 1
    assert len(shelf._files) == copies.KEPT
    shelf.find(tmp_path / "0" / "a.jpg")
    assert len(listed) == copies.KEPT + 2


def test_litter_is_not_seen(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("__MACOSX/x.jpg", ".hidden/x.jpg", "in/.x.jpg", "in/b.PNG", "a.jpg", "a.txt")))
    assert list(pictures(tmp_path)) == [tmp_path / "a.jpg", tmp_path / "in" / "b.PNG"]


@pytest.mark.parametrize("around", ["", "set", "a/b/c"])
def test_a_release_is_found_in_folders_around_it(tmp_path: Path, around: str) -> None:
    touch(tmp_path / around / "labels" / "a.txt", tmp_path / "__MACOSX" / "labels" / "a.txt")
    assert home(tmp_path, "labels/a.txt") == tmp_path / around


def test_a_release_that_is_not_there_is_missed_where_the_user_pointed_at(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "c" / "d" / "labels.txt")
    with pytest.raises(FileNotFoundError, match=rf"^{tmp_path}: .* labels\.txt or labels\.csv not found$"):
        home(tmp_path, ("labels.txt", "labels.csv"))


def test_shares_are_even_and_each_key_s_own() -> None:
    values = [share(str(key)) for key in range(4000)]
    assert all(0 <= value < 1 for value in values)
    assert abs(sum(value < 0.2 for value in values) / len(values) - 0.2) < 0.02
    assert values[0] == share("0")
    assert values[0] != share("0", seed=1)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (10, (8, 1, 1)), (30, (24, 3, 3))],
)
def test_an_identity_is_in_every_split_if_it_can_be(count: int, expected: tuple[int, ...]) -> None:
    parts = list(dealt([str(key) for key in range(count)], valid=0.1, test=0.1).values())
    assert tuple(parts.count(part) for part in ("train", "valid", "test")) == expected


def test_a_deal_depends_on_its_seed_and_not_on_the_order() -> None:
    keys = [str(key) for key in range(20)]
    deal = dealt(keys, valid=0.2, test=0.2)
    assert deal == dealt(keys[::-1], valid=0.2, test=0.2)
    assert deal != dealt(keys, valid=0.2, test=0.2, seed=1)
    assert set(dealt(keys, valid=0, test=0).values()) == {"train"}


def test_splits_of_subjects(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("\ufeffF001 train\nF002,Valid\nF003 dev\nF001 test\nF004\n")
    faults: list[str] = []
    assert subject_splits(path, faults.append) == {"F001": "train", "F002": "valid"}
    assert [fault.split(": ", 1)[1].partition(" is")[0] for fault in faults] == [
        "line 3: 'F003 dev'", "line 4: subject F001 stands there twice", "line 5: 'F004'",
    ]  # fmt: skip
