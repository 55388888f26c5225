"""One picture: from what it shall show to pixels, landmarks and the aligned crop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mien.faces.align import CROP, TEMPLATE, align
from mien.faces.detect import Pixels
from mien.learn.data.render.action_units import express
from mien.learn.data.render.camera import Camera
from mien.learn.data.render.canvas import Canvas
from mien.learn.data.render.draw import Person, Settings, Shot
from mien.learn.data.render.light import background, develop
from mien.learn.data.render.model import LANDMARKS, FaceModel, Floats, five_landmarks
from mien.learn.data.render.paint import paint
from mien.learn.data.render.scene import Renderer

LIDS = ((("eyeLookOut_L", "eyeLookIn_R"), ("eyeLookIn_L", "eyeLookOut_R")), ("eyeLookUp", "eyeLookDown"))
"""Shapes by which the lids follow the gaze: to the person's left and right, up and down."""

METER = 0.6
"""Exposure of the darkest skin, above that of the lightest."""

FULL = 30.0
"""Degrees of gaze at which these are at full strength."""


@dataclass(frozen=True, eq=False)
class View:
    """The turned mesh of one shot and the camera before it; nothing is drawn yet.

    Args:
        vertices: V x 3.
        camera: that sees them.
        landmarks: the five points of the alignment, 5 x 2 in pixels of the picture, exact.
        box: x, y, width and height of the face, from chin to brows, in pixels.
    """

    vertices: Floats
    camera: Camera
    landmarks: Floats
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Studio:
    """Takes the pictures of a run.

    Args:
        model: of all faces.
        settings: of the run.
        threads: that the renderer uses; 0 for all cores.
    """

    model: FaceModel
    settings: Settings
    threads: int = 0

    @cached_property
    def renderer(self) -> Renderer:
        """Made when it is first needed."""
        return Renderer(self.model, self.settings.size, self.settings.samples, self.threads)

    @cached_property
    def canvas(self) -> Canvas:
        """Of the model."""
        return Canvas.of(self.model)

    def view(self, shot: Shot, person: Person) -> View:
        """Where everything is; needs no renderer."""
        vertices = express(
            self.model, np.array(person.identity), shot.intensities, balance=shot.balance, others=_lids(shot.gaze)
        )
        vertices = shot.pose(vertices)
        points = five_landmarks(vertices)
        # the middle of the crop is above the mean of the landmarks: see TEMPLATE
        unit = float(np.linalg.norm(points[1] - points[0]) / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))
        above = (TEMPLATE[:, 1].mean() - CROP / 2) * unit
        centre = points.mean(0) + np.array([shot.shift[0], shot.shift[1] + above, 0])
        camera = Camera.before(centre, width=shot.width, angle=shot.angle, size=self.settings.size)
        marks = camera.project(vertices[LANDMARKS])
        (left, top), (right, bottom) = marks.min(0), marks.max(0)
        box = (float(left), float(top), float(right - left), float(bottom - top))
        return View(vertices, camera, camera.project(points), box)

    def picture(self, shot: Shot, person: Person, view: View, index: int) -> Pixels:
        """The whole picture, size x size x 3 uint8.

        Args:
            shot: what it shows.
            person: whom it shows.
            view: of the same two.
            index: of the picture in the run; pictures of a sweep have background and noise in common.
        """
        generator = np.random.default_rng([self.settings.seed, 2, self.settings.choices.scene(index)])
        colour, roughness = paint(self.canvas, person.look, shot.intensities, shot.gaze)
        seed = int(generator.integers(2**31))
        # a camera that meters the face opens up for dark skin
        surroundings = shot.light.surroundings() * (1 + METER * person.look.tone)
        drawn = self.renderer(view.vertices, colour, roughness, surroundings, view.camera, seed)
        head, cover = drawn[..., :3].astype(np.float64), np.clip(drawn[..., 3:], 0, 1)
        behind = background(generator, self.settings.size)
        if (chosen := self.settings.choices.colour()) is not None:
            behind = np.full_like(behind, chosen)
        return develop(head + (1 - cover) * behind, shot.noise, generator)

    def crop(self, picture: Pixels, view: View, index: int) -> Pixels:
        """The aligned crop, 112 x 112 x 3, as photos are aligned; the settings' jitter is added to the landmarks."""
        generator = np.random.default_rng([self.settings.seed, 3, index])
        unit = np.linalg.norm(view.landmarks[1] - view.landmarks[0]) / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0])
        marks = view.landmarks + generator.normal(0, self.settings.jitter * unit, (5, 2))
        return np.maximum(align(picture, marks), 1)  # as in the picture: a crop of zeros was never written


def _lids(gaze: tuple[float, float]) -> dict[str, float]:
    left, up = gaze
    sides = LIDS[0][0] if left > 0 else LIDS[0][1]
    vertical = LIDS[1][0] if up > 0 else LIDS[1][1]
    strengths = dict.fromkeys(sides, abs(left) / FULL)
    return {**strengths, f"{vertical}_L": abs(up) / FULL, f"{vertical}_R": abs(up) / FULL}
