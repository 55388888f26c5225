"""Preparation: what is found, what is kept, and what is said of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.faces.align import TEMPLATE
from mien.faces.detect import Face, Pixels
from mien.learn.data.manifest.manifest import PACK, Manifest, read_manifest
from mien.learn.data.pack.finder import Finder, prepare
from mien.media.picture import MediaError
from mien.tasks import AFFECT, FACE


@dataclass(frozen=True)
class Stub(Finder):
    """Finds a face in a picture that is not black, at the template's place moved by what its first pixel says."""

    def detectors(self) -> list[Any]:
        return []

    def __call__(self, image: Pixels, detectors: Sequence[Any]) -> Face | None:  # noqa: ARG002
        if not image.any():
            return None
        landmarks = (TEMPLATE + np.array([int(image[0, 0, 0]), 0])).astype(np.float32)
        return Face((float(image[0, 0, 0]), 0.0, 112.0, 112.0), 0.9, landmarks)


def picture(moved: int, value: int) -> Pixels:
    """Its face begins ``moved`` pixels from the left, and is as bright as ``value``."""
    image = np.full((112, 160, 3), 1, np.uint8)
    image[:, moved : moved + 112] = [value, value // 2, 0]
    image[0, 0] = moved
    return image


PICTURES: dict[str, Pixels | Exception] = {
    "near.png": picture(10, 200),
    "black.png": np.zeros((112, 160, 3), np.uint8),
    "far.png": picture(30, 100),
    "broken.png": MediaError("not a picture"),
    "gone.png": FileNotFoundError("no such file"),
    "middle.png": picture(20, 60),
}
ROWS = [{"path": name, "split": "train", "valence": index / 10} for index, name in enumerate(PICTURES)]


def read(row: dict[str, Any]) -> Pixels:
    found = PICTURES[row["path"]]
    if isinstance(found, Exception):
        raise found
    return found


def run(out: Path, **options: Any) -> tuple[list[str], Manifest]:
    left_out = prepare(ROWS, read, out, tasks=FACE, metadata={"licence": "made up"}, finder=Stub(), **options)
    return left_out, read_manifest(out)


def paths(manifest: Manifest) -> list[str]:
    return list(manifest.table["path"].to_pylist())


def test_pictures_without_a_face_and_unreadable_ones_are_left_out_and_reported(tmp_path: Path) -> None:
    left_out, manifest = run(tmp_path / "set")
    assert left_out == ["black.png: no face found", "broken.png: not a picture", "gone.png: no such file"]
    assert paths(manifest) == ["near.png", "far.png", "middle.png"]
    assert manifest.table["found"].to_pylist() == [True] * 3
    assert not list((tmp_path / "set").glob("*.partial"))


def test_labels_and_crops_stay_together(tmp_path: Path) -> None:
    _, manifest = run(tmp_path)
    assert manifest.column(AFFECT)[:, 0].tolist() == pytest.approx([0.0, 0.2, 0.5])
    crops = manifest.images(np.arange(3))
    assert crops.shape == (3, 3, 112, 112)
    assert crops[:, :, 56, 56].tolist() == [[200, 100, 0], [100, 50, 0], [60, 30, 0]]
    assert (crops[:, 0, 56, 2:110] == np.array([[200], [100], [60]])).all()  # edge to edge: cut at the right place


def test_an_unfound_face_can_be_kept_at_the_median_place_of_the_others(tmp_path: Path) -> None:
    left_out, manifest = run(tmp_path, keep_unfound=True)
    assert left_out == ["broken.png: not a picture", "gone.png: no such file"]
    assert paths(manifest) == ["near.png", "black.png", "far.png", "middle.png"]
    assert manifest.table["found"].to_pylist() == [True, False, True, True]
    assert manifest.table["landmarks"].to_pylist()[1] is None
    assert manifest.table["width"].to_pylist() == [112, None, 112, 112]


def test_the_median_place_is_where_the_others_are(tmp_path: Path) -> None:
    rows = [{"path": name, "split": "train"} for name in ("near.png", "far.png", "middle.png", "hidden.png")]
    hidden = picture(20, 250)

    class Blind(Stub):
        def __call__(self, image: Pixels, detectors: Sequence[Any]) -> Face | None:
            return None if image is hidden else super().__call__(image, detectors)

    pictures = PICTURES | {"hidden.png": hidden}
    prepare(
        rows, lambda row: pictures[row["path"]], tmp_path, tasks=FACE, metadata={}, finder=Blind(), keep_unfound=True
    )  # type: ignore[arg-type,return-value]
    crop = read_manifest(tmp_path).images(np.array([3]))[0]
    assert (crop[0, 56, 2:110] == 250).all()


def test_geometry_is_in_pixels_of_the_picture(tmp_path: Path) -> None:
    _, manifest = run(tmp_path)
    assert manifest.table["x"].to_pylist() == [10, 30, 20]
    landmarks = np.array(manifest.table["landmarks"].to_pylist()).reshape(3, 5, 2)
    assert np.allclose(landmarks[1], TEMPLATE + np.array([30, 0]), atol=1e-4)


def test_a_grey_set_has_one_channel(tmp_path: Path) -> None:
    _, manifest = run(tmp_path, grey=True)
    assert np.load(tmp_path / PACK, mmap_mode="r").shape[3] == 1
    assert manifest.images(np.array([0])).shape == (1, 1, 112, 112)


def test_the_facts_and_the_tasks_go_along(tmp_path: Path) -> None:
    _, manifest = run(tmp_path)
    assert manifest.metadata["licence"] == "made up"
    assert manifest.tasks == FACE


def test_progress_sees_every_picture(tmp_path: Path) -> None:
    seen = []

    run(tmp_path, advance=seen.append)
    assert seen == [1] * 6


def test_the_finder_answers_in_pixels_of_the_picture_whatever_it_enlarges() -> None:
    image = np.zeros((60, 40, 3), np.uint8)
    sizes = []

    def detector(wide: Pixels) -> list[Face]:
        sizes.append(wide.shape)
        points = (np.array([[10, 20]] * 5) + 15) * 4  # the pixel (10, 20) behind a border of a quarter of 60
        return [Face((15 * 4.0, 15 * 4.0, 40 * 4.0, 60 * 4.0), 0.8, points.astype(np.float32))]

    face = Finder(margin=0.25, enlarge=4)(image, [lambda _: [], detector])  # type: ignore[list-item]
    assert sizes == [(360, 280, 3)]
    assert face is not None
    assert face.box == (0, 0, 40, 60)
    assert np.allclose(face.landmarks, [[10, 20]] * 5)
    assert Finder()(image, [lambda _: []]) is None  # type: ignore[list-item]
