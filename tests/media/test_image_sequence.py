"""Sequences of pictures as videos."""

from pathlib import Path

import pytest
from PIL import Image

from fixtures.numbered_videos import number_in, numbered_picture
from mien.media.picture import MediaError
from mien.media.reader import Position
from mien.media.sampler import FrameSampler


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    folder = tmp_path / "shots"
    folder.mkdir()
    for position, number in enumerate((8, 9, 10, 12)):  # there is no 11
        Image.fromarray(numbered_picture(position)).save(folder / f"img_{number}.png")
    return folder


@pytest.mark.parametrize("pattern", ["", "img_%d.png", "img_*.png"])
def test_numbers_and_times(sequence: Path, pattern: str) -> None:
    source = str(sequence / pattern) if pattern else str(sequence)
    sampler = FrameSampler(source, sequence_rate=10)
    frames = list(sampler)
    assert [number_in(frame.pixels) for frame in frames] == [frame.number for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert (sampler.width, sampler.height, sampler.rate, sampler.expected) == (96, 64, 10, 4)
    assert [frame.number for frame in FrameSampler(source, every=2, after=Position(0, 0.0))] == [2]


def test_damaged_pictures_and_pictures_of_another_size(sequence: Path) -> None:
    (sequence / "img_9.png").write_bytes(b"no picture")
    Image.fromarray(numbered_picture(2, 192, 128)).save(sequence / "img_10.png")
    sampler = FrameSampler(sequence)
    frames = list(sampler)
    assert [(frame.number, number_in(frame.pixels)) for frame in frames] == [(0, 0), (2, 2), (3, 3)]
    assert sampler.damaged == 1
    assert {frame.pixels.shape for frame in frames} == {(64, 96, 3)}


def test_no_readable_pictures(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no pictures match"):
        FrameSampler(tmp_path / "a%04d.png")
    with pytest.raises(MediaError, match="no pictures in this folder"):
        FrameSampler(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(MediaError, match=r"none of these pictures can be read \(a.png: "):
        FrameSampler(tmp_path)
