"""ICT-FaceKit Light: the neutral mesh, 100 identity shapes, 57 expression shapes, and the parts of the mesh.

Two layouts can be read: one file ``ict_facekit_deltas.npz`` (``neutral``, ``quads``, ``id_delta``, ``ex_delta``,
``ex_names``), or the folder ``FaceXModel`` of the official release with ``generic_neutral_mesh.obj``,
``identity000.obj`` and so on, and one .obj file per expression shape.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PACKED = "ict_facekit_deltas.npz"
RELEASED = "FaceXModel"
NEUTRAL = "generic_neutral_mesh.obj"
VERTICES = 26719
"""The number of vertices of every mesh of ICT-FaceKit Light."""

PARTS: dict[str, slice] = {
    "face": slice(0, 9409),
    "head": slice(9409, 11248),
    "mouth": slice(11248, 13294),
    "eye_socket_left": slice(13294, 13678),
    "eye_socket_right": slice(13678, 14062),
    "gums": slice(14062, 17039),
    "teeth": slice(17039, 21451),
    "eye_left": slice(21451, 22221),
    "eye_right": slice(23021, 23791),
}
"""Vertices of the parts that are rendered. Of the eyeballs this is the outer shell with the cornea; the iris is painted
on it. The inner iris and the tear, blend, occlusion and lash meshes are skipped: they need transparency."""

LANDMARKS: NDArray[np.int_] = np.array(
    [
        1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,  # jaw
        268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509,  # brows
        978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,  # nose; its tip is the 31st
        1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,  # eyes
        5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841,  # outer lips
        5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,  # inner lips
    ]
)  # fmt: skip
"""The vertices of the 68 Multi-PIE landmarks, as listed in the model's README."""


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face model: ``neutral + identity . a + expression . b``.

    The unit is approximately the centimetre; x points to the person's left, y up, z out of the face.

    Args:
        neutral: V x 3.
        identity: K x V x 3, the offsets that one standard deviation of each mode adds.
        expression: E x V x 3, the offsets that each expression shape adds at full strength.
        names: names of the E expression shapes; left and right halves end in ``_L`` and ``_R``.
        quads: Q x 4, the vertices of each polygon; -1 in the last column for a triangle.
    """

    neutral: Floats
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    names: tuple[str, ...]
    quads: NDArray[np.int32]

    def vertices(self, identity: Floats, shapes: Mapping[str, float]) -> Floats:
        """Return the deformed mesh, V x 3.

        Args:
            identity: coefficients of the first identity modes, in standard deviations; any beyond K are ignored.
            shapes: strength of each expression shape by its full name, such as ``jawOpen`` or ``mouthSmile_L``.

        Raises:
            ValueError: if a shape is unknown.
        """
        # in the precision of the shapes, because numpy would otherwise copy all of them to float64
        modes = np.asarray(identity[: len(self.identity)], np.float32)
        result: Floats = self.neutral + np.tensordot(modes, self.identity[: len(modes)], 1)
        for name, strength in shapes.items():
            result += strength * self.shape(name)
        return result

    def shape(self, name: str) -> NDArray[np.float32]:
        """Return the offsets of one expression shape at full strength, V x 3; ValueError if the name is unknown."""
        if name not in self.names:
            raise ValueError(f"the face model has no shape {name}")
        result: NDArray[np.float32] = self.expression[self.names.index(name)]
        return result

    @cached_property
    def drawn(self) -> NDArray[np.int_]:
        """Indices of the vertices that are rendered."""
        return np.concatenate([np.arange(part.start, part.stop) for part in PARTS.values()])

    @cached_property
    def triangles(self) -> NDArray[np.uint32]:
        """The triangles of the rendered parts, T x 3, as positions in :attr:`drawn`."""
        place = np.full(len(self.neutral) + 1, -1)
        place[self.drawn] = np.arange(len(self.drawn))
        quads = place[self.quads]  # the -1 of a triangle picks the last entry, which is -1
        four = self.quads[:, 3] >= 0
        kept = (quads[:, :3] >= 0).all(1) & (~four | (quads[:, 3] >= 0))
        first, second = quads[kept][:, [0, 1, 2]], quads[kept & four][:, [0, 2, 3]]
        return np.concatenate([first, second]).astype(np.uint32)


def five_landmarks(vertices: Floats) -> Floats:
    """Return the five points of the alignment, 5 x 3, in the order of ``mien.faces.detect.LANDMARKS``.

    Each eye is the mean of six points on its lids; nose and mouth corners are single vertices.
    """
    points = vertices[LANDMARKS]
    return np.stack([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])


def lip_gap(vertices: Floats) -> float:
    """Return the largest vertical gap between the inner lips at three places, in cm; negative if they overlap."""
    points = vertices[LANDMARKS]
    return float((points[[61, 62, 63], 1] - points[[67, 66, 65], 1]).max())


def load_model(folder: Path) -> FaceModel:
    """Read ICT-FaceKit Light from a folder in one of the two layouts.

    Raises:
        ValueError: if neither layout is found, or a file is not one of ICT-FaceKit Light; the message names it.
    """
    for packed in (folder, folder / PACKED):
        if packed.is_file():
            return _load_packed(packed)
    for released in (folder, folder / RELEASED):
        if (released / NEUTRAL).is_file():
            return _load_released(released)
    raise ValueError(f"{folder}: not ICT-FaceKit Light: neither {PACKED} nor {RELEASED}/{NEUTRAL} found")


def _load_packed(path: Path) -> FaceModel:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            model = FaceModel(
                arrays["neutral"].astype(np.float64),
                arrays["id_delta"],
                arrays["ex_delta"],
                tuple(map(str, arrays["ex_names"])),
                arrays["quads"],
            )
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not the arrays of ICT-FaceKit Light ({error})") from None
    return _checked(path, model)


def _load_released(folder: Path) -> FaceModel:
    neutral = folder / NEUTRAL
    base = _points(neutral)
    others = sorted(path for path in folder.glob("*.obj") if path != neutral)
    modes = [path for path in others if path.stem.startswith("identity")]
    shapes = [path for path in others if path not in modes]
    identity, expression = (
        np.stack([_points(path) - base for path in paths]).astype(np.float32) if paths else np.empty((0, *base.shape))
        for paths in (modes, shapes)
    )
    quads = np.array([(*corners, -1)[:4] for corners in _polygons(neutral)], np.int32)
    return _checked(folder, FaceModel(base, identity, expression, tuple(path.stem for path in shapes), quads))


def _points(path: Path) -> Floats:
    """Read the vertices of an .obj file."""
    with path.open() as lines:
        points = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)
    if len(points) != VERTICES:
        raise ValueError(f"{path}: {len(points)} vertices, expected {VERTICES}")
    return points


def _polygons(path: Path) -> Iterator[tuple[int, ...]]:
    """Yield the corners of each polygon of an .obj file, counted from 0."""
    with path.open() as lines:
        for line in lines:
            if line.startswith("f "):
                yield tuple(int(corner.split("/")[0]) - 1 for corner in line.split()[1:])


def _checked(path: Path, model: FaceModel) -> FaceModel:
    shapes = {len(model.neutral), model.identity.shape[1], model.expression.shape[1]}
    if shapes != {VERTICES}:
        raise ValueError(f"{path}: meshes of {sorted(shapes)} vertices, expected {VERTICES}")
    if len(model.names) != len(model.expression):
        raise ValueError(f"{path}: {len(model.expression)} expression shapes but {len(model.names)} names")
    return model
