"""Reading: every frame with its number and time, from any position on, as players show it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fixtures.numbered_videos import FILES, all_frames, damage, frames_and_error, number_in, write_numbered
from mien.media import decode
from mien.media import reader as module
from mien.media.reader import Position
from mien.media.sampler import FrameSampler


@pytest.mark.parametrize("name", FILES)
def test_every_frame_has_its_number_and_time(numbered_video: Callable[[str], Path], name: str) -> None:
    with FrameSampler(numbered_video(name)) as sampler:
        frames = list(sampler)
    assert [number_in(frame.pixels) for frame in frames] == [frame.number for frame in frames] == list(range(100))
    assert all(frame.pixels.shape == (64, 96, 3) and frame.pixels.dtype == np.uint8 for frame in frames)
    stamps = [0.001 * stamp for stamp in FILES[name].get("stamps", [40 * k for k in range(100)])]
    assert [frame.time for frame in frames] == pytest.approx(stamps, abs=1e-6)
    assert (sampler.width, sampler.height, sampler.name, sampler.damaged) == (96, 64, str(numbered_video(name)), 0)
    assert sampler.expected is None or sampler.expected == pytest.approx(100, abs=15)  # an estimate


@pytest.mark.parametrize("name", ["b-frames.mp4", "b-frames.mkv", "uneven.mkv", "vp9.webm"])
def test_seeking_decodes_from_a_key_frame_on(
    numbered_video: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = all_frames(FrameSampler(numbered_video(name)))
    decoded: list[float] = []
    time = decode.Decoder._time
    monkeypatch.setattr(decode.Decoder, "_time", lambda self, frame: decoded.append(time(self, frame)) or decoded[-1])
    start = whole[70]
    assert all_frames(FrameSampler(numbered_video(name), after=Position(*start[:2]))) == whole[71:]
    assert len(decoded) < 1 + 30 + 30
    decoded.clear()
    assert all_frames(FrameSampler(numbered_video(name), start=start[1])) == whole[70:]
    assert len(decoded) < 1 + 30 + 31


def test_a_position_whose_time_is_not_in_the_file_is_found_by_number(numbered_video: Callable[[str], Path]) -> None:
    whole = all_frames(FrameSampler(numbered_video("b-frames.mp4")))
    assert all_frames(FrameSampler(numbered_video("b-frames.mp4"), after=Position(60, 2.41))) == whole[61:]


def test_rotation_of_a_phone_video(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 3)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    for turned, value in ((False, (1, 0, 0, 0, 1, 0)), (True, (0, 1, 0, -1, 0, 0))):
        for at, number in enumerate(value):
            fixed = number << (30 if at % 3 == 2 else 16)
            data[matrix + 4 * at : matrix + 4 * at + 4] = fixed.to_bytes(4, "big", signed=True)
        path.write_bytes(data)
        sampler = FrameSampler(path)
        frame = next(iter(sampler))
        assert (sampler.width, sampler.height) == ((64, 96) if turned else (96, 64))
        assert frame.pixels.shape == ((96, 64, 3) if turned else (64, 96, 3))
    turned_back = list(FrameSampler(path))[2].pixels.transpose(1, 0, 2)  # turned clockwise: the first stripe is on top
    assert number_in(turned_back) == 2


def test_very_large_frames_are_scaled_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_numbered(tmp_path / "a.mp4", 2, size=(400, 200))
    monkeypatch.setattr(module, "LONGEST", 100)
    sampler = FrameSampler(path)
    assert (sampler.width, sampler.height) == (400, 200)
    frames = list(sampler)
    assert frames[1].pixels.shape == (50, 100, 3)
    assert number_in(frames[1].pixels) == 1


def test_pixels_are_made_square(tmp_path: Path) -> None:
    sampler = FrameSampler(write_numbered(tmp_path / "a.mkv", 2, aspect=Fraction(4, 3)))
    assert (sampler.width, sampler.height) == (96, 64)
    assert next(iter(sampler)).pixels.shape == (64, 128, 3)


@pytest.mark.parametrize("matrix", ["ITU601", "ITU709"])
def test_colours_follow_the_matrix_of_the_video(tmp_path: Path, matrix: str) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.colorspace = {"ITU601": 6, "ITU709": 1}[matrix]
        skin = av.VideoFrame.from_ndarray(np.full((64, 96, 3), (200, 120, 90), np.uint8), format="rgb24")
        output.mux(stream.encode(skin.reformat(format="yuv420p", dst_colorspace=matrix)))
        output.mux(stream.encode(None))
    pixels = next(iter(FrameSampler(tmp_path / "a.mp4"))).pixels
    assert np.abs(pixels.astype(int) - (200, 120, 90)).max() <= 3


def test_a_gif_that_was_cut_off(numbered_video: Callable[[str], Path], tmp_path: Path) -> None:
    whole = numbered_video("moving.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    frames, error = frames_and_error(FrameSampler(tmp_path / "cut.gif"))
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert 30 < len(frames) < 60
    assert error == f"ends after {len(frames)} frames without a GIF's last byte: the file is incomplete"
    (tmp_path / "padded.gif").write_bytes(whole + bytes(64))
    assert len(all_frames(FrameSampler(tmp_path / "padded.gif"))) == 100


@pytest.mark.parametrize("name", ["b-frames.mkv", "old.avi", "hidden.webm"])
def test_a_file_that_was_cut_off_yields_the_frames_before(
    numbered_video: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    frames, error = frames_and_error(FrameSampler(damage(numbered_video(name), tmp_path / name, 0.5, 1)))
    assert "the file is incomplete" in error
    assert 25 < len(frames) < 75
    assert [number_in(frame.pixels) for frame in frames[:-10]] == list(range(len(frames) - 10))
