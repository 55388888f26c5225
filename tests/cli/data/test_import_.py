"""``mien data import``: what it writes, prints and refuses."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from typer.testing import Result

from mien.learn.data.manifest import ManifestError, read_manifest, read_metadata
from mien.learn.data.sources.clothing import BINARY, SEVERAL

Mien = Callable[..., tuple[int, str]]


@pytest.fixture
def mien(mien: Callable[..., Result]) -> Mien:
    """Exit status and all that is printed."""

    def run(*words: object) -> tuple[int, str]:
        result = mien(*words)
        return result.exit_code, result.output

    return run


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """One grey picture of 10 x 10 a class, as bright as its number."""
    for number in range(43):
        (tmp_path / "signs" / str(number)).mkdir(parents=True)
        picture = Image.fromarray(np.full((10, 10, 3), number, np.uint8))
        picture.save(tmp_path / "signs" / str(number) / "00000_00000.png")
    return tmp_path / "signs"


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Three photos, of which the second cannot be read and the third has no label."""
    root = tmp_path / "Clothes"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for number in (1, 2, 3):
        Image.new("RGB", (30, 45), (number, 0, 0)).save(root / "images" / f"{number:06d}.jpg")
    (root / "images" / "000002.jpg").write_bytes(b"no photo")
    for name in ("category", *BINARY, *SEVERAL):
        scipy.io.savemat(root / "labels" / f"{name}_GT.mat", {"GT": np.array([[2.0], [1.0], [np.nan]])})
    return root


def test_signs(mien: Mien, signs: Path, tmp_path: Path) -> None:
    status, output = mien("data", "import", "traffic-signs", signs, tmp_path / "out", "--side", 20)
    assert status == 0
    assert f"43 pictures in {tmp_path / 'out'}: 43 train" in output
    assert "labels: sign 43, shape=circle 43, " in output
    manifest = read_manifest(tmp_path / "out")
    assert manifest.shape == (3, 20, 20)
    assert manifest.images(np.arange(43))[:, 0, 5, 5].tolist() == manifest.column(manifest.tasks[0]).tolist()


def test_an_archive_of_clothes_with_a_broken_photo(mien: Mien, clothes: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "clothes.tar", "w") as archive:
        archive.add(clothes, clothes.name)
    status, output = mien("data", "import", "clothing", tmp_path / "clothes.tar", tmp_path / "out", "--side", 16)
    assert status == 1
    assert "000002.jpg: " in output
    assert f"2 pictures in {tmp_path / 'out'}: 2 all" in output
    assert "category 1, necktie 1, " in output
    manifest = read_manifest(tmp_path / "out")
    assert manifest.shape == (3, 16, 16)
    assert manifest.column(manifest.tasks[1])[0, 23:].tolist() == [0, 1, 0, 0, 1, 0]


def test_skipped_rows_are_printed_counted_and_listed(mien: Mien, clothes: Path, tmp_path: Path) -> None:
    (clothes / "images" / "000001.jpg").unlink()
    status, output = mien("data", "import", "clothing", clothes, tmp_path / "out", "--side", 16)
    assert status == 1
    lines = (tmp_path / "out" / "import.errors.txt").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == f"{clothes / 'images' / '000001.jpg'}: no such file"
    assert "000002.jpg: " in lines[1]
    assert "category 0" not in output
    metadata = read_metadata(tmp_path / "out")[2]
    assert metadata["errors"]["no such file"] == 1
    assert sum(metadata["errors"].values()) == 2
    assert metadata["importer"]["reader"] == "clothing"
    assert metadata["side"] == 16


