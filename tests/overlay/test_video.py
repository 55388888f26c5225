from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.media.mp4 import VideoWriteError
from mien.media.picture import MediaError
from mien.media.sampler import Frame
from mien.overlay.video import OverlayWriter, by_frame, draw_overlay, draw_video, faces_at_once
from mien.table.reader import TableError
from mien.tasks import FACE

ROWS = [(0, 0.0, 0), (0, 0.0, 1), (2, 0.08, -1), (3, 0.12, 0), (9, 0.36, 0)]


def frames(*numbers: int, size: tuple[int, int] = (80, 60)) -> Iterator[Frame]:
    for number in numbers:
        yield Frame(number, number / 25, np.full((size[1], size[0], 3), 10 * number, np.uint8))


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(float(frame.time), 3) for frame in container.decode(video=0)]


def write_video(path: Path, count: int = 12) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_image(Image.new("RGB", (160, 120), (20 * index, 90, 90)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_frames_of_the_table_are_drawn_at_their_times(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    table = pq.ParquetFile(annotations(tmp_path / "t.parquet", ROWS))
    drawn: list[int] = []
    count = draw_overlay(
        frames(*range(12)), table.iter_batches(2), FACE, tmp_path / "o.mp4", panels=2, advance=drawn.append
    )
    assert (count, drawn) == (4, [1, 1, 1, 1])
    assert times(tmp_path / "o.mp4") == [0, 0.08, 0.12, 0.36]


def test_the_rows_of_a_frame_may_span_batches(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    table = pq.ParquetFile(annotations(tmp_path / "t.parquet", ROWS))
    found = [(number, len(rows)) for number, rows in by_frame(table.iter_batches(1))]
    assert found == [(0, 2), (2, 1), (3, 1), (9, 1)]
    assert faces_at_once(table.iter_batches(1, columns=["frame", "face"])) == 2
    assert faces_at_once([]) == 0


def test_frames_that_only_the_video_or_the_table_has_are_skipped(
    tmp_path: Path, annotations: Callable[..., Path]
) -> None:
    table = pq.ParquetFile(annotations(tmp_path / "t.parquet", ROWS))
    assert draw_overlay(frames(1, 3, 4), table.iter_batches(), FACE, tmp_path / "o.mp4") == 1
    with pytest.raises(VideoWriteError, match=r"p\.mp4: nothing to draw: the video has no frame of the table$"):
        draw_overlay(frames(1, 4), table.iter_batches(), FACE, tmp_path / "p.mp4")
    with pytest.raises(VideoWriteError, match="nothing to draw"):
        draw_overlay([], table.iter_batches(), FACE, tmp_path / "p.mp4")
    assert not list(tmp_path.glob("p.mp4*"))


def test_overlays_of_damaged_videos_are_complete_up_to_the_damage(
    tmp_path: Path, annotations: Callable[..., Path]
) -> None:
    def damaged() -> Iterator[Frame]:
        yield from frames(0, 2, 3)
        raise MediaError("damaged")

    table = pq.ParquetFile(annotations(tmp_path / "t.parquet", ROWS))
    with pytest.raises(MediaError):
        draw_overlay(damaged(), table.iter_batches(), FACE, tmp_path / "o.mp4")
    assert times(tmp_path / "o.mp4") == [0, 0.08, 0.12]


def test_drawing_frame_by_frame_gives_the_same_file(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    table = pq.ParquetFile(annotations(tmp_path / "t.parquet", ROWS))
    draw_overlay(frames(*range(12)), table.iter_batches(), FACE, tmp_path / "later.mp4", panels=2)
    rows = dict(by_frame(table.iter_batches()))
    with OverlayWriter(tmp_path / "now.mp4", FACE, panels=2) as video:
        for frame in frames(0, 2, 3, 9):
            video.write(frame.pixels, frame.time, rows[frame.number])
    assert video.frames == 4
    assert (tmp_path / "now.mp4").read_bytes() == (tmp_path / "later.mp4").read_bytes()


def test_the_overlay_of_a_finished_table(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "v.mp4")
    table = annotations(tmp_path / "t.parquet", [(index, index / 25, 0) for index in range(4, 12, 2)])
    assert draw_video(video, table, tmp_path / "o.mp4") == 4
    assert times(tmp_path / "o.mp4") == [0, 0.08, 0.16, 0.24]
    with pytest.raises(VideoWriteError, match="is the input video; choose another file"):
        draw_video(video, table, video, overwrite=True)
    with pytest.raises(MediaError):
        draw_video(tmp_path / "missing.mp4", table, tmp_path / "p.mp4")
    with pytest.raises(TableError):
        draw_video(video, video, tmp_path / "p.mp4")
