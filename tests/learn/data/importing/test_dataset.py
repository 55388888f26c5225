"""The rows of a reader become a manifest, and its pictures a pack."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.faces.align import align
from mien.faces.detect import Pixels
from mien.learn.data.importing.dataset import import_rows, prepare_rows
from mien.learn.data.importing.errors import ImportErrors
from mien.learn.data.manifest import MANIFEST, read_manifest, read_metadata
from mien.learn.data.pack.finder import Finder
from mien.learn.data.sources.shared.release_files import required
from mien.tasks import Kind, Task

BIRD = Task("bird", Kind.CLASSES, ("duck", "heron"), ("it is a duck", "it is a heron"))


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """Two pictures of 20 x 10, dark on the left and bright on the right, and a file that is not a picture."""
    folder = tmp_path / "birds"
    folder.mkdir()
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, 10:] = 200
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(folder / name)
    (folder / "c.png").write_bytes(b"no picture")
    (folder / "labels").touch()
    return folder


@pytest.fixture
def reader() -> Any:
    """Yields one row per picture; the box of the second one is its right half."""

    def read(root: Path, report: Any, *, side: str = "") -> Iterator[dict[str, Any]]:
        required(root, "labels")
        report(f"{root}: line 7: no bird")
        yield {"path": str(root / "a.png"), "split": "train", "bird": "duck"}
        yield {
            "path": str(root / "b.png"),
            "split": "valid",
            "bird": "heron",
            "x": 10,
            "y": -2,
            "width": 10,
            "height": 9,
        }
        yield {"path": str(root / "b.png"), "split": "valid", "bird": "duck", "x": 20, "y": 1, "width": 5, "height": 5}
        yield {"path": str(root / "c.png"), "split": "valid", "bird": "duck"}

    made: Any = ModuleType("own.birds")
    made.read, made.TASKS, made.METADATA, made.WHOLE = read, (BIRD,), {"source": "a pond", "grey": True}, 4
    return made


@pytest.fixture
def errors(tmp_path: Path) -> Iterator[ImportErrors]:
    made = ImportErrors(lambda _: None)
    yield made
    made.close(tmp_path)


def test_rows_then_pictures(
    birds: Path, reader: Any, errors: ImportErrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown: list[str] = []
    errors.show, done = shown.append, list[int]()
    assert import_rows(reader, Path("birds"), tmp_path / "out", {"side": "left"}, errors, done.append) == 4
    assert sum(done) == 4
    metadata = read_metadata(tmp_path / "out")[2]
    assert metadata["importer"]["reader"] == "birds"
    assert metadata["importer"]["options"] == {"side": "left"}
    assert (metadata["source"], metadata["side"], metadata["errors"]) == ("a pond", 4, {"no bird": 1})
    prepare_rows(tmp_path / "out", reader, errors)
    manifest = read_manifest(tmp_path / "out")
    assert manifest.table["path"].to_pylist() == [str(birds / "a.png"), str(birds / "b.png")]
    whole, boxed = manifest.images(np.arange(2))
    assert whole.shape == (1, 4, 4)
    assert whole[0, :, 0].max() < 20
    assert (boxed == 200).all()
    assert shown[1] == f"{birds / 'b.png'}: the box is outside the picture"
    assert sum(manifest.metadata["errors"].values()) == 3


def test_side_overrides_the_reader(birds: Path, reader: Any, errors: ImportErrors, tmp_path: Path) -> None:
    import_rows(reader, birds, tmp_path / "out", {}, errors)
    prepare_rows(tmp_path / "out", reader, errors, side=6)
    assert read_manifest(tmp_path / "out").shape == (1, 6, 6)
    assert read_metadata(tmp_path / "out")[2]["side"] == 6


def test_another_data_set_is_not_overwritten_and_a_wrong_folder_writes_nothing(
    birds: Path, reader: Any, errors: ImportErrors, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="labels not found"):
        import_rows(reader, tmp_path, tmp_path / "out", {}, errors)
    assert not (tmp_path / "out").exists()
    import_rows(reader, birds, tmp_path / "out", {}, errors)
    reader.METADATA = {"source": "a lake"}
    with pytest.raises(ValueError, match=r"holds another data set \(a pond\)"):
        import_rows(reader, birds, tmp_path / "out", {}, errors)
    assert (tmp_path / "out" / MANIFEST).exists()


def test_a_reader_may_bring_its_pictures_and_its_finder(
    birds: Path, reader: Any, errors: ImportErrors, tmp_path: Path, astronaut: Path
) -> None:
    face = Image.open(astronaut).convert("RGB").crop((172, 20, 292, 180)).resize((60, 80))
    seen = []

    def picture(row: dict[str, Any]) -> Pixels:
        seen.append(Path(row["path"]).name)
        return np.asarray(face)

    del reader.WHOLE
    reader.picture, reader.FINDER = picture, Finder(margin=1 / 4, enlarge=4, scores=(0.6, 0.3))
    import_rows(reader, birds, tmp_path / "out", {}, errors)
    prepare_rows(tmp_path / "out", reader, errors)
    assert seen == ["a.png", "b.png", "b.png", "c.png"]
    manifest = read_manifest(tmp_path / "out")
    assert manifest.metadata["prepared"]["finder"] == {"margin": 0.25, "enlarge": 4, "scores": [0.6, 0.3]}
    assert manifest.shape == (1, 112, 112)
    expected = reader.FINDER.find_largest(np.asarray(face), reader.FINDER.make_detectors())
    np.testing.assert_array_equal(
        manifest.images(np.array([0]))[0], align(np.asarray(face), expected.landmarks)[None, ..., 0]
    )