def test_a_table_can_be_written_without_its_pictures(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\na.jpg,0.5\nb.jpg,3\nc.jpg,high\nd.jpg,-1\n")
    words = ("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out", "--option", "validation=0")
    status, output = mien(*words, "--no-prepare")
    assert status == 1
    assert f"{tmp_path / 'b.jpg'}: valence 3.0 is outside [-1, 1]" in output
    assert "valence 'high' is not a number" in output
    assert f"2 rows in {tmp_path / 'out'}: 2 train" in output
    with pytest.raises(ManifestError, match=f"`mien data prepare {tmp_path / 'out'}` creates it"):
        read_manifest(tmp_path / "out")


def test_nothing_readable_leaves_nothing(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\n,0.5\n")
    status, output = mien("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out")
    assert status == 2
    assert "row 1: has no path" in output
    assert "no labelled pictures found" in output
    assert not (tmp_path / "out").exists()


def test_another_data_set_in_the_folder_is_left_alone(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\na.jpg,0.5\nb.jpg,3\n")
    words = ("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out", "--no-prepare")
    assert mien(*words)[0] == 1
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    status, output = mien("data", "import", "digits", tmp_path / "out")
    assert status == 2
    assert "holds another data set (labels.csv)" in output
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_digits_need_no_file(mien: Mien, tmp_path: Path) -> None:
    status, output = mien("data", "import", "digits", tmp_path)
    assert status == 0
    assert "1797 pictures" in output
    assert "1078 train, 359 valid, 360 test" in output
    assert read_manifest(tmp_path).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("data", "import", "clothing", "{empty}", "{out}"), "images, "),
        (("data", "import", "traffic_signs", "{empty}", "{out}"), "0 or 00000, 1 or 00001, "),
        (("data", "import", "traffic_signs", "{empty}/none", "{out}"), "No such file"),
        (("data", "import", "clothes", "{empty}", "{out}"), "no data set clothes; did you mean clothing?"),
        (("data", "import", "digits", "{out}", "--option", "sead=1"), "digits has no option sead; did you mean seed?"),
        (("data", "import", "ferplus", "{out}"), "mien data import ferplus needs ROOT and DIR; given: "),
        (("data", "import", "digits", "{out}", "--no-prepare"), "are not in files; leave out --no-prepare"),
    ],
)
def test_a_wrong_folder_is_one_line_and_leaves_nothing(
    mien: Mien, words: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    status, output = mien(*(word.format(empty=tmp_path / "empty", out=tmp_path / "out") for word in words))
    assert status == 2
    assert output.count("\n") == 1
    assert reason in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--side", 16)])
def test_preparing_later_gives_the_same_pack(
    mien: Mien, clothes: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    (clothes / "images" / "000001.jpg").unlink()
    once, later = tmp_path / "once", tmp_path / "later"
    assert mien("data", "import", "clothing", clothes, once, *options)[0] == 1
    assert mien("data", "import", "clothing", clothes, later, "--no-prepare")[0] == 1
    status, output = mien("data", "prepare", later, *options)
    assert (status, "1 pictures in" in output) == (1, True)
    one, other = read_manifest(once), read_manifest(later)
    assert one.table.equals(other.table)
    assert one.metadata["side"] == other.metadata["side"]
    np.testing.assert_array_equal(one.crops[:], other.crops[:])


def test_a_finished_import_is_replaced_only_with_overwrite(mien: Mien, signs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("data", "import", "traffic-signs", signs, out, "--side", 8)
    assert mien(*words)[0] == 0
    before = (out / "manifest.parquet").read_bytes()
    refusal = f"mien: {out / 'manifest.parquet'}: already exists (use --overwrite to replace it)\n"
    assert mien(*words[:-1], 16) == (2, refusal)
    assert (out / "manifest.parquet").read_bytes() == before
    assert mien(*words[:-1], 16, "--overwrite")[0] == 0
    assert read_manifest(out).shape == (3, 16, 16)


def test_an_import_without_a_pack_is_finished_too(mien: Mien, signs: Path, tmp_path: Path) -> None:
    words = ("data", "import", "traffic-signs", signs, tmp_path / "out")
    assert mien(*words, "--no-prepare")[0] == 0
    status, output = mien(*words, "--no-prepare")
    assert (status, output.count("\n")) == (2, 1)
    assert "already exists (use --overwrite to replace it)" in output


def test_an_interrupted_import_continues(
    mien: Mien, signs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.learn.data.pack import prepare

    def killed(*_: object, **__: object) -> None:
        raise OSError("killed while packing")

    words = ("data", "import", "traffic-signs", signs, tmp_path / "out", "--side", 8)
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_replace_manifest", killed)
        assert mien(*words) == (2, "mien: killed while packing\n")
    shard = next((tmp_path / "out" / "crops").glob("*.npy"))
    stamp = shard.stat().st_mtime_ns
    assert mien(*words)[0] == 0
    assert shard.stat().st_mtime_ns == stamp
    assert len(read_manifest(tmp_path / "out")) == 43


def test_one_root_is_enough(mien: Mien, signs: Path, tmp_path: Path) -> None:
    status, output = mien("data", "import", "traffic-signs", signs, signs, tmp_path / "out")
    assert status == 2
    assert (
        output
        == f"mien: mien data import traffic-signs needs ROOT and DIR; given: {signs} {signs} {tmp_path / 'out'}\n"
    )
