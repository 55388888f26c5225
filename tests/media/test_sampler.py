"""Every frame by its number and time, from any place on; what cannot be read says why."""

import socket
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mien.media import decode
from mien.media import reader as clip
from mien.media.picture import MediaError
from mien.media.reader import Place
from mien.media.sampler import Frame, FrameSampler

MILLI = Fraction(1, 1000)
GOP = {"g": "20", "bf": "3"}
"""Key frames every 20 frames, B-frames between: what is decoded first is not what is shown first."""


def picture(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """Ten stripes, black or white: the number in binary."""
    bits = np.array([230 if number >> bit & 1 else 20 for bit in range(10)], np.uint8)
    stripes = bits[np.arange(width) * 10 // width]
    return np.repeat(np.repeat(stripes[None], height, 0)[..., None], 3, 2)


def number_in(pixels: np.ndarray) -> int:
    width = pixels.shape[1]
    middles = ((np.arange(10) + 0.5) * width / 10).astype(int)
    return sum(int(pixels[:, middle].mean() > 125) << bit for bit, middle in enumerate(middles))


def write(
    path: Path,
    count: int = 100,
    codec: str = "libx264",
    *,
    rate: int = 25,
    stamps: list[int] | None = None,
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (96, 64),
    pixels: str = "yuv420p",
    container: str | None = None,
    aspect: Fraction | None = None,
) -> Path:
    with av.open(str(path), "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = MILLI if stamps else Fraction(1, rate)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts = stamps[number] if stamps else number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def uneven(count: int) -> list[int]:
    """Milliseconds of frames that come as they like."""
    steps = np.random.default_rng(0).choice([10, 20, 33, 40, 41, 90], count - 1)
    return [0, *np.cumsum(steps).tolist()]


FILES: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {"options": GOP},
    "b-frames.mkv": {"options": GOP},
    "open-gop.mp4": {"options": GOP | {"x264-params": "open-gop=1"}},
    "uneven.mp4": {"options": GOP, "stamps": uneven(100)},
    "uneven.mkv": {"options": GOP, "stamps": uneven(100)},
    "stream.ts": {"options": GOP},
    "raw.h264": {"options": GOP},
    "old.avi": {"codec": "mpeg4"},
    "old.mpg": {"codec": "mpeg2video"},
    "hidden.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"lag-in-frames": "16", "g": "30", "cpu-used": "8"}},
    "stills.mov": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "moving.gif": {"codec": "gif", "pixels": "rgb8"},
}


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("videos")

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else write(path, **FILES[name])

    return make


def seen(footage: FrameSampler) -> list[tuple[int, float, bytes]]:
    with footage:
        return [(frame.number, frame.time, frame.pixels.tobytes()) for frame in footage]


def told(footage: FrameSampler) -> tuple[list[Frame], str]:
    """All frames up to the error, and the error."""
    frames: list[Frame] = []
    with footage, pytest.raises(MediaError) as error:
        frames.extend(footage)  # which keeps what came before the error
    return frames, str(error.value)


def test_a_gif_that_was_cut_off_says_so(video: Callable[[str], Path], tmp_path: Path) -> None:
    whole = video("moving.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    frames, error = told(FrameSampler(tmp_path / "cut.gif"))
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert 30 < len(frames) < 60
    assert error == f"ends after {len(frames)} frames without a GIF's last byte: the file is incomplete"
    (tmp_path / "padded.gif").write_bytes(whole + bytes(64))
    assert len(seen(FrameSampler(tmp_path / "padded.gif"))) == 100


@pytest.mark.parametrize("name", FILES)
def test_every_frame_in_order_with_its_number_and_time(video: Callable[[str], Path], name: str) -> None:
    with FrameSampler(video(name)) as footage:
        frames = list(footage)
    assert [number_in(frame.pixels) for frame in frames] == [frame.number for frame in frames] == list(range(100))
    assert all(frame.pixels.shape == (64, 96, 3) and frame.pixels.dtype == np.uint8 for frame in frames)
    stamps = [0.001 * stamp for stamp in FILES[name].get("stamps", [40 * k for k in range(100)])]
    assert [frame.time for frame in frames] == pytest.approx(stamps, abs=1e-6)
    assert (footage.width, footage.height, footage.name, footage.damaged) == (96, 64, str(video(name)), 0)
    assert footage.expected is None or footage.expected == pytest.approx(100, abs=15)  # some only guess


@pytest.mark.parametrize("name", FILES)
def test_a_later_start_changes_no_frame(video: Callable[[str], Path], name: str) -> None:
    whole = seen(FrameSampler(video(name)))
    for start in (0.03, 1.0, 2.34, whole[-2][1]):
        assert seen(FrameSampler(video(name), start=start)) == [frame for frame in whole if frame[1] >= start]
    some = seen(FrameSampler(video(name), start=1.0, end=2.0, every=3))
    assert some == [frame for frame in whole if 1.0 <= frame[1] < 2.0 and frame[0] % 3 == 0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("choice", [{}, {"every": 3}, {"fps": 7}, {"start": 0.5, "end": 3.0}], ids=str)
def test_going_on_gives_the_frames_of_an_unbroken_pass(
    video: Callable[[str], Path], name: str, choice: dict[str, Any]
) -> None:
    whole = seen(FrameSampler(video(name), **choice))
    for done in (1, 2, len(whole) // 2, len(whole)):
        number, time, _ = whole[done - 1]
        assert seen(FrameSampler(video(name), after=Place(number, time), **choice)) == whole[done:]


@pytest.mark.parametrize("name", ["b-frames.mp4", "b-frames.mkv", "uneven.mkv", "vp9.webm"])
def test_seeking_decodes_only_from_the_key_frame_on(
    video: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = seen(FrameSampler(video(name)))
    decoded: list[float] = []
    time = decode.Decoder._time
    monkeypatch.setattr(decode.Decoder, "_time", lambda self, frame: decoded.append(time(self, frame)) or decoded[-1])
    begin = whole[70]
    assert seen(FrameSampler(video(name), after=Place(*begin[:2]))) == whole[71:]
    assert len(decoded) < 1 + 30 + 30
    decoded.clear()
    assert seen(FrameSampler(video(name), start=begin[1])) == whole[70:]
    assert len(decoded) < 1 + 30 + 31


def test_a_place_that_is_not_in_the_file_is_reached_by_counting(video: Callable[[str], Path]) -> None:
    whole = seen(FrameSampler(video("b-frames.mp4")))
    assert seen(FrameSampler(video("b-frames.mp4"), after=Place(60, 2.41))) == whole[61:]


def test_thinning_by_time(video: Callable[[str], Path]) -> None:
    def numbers(name: str, **choice: Any) -> list[int]:
        return [frame[0] for frame in seen(FrameSampler(video(name), **choice))]

    assert numbers("b-frames.mp4", fps=5) == list(range(0, 100, 5))
    assert numbers("b-frames.mp4", fps=25) == numbers("b-frames.mp4", fps=60) == list(range(100))
    assert numbers("moving.gif", fps=12.5) == list(range(0, 100, 2))
    times = [frame[1] for frame in seen(FrameSampler(video("uneven.mp4"), fps=10))]
    assert len(times) <= 10 * times[-1] + 1.1
    assert np.diff(times).max() < 0.2 + 0.09


def test_how_many_are_expected(video: Callable[[str], Path]) -> None:
    path = video("b-frames.mp4")
    choices: list[dict[str, Any]] = [
        {},
        {"every": 3},
        {"fps": 5},
        {"start": 1.0, "end": 2.0},
        {"after": Place(49, 1.96)},
    ]
    for choice in choices:
        footage = FrameSampler(path, **choice)
        assert footage.expected == pytest.approx(len(list(footage)), abs=1)


def test_a_telephone_that_was_held_upright(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 3)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    for turned, value in ((False, (1, 0, 0, 0, 1, 0)), (True, (0, 1, 0, -1, 0, 0))):
        for place, number in enumerate(value):
            fixed = number << (30 if place % 3 == 2 else 16)
            data[matrix + 4 * place : matrix + 4 * place + 4] = fixed.to_bytes(4, "big", signed=True)
        path.write_bytes(data)
        footage = FrameSampler(path)
        frame = next(iter(footage))
        assert (footage.width, footage.height) == ((64, 96) if turned else (96, 64))
        assert frame.pixels.shape == ((96, 64, 3) if turned else (64, 96, 3))
    assert (
        number_in(list(FrameSampler(path))[2].pixels.transpose(1, 0, 2)) == 2
    )  # turned clockwise: the first stripe is on top


def test_very_large_frames_are_scaled_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.mp4", 2, size=(400, 200))
    monkeypatch.setattr(clip, "LONGEST", 100)
    footage = FrameSampler(path)
    assert (footage.width, footage.height) == (400, 200)
    frames = list(footage)
    assert frames[1].pixels.shape == (50, 100, 3)
    assert number_in(frames[1].pixels) == 1


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    footage = FrameSampler(write(tmp_path / "a.mkv", 2, aspect=Fraction(4, 3)))
    assert (footage.width, footage.height) == (96, 64)
    assert next(iter(footage)).pixels.shape == (64, 128, 3)


@pytest.mark.parametrize("matrix", ["ITU601", "ITU709"])
def test_colours_are_those_that_the_video_means(tmp_path: Path, matrix: str) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.colorspace = {"ITU601": 6, "ITU709": 1}[matrix]
        skin = av.VideoFrame.from_ndarray(np.full((64, 96, 3), (200, 120, 90), np.uint8), format="rgb24")
        output.mux(stream.encode(skin.reformat(format="yuv420p", dst_colorspace=matrix)))
        output.mux(stream.encode(None))
    pixels = next(iter(FrameSampler(tmp_path / "a.mp4"))).pixels
    assert np.abs(pixels.astype(int) - (200, 120, 90)).max() <= 3


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = tmp_path / "shots"
    folder.mkdir()
    for position, number in enumerate((8, 9, 10, 12)):  # there is no 11
        Image.fromarray(picture(position)).save(folder / f"img_{number}.png")
    return folder


@pytest.mark.parametrize("pattern", ["", "img_%d.png", "img_*.png"])
def test_a_series_of_pictures(shots: Path, pattern: str) -> None:
    source = str(shots / pattern) if pattern else str(shots)
    footage = FrameSampler(source, stills=10)
    frames = list(footage)
    assert [number_in(frame.pixels) for frame in frames] == [frame.number for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert (footage.width, footage.height, footage.rate, footage.expected) == (96, 64, 10, 4)
    assert [frame.number for frame in FrameSampler(source, every=2, after=Place(0, 0.0))] == [2]


def test_pictures_of_a_series_that_are_damaged_or_of_another_size(shots: Path) -> None:
    (shots / "img_9.png").write_bytes(b"no picture")
    Image.fromarray(picture(2, 192, 128)).save(shots / "img_10.png")
    footage = FrameSampler(shots)
    frames = list(footage)
    assert [(frame.number, number_in(frame.pixels)) for frame in frames] == [(0, 0), (2, 2), (3, 3)]
    assert footage.damaged == 1
    assert {frame.pixels.shape for frame in frames} == {(64, 96, 3)}


def test_a_series_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture matches"):
        FrameSampler(tmp_path / "a%04d.png")
    with pytest.raises(MediaError, match="no pictures in this folder"):
        FrameSampler(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(MediaError, match=r"none of these pictures can be read \(a.png: "):
        FrameSampler(tmp_path)


def test_a_file_with_a_colon_or_a_percent_sign_in_its_name(tmp_path: Path) -> None:
    for name in ("rtsp:a.mp4", "a%d.mp4", "[a]*.mp4"):
        assert len(list(FrameSampler(write(tmp_path / name, 3)))) == 3


def damage(path: Path, target: Path, begin: float, end: float) -> Path:
    """Zeros from one part of the file to another; cut off there if the end is 1."""
    data = bytearray(path.read_bytes())
    low, high = round(begin * len(data)), round(end * len(data))
    data[low:high] = bytes(0 if end == 1 else high - low)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("name", ["b-frames.mkv", "old.avi", "hidden.webm"])
def test_a_file_that_was_cut_off_gives_what_it_has(video: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    frames, error = told(FrameSampler(damage(video(name), tmp_path / name, 0.5, 1)))
    assert "the file is incomplete" in error
    assert 25 < len(frames) < 75
    assert [number_in(frame.pixels) for frame in frames[:-10]] == list(range(len(frames) - 10))


def test_a_file_without_its_index_cannot_be_opened(video: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="the video cannot be opened"):
        FrameSampler(damage(video("b-frames.mp4"), tmp_path / "a.mp4", 0.5, 1))


def test_an_index_before_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 100, options=GOP | {"movflags": "faststart"})
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream: Any = output.add_stream("libx264", rate=25, options=GOP)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(100):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        output.mux(stream.encode(None))
    frames, error = told(FrameSampler(damage(path, tmp_path / "b.mp4", 0.7, 1)))
    assert len(frames) > 20
    assert "damaged after" in error or "incomplete" in error


def test_single_damaged_packets_are_passed_over_and_counted(video: Callable[[str], Path], tmp_path: Path) -> None:
    footage = FrameSampler(damage(video("stills.mov"), tmp_path / "a.mov", 0.5, 0.53))
    frames = list(footage)
    assert 90 <= len(frames) < 100
    assert footage.damaged >= 1
    assert number_in(frames[-1].pixels) == 99


def test_a_video_whose_end_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mov", 50, "mjpeg", pixels="yuvj420p")
    data = path.read_bytes()
    end = data.index(b"moov")
    frames, error = told(FrameSampler(damage(path, tmp_path / "b.mov", 0.5, (end - 8) / len(data))))
    assert "damaged after" in error
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert 10 < len(frames) < 30


def test_what_is_no_video_says_so(tmp_path: Path, astronaut: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.txt").write_text("hello world\n" * 999)
    (tmp_path / "text.mp4").write_text("hello world\n" * 999)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    for name, reason in {
        "none.mp4": "no such file",
        "empty.mp4": "the file is empty",
        "text.txt": "is not a video",
        "text.mp4": "the video cannot be opened",
        "noise.mp4": "the video cannot be opened",
        "a\0b.mp4": "cannot be read",
    }.items():
        with pytest.raises(MediaError, match=reason):
            FrameSampler(str(tmp_path / name))
    with pytest.raises(MediaError, match="is not a regular file"):
        FrameSampler("/dev/null")


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w") as output:
        stream: Any = output.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), format="fltp", layout="stereo")
        sound.rate = 44100
        output.mux(stream.encode(sound))
        output.mux(stream.encode(None))
    with pytest.raises(MediaError, match="has no pictures, only sound"):
        FrameSampler(tmp_path / "a.m4a")


def test_no_frames_at_all(tmp_path: Path, video: Callable[[str], Path]) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        output.start_encoding()
    with pytest.raises(MediaError):
        FrameSampler(tmp_path / "a.mkv")
    with pytest.raises(MediaError, match="has no frame from 100 s on"):
        list(FrameSampler(video("b-frames.mp4"), start=100))


def test_a_stream_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="the video cannot be opened"):
        FrameSampler("rtsp://127.0.0.1:1/none")
    monkeypatch.setattr(decode, "TIMEOUT", 0.3)
    server = socket.create_server(("127.0.0.1", 0))  # takes the call and keeps silent
    with server, pytest.raises(MediaError, match=r"no answer within 0.3 seconds"):
        FrameSampler(f"rtsp://127.0.0.1:{server.getsockname()[1]}/none")


def test_a_stream_that_falls_silent_gives_what_came(
    video: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "TIMEOUT", 0.5)
    data = video("stream.ts").read_bytes()

    def speak(server: socket.socket) -> None:
        with suppress(OSError), server.accept()[0] as call:
            call.recv(4096)
            call.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + data[: len(data) * 3 // 4])
            done.wait(10)

    done = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=speak, args=(server,))
        thread.start()
        frames, error = told(FrameSampler(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"))
        done.set()
        thread.join()
    assert error == "the stream gave nothing for 0.5 seconds"
    assert [number_in(frame.pixels) for frame in frames[:60]] == list(range(60))


def test_a_device_is_read_once_and_not_gone_on_with() -> None:
    camera = "lavfi:testsrc=duration=1:rate=10:size=64x48"
    footage = FrameSampler(camera)
    assert (footage.duration, footage.expected, footage.rate) == (None, None, 10)
    frames = list(footage)
    assert [frame.number for frame in frames] == list(range(10))
    assert frames[-1].time == pytest.approx(0.9)
    with pytest.raises(MediaError, match="only once"):
        list(footage)
    with pytest.raises(MediaError, match="cannot be gone on with"):
        FrameSampler(camera, after=Place(3, 0.3))
    assert [frame.number for frame in FrameSampler(camera, start=0.5, every=2)] == [6, 8]


@pytest.mark.parametrize("choice", [{"every": 0}, {"fps": 0}, {"stills": -1}, {"start": 2, "end": 1}], ids=str)
def test_choices_that_are_none(video: Callable[[str], Path], choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"every|frames a second|nothing lies"):
        FrameSampler(video("b-frames.mp4"), **choice)
