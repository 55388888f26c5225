import os
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, ImageCms, features

from mien.media import picture as media
from mien.media.picture import MediaError, read

RAMP = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
"""48 x 64, dark on the left."""


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "LA", "RGBA", "YCbCr", "I", "F", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = Image.fromarray(RAMP)
    if mode == "I;16":
        source = Image.fromarray(RAMP.astype(np.uint16) * 257)
    image = source if source.mode == mode else source.convert(mode)
    picture = read(image)
    assert picture.pixels.shape == (48, 64, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels[:, :8].mean() < 60
    assert picture.pixels[:, -8:].mean() > 190


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    upright = Image.fromarray(RAMP)
    stored = upright if back is None else upright.transpose(back)
    picture = read(saved(tmp_path / "a.png", stored, exif=exif))
    assert_array_equal(picture.pixels[..., 0], RAMP)
    assert (picture.width, picture.height, picture.scale) == (64, 48, (1.0, 1.0))


@pytest.mark.parametrize(
    ("tag", "kind", "value"), [(0x011A, 2, b"72\0\0"), (0x0100, 7, b"64\0\0")], ids=["XResolution", "ImageWidth"]
)
def test_invalid_exif_tags_are_ignored(tmp_path: Path, tag: int, kind: int, value: bytes) -> None:
    """A resolution that is text, a width without a type: they are not needed to rotate a picture."""
    turned, odd = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0), struct.pack("<HHI4s", tag, kind, 3, value)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + turned + odd + bytes(4)
    picture = read(saved(tmp_path / "a.jpg", Image.fromarray(RAMP), exif=exif))
    assert picture.pixels.shape == (64, 48, 3)
    assert picture.pixels[0].mean() < 10


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 4, 8))
    for name in ("a.png", "a.webp"):
        pixels = read(saved(tmp_path / name, image, lossless=True)).pixels
        assert_array_equal(pixels[0, 0], (200, 0, 0))
        assert_array_equal(pixels[0, 7], (255, 255, 255))
    palette = image.convert("RGB").quantize(2)
    index = palette.getpixel((7, 7))
    assert_array_equal(read(saved(tmp_path / "p.png", palette, transparency=index)).pixels[0, 7], (255, 255, 255))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_sixteen_bit_grey_is_scaled_by_its_depth(tmp_path: Path, bits: int) -> None:
    values = np.tile(np.linspace(0, 2**bits - 1, 64).astype(np.uint16), (48, 1))
    expected = np.rint(values * (255 / (2**bits - 1)))
    for name in ("a.png", "a.tif"):
        pixels = read(saved(tmp_path / name, Image.fromarray(values))).pixels
        assert_array_equal(pixels[..., 0], expected)


def test_floats_are_scaled_rather_than_clipped(tmp_path: Path) -> None:
    for top in (1.0, 255.0, 65535.0):
        values = np.tile(np.linspace(0, top, 64, dtype=np.float32), (48, 1))
        pixels = read(saved(tmp_path / "a.tif", Image.fromarray(values))).pixels
        assert_array_equal(pixels[..., 1], np.rint(values * (255 / top)))


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_first_of_several_frames_is_read_with_a_note(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (16, 16), (shade, shade, shade)) for shade in (0, 120, 240)]
    options = {"lossless": True} if name.endswith("webp") else {}
    picture = read(saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options))
    assert picture.note == "first of 3 frames"
    assert picture.pixels.max() < 10


def test_large_jpeg_is_reduced_but_keeps_its_own_coordinates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "FULL_PIXELS", 25_000)
    monkeypatch.setattr(media, "MAX_PIXELS", 1_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (901, 403)), exif=exif)
    picture = read(path)
    assert (picture.width, picture.height) == (403, 901)
    assert picture.pixels.shape == (226, 101, 3)
    assert picture.scale == (403 / 101, 901 / 226)


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_PIXELS", 1_000)
    png = saved(tmp_path / "a.png", Image.new("RGB", (50, 40)))
    with pytest.raises(MediaError, match="50 x 40 pixels are too many"):
        read(png)
    with pytest.raises(MediaError, match="too many"):
        read(saved(tmp_path / "a.jpg", Image.new("RGB", (50, 40)), progressive=True))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(MediaError, match="too many pixels"):
        read(png)


def test_files_that_are_not_pictures(tmp_path: Path, astronaut: Path) -> None:
    whole = astronaut.read_bytes()
    cases = {
        "text.jpg": (b"hello", "not a readable picture"),
        "empty.png": (b"", "empty"),
        "cut.png": (whole[: len(whole) // 2], "truncated"),
        "noise.jpg": (b"\xff\xd8\xff" + bytes(range(256)) * 4, "not a readable picture|damaged"),
        "phone.heic": (struct.pack(">I", 24) + b"ftypheic" + bytes(40), "convert it to JPEG"),
        "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable picture"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError, match=reason) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_truncated_jpeg_is_refused(tmp_path: Path, astronaut: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.open(astronaut))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(MediaError, match="truncated"):
        read(path)


def test_paths_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(MediaError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaError, match="regular"):
        read(tmp_path / "pipe")
    with pytest.raises(MediaError):
        read("null\0byte")
    path = saved(tmp_path / "a.png", Image.new("L", (4, 4)))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MediaError, match=r"^Permission denied$"):
        read(path)


@pytest.mark.parametrize(
    "array",
    [
        RAMP,
        RAMP[..., None],
        np.repeat(RAMP[..., None], 3, 2),
        RAMP.astype(np.uint16) * 257,
        (RAMP / 255).astype(np.float16),
        RAMP / 255,
        np.dstack([RAMP, RAMP, RAMP, np.full_like(RAMP, 255)]),
        np.dstack([RAMP / 255] * 3 + [np.ones(RAMP.shape)]),
    ],
)
def test_arrays(array: np.ndarray) -> None:
    picture = read(array, "me")
    assert picture.name == "me"
    assert np.abs(picture.pixels.astype(int) - RAMP[..., None]).max() <= 1


def test_bool_array() -> None:
    assert_array_equal(read(RAMP > 99).pixels[..., 2], (RAMP > 99) * 255)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (np.zeros((2, 4, 4, 3), np.uint8), r"\(2, 4, 4, 3\)"),
        (np.zeros((4, 4, 2), np.uint8), r"\(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), "complex64"), "complex64"),
        (np.full((4, 4), 200.0), r"\[0, 1\]"),
        (np.full((4, 4), np.nan), "NaN"),
        (7, "int is neither"),
        (b"a.png", "bytes is neither"),
    ],
)
def test_other_arrays_and_objects_are_refused(item: object, reason: str) -> None:
    with pytest.raises(MediaError, match=reason):
        read(item)


def test_lab_and_avif(tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(Image.fromarray(RAMP).convert("RGB"), srgb, lab, outputMode="LAB")
    assert image is not None
    assert read(image).pixels.shape == (48, 64, 3)
    if features.check("avif"):
        assert read(saved(tmp_path / "a.avif", Image.new("RGB", (64, 48)))).pixels.shape == (48, 64, 3)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(MediaError, match=r"has no pixels \(0 x 3\)"):
        read(Image.new("RGB", (0, 3)))


def test_a_video_is_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "clip.MP4").write_bytes(b"....ftypisom")
    with pytest.raises(MediaError, match="is a video"):
        read(tmp_path / "clip.MP4")
