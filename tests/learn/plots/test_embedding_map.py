"""The map keeps neighbours, depends on the seed only, and has the right colours."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mien.learn.caf import Otsu
from mien.learn.plots import embedding_map as module
from mien.learn.plots.embedding_map import TEN, by_intensity, by_person, draw, project


def clusters(n: int = 60, width: int = 80) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.normal(size=(n, width)) + 6 * draw.normal(size=(3, width))[np.arange(n) % 3]


def test_neighbours_stay_neighbours_and_the_same_seed_gives_the_same_map() -> None:
    found = project(clusters())
    assert found.shape == (60, 2)
    distances = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(1) % 3 == np.arange(60) % 3).all()
    assert (project(clusters()) == found).all()


@pytest.mark.parametrize("shape", [(5, 3), (6, 1), (9, 200)])
def test_few_faces_and_few_features(shape: tuple[int, int]) -> None:
    assert np.isfinite(project(clusters(*shape))).all()


def test_too_few_or_equal_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="4 faces are too few for a map; 5 are needed"):
        project(clusters(4))
    with pytest.raises(ValueError, match="all faces have the same features"):
        project(np.ones((20, 7), np.float32))


def test_umap_gets_the_components_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Umap:
        def __init__(self, **settings: Any) -> None:
            asked.append(settings)

        def fit_transform(self, given: np.ndarray) -> np.ndarray:
            asked.append(given)
            return given[:, :2]

    stand_in: Any = ModuleType("umap")
    stand_in.UMAP = Umap
    monkeypatch.setitem(sys.modules, "umap", stand_in)
    found = project(clusters(12), "umap", seed=7)
    assert asked[0] == {"n_neighbors": 11, "random_state": 7, "n_jobs": 1}
    assert asked[1].shape == (12, 12)
    assert found == pytest.approx(asked[1][:, :2])


def test_umap_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ModuleNotFoundError, match="umap"):
        project(clusters(12), "umap")


def test_weak_and_strong_by_the_radius_of_the_labels() -> None:
    labels = np.random.default_rng(0).uniform(-1, 1, (50, 2)).astype(np.float32)
    labels[7, 1] = np.nan
    found = by_intensity(labels)
    radius = Otsu().decision_radius(np.delete(labels, 7, 0))
    assert [name for name, _ in found.groups] == ["not annotated", "weak", "strong"]
    for row, label in enumerate(labels):
        assert found.member[row] == (0 if row == 7 else 2 if np.hypot(*label) >= radius else 1)
    assert f"{radius:.2f}" in found.title
    with pytest.raises(ValueError, match="no annotated faces"):
        by_intensity(np.full((3, 2), np.nan))


def test_the_ten_people_with_the_most_faces_have_colours() -> None:
    persons: list[str | None] = [f"p{person:02d}" for person in range(12) for _ in range(20 - person)] + [None] * 30
    found = by_person(persons)
    assert [name for name, _ in found.groups] == ["others", *(f"p{person:02d}" for person in range(10))]
    assert len({colour for _, colour in found.groups}) == 11
    names = [found.groups[place][0] for place in found.member]
    assert all(
        name == (person if person in dict(found.groups) else "others")
        for name, person in zip(names, persons, strict=True)
    )
    assert found.title == "people: the 10 with the most faces"
    assert by_person(["a", "b", "a"]).title == "people: all 2"
    assert len(TEN) == 10


def test_a_panel_for_each_colouring_shows_every_face_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures: list[Figure] = []
    points = np.random.default_rng(0).normal(size=(30, 2))
    panels = [by_intensity(points / 4), by_person([f"p{row % 3}" for row in range(30)])]
    draw(points, panels, "all of them", tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as written:
        assert written.size[0] > 1000
    monkeypatch.setattr(module, "write", lambda picture, _: pictures.append(picture))
    draw(points, panels, "all of them", tmp_path / "map.png")
    (picture,) = pictures
    assert [axes.get_title(loc="left") for axes in picture.axes] == [panel.title for panel in panels]
    for axes, panel in zip(picture.axes, panels, strict=True):
        for place, scatter in enumerate(axes.collections):
            assert np.allclose(np.asarray(scatter.get_offsets()), points[panel.member == place])
    legend = picture.axes[1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["p0 (10)", "p1 (10)", "p2 (10)"]
    assert picture.texts[0].get_text() == "all of them"
