"""What stands in the pack for one row of a manifest: its aligned face, or its picture scaled to one size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces.align import CROP, align
from mien.faces.detect import Pixels, YuNet
from mien.learn.data.pack.finder import TIGHT, WHOLE, Finder
from mien.learn.data.pack.locate import SIDES, NoFaceError, Pictures, Use, locate
from mien.learn.data.pack.resize import fitted
from mien.learn.data.pack.write import Row
from mien.media.picture import MediaError

SMALL = 64
"""Pictures of at most so many pixels a side are looked at as those of FER2013 are: they end at the face."""

SHARD = 4096
"""Crops in a shard, about: 150 MB, and less than a minute's work."""


@dataclass(frozen=True)
class PackOptions:
    """How faces are found and packed.

    Args:
        use: what of a row is used, see :func:`mien.learn.data.pack.locate.locate`.
        finder: of faces; None is ``TIGHT`` for pictures of at most :data:`SMALL` pixels a side, ``WHOLE`` for others.
        grey: keep one channel only.
        side: look for no faces, and pack whole pictures, or what is in the rows' boxes, scaled to this side.
        keep_unfound: for sets of face crops: a picture without a detected face is aligned by the median landmarks of
            the others instead of being left out (its ``found`` is then False).
        shard: crops in a shard, about.
    """

    use: Use = "landmarks"
    finder: Finder | None = None
    grey: bool = False
    side: int | None = None
    keep_unfound: bool = False
    shard: int = SHARD

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one crop."""
        side = self.side or CROP
        return side, side, 1 if self.grey else 3

    def finder_of(self, image: Pixels) -> Finder:
        """Of the faces in this picture."""
        return self.finder or (TIGHT if max(image.shape[:2]) <= SMALL else WHOLE)


def pack_options(
    metadata: Mapping[str, Any],
    *,
    use: Use = "landmarks",
    tight: bool | None = None,
    grey: bool | None = None,
    side: int | None = None,
) -> PackOptions:
    """What the facts of a manifest say of its preparation; what is given here goes before them."""
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


def make(row: Row, crop: int, out: NDArray[np.uint8], pictures: Pictures, how: PackOptions) -> Row:
    """Put a row's crop into its place ``out``; the row of the shard's table.

    Returns:
        ``crop``, its number, and where the face is; or ``fault``, the reason why there is none. Both, if the picture is
        there and no face in it, and it is to be kept: then it waits for the others' landmarks.
    """
    try:
        if row["path"] is None:
            raise MediaError("the row has no path")
        image = pictures(row)
        if how.side:
            out[:] = fitted(inside(row, image), how.side, grey=how.grey)
            return {"crop": crop}
        finder = how.finder_of(image)
        place = locate(image, row, how.use, finder, _detectors(finder))
        out[:] = align(image, place.landmarks)[..., : out.shape[-1]]
    except (MediaError, OSError, ValueError) as error:
        frame = "" if row.get("frame") is None else f" frame {row['frame']}"
        reason = str(error).removeprefix(f"frame {row.get('frame')}: ")
        waits = {"crop": crop, "found": False} if how.keep_unfound and isinstance(error, NoFaceError) else {}
        return {**waits, "fault": " ".join(f"{row['path']}{frame}: {reason}".split())}
    sides = dict(zip(SIDES, place.box or [None] * 4, strict=True))
    return {"crop": crop, "found": True, **sides, "landmarks": place.landmarks.astype(float).ravel().tolist()}


def inside(row: Row, picture: Pixels) -> Pixels:
    """What is in the row's box, or the whole picture if it has none.

    Raises:
        MediaError: if the box lies outside the picture.
    """
    box = [row.get(name) for name in SIDES]
    if None in box:
        return picture
    x, y, width, height = (float(value) for value in box if value is not None)
    part = picture[max(0, round(y)) : max(0, round(y + height)), max(0, round(x)) : max(0, round(x + width))]
    if not part.size:
        raise MediaError("the box lies outside the picture")
    return part


@cache
def _detectors(finder: Finder) -> list[YuNet]:
    """Made once in a process."""
    return finder.detectors()
