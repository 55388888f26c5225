"""Frames by number, and videos that end too early."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.media.frame_lookup import FrameLookup
from mien.media.picture import MediaError


def grey(frame: np.ndarray) -> int:
    return round(float(frame.mean()) / 10)


def test_frames_by_number(make_video: Callable[..., Path], tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [np.full((48, 64, 3), 10 * k, np.uint8) for k in range(20)])
    video = FrameLookup(path)
    assert [grey(video.frame(number)) for number in (0, 3, 3, 19, 4)] == [0, 3, 3, 19, 4]
    assert video.frame(5).shape == (48, 64, 3)
    assert video.frame(5).dtype == np.uint8
    video.close()


def test_ascending_frames_are_decoded_once(
    make_video: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "a.mp4", [np.full((48, 64, 3), 10 * k, np.uint8) for k in range(9)])
    video, rewound = FrameLookup(path), []
    rewind = video._rewind
    monkeypatch.setattr(video, "_rewind", lambda: (rewound.append(1), rewind()))
    for number in (0, 1, 1, 5, 8):
        video.frame(number)
    assert not rewound
    video.frame(2)
    assert rewound == [1]


def test_frames_that_cannot_be_decoded(make_video: Callable[..., Path], tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [np.full((48, 64, 3), 9, np.uint8)] * 3)
    with pytest.raises(MediaError, match="frame 3: the video has 3 frames"):
        FrameLookup(path).frame(3)
    with pytest.raises(MediaError, match="frames are counted from 0"):
        FrameLookup(path).frame(-1)
    (tmp_path / "b.mp4").write_bytes(b"no video at all" * 99)
    with pytest.raises(MediaError, match="cannot be opened"):
        FrameLookup(tmp_path / "b.mp4")
    with pytest.raises(MediaError, match="no such file"):
        FrameLookup(tmp_path / "none.mp4")
