"""The renderer: Mitsuba 3 in its scalar variant, which needs no display, GPU or LLVM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.render.camera import Camera
from mien.learn.data.render.face_model import FaceModel, Floats
from mien.learn.data.render.light import COLUMNS, ROWS

BLOCK = 32
"""The side of a block of pixels: fixed, because each block has its own random numbers."""


class Renderer:
    """Renders one mesh repeatedly, on one thread; only the changes are sent to the scene.

    Args:
        model: the face model.
        size: side of the picture in pixels.
        samples: light samples per pixel, a square number.

    Raises:
        ModuleNotFoundError: if Mitsuba is not installed.
    """

    def __init__(self, model: FaceModel, size: int, samples: int) -> None:
        import drjit
        import mitsuba as mi

        mi.set_variant("scalar_rgb")
        mi.set_log_level(mi.LogLevel.Error)
        drjit.set_thread_count(1)  # a run starts as many processes as there are cores
        self._mi: Any = mi
        self._drawn = model.drawn
        self._scene = mi.load_dict(
            {
                "type": "scene",
                "integrator": {"type": "path", "max_depth": 3, "block_size": BLOCK, "hide_emitters": True},
                "face": self._mesh(model),
                "light": {"type": "envmap", "bitmap": mi.Bitmap(np.ones((ROWS, COLUMNS, 3), np.float32))},
                "camera": {
                    "type": "perspective",
                    "film": {
                        "type": "hdrfilm",
                        "width": size,
                        "height": size,
                        "pixel_format": "rgba",
                        "rfilter": {"type": "box"},
                    },
                    "sampler": {"type": "multijitter", "sample_count": samples},
                },
            }
        )
        self._parameters = mi.traverse(self._scene)

    def _mesh(self, model: FaceModel) -> Any:
        mi, count = self._mi, len(model.drawn)
        material = mi.Properties()
        material["bsdf"] = mi.load_dict(
            {
                "type": "twosided",
                "surface": {
                    "type": "principled",
                    "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
                    "roughness": {"type": "mesh_attribute", "name": "vertex_roughness"},
                    "specular": 0.2,
                },
            }
        )
        mesh = mi.Mesh("face", count, len(model.triangles), has_vertex_normals=True, props=material)
        mesh.add_attribute("vertex_color", 3, np.full(3 * count, 0.5, np.float32))
        mesh.add_attribute("vertex_roughness", 1, np.full(count, 0.5, np.float32))
        parameters = mi.traverse(mesh)
        parameters["vertex_positions"] = model.neutral[model.drawn].astype(np.float32).ravel()
        parameters["faces"] = model.triangles.ravel()
        parameters.update()
        return mesh

    def __call__(
        self, vertices: Floats, colour: Floats, roughness: Floats, environment: Floats, camera: Camera, seed: int
    ) -> NDArray[np.float32]:
        """Render the mesh: size x size x 4, linear RGB and the share of the pixel that the head covers.

        Args:
            vertices: V x 3, the whole mesh in its pose.
            colour: V x 3, linear reflectance.
            roughness: V, from 0 (a mirror) to 1.
            environment: 16 x 32 x 3, see :meth:`mien.learn.data.render.light.Light.environment`.
            camera: a camera of this renderer's size.
            seed: seed of the samples; the same seed gives the same picture.
        """
        mi, values = self._mi, self._parameters
        x, y, z = camera.position
        wrapped = np.concatenate([environment[:, -1:], environment, environment[:, :1]], 1)
        values["face.vertex_positions"] = vertices[self._drawn].astype(np.float32).ravel()
        values["face.vertex_color"] = colour[self._drawn].astype(np.float32).ravel()
        values["face.vertex_roughness"] = roughness[self._drawn].astype(np.float32).ravel()
        values["light.data"] = wrapped.astype(np.float32)
        values["camera.x_fov"] = camera.fov
        values["camera.to_world"] = mi.ScalarTransform4f().look_at(origin=[x, y, z], target=[x, y, z - 1], up=[0, 1, 0])
        values.update()
        return np.array(mi.render(self._scene, seed=seed), np.float32)
