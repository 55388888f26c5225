"""The face model: its two layouts, linear sums, and the parts that are rendered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.render.face_model import (
    NEUTRAL,
    PACKED,
    PARTS,
    RELEASED,
    VERTICES,
    FaceModel,
    five_landmarks,
    lip_gap,
    load_model,
)


def test_a_face_is_a_linear_sum(hollow: FaceModel) -> None:
    shapes = {"jawOpen": 0.5, "mouthClose": 0.25}
    expected = hollow.neutral + 2.0 * hollow.identity[1].astype(float)
    for name, strength in shapes.items():
        expected = expected + strength * hollow.expression[hollow.names.index(name)]
    np.testing.assert_allclose(hollow.vertices(np.array([5.0, 2.0]), shapes), expected, atol=1e-5)


def test_an_unknown_shape_is_refused(hollow: FaceModel) -> None:
    with pytest.raises(ValueError, match="has no shape earWiggle"):
        hollow.vertices(np.zeros(1), {"earWiggle": 1.0})


def test_only_complete_polygons_of_rendered_parts_are_kept(hollow: FaceModel) -> None:
    # a quad becomes two triangles; the one with a corner in the tear fluid is dropped
    assert hollow.triangles.tolist() == [[0, 1, 2], [5, 6, 7], [4, 5, 6], [0, 2, 3], [4, 6, 7]]
    assert len(hollow.drawn) == sum(part.stop - part.start for part in PARTS.values())


def test_landmarks_and_lips(hollow: FaceModel) -> None:
    expected = [[-3, 3.5, 9], [3, 3.5, 9], [0, 0.4, 13], [-2.5, -3.5, 10], [2.5, -3.5, 10]]
    np.testing.assert_allclose(five_landmarks(hollow.neutral), expected)
    assert lip_gap(hollow.neutral) == pytest.approx(0.05)
    assert lip_gap(hollow.vertices(np.zeros(1), {"jawOpen": 0.1})) == pytest.approx(0.35)


def test_both_layouts_give_the_same_face(
    tmp_path: Path, hollow: FaceModel, write_obj: Callable[[Path, np.ndarray], None]
) -> None:
    arrays = {"neutral": hollow.neutral, "id_delta": hollow.identity, "ex_delta": hollow.expression[:2]}
    np.savez(tmp_path / PACKED, **arrays, ex_names=["aOpen", "bOpen"], quads=np.array([[0, 1, 2, 3], [4, 5, 6, -1]]))
    released = tmp_path / "clone" / RELEASED
    released.mkdir(parents=True)
    write_obj(released / NEUTRAL, hollow.neutral)
    for number, delta in enumerate(hollow.identity):
        write_obj(released / f"identity{number:03d}.obj", hollow.neutral + delta)
    for name, delta in zip(("aOpen", "bOpen"), hollow.expression, strict=False):
        write_obj(released / f"{name}.obj", hollow.neutral + delta)
    first, second = load_model(tmp_path), load_model(tmp_path / "clone")
    assert first.names == second.names == ("aOpen", "bOpen")
    np.testing.assert_array_equal(first.quads, second.quads)
    for name in ("neutral", "identity", "expression"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=2e-6)


def test_a_wrong_folder_is_refused_with_the_expected_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"neither {PACKED} nor {RELEASED}/{NEUTRAL}"):
        load_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but cut off"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PACKED).write_bytes(content)
    with pytest.raises(ValueError, match="not the arrays of ICT-FaceKit Light"):
        load_model(tmp_path)


def test_another_mesh_is_refused(tmp_path: Path) -> None:
    arrays = {"neutral": np.zeros((9, 3)), "id_delta": np.zeros((1, 9, 3)), "ex_delta": np.zeros((1, 9, 3))}
    np.savez(tmp_path / PACKED, **arrays, ex_names=["jawOpen"], quads=np.zeros((1, 4), int))
    with pytest.raises(ValueError, match=rf"meshes of \[9\] vertices, expected {VERTICES}"):
        load_model(tmp_path)
    np.savez(tmp_path / PACKED, neutral=arrays["neutral"])
    with pytest.raises(ValueError, match="id_delta"):
        load_model(tmp_path)
