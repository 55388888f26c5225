from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from mien.media.mp4 import Mp4
from mien.table.writer import TableWriteError


def picture(grey: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, (grey, grey, grey))


def read(path: Path) -> list[tuple[float, int]]:
    with av.open(str(path)) as container:
        return [(float(frame.time), int(frame.to_image().getpixel((5, 5))[0])) for frame in container.decode(video=0)]


def test_frames_keep_their_times_and_their_grey(tmp_path: Path) -> None:
    times = [3.0, 3.04, 3.5, 3.501, 7.25]
    with Mp4(tmp_path / "a.mp4", rate=25) as video:
        for index, time in enumerate(times):
            video.write(picture(40 + 40 * index), time)
    assert video.frames == 5
    found = read(tmp_path / "a.mp4")
    assert [time for time, _ in found] == pytest.approx([0, 0.04, 0.5, 0.501, 4.25], abs=1e-4)
    assert [grey for _, grey in found] == pytest.approx([40, 80, 120, 160, 200], abs=3)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]


def test_it_plays_everywhere(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        video.write(picture(9), 0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.time_base == Fraction(1, 90_000)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # the index is in front: it plays while it loads


def test_times_that_do_not_ascend_are_moved_on(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4") as video:
        for time in (1.0, 1.0, 0.5, 2.0):
            video.write(picture(9), time)
    times = [time for time, _ in read(tmp_path / "a.mp4")]
    assert times == sorted(set(times))
    assert len(times) == 4


def test_no_frame_no_file(tmp_path: Path) -> None:
    with Mp4(tmp_path / "a.mp4"):
        assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4.part"]
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_video_is_complete_up_to_there(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Mp4(tmp_path / "a.mp4") as video:
            for index in range(10):
                video.write(picture(9), index / 25)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(read(tmp_path / "a.mp4")) == 10


def test_what_exists_is_kept_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(TableWriteError, match=r"a\.mp4: already exists \(use --overwrite to replace it\)"):
        Mp4(path)
    with Mp4(path, overwrite=True) as video:
        video.write(picture(9), 0)
        assert path.read_bytes() == b"old"
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a.avi", "must end in .mp4"), ("no/a.mp4", "cannot be written: No such file"), ("d.mp4", "is a folder")],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "d.mp4").mkdir()
    with pytest.raises(TableWriteError, match=reason):
        Mp4(tmp_path / name)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    (tmp_path / "a.mp4.part").symlink_to("/dev/full")

    def fill() -> None:
        with Mp4(path) as video:
            for index in range(200):
                video.write(Image.effect_noise((320, 240), 90).convert("RGB"), index / 25)

    with pytest.raises(TableWriteError, match=r"a\.mp4: cannot be written: No space left on device"):
        fill()
    assert list(tmp_path.iterdir()) == []
