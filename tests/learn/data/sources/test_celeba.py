"""CelebA in its official layout: eleven photos of three people."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.celeba import ATTRIBUTES, PEOPLE, TASKS, read, tasks

PERSON = [7, 7, 7, 7, 7, 7, 7, 7, 10177, 10177, 5]
"""The person in each photo."""

PART = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2]

POINTS = [69, 109, 106, 113, 77, 142, 73, 152, 108, 154]
"""The "left" eye of the release comes first, the one on the left of the picture."""


def value(photo: int, attribute: int) -> int:
    return 1 if (photo + attribute) % 3 == 0 else -1


def write(path: Path, lines: list[str], *, csv: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{','.join(line.split()) if csv else line}\n" for line in lines))


def put(
    root: Path,
    *,
    anno: str = "Anno/",
    evaluation: str = "Eval/",
    photos: str = "Img/img_align_celeba",
    csv: bool = False,
) -> None:
    names = [f"{number:06d}.jpg" for number in range(1, len(PERSON) + 1)]
    (root / photos).mkdir(parents=True)
    for name in names:
        (root / photos / name).touch()
    end, head = ("csv", "image_id ") if csv else ("txt", "")
    count = [] if csv else [str(len(names))]
    rows = [f"{name} {'  '.join(str(value(n, a)) for a in range(40))}" for n, name in enumerate(names)]
    write(root / f"{anno}list_attr_celeba.{end}", [*count, head + " ".join(ATTRIBUTES), *rows], csv=csv)
    rows = [f"{name} {' '.join(map(str, POINTS))}" for name in names]
    columns = (
        head
        + "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    )
    write(root / f"{anno}list_landmarks_align_celeba.{end}", [*count, columns, *rows], csv=csv)
    heads = ["image_id partition"] if csv else []
    parts = [f"{name} {part}" for name, part in zip(names, PART, strict=True)]
    write(root / f"{evaluation}list_eval_partition.{end}", heads + parts, csv=csv)
    people = [f"{name} {person}" for name, person in zip(names, PERSON, strict=True)]
    write(root / f"{anno}identity_CelebA.txt", people)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "CelebA")
    return tmp_path / "CelebA"


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


LAYOUTS: dict[str, dict[str, Any]] = {
    "release": {},
    "one folder": {"anno": "", "evaluation": "", "photos": "img_align_celeba"},
    "csv": {"anno": "", "evaluation": "", "photos": "img_align_celeba/img_align_celeba", "csv": True},
    "flat": {"anno": "", "evaluation": "", "photos": "."},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_rows(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "a" / "b" / "set"
    put(root, **LAYOUTS[layout])
    rows = rows_of(tmp_path)
    check_labels(root, rows, TASKS)
    assert [[row[label] for label in ATTRIBUTES] for row in rows] == [
        [float(value(photo, attribute) == 1) for attribute in range(40)] for photo in range(len(PERSON))
    ]
    assert [row["split"] for row in rows] == [{0: "train", 1: "valid", 2: "test"}[part] for part in PART]
    assert [row["identity"] for row in rows] == [row["subject"] for row in rows] == [str(person) for person in PERSON]
    assert rows[3]["landmarks"] == POINTS
    assert all(Path(row["path"]).is_file() for row in rows)


def test_everyone_is_in_every_subject_dependent_split(folder: Path) -> None:
    rows = rows_of(folder, split="subject_dependent")
    counts = {
        person: Counter(row["split"] for row in rows if row["identity"] == person) for person in ("7", "10177", "5")
    }
    assert counts == {"7": {"train": 6, "valid": 1, "test": 1}, "10177": {"train": 1, "test": 1}, "5": {"train": 1}}
    again = rows_of(folder, split="subject_dependent", seed=1)
    assert [row["split"] for row in rows] != [row["split"] for row in again]
    with pytest.raises(ValueError, match="split 'else': expected official or subject_dependent"):
        rows_of(folder, split="else")


def test_missing_photos_do_not_count_in_the_split(folder: Path) -> None:
    for number in range(4, 9):
        (folder / "Img" / "img_align_celeba" / f"{number:06d}.jpg").unlink()
    reports: list[str] = []
    rows = list(read(folder, reports.append, split="subject_dependent"))
    assert sorted(row["split"] for row in rows if row["identity"] == "7") == ["test", "train", "valid"]
    photos = folder / "Img" / "img_align_celeba"
    assert reports == [f"{photos}/{number:06d}.jpg: no such picture" for number in range(4, 9)]


def test_people_are_classes_with_identities(folder: Path) -> None:
    assert tasks(folder) == TASKS
    wider = tasks(folder, identities=True)
    assert wider[:-1] == TASKS
    assert len(wider[-1]) == PEOPLE
    check_labels(folder, rows_of(folder, identities=True), wider)
    (folder / "Anno" / "identity_CelebA.txt").unlink()
    assert {row["identity"] for row in rows_of(folder)} == {None}
    for options in ({"identities": True}, {"split": "subject_dependent"}):
        with pytest.raises(FileNotFoundError, match=r"identity_CelebA\.txt"):
            rows_of(folder, **options)


def test_partition_and_landmarks_may_be_missing(folder: Path) -> None:
    (folder / "Eval" / "list_eval_partition.txt").unlink()
    (folder / "Anno" / "list_landmarks_align_celeba.txt").unlink()
    rows = rows_of(folder)
    assert {row["split"] for row in rows} == {"all"}
    assert {row["landmarks"] for row in rows} == {None}


def test_columns_are_identified_by_the_header(folder: Path) -> None:
    path = folder / "Anno" / "list_attr_celeba.txt"
    count, head, *rows = path.read_text().splitlines()
    turned = [f"{row.split()[0]} {' '.join(row.split()[:0:-1])}" for row in rows]
    expected = rows_of(folder)
    path.unlink()
    text = "\n".join(["\ufeff" + count, " ".join(head.split()[::-1]), *turned])
    (path.parent / "list_attr_celeba.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert rows_of(folder) == expected


def test_absent_attributes_may_be_written_as_0(folder: Path) -> None:
    rows = rows_of(folder)
    path = folder / "Anno" / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace("-1", "0"))
    assert rows_of(folder) == rows


def test_damaged_rows_are_reported_and_the_rest_is_read(folder: Path) -> None:
    photos, anno = folder / "Img" / "img_align_celeba", folder / "Anno"
    (photos / "000001.jpg").rename(photos / "000001.JPG")
    (photos / "000002.jpg").rename(photos / "000002.png")
    (photos / "000003.jpg").unlink()
    path = anno / "list_attr_celeba.txt"
    lines = path.read_text().splitlines()
    lines[6] = "img\\" + lines[6].replace("-1", "2", 1)
    lines[7] = "000006.jpg 1 -1"
    lines.append(lines[8])
    lines.append(" , ")
    path.write_text("\n".join(lines))
    write(anno / "identity_CelebA.txt", ["000001.jpg 0", "000002.jpg x", "000004.jpg", "000005.jpg 12"])
    write(folder / "Eval" / "list_eval_partition.txt", ["000001.jpg 3", "000002.jpg 0"])
    write(anno / "list_landmarks_align_celeba.txt", ["000001.jpg 1 2 3 4 5 6 7 8 9 x"])
    reports: list[str] = []
    rows = {Path(row["path"]).stem: row for row in read(folder, reports.append)}
    assert sorted(rows) == ["000001", "000002", "000004", "000005", "000007", "000008", "000009", "000010", "000011"]
    assert rows["000005"]["identity"] == "12"
    assert [rows["000005"][label] is None for label in ATTRIBUTES].count(True) == 1
    assert (rows["000001"]["split"], rows["000002"]["split"]) == ("all", "train")
    assert [line.removeprefix(f"{folder}/").partition(": ")[2].removeprefix("line ") for line in reports] == [
        "1: person '0' is not from 1 to 10177",
        "2: person 'x' is not from 1 to 10177",
        "3: 1 cells, expected 2",
        "1: partition '3', expected 0, 1 or 2",
        "1: 000001.jpg: a landmark is not a number",
        "no such picture",
        f"7: {ATTRIBUTES[0]} is '2', expected 1 or -1",
        "8: 3 cells, expected 41",
        "14: 000007.jpg: duplicate picture",
    ]


def test_missing_files_are_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Anno/list_attr_celeba\.txt or "):
        rows_of(folder / "Img")
    (folder / "Img").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="no photos in Img/img_align_celeba, img_align_celeba"):
        rows_of(folder)
    (tmp_path / "elsewhere").rename(folder / "Img")
    write(folder / "Anno" / "list_attr_celeba.txt", ["1", "Male Young", "000001.jpg 1 1"])
    with pytest.raises(ValueError, match=r"list_attr_celeba\.txt: has no column 5_o_Clock_Shadow, .* and more"):
        rows_of(folder)
