"""Data sets opened from folders and archives."""

import random
import shutil
import tarfile
from pathlib import Path

import pytest

from mien.learn.data.sources.shared.archive import unpack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labels = tmp_path / "source" / "Set" / "labels"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text("1")
    return tmp_path / "source"


def test_the_folder_with_the_marker_is_found_at_any_depth(folder: Path, tmp_path: Path) -> None:
    assert unpack(folder, tmp_path / "out", "labels/a.txt") == folder / "Set"
    assert unpack(folder / "Set", tmp_path / "out", "labels/a.txt") == folder / "Set"
    assert unpack(folder, tmp_path / "out", "a.txt") == folder / "Set" / "labels"
    assert not (tmp_path / "out").exists()


def test_an_archive_is_unpacked_next_to_the_manifest(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(folder / "Set", "Set")
    root = unpack(tmp_path / "set.tar.gz", tmp_path / "out", "labels/a.txt")
    assert root == tmp_path / "out" / "photos" / "Set"
    assert (root / "labels" / "a.txt").read_text() == "1"


def test_without_the_marker_the_top_folder_is_returned(folder: Path, tmp_path: Path) -> None:
    assert unpack(folder, tmp_path / "out", "other.txt") == folder


def test_unreadable_sources_are_named(tmp_path: Path) -> None:
    (tmp_path / "set.tar").write_text("no archive")
    with pytest.raises(ValueError, match=r"set\.tar: neither a folder nor an archive"):
        unpack(tmp_path / "set.tar", tmp_path / "out", "a")
    (tmp_path / "empty.tar").touch()
    with pytest.raises(ValueError, match=r"empty\.tar: neither a folder nor an archive \(.*\)$") as caught:
        unpack(tmp_path / "empty.tar", tmp_path / "out", "a")
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="nothing"):
        unpack(tmp_path / "nothing", tmp_path / "out", "a")


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_a_truncated_download_is_reported_in_one_line(kind: str, folder: Path, tmp_path: Path) -> None:
    (folder / "Set" / "noise").write_bytes(random.Random(0).randbytes(100_000))
    path = tmp_path / f"set.tar.{kind}"
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        archive.add(folder / "Set", "Set")
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ValueError, match=r"set\.tar\.\w+: the archive is truncated or damaged") as caught:
        unpack(path, tmp_path / "out", "labels/a.txt")
    assert "\n" not in str(caught.value)


def test_the_only_folder_in_a_zip_file_is_the_data_set(folder: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "set"), "zip", folder, "Set")
    assert unpack(tmp_path / "set.zip", tmp_path / "out", None) == tmp_path / "out" / "photos" / "Set"
    assert unpack(folder, tmp_path / "out", None) == folder
    damaged = bytearray((tmp_path / "set.zip").read_bytes())
    damaged[damaged.index(b"a.txt")] = 0
    (tmp_path / "set.zip").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"set\.zip: the archive is truncated or damaged"):
        unpack(tmp_path / "set.zip", tmp_path / "other", None)
