"""The commands that make manifests of whole pictures and of features: what they write, print and refuse."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from typer.testing import CliRunner

from mien.cli.app import app
from mien.learn.data.manifest.manifest import ManifestError, read_manifest, read_metadata
from mien.learn.data.sources.clothing import BINARY, SEVERAL

OWN = """
from torch import nn
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Preprocessing


class Middle(nn.Module):
    width = 3

    def forward(self, x):
        return x[:, :, 4, 4]


class Dot(Network):
    def __init__(self, *, tasks, weights: str | None = None):
        super().__init__(tasks=tasks, preprocessing=Preprocessing(side=8), trunk=Middle(), weights=weights)

    def load_pretrained(self):
        pass
"""


def mien(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


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


def test_signs(signs: Path, tmp_path: Path) -> None:
    status, output = mien("data", "import", "traffic-signs", signs, tmp_path / "out", "--side", 20)
    assert status == 0
    assert f"43 pictures in {tmp_path / 'out'}: 43 train" in output
    assert "labels: sign 43, shape=circle 43, " in output
    manifest = read_manifest(tmp_path / "out")
    assert manifest.shape == (3, 20, 20)
    assert manifest.images(np.arange(43))[:, 0, 5, 5].tolist() == manifest.column(manifest.tasks[0]).tolist()


def test_an_archive_of_clothes_with_a_broken_photo(clothes: Path, tmp_path: Path) -> None:
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


def test_what_is_left_out_is_shown_counted_and_written_down(clothes: Path, tmp_path: Path) -> None:
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


def test_a_table_can_be_written_without_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\na.jpg,0.5\nb.jpg,3\nc.jpg,high\nd.jpg,-1\n")
    words = ("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out", "--option", "validation=0")
    status, output = mien(*words, "--no-prepare")
    assert status == 1
    assert f"{tmp_path / 'b.jpg'}: valence 3.0 is outside [-1, 1]" in output
    assert "valence 'high' is not a number" in output
    assert f"2 rows in {tmp_path / 'out'}: 2 train" in output
    with pytest.raises(ManifestError, match=f"`mien data prepare {tmp_path / 'out'}` makes it"):
        read_manifest(tmp_path / "out")


def test_nothing_to_read_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\n,0.5\n")
    status, output = mien("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out")
    assert status == 2
    assert "row 1: has no path" in output
    assert "no labelled pictures found" in output
    assert not (tmp_path / "out").exists()


def test_what_is_refused_leaves_the_other_set_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,valence\na.jpg,0.5\nb.jpg,3\n")
    words = ("data", "import", "table", tmp_path / "labels.csv", tmp_path / "out", "--no-prepare")
    assert mien(*words)[0] == 1
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    status, output = mien("data", "import", "digits", tmp_path / "out")
    assert status == 2
    assert "holds another data set (labels.csv)" in output
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_the_list_has_every_reader(tmp_path: Path) -> None:
    status, output = mien("data", "list")
    assert status == 0
    assert "\nferplus\texpression, action_units, affect\tFER+ (Barsoum et al. 2016)" in output
    assert "\ndigits\t" in output
    assert "\nfiles\t" not in output


def test_digits_need_no_file(tmp_path: Path) -> None:
    status, output = mien("data", "import", "digits", tmp_path)
    assert status == 0
    assert "1797 pictures" in output
    assert "1078 train, 359 valid, 360 test" in output
    assert read_manifest(tmp_path).shape == (1, 8, 8)


def test_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_dot.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    mien("data", "import", "digits", tmp_path / "digits")
    network = "own_dot.Dot: {weights: some.file}"
    words = ("features", "--network", network, "--manifest", tmp_path / "digits", "--out", tmp_path / "out")
    status, output = mien(*words)
    assert status == 0
    assert f"1797 feature vectors in {tmp_path / 'out'}: 1078 train" in output
    before, after = read_manifest(tmp_path / "digits"), read_manifest(tmp_path / "out")
    rows = np.arange(1797)
    assert np.allclose(after.images(rows)[:, 0], before.images(rows)[:, 0, 4, 4] / 127.5 - 1, atol=1e-6)
    status, output = mien(*words[:-1], tmp_path / "digits")
    assert status == 2
    assert output.count("\n") == 1
    assert "give another folder" in output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("data", "import", "clothing", "{empty}", "{out}"), "images, "),
        (("data", "import", "traffic_signs", "{empty}", "{out}"), "0 or 00000, 1 or 00001, "),
        (("data", "import", "traffic_signs", "{empty}/none", "{out}"), "No such file"),
        (("data", "import", "clothes", "{empty}", "{out}"), "no data set clothes; did you mean clothing?"),
        (("data", "import", "digits", "{out}", "--option", "sead=1"), "digits has no option sead; did you mean seed?"),
        (("data", "import", "ferplus", "{out}"), "mien data import ferplus needs ROOT and DIR; given: "),
        (("data", "import", "digits", "{out}", "--no-prepare"), "lie in no files"),
        (("features", "--network", "NoNet", "--manifest", "{empty}", "--out", "{out}"), "no such file"),
    ],
)
def test_a_wrong_folder_is_one_line_and_leaves_nothing(words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, output = mien(*(word.format(empty=tmp_path / "empty", out=tmp_path / "out") for word in words))
    assert status == 2
    assert output.count("\n") == 1
    assert reason in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--side", 16)])
def test_prepared_later_is_prepared_alike(clothes: Path, tmp_path: Path, options: tuple[object, ...]) -> None:
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
