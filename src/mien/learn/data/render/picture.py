"""One picture: from a shot to pixels, landmarks and the aligned crop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mien.faces.align import CROP, TEMPLATE, align
from mien.faces.detect import Pixels
from mien.learn.data.render.action_units import express
from mien.learn.data.render.camera import Camera
from mien.learn.data.render.canvas import Canvas
from mien.learn.data.render.draw import Person, RenderSettings, Shot
from mien.learn.data.render.face_model import LANDMARKS, FaceModel, Floats, five_landmarks
from mien.learn.data.render.light import background, tone_map
from mien.learn.data.render.mitsuba_scene import Renderer
from mien.learn.data.render.paint import paint

LIDS = ((("eyeLookOut_L", "eyeLookIn_R"), ("eyeLookIn_L", "eyeLookOut_R")), ("eyeLookUp", "eyeLookDown"))
"""Shapes that make the lids follow the gaze: to the person's left and right, up and down."""

FULL_GAZE = 30.0
"""Degrees of gaze at which the shapes of the lids are at full strength."""

DARK_EXPOSURE = 0.6
"""How much higher the exposure of the darkest skin is than that of the lightest."""


@dataclass(frozen=True, eq=False)
class View:
    """The posed mesh of a shot and its camera, before rendering.

    Args:
        vertices: the mesh after the rotation of the head, V x 3.
        camera: the camera in front of it.
        landmarks: the five points of the alignment, 5 x 2 in pixels of the picture, exact.
        box: x, y, width and height of the face, from chin to brows, in pixels.
    """

    vertices: Floats
    camera: Camera
    landmarks: Floats
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Studio:
    """Renders the pictures of a run.

    Args:
        model: the face model.
        settings: the settings of the run.
    """

    model: FaceModel
    settings: RenderSettings

    @cached_property
    def renderer(self) -> Renderer:
        """The renderer, created on first use."""
        return Renderer(self.model, self.settings.size, self.settings.samples)

    @cached_property
    def canvas(self) -> Canvas:
        """The maps of the model's mesh."""
        return Canvas.of(self.model)

    def view(self, shot: Shot, person: Person) -> View:
        """Pose the mesh of a shot and place the camera; needs no renderer."""
        vertices = express(
            self.model, np.array(person.identity), shot.intensities, balance=shot.balance, others=_lids(shot.gaze)
        )
        vertices = shot.pose(vertices)
        points = five_landmarks(vertices)
        # the centre of the crop is above the mean of the landmarks, see TEMPLATE
        unit = float(np.linalg.norm(points[1] - points[0]) / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))
        above = (TEMPLATE[:, 1].mean() - CROP / 2) * unit
        centre = points.mean(0) + np.array([shot.shift[0], shot.shift[1] + above, 0])
        camera = Camera.facing(centre, width=shot.width, fov=shot.fov, size=self.settings.size)
        marks = camera.project(vertices[LANDMARKS])
        (left, top), (right, bottom) = marks.min(0), marks.max(0)
        box = (float(left), float(top), float(right - left), float(bottom - top))
        return View(vertices, camera, camera.project(points), box)

    def picture(self, shot: Shot, person: Person, view: View, index: int) -> Pixels:
        """Render the whole picture, size x size x 3 uint8.

        Args:
            shot: what the picture shows.
            person: the person in it.
            view: the view of both.
            index: number of the picture in the run; the pictures of a sweep share background and noise.
        """
        generator = np.random.default_rng([self.settings.seed, 2, self.settings.choices.scene(index)])
        colour, roughness = paint(self.canvas, person.look, shot.intensities, shot.gaze)
        seed = int(generator.integers(2**31))
        # a camera that meters on the face exposes longer for dark skin
        environment = shot.light.environment() * (1 + DARK_EXPOSURE * person.look.tone)
        drawn = self.renderer(view.vertices, colour, roughness, environment, view.camera, seed)
        head, cover = drawn[..., :3].astype(np.float64), np.clip(drawn[..., 3:], 0, 1)
        behind = background(generator, self.settings.size)
        if (chosen := self.settings.choices.colour()) is not None:
            behind = np.full_like(behind, chosen)
        return tone_map(head + (1 - cover) * behind, shot.noise, generator)

    def crop(self, picture: Pixels, view: View, index: int) -> Pixels:
        """Align the picture as photos are aligned, 112 x 112 x 3, after adding the jitter to the landmarks."""
        generator = np.random.default_rng([self.settings.seed, 3, index])
        unit = np.linalg.norm(view.landmarks[1] - view.landmarks[0]) / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0])
        marks = view.landmarks + generator.normal(0, self.settings.jitter * unit, (5, 2))
        return np.maximum(align(picture, marks), 1)  # like the picture: zeros mark what has not been written yet


def _lids(gaze: tuple[float, float]) -> dict[str, float]:
    """Return the strengths of the shapes by which the lids follow the gaze."""
    left, up = gaze
    sides = LIDS[0][0] if left > 0 else LIDS[0][1]
    vertical = LIDS[1][0] if up > 0 else LIDS[1][1]
    strengths = dict.fromkeys(sides, abs(left) / FULL_GAZE)
    return {**strengths, f"{vertical}_L": abs(up) / FULL_GAZE, f"{vertical}_R": abs(up) / FULL_GAZE}
