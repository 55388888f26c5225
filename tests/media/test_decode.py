"""Decoding: damage, inputs that are not videos, and streams."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import av
import numpy as np
import pytest

from fixtures.numbered_videos import GOP, damage, frames_and_error, number_in, numbered_picture, write_numbered
from mien.media import decode
from mien.media.picture import MediaError
from mien.media.sampler import FrameSampler


def test_special_characters_in_a_name(tmp_path: Path) -> None:
    for name in ("rtsp:a.mp4", "a%d.mp4", "[a]*.mp4"):
        assert len(list(FrameSampler(write_numbered(tmp_path / name, 3)))) == 3


def test_a_file_without_its_index_cannot_be_opened(numbered_video: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be opened as a video"):
        FrameSampler(damage(numbered_video("b-frames.mp4"), tmp_path / "a.mp4", 0.5, 1))


def test_a_file_that_was_cut_off_after_its_index(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 100, options=GOP | {"movflags": "faststart"})
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream: Any = output.add_stream("libx264", rate=25, options=GOP)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(100):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")))
        output.mux(stream.encode(None))
    frames, error = frames_and_error(FrameSampler(damage(path, tmp_path / "b.mp4", 0.7, 1)))
    assert len(frames) > 20
    assert "damaged after" in error or "incomplete" in error


def test_damaged_packets_are_skipped_and_counted(numbered_video: Callable[[str], Path], tmp_path: Path) -> None:
    sampler = FrameSampler(damage(numbered_video("stills.mov"), tmp_path / "a.mov", 0.5, 0.53))
    frames = list(sampler)
    assert 90 <= len(frames) < 100
    assert sampler.damaged >= 1
    assert number_in(frames[-1].pixels) == 99


def test_a_video_whose_end_is_damaged(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mov", 50, "mjpeg", pixels="yuvj420p")
    data = path.read_bytes()
    end = data.index(b"moov")
    frames, error = frames_and_error(FrameSampler(damage(path, tmp_path / "b.mov", 0.5, (end - 8) / len(data))))
    assert "damaged after" in error
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert 10 < len(frames) < 30


def test_inputs_that_are_not_videos(tmp_path: Path, astronaut: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.txt").write_text("hello world\n" * 999)
    (tmp_path / "text.mp4").write_text("hello world\n" * 999)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    for name, reason in {
        "none.mp4": "no such file",
        "empty.mp4": "the file is empty",
        "text.txt": "not a video",
        "text.mp4": "cannot be opened as a video",
        "noise.mp4": "cannot be opened as a video",
        "a\0b.mp4": "cannot be read",
    }.items():
        with pytest.raises(MediaError, match=reason):
            FrameSampler(str(tmp_path / name))
    with pytest.raises(MediaError, match="is not a regular file"):
        FrameSampler("/dev/null")


def test_sound_alone(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w") as output:
        stream: Any = output.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), format="fltp", layout="stereo")
        sound.rate = 44100
        output.mux(stream.encode(sound))
        output.mux(stream.encode(None))
    with pytest.raises(MediaError, match="has no video, only sound"):
        FrameSampler(tmp_path / "a.m4a")


def test_no_frames_at_all(tmp_path: Path, numbered_video: Callable[[str], Path]) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        output.start_encoding()
    with pytest.raises(MediaError):
        FrameSampler(tmp_path / "a.mkv")
    with pytest.raises(MediaError, match="no frames from 100 s on"):
        list(FrameSampler(numbered_video("b-frames.mp4"), start=100))


def test_a_stream_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="cannot be opened as a video"):
        FrameSampler("rtsp://127.0.0.1:1/none")
    monkeypatch.setattr(decode, "TIMEOUT", 0.3)
    server = socket.create_server(("127.0.0.1", 0))  # accepts the connection and sends nothing
    with server, pytest.raises(MediaError, match=r"no answer within 0.3 seconds"):
        FrameSampler(f"rtsp://127.0.0.1:{server.getsockname()[1]}/none")


def test_a_stream_that_falls_silent_yields_the_frames_before(
    numbered_video: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "TIMEOUT", 0.5)
    data = numbered_video("stream.ts").read_bytes()

    def serve(server: socket.socket) -> None:
        with suppress(OSError), server.accept()[0] as call:
            call.recv(4096)
            call.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + data[: len(data) * 3 // 4])
            done.wait(10)

    done = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,))
        thread.start()
        frames, error = frames_and_error(FrameSampler(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"))
        done.set()
        thread.join()
    assert error == "the stream sent nothing for 0.5 seconds"
    assert [number_in(frame.pixels) for frame in frames[:60]] == list(range(60))
