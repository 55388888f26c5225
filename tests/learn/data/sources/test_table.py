"""Tables of your own."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.learn.data.sources.table import read, tasks, whole
from mien.tasks import ALL_TASKS, FACE


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def rows_of(path: Path, **options: Any) -> list[dict[str, Any]]:
    """Return the rows of a table without errors."""
    reports: list[str] = []
    rows = list(read(path, reports.append, **options))
    assert not reports
    return rows


TEXT = "path,split,expression,AU12,valence,site\na.jpg,train,fear,1,,x\nb.jpg,valid,,,0.5,y\n"


def test_labels_and_empty_cells(tmp_path: Path) -> None:
    known = {"split": "train", "expression": "fear", "AU12": 1, "valence": None, "site": "x"}
    other = {"split": "valid", "expression": None, "AU12": None, "valence": 0.5, "site": "y"}
    expected = [{"path": str(tmp_path / "a.jpg"), **known}, {"path": str(tmp_path / "b.jpg"), **other}]
    assert rows_of(table(tmp_path, TEXT)) == expected
    with gzip.open(tmp_path / "labels.csv.gz", "wt", encoding="utf-8-sig", newline="\r\n") as file:
        file.write(TEXT)
    assert rows_of(tmp_path / "labels.csv.gz") == expected


def test_frames_boxes_and_landmarks_are_numbers(tmp_path: Path) -> None:
    text = "path,video,frame,timestamp,x,width,landmarks,AU12_intensity,AU12\n"
    text += 'a\\b.mp4,v,12,0.4,3,4.5,"1 2 3 4 5 6 7 8 9 10.5",2.5,1\n'
    (row,) = rows_of(table(tmp_path, text))
    assert row["path"] == str(tmp_path / "a" / "b.mp4")
    assert (row["video"], row["frame"], row["timestamp"], row["x"], row["width"]) == ("v", 12, 0.4, 3, 4.5)
    assert row["landmarks"] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10.5]
    assert row["AU12_intensity"] == 2.5


def test_names_that_look_like_numbers_stay_names(tmp_path: Path) -> None:
    (row,) = rows_of(table(tmp_path, "path,subject,valence\n001,07,0.5\n"))
    assert row["path"] == str(tmp_path / "001")
    assert row["subject"] == "07"


def test_a_quoted_comma_does_not_end_a_cell(tmp_path: Path) -> None:
    (row,) = rows_of(table(tmp_path, 'path,note,valence\na.jpg,"one, two",0.5\n'))
    assert (row["note"], row["valence"]) == ("one, two", 0.5)


def test_nobody_is_in_two_splits(tmp_path: Path) -> None:
    lines = [f"{person}-{take}.jpg,{person},0.1" for person in range(40) for take in range(3)]
    rows = rows_of(table(tmp_path, "path,subject,valence\n" + "\n".join(lines)), validation=0.5)
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["subject"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {"train", "valid"} == set.union(*splits.values())


def test_a_subject_called_zero_is_a_subject(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    columns = {"path": [f"{n}.jpg" for n in range(64)], "subject": [0] * 64, "valence": [0.0] * 64}
    pq.write_table(pa.table(columns), path)
    assert len({row["split"] for row in rows_of(path, validation=0.5)}) == 1


def test_an_empty_split_is_filled_in(tmp_path: Path) -> None:
    rows = rows_of(table(tmp_path, "path,split,valence\na.jpg,,0.5\nb.jpg,test,0.5\n"))
    assert rows[0]["split"] in ("train", "valid")
    assert rows[1]["split"] == "test"


def test_unusable_rows_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "path,valence\na.jpg,0.5\nb.jpg\n,0.1\nc.jpg,0.5,1\nd.jpg,0.2\n")
    reports: list[str] = []
    assert [Path(row["path"]).name for row in read(path, reports.append)] == ["a.jpg", "d.jpg"]
    assert sorted(reports) == [
        f"{path}: line 3: 1 cells, expected 2",
        f"{path}: line 5: 3 cells, expected 2",
        f"{path}: row 2: has no path",
    ]


def test_the_label_space_may_be_your_own(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text("bird: {kind: classes, labels: [duck, heron]}\nexpression:\n")
    path = table(tmp_path, "path,bird,expression\na.jpg,duck,fear\n")
    space = tasks(path, tasks=tmp_path / "tasks.yaml")
    assert [task.name for task in space] == ["bird", "expression"]
    assert whole(space) is None
    assert whole(space[:1]) == 112
    assert rows_of(path, tasks=tmp_path / "tasks.yaml")[0]["bird"] == "duck"


def test_compound_expressions_are_a_task_if_the_table_has_the_column(tmp_path: Path) -> None:
    assert tasks(table(tmp_path, "path,compound\n")) == ALL_TASKS
    assert tasks(table(tmp_path, "path,valence\n")) == FACE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,AU6,valence\na.jpg,1,0\n", r"unknown column AU6; did you mean AU06\?"),
        ("path,au06,valence\na.jpg,1,0\n", r"unknown column au06; did you mean AU06\?"),
        ("path,Valence\na.jpg,1\n", r"unknown column Valence; did you mean valence\?"),
        ("path,Frame,valence\na.jpg,1,0\n", r"unknown column Frame; did you mean frame\?"),
        ("path,AU12,AU12\na.jpg,1,0\n", "duplicate column AU12"),
        ("path,crop,AU12\na.jpg,1,0\n", "column crop is reserved"),
        ("file,valence\na.jpg,1\n", "it has file, valence"),
        ("path,split\na.jpg,train\n", "label columns named as in `mien tasks`"),
        ("path;valence\na.jpg;0,1\n", "labels.csv: cells are separated by semicolons; use commas"),
        ("", "labels.csv: "),
    ],
)
def test_other_tables_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        rows_of(table(tmp_path, text))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such file"):
        rows_of(tmp_path / "none.csv")
    for name in ("labels.txt", "labels.parquet", "labels.csv.gz"):
        (tmp_path / name).write_text("no table")
        with pytest.raises(ValueError, match=name):
            rows_of(tmp_path / name)
    with pytest.raises(ValueError, match="validation 1: expected a share"):
        rows_of(table(tmp_path, TEXT), validation=1)
