"""Scale a whole picture to the size of a crop, for sets that are packed without face detection."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mien.faces.detect import Pixels


def resize_picture(picture: Pixels, side: int, *, grey: bool = False) -> Pixels:
    """A picture scaled to a square with antialiasing (bicubic); its proportions change if it is not square.

    Args:
        picture: H x W x 3 uint8.
        side: side of the result, in pixels.
        grey: keep the brightness only (Rec. 601 luma).

    Returns:
        side x side x 3 uint8, or side x side x 1 if grey.
    """
    image = Image.fromarray(picture)
    image = image.convert("L") if grey else image
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)
