"""Reads pictures from files, arrays and PIL images: upright 8-bit RGB, or an error in one line."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from mien.faces.detect import Pixels

SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp",
    ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif", ".heic", ".heif",
))  # fmt: skip
"""Suffixes of pictures in a folder. HEIC cannot be decoded; it is included so that it is reported."""

VIDEOS = frozenset((
    ".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".wmv", ".asf", ".mpg", ".mpeg", ".3gp", ".3g2", ".flv",
    ".ogv", ".mts", ".m2ts", ".mxf", ".vob", ".divx", ".y4m",
))  # fmt: skip
"""Suffixes of videos. A GIF of several frames is a video too."""

FORMATS = ("PNG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF")
"""Formats that Pillow tries for a file that is not a JPEG; EPS is excluded because it starts Ghostscript."""

MAX_PIXELS = 80_000_000
"""Most pixels of a picture that can only be decoded whole; baseline JPEG files of any size are read."""

FULL_PIXELS = 32_000_000
"""JPEG files with more pixels than this are decoded at a half, a quarter or an eighth of their sides."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""EXIF orientation -> the transposition that undoes it. Pillow's own rewrites all EXIF and fails on odd tags."""


class MediaError(ValueError):
    """An input that cannot be read. ``str(error)`` is the reason in one line, without the input's name."""


