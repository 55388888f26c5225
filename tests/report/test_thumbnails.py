import base64
import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien.media.sampler import Frame, FrameSampler
from mien.report import thumbnails as module
from mien.report.scan import Peak
from mien.report.thumbnails import SIDE, thumbnail, thumbnails


def peak(frame: int, box: tuple[float, float, float, float] = (40, 30, 40, 40), name: str = "v.mp4") -> Peak:
    return Peak("AU12", 0.9, name, "track 0", frame, frame / 25, box)


def picture(uri: str) -> Image.Image:
    kind, content = uri.split(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def video(path: Path, count: int = 60, codec: str = "libx264") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25, {"g": "12"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(count):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (160, 120), (4 * index,) * 3))))
        container.mux(stream.encode(None))
    return path


def test_each_thumbnail_is_from_its_own_frame(tmp_path: Path) -> None:
    path, steps = video(tmp_path / "v.mp4"), list[int]()
    peaks = [peak(41), peak(7), peak(58), peak(0)]
    found, errors = thumbnails(peaks, {"v.mp4": path}, timed=True, advance=steps.append)
    assert errors == []
    assert sum(steps) == 4
    for each in peaks:
        image = picture(found[each])
        assert image.size == (SIDE, SIDE)
        assert abs(np.asarray(image).mean() - 4 * each.frame) < 4


@pytest.mark.parametrize(
    ("name", "codec", "passes"),
    [("v.avi", "mpeg4", 1), ("v.mp4", "mpeg4", 1), ("v.ts", "libx264", 1), ("v.mkv", "libx264", 4)],
)
def test_videos_that_cannot_be_sought_are_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, codec: str, passes: int
) -> None:
    passes_started = []

    class Counted(FrameSampler):
        def __iter__(self) -> Iterator[Frame]:
            passes_started.append(self)
            return super().__iter__()

    path = video(tmp_path / name, codec=codec)
    with FrameSampler(path) as sampler:
        times = {frame.number: frame.time for frame in sampler}
    monkeypatch.setattr(module, "FrameSampler", Counted)
    peaks = [Peak("AU12", 0.9, name, "track 0", frame, times[frame], (40, 30, 40, 40)) for frame in (41, 7, 58, 0)]
    found, errors = thumbnails(peaks, {name: path}, timed=True)
    assert (errors, len(passes_started)) == ([], passes)
    for each in peaks:
        assert abs(np.asarray(picture(found[each])).mean() - 4 * each.frame) < 6


def test_two_peaks_in_one_frame(tmp_path: Path) -> None:
    peaks = [peak(3), Peak("AU25", 0.8, "v.mp4", "track 1", 3, 3 / 25, (90, 30, 40, 40))]
    assert set(thumbnails(peaks, {"v.mp4": video(tmp_path / "v.mp4")}, timed=True)[0]) == set(peaks)


def test_an_unreadable_video_is_one_line_and_the_others_are_shown(tmp_path: Path) -> None:
    (tmp_path / "w.mp4").write_bytes(b"no video")
    files = {"w.mp4": tmp_path / "w.mp4", "v.mp4": video(tmp_path / "v.mp4")}
    found, errors = thumbnails([peak(3), peak(3, name="w.mp4")], files, timed=True)
    assert set(found) == {peak(3)}
    assert len(errors) == 1
    assert errors[0].startswith(f"{tmp_path / 'w.mp4'}: ")


def test_a_video_that_is_shorter_than_its_table(tmp_path: Path) -> None:
    found, _ = thumbnails([peak(3), peak(500)], {"v.mp4": video(tmp_path / "v.mp4")}, timed=True)
    assert set(found) == {peak(3)}


def test_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), (10, 200, 30)).save(tmp_path / "a.png")
    mine = peak(0, name="a.png")
    found, errors = thumbnails([mine, peak(0, name="b.png")], {"a.png": tmp_path / "a.png"}, timed=False)
    assert (set(found), errors) == ({mine}, [])
    assert np.asarray(picture(found[mine]))[50, 50].tolist() == [10, 200, 30]


def test_a_thumbnail_shows_the_face_with_a_margin() -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[30:70, 200:240] = 255
    uri = thumbnail(pixels, peak(0, (200, 30, 40, 40)), (1, 1))
    assert uri is not None
    white = np.argwhere(np.asarray(picture(uri))[:, :, 0] > 127)
    assert white.mean(0) == pytest.approx([(SIDE - 1) / 2] * 2, abs=1)
    assert np.ptp(white, axis=0) == pytest.approx([SIDE / 1.7] * 2, abs=3)


def test_thumbnails_stay_inside_the_picture() -> None:
    pixels = np.full((100, 300, 3), 250, np.uint8)
    for box in ((0, 0, 20, 20), (280, 80, 20, 20), (100, 0, 300, 100), (140, 40, 20, 20)):
        uri = thumbnail(pixels, peak(0, box), (1, 1))
        assert uri is not None
        assert np.asarray(picture(uri)).min() > 240
    assert thumbnail(pixels, peak(0, (900, 0, 20, 20)), (1, 1)) is None  # another video
    assert thumbnail(pixels, peak(0, (900, 0, 20, 20)), (0.2, 0.2)) is not None
    assert thumbnail(pixels, peak(0, (0, 0, 0, 0)), (1, 1)) is None
