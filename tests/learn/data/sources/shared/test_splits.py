"""Splits by a hash, dealt within an identity, and from a list."""

from pathlib import Path

import pytest

from mien.learn.data.sources.shared.splits import deal, read_subject_splits, share, train_or_valid


def test_shares_are_even_and_depend_on_key_and_seed_only() -> None:
    values = [share(str(key)) for key in range(4000)]
    assert all(0 <= value < 1 for value in values)
    assert abs(sum(value < 0.2 for value in values) / len(values) - 0.2) < 0.02
    assert values[0] == share("0")
    assert values[0] != share("0", seed=1)


def test_shares_stay_as_they_were() -> None:
    """Imported data sets keep their splits in later versions."""
    assert share("1") == pytest.approx(0.3623603780488538)
    assert "".join(train_or_valid(str(key), 0.3)[0] for key in range(12)) == "ttttvtttvvvt"


def test_train_or_valid_divides_by_the_given_share() -> None:
    keys = [str(key) for key in range(4000)]
    valid = {key for key in keys if train_or_valid(key, 0.25) == "valid"}
    assert abs(len(valid) / len(keys) - 0.25) < 0.02
    assert valid < {key for key in keys if train_or_valid(key, 0.5) == "valid"}
    assert {train_or_valid(key, 0) for key in keys} == {"train"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (10, (8, 1, 1)), (30, (24, 3, 3))],
)
def test_an_identity_is_in_every_split_if_possible(count: int, expected: tuple[int, ...]) -> None:
    parts = list(deal([str(key) for key in range(count)], valid=0.1, test=0.1).values())
    assert tuple(parts.count(part) for part in ("train", "valid", "test")) == expected


def test_a_deal_depends_on_the_seed_and_not_on_the_order() -> None:
    keys = [str(key) for key in range(20)]
    dealt = deal(keys, valid=0.2, test=0.2)
    assert dealt == deal(keys[::-1], valid=0.2, test=0.2)
    assert dealt != deal(keys, valid=0.2, test=0.2, seed=1)
    assert set(deal(keys, valid=0, test=0).values()) == {"train"}


def test_subject_splits_are_read_from_a_list(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("\ufeffF001 train\nF002,Valid\nF003 dev\nF001 test\nF004\n")
    reports: list[str] = []
    assert read_subject_splits(path, reports.append) == {"F001": "train", "F002": "valid"}
    assert reports == [
        f"{path}: line 3: 'F003 dev' is not a subject and one of train, valid, test, all",
        f"{path}: line 4: duplicate subject F001",
        f"{path}: line 5: 'F004' is not a subject and one of train, valid, test, all",
    ]