@dataclass(frozen=True)
class Picture:
    """A decoded, upright picture.

    Args:
        name: the value of the column ``input``.
        pixels: H x W x 3 uint8 RGB; smaller than the original where a large JPEG was decoded reduced.
        width, height: size of the upright original, in pixels.
        note: the value of the column ``note``, or None.
    """

    name: str
    pixels: Pixels
    width: int
    height: int
    note: str | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the original per pixel of ``pixels``, along x and along y."""
        height, width = self.pixels.shape[:2]
        return self.width / width, self.height / height


def read(item: object, name: str = "") -> Picture:
    """Read a picture from a path, an array or a PIL image.

    Transparent pixels become white. Grey values of more than 8 bits, and floats above 1, are divided by the
    largest value of the smallest bit depth (8 or more) that holds the brightest pixel, so that 12-bit data in a 16-bit
    file is neither clipped nor black. Only the first of several frames or pages is read, with a note.

    Args:
        item: a path; H x W, H x W x 1, x 3 (RGB) or x 4 (RGBA) of uint8, uint16, bool or float in [0, 1]; a PIL image.
        name: the value of the column ``input``; the path by default.

    Raises:
        MediaError: if it cannot be read; ``item`` itself if it is a MediaError.

    Example:
        >>> read(np.zeros((4, 6))).pixels.shape
        (4, 6, 3)
    """
    if isinstance(item, MediaError):
        raise item
    if isinstance(item, np.ndarray):
        pixels = _from_array(item)
        return Picture(name, pixels, pixels.shape[1], pixels.shape[0])
    if isinstance(item, Image.Image):
        return _guarded(lambda: _picture(item, name, item.size, None))
    if isinstance(item, (str, os.PathLike)):
        return _from_file(Path(item), name or str(item))
    raise MediaError(f"{type(item).__name__} is neither a path, a numpy array nor a PIL image")


def _from_file(path: Path, name: str) -> Picture:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaError("is a folder" if path.is_dir() else "is not a regular file")
        if status.st_size == 0:
            raise MediaError("the file is empty")
        if path.suffix.lower() in VIDEOS:
            raise MediaError("is a video, not a picture")
        with path.open("rb") as stream:
            return _guarded(lambda: _decode(stream, name))
    except FileNotFoundError:
        raise MediaError("no such file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(_one_line(getattr(error, "strerror", None) or error)) from None


_FILTERS = Lock()
"""``catch_warnings`` changes the filters of the whole process; two threads inside it would leave them changed."""


def _guarded(decode: Callable[[], Picture]) -> Picture:
    """Run a decoder, ignore its warnings, and raise all its errors as MediaError."""
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode()
    except MediaError:
        raise
    except UnidentifiedImageError:
        raise MediaError("not a readable picture") from None
    except Image.DecompressionBombError:
        raise MediaError(f"too many pixels (the limit is {MAX_PIXELS:,})") from None
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything, struct.error included
        raise MediaError(f"damaged or truncated: {_one_line(error)}") from None


def _decode(stream: IO[bytes], name: str) -> Picture:
    head = stream.read(12)
    stream.seek(0)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"heim", b"hevc"):
        raise MediaError("HEIC is not supported: convert it to JPEG first")
    if not head.startswith(b"\xff\xd8\xff"):
        image = Image.open(stream, formats=_formats())
        _refuse_above(image.size)
        frames = getattr(image, "n_frames", 1)
        return _picture(image, name, image.size, f"first of {frames} frames" if frames > 1 else None)
    jpeg = JpegImageFile(stream)  # Image.open refuses a large one before it can be reduced
    size = jpeg.size
    if jpeg.info.get("progressive"):
        _refuse_above(size)  # a progressive file is decoded whole
    shrink = next((n for n in (1, 2, 4) if size[0] * size[1] <= FULL_PIXELS * n * n), 8)
    if shrink > 1:
        jpeg.draft(None, (max(1, size[0] // shrink), max(1, size[1] // shrink)))
    return _picture(jpeg, name, size, None)


def _picture(image: Image.Image, name: str, size: tuple[int, int], note: str | None) -> Picture:
    if not all(size):
        raise MediaError(f"has no pixels ({size[0]} x {size[1]})")
    image.load()
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    width, height = reversed(size) if orientation in (5, 6, 7, 8) else size
    turn = UPRIGHT.get(orientation)
    upright = image if turn is None else image.transpose(turn)
    return Picture(name, _from_image(upright), width, height, note)


def _from_image(image: Image.Image) -> Pixels:
    """Convert an image of any mode to H x W x 3 uint8."""
    if image.mode.startswith(("I", "F")):
        return _grey(_to_bytes(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def _from_array(array: NDArray[Any]) -> Pixels:
    """Convert an array to H x W x 3 uint8; see :func:`read` for the accepted ones."""
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))):
        raise MediaError(f"an array of shape {array.shape} is not a picture; expected H x W, or H x W x 1, 3 or 4")
    if array.dtype not in (np.uint8, np.uint16, np.bool_) and array.dtype.kind != "f":
        raise MediaError(f"an array of {array.dtype} is not a picture; expected uint8, uint16, bool or float in [0, 1]")
    if array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 1):
        raise MediaError(f"an array of {array.dtype} must be in [0, 1] and without NaN")
    pixels = array if array.dtype == np.uint8 else _to_bytes(array)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return _grey(pixels.reshape(pixels.shape[:2]))
    return _from_image(Image.fromarray(pixels)) if pixels.shape[2] == 4 else pixels


def _to_bytes(values: NDArray[Any]) -> Pixels:
    """Scale bools, integers or floats of any range to 0 ... 255, as :func:`read` describes."""
    numbers = np.nan_to_num(values.astype(np.float32))
    numbers -= min(0.0, float(numbers.min()))
    top = float(numbers.max())
    whole = 1.0 if values.dtype.kind in "fb" and top <= 1 else max(255.0, 2.0 ** np.ceil(np.log2(top + 1)) - 1)
    return np.rint(numbers * (255 / whole)).astype(np.uint8)


def _grey(pixels: Pixels) -> Pixels:
    return np.repeat(pixels[:, :, None], 3, axis=2)


def _refuse_above(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise MediaError(f"{size[0]} x {size[1]} pixels are too many (the limit is {MAX_PIXELS:,})")


@lru_cache
def _formats() -> tuple[str, ...]:
    """The :data:`FORMATS` that the installed Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _one_line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
