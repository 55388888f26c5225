"""FER2013 in each of its three forms."""

import gzip
from pathlib import Path

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.fer2013 import FINDER, TASKS, read

GREY = [" ".join([str(value)] * 48 * 48) for value in range(7)]
WORDS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]


def table(columns: str = "emotion,pixels,Usage") -> str:
    usages = ["Training"] * 5 + ["PublicTest", "PrivateTest"]
    rows = [{"emotion": str(code), "pixels": GREY[code], "usage": usages[code]} for code in range(7)]
    names = [name.strip().lower() for name in columns.split(",")]
    return "\n".join([columns, *(",".join(row[name] for name in names) for row in rows)]) + "\n"


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("fer2013.csv", "emotion,pixels,Usage"),
        ("fer2013/fer2013.csv", "emotion,pixels,Usage"),
        ("icml_face_data.csv", "emotion, Usage, pixels"),
        ("fer2013.csv.gz", "\ufeffemotion,pixels,Usage"),
    ],
)
def test_every_code_has_its_label(tmp_path: Path, name: str, columns: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    text = table(columns).encode() if columns[0] != "\ufeff" else b"\xef\xbb\xbf" + table(columns[1:]).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    rows = list(read(tmp_path, pytest.fail))
    check_labels(path, rows, TASKS)
    assert [row["expression"] for row in rows] == WORDS
    assert [row["split"] for row in rows] == ["train"] * 5 + ["valid", "test"]
    assert all(Path(row["path"]).is_file() for row in rows)
    assert Path(rows[0]["path"]).parent == path.parent / "pictures"


def test_pictures_are_written_to_the_given_folder(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text(table())
    rows = list(read(tmp_path, pytest.fail, pictures=tmp_path / "out" / "photos"))
    assert {Path(row["path"]).parent for row in rows} == {tmp_path / "out" / "photos"}
    assert len(list((tmp_path / "out" / "photos").iterdir())) == 7


def test_duplicate_pictures_are_one_subject(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text(table() + f"3,{GREY[2]},PrivateTest\n")
    rows = list(read(tmp_path, pytest.fail))
    assert [row["subject"] for row in rows] == [f"{n:05d}" for n in (0, 1, 2, 3, 4, 5, 6, 2)]


def test_folders_instead_of_a_table(tmp_path: Path) -> None:
    for name in ("train/angry/Training_1.jpg", "test/surprise/PublicTest_2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    found = {(row["split"], row["expression"], Path(row["path"]).name) for row in read(tmp_path, pytest.fail)}
    assert found == {("train", "anger", "Training_1.jpg"), ("test", "surprise", "PublicTest_2.jpg")}


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"fer2013\.csv or icml_face_data\.csv .*, nor folders such as train/happy"
    ):
        list(read(tmp_path, pytest.fail))
    (tmp_path / "fer2013.csv").write_text("emotion,picture\n")
    with pytest.raises(ValueError, match="has no column pixels"):
        list(read(tmp_path, pytest.fail))


def test_faces_are_found_as_in_fer_plus() -> None:
    assert FINDER.enlarge > 1  # 48 pixels are too few for the detector
