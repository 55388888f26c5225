"""Make the crop of one row: its aligned face, or its whole picture scaled to one size; and the options for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces.align import CROP, align
from mien.faces.detect import Pixels, YuNet
from mien.learn.data.manifest.columns import BOX, Row
from mien.learn.data.pack.finder import TIGHT, WHOLE, Finder
from mien.learn.data.pack.locate import NoFaceError, Pictures, Use, locate_face
from mien.learn.data.pack.resize import resize_picture
from mien.media.picture import MediaError

SMALL = 64
"""Pictures of at most this many pixels per side are assumed to end at the face, as those of FER2013 do."""

SHARD = 4096
"""Approximate number of crops in a shard: 150 MB, and less than a minute of work."""


@dataclass(frozen=True)
class PackOptions:
    """How faces are located and packed.

    Args:
        use: how the face of a row is located, see :func:`mien.learn.data.pack.locate.locate_face`.
        finder: how faces are detected; None is ``TIGHT`` for pictures of at most :data:`SMALL` pixels per side
            and ``WHOLE`` for all others.
        grey: keep one channel only.
        side: detect no faces; scale whole pictures, or the contents of the rows' boxes, to this many pixels per side.
        keep_unfound: for sets of face crops: align a picture without a detected face by the median landmarks of the
            others instead of skipping it (its ``found`` is then False).
        shard: approximate number of crops in a shard.
    """

    use: Use = "landmarks"
    finder: Finder | None = None
    grey: bool = False
    side: int | None = None
    keep_unfound: bool = False
    shard: int = SHARD

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one crop, H x W x C."""
        side = self.side or CROP
        return side, side, 1 if self.grey else 3

    def choose_finder(self, image: Pixels) -> Finder:
        """The finder for the faces of this picture."""
        return self.finder or (TIGHT if max(image.shape[:2]) <= SMALL else WHOLE)


def pack_options(
    metadata: Mapping[str, Any],
    *,
    use: Use = "landmarks",
    tight: bool | None = None,
    grey: bool | None = None,
    side: int | None = None,
) -> PackOptions:
    """The options in a manifest's metadata (``tight``, ``grey``, ``side``, ``keep_unfound``); arguments override them.

    Example:
        >>> pack_options({"grey": True, "side": 48}, side=32).shape
        (32, 32, 1)
    """
    tight = metadata.get("tight") if tight is None else tight
    side = side or metadata.get("side")
    return PackOptions(
        use=use,
        finder=None if tight is None else TIGHT if tight else WHOLE,
        grey=bool(metadata.get("grey") if grey is None else grey),
        side=side,
        keep_unfound=bool(metadata.get("keep_unfound")),
        shard=SHARD if side is None else max(1, SHARD * CROP**2 // side**2),
    )


def make_crop(row: Row, crop: int, out: NDArray[np.uint8], pictures: Pictures, options: PackOptions) -> Row:
    """Write a row's crop into ``out`` and return the row of the shard's table.

    Returns:
        ``crop``, its number, and the position of the face; or ``problem``, the reason why there is no crop. Both, if
        the picture has no detectable face but is kept: it is aligned once the landmarks of the others are known.
    """
    try:
        if row["path"] is None:
            raise MediaError("the row has no path")
        image = pictures(row)
        if options.side:
            out[:] = resize_picture(cut_box(row, image), options.side, grey=options.grey)
            return {"crop": crop}
        finder = options.choose_finder(image)
        place = locate_face(image, row, options.use, finder, _detectors(finder))
        out[:] = align(image, place.landmarks)[..., : out.shape[-1]]
    except (MediaError, OSError, ValueError) as error:
        frame = "" if row.get("frame") is None else f" frame {row['frame']}"
        reason = str(error).removeprefix(f"frame {row.get('frame')}: ")
        waits = {"crop": crop, "found": False} if options.keep_unfound and isinstance(error, NoFaceError) else {}
        return {**waits, "problem": " ".join(f"{row['path']}{frame}: {reason}".split())}
    sides = dict(zip(BOX, place.box or [None] * 4, strict=True))
    return {"crop": crop, "found": True, **sides, "landmarks": place.landmarks.astype(float).ravel().tolist()}


def cut_box(row: Row, picture: Pixels) -> Pixels:
    """The part of a picture inside the row's box; the whole picture if the row has no box.

    Raises:
        MediaError: if the box is outside the picture.
    """
    box = [row.get(name) for name in BOX]
    if None in box:
        return picture
    x, y, width, height = (float(value) for value in box if value is not None)
    part = picture[max(0, round(y)) : max(0, round(y + height)), max(0, round(x)) : max(0, round(x + width))]
    if not part.size:
        raise MediaError("the box is outside the picture")
    return part


@cache
def _detectors(finder: Finder) -> list[YuNet]:
    """Create the detectors, once per process."""
    return finder.make_detectors()
