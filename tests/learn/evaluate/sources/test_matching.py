"""Faces are matched by picture, frame and box; the greedy assignment is compared with all permutations."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import ManifestError
from mien.learn.data.manifest.write import write_manifest
from mien.learn.data.pack.finder import overlap
from mien.learn.evaluate.detections import Detections
from mien.learn.evaluate.sources.matching import assigned, matched, paired, read_rows
from mien.tasks import AFFECT, EXPRESSION

NONE = [np.nan] * 4


def rows_of(folder: Path, *rows: dict[str, Any]) -> Any:
    write_manifest(
        folder / "manifest.parquet", [{"split": "test", **row} for row in rows], (EXPRESSION, AFFECT), {"source": "own"}
    )
    return read_rows(folder, "test")


def detections(*faces: tuple[str, float, list[float], float]) -> Detections:
    """Faces with a picture, a frame, a box and a valence that tells them apart."""
    names, frames, boxes, valences = zip(*faces, strict=True)
    values = np.array([[valence, 0] for valence in valences], np.float32)
    return Detections(
        (AFFECT,), names, np.array(frames, float), np.array(boxes, float).reshape(-1, 4), {"affect": values}
    )


@pytest.mark.parametrize(
    ("wanted", "given", "pairs"),
    [
        (["/data/a/1.jpg"], ["/data/a/1.jpg"], {"/data/a/1.jpg": "/data/a/1.jpg"}),
        (["/data/a/1.jpg"], ["copy/a/1.jpg", "copy/b/1.jpg"], {"/data/a/1.jpg": "copy/a/1.jpg"}),
        (["/data/a/1.jpg", "/data/b/1.jpg"], ["b/1.jpg"], {"/data/b/1.jpg": "b/1.jpg"}),
        (["/data/1.jpg"], ["1"], {"/data/1.jpg": "1"}),
        (["/data/1.jpg"], ["1.png"], {}),
        (["/data/1.jpg"], ["C:\\faces\\1.jpg"], {"/data/1.jpg": "C:\\faces\\1.jpg"}),
        (["/data/a.b.jpg"], ["a.b"], {"/data/a.b.jpg": "a.b"}),
        (["/data/1.jpg"], ["2.jpg"], {}),
    ],
)
def test_pictures_match_by_the_ends_of_their_paths(wanted: list[str], given: list[str], pairs: dict[str, str]) -> None:
    assert paired(wanted, given) == pairs


@pytest.mark.parametrize(
    ("wanted", "given"), [(["a/1.jpg", "b/1.jpg"], ["1.jpg"]), (["c/1.jpg"], ["a/1.jpg", "b/1.jpg"])]
)
def test_an_ambiguous_name_is_refused(wanted: list[str], given: list[str]) -> None:
    with pytest.raises(ValueError, match=r"may be .*1\.jpg or .*1\.jpg"):
        paired(wanted, given)


def test_a_face_goes_to_the_row_with_the_best_overlap() -> None:
    faces = np.array([[0, 0, 10, 10], [12, 0, 10, 10], [100, 100, 10, 10]], float)
    wide = np.array([[0, 0, 24, 12], [1, 1, 10, 10]], float)
    assert assigned(wide, faces) == [1, 0]
    assert assigned(wide[1:], faces) == [0]
    assert assigned(np.array([[50.0, 50, 10, 10]]), faces) == [-1]
    assert assigned(wide, faces[:1]) == [-1, 0]


def test_boxes_are_assigned_as_in_the_best_permutation() -> None:
    generator = np.random.default_rng(0)
    for _ in range(40):
        rows = np.column_stack([generator.uniform(0, 200, (4, 2)), generator.uniform(30, 60, (4, 2))])
        order = generator.permutation(4)
        faces = (rows + generator.normal(0, 2, (4, 4)))[order]
        chosen = assigned(rows, faces)
        best = max(
            permutations(range(4)), key=lambda order: sum(overlap(rows[r], faces[f]) for r, f in enumerate(order))
        )
        assert chosen == list(best) == np.argsort(order).tolist()


def test_without_a_box_a_row_gets_the_largest_face() -> None:
    faces = np.array([[0, 0, 10, 10], [20, 0, 30, 30]], float)
    assert assigned(np.array([NONE, NONE]), faces) == [1, 1]
    assert assigned(np.array([[0.0, 0, 10, 10]]), np.array([NONE, NONE])) == [0]
    assert assigned(np.array([NONE]), np.zeros((0, 4))) == [-1]


def test_missed_rows_are_0_and_marked(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        {"path": "/a/1.jpg", "expression": "fear", "x": 0, "y": 0, "width": 10, "height": 10, "valence": -0.5},
        {"path": "/a/1.jpg", "expression": "anger", "x": 50, "y": 0, "width": 10, "height": 10},
        {"path": "/a/2.jpg", "valence": 0.25},
    )
    found = matched(detections(("1.jpg", 0, [51, 1, 9, 9], 0.75)), rows)
    assert found.missed.tolist() == [True, False, True]
    assert found.outputs["affect"].tolist() == [[0, 0], [0.75, 0], [0, 0]]
    assert found.labels["affect"][:, 0].tolist() == [-0.5, 0, 0.25]
    assert found.mask["affect"].tolist() == [[True, False], [False, False], [True, False]]
    assert found.rows["path"].to_pylist() == ["/a/1.jpg", "/a/1.jpg", "/a/2.jpg"]


def test_frames_distinguish_faces_of_a_video_but_not_of_pictures(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        *({"path": "/a/talk.mp4", "frame": frame, "valence": 0} for frame in (0, 2, 5)),
        {"path": "/a/00007.jpg", "frame": 6, "valence": 0},
    )
    faces = [("talk", frame, NONE, frame / 10) for frame in (2.0, 1.0, 0.0)]
    found = matched(detections(*faces, ("00007.jpg", 0, NONE, 0.7)), rows)
    assert np.allclose(found.outputs["affect"][:, 0], [0, 0.2, 0, 0.7])
    assert found.missed.tolist() == [False, False, True, False]


def test_a_table_of_other_pictures_is_refused(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"path": "/a/1.jpg", "valence": 0})
    with pytest.raises(ManifestError, match=r"none of its pictures is in the table \(it names 7\.jpg.* no 1\.jpg\)"):
        matched(detections(("7.jpg", 0, NONE, 0)), rows)


def test_without_faces_all_rows_are_missed(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"path": "/a/1.jpg", "valence": 0})
    nobody = Detections((AFFECT,), (), np.zeros(0), np.zeros((0, 4)), {"affect": np.zeros((0, 2))})
    found = matched(nobody, rows)
    assert (found.missed.tolist(), found.outputs["affect"].tolist()) == ([True], [[0, 0]])


def test_rows_need_no_pack_and_excluded_ones_are_skipped(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        {"path": "/a/1.jpg", "expression": "fear"},
        {"path": "/a/2.jpg", "expression": "anger", "excluded": "sample"},
        {"path": "/a/3.jpg", "expression": "anger", "split": "train"},
    )
    assert rows.table["path"].to_pylist() == ["/a/1.jpg"]
    assert rows.column(EXPRESSION, hard=True).tolist() == [EXPRESSION.labels.index("fear")]
    with pytest.raises(ManifestError, match="no rows of split 'valid'"):
        read_rows(tmp_path, "valid")
