"""Sampling: which frames the options choose, and that a resumed pass chooses the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.numbered_videos import FILES, all_frames
from mien.media.picture import MediaError
from mien.media.reader import Position
from mien.media.sampler import FrameSampler


@pytest.mark.parametrize("name", FILES)
def test_a_later_start_changes_no_frame(numbered_video: Callable[[str], Path], name: str) -> None:
    whole = all_frames(FrameSampler(numbered_video(name)))
    for start in (0.03, 1.0, 2.34, whole[-2][1]):
        assert all_frames(FrameSampler(numbered_video(name), start=start)) == [
            frame for frame in whole if frame[1] >= start
        ]
    some = all_frames(FrameSampler(numbered_video(name), start=1.0, end=2.0, every=3))
    assert some == [frame for frame in whole if 1.0 <= frame[1] < 2.0 and frame[0] % 3 == 0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("options", [{}, {"every": 3}, {"fps": 7}, {"start": 0.5, "end": 3.0}], ids=str)
def test_resuming_yields_the_frames_of_an_uninterrupted_pass(
    numbered_video: Callable[[str], Path], name: str, options: dict[str, Any]
) -> None:
    whole = all_frames(FrameSampler(numbered_video(name), **options))
    for done in (1, 2, len(whole) // 2, len(whole)):
        number, time, _ = whole[done - 1]
        assert all_frames(FrameSampler(numbered_video(name), after=Position(number, time), **options)) == whole[done:]


def test_frames_per_second(numbered_video: Callable[[str], Path]) -> None:
    def numbers(name: str, **options: Any) -> list[int]:
        return [frame[0] for frame in all_frames(FrameSampler(numbered_video(name), **options))]

    assert numbers("b-frames.mp4", fps=5) == list(range(0, 100, 5))
    assert numbers("b-frames.mp4", fps=25) == numbers("b-frames.mp4", fps=60) == list(range(100))
    assert numbers("moving.gif", fps=12.5) == list(range(0, 100, 2))
    times = [frame[1] for frame in all_frames(FrameSampler(numbered_video("uneven.mp4"), fps=10))]
    assert len(times) <= 10 * times[-1] + 1.1
    assert np.diff(times).max() < 0.2 + 0.09


def test_expected_number_of_frames(numbered_video: Callable[[str], Path]) -> None:
    path = numbered_video("b-frames.mp4")
    optionss: list[dict[str, Any]] = [
        {},
        {"every": 3},
        {"fps": 5},
        {"start": 1.0, "end": 2.0},
        {"after": Position(49, 1.96)},
    ]
    for options in optionss:
        sampler = FrameSampler(path, **options)
        assert sampler.expected == pytest.approx(len(list(sampler)), abs=1)


def test_a_device_is_read_once_and_cannot_be_resumed() -> None:
    camera = "lavfi:testsrc=duration=1:rate=10:size=64x48"
    sampler = FrameSampler(camera)
    assert (sampler.duration, sampler.expected, sampler.rate) == (None, None, 10)
    frames = list(sampler)
    assert [frame.number for frame in frames] == list(range(10))
    assert frames[-1].time == pytest.approx(0.9)
    with pytest.raises(MediaError, match="only once"):
        list(sampler)
    with pytest.raises(MediaError, match="a stream cannot be resumed"):
        FrameSampler(camera, after=Position(3, 0.3))
    assert [frame.number for frame in FrameSampler(camera, start=0.5, every=2)] == [6, 8]


@pytest.mark.parametrize("options", [{"every": 0}, {"fps": 0}, {"sequence_rate": -1}, {"start": 2, "end": 1}], ids=str)
def test_options_out_of_range(numbered_video: Callable[[str], Path], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"every|frames per second|must be before end"):
        FrameSampler(numbered_video("b-frames.mp4"), **options)
