"""Small videos of the one face that the repository carries."""

from collections.abc import Callable, Collection
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

Film = Callable[..., Path]


@pytest.fixture(scope="session")
def film(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Makes a video, 320 x 240 at 30 frames/s, in which the face wanders, and light comes and goes.

    The same one is made once. ``without`` are the frames that show no face, ``faces`` is 1 or 2.
    """
    portrait = Image.open(astronaut).convert("RGB").crop((120, 0, 340, 240))
    folder = tmp_path_factory.mktemp("films")

    def make(frames: int = 60, without: Collection[int] = (), faces: int = 1, suffix: str = ".mp4") -> Path:
        path = folder / f"{frames}-{faces}-{'_'.join(map(str, without))[:40]}{suffix}"
        if path.exists():
            return path
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4" if suffix == ".avi" else "libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for index in range(frames):
                scene = Image.new("RGB", (320, 240), (40, 60, 90))
                if index not in without:
                    lit = portrait.point(lambda value, index=index: min(255, int(value * (1 + np.sin(index / 9) / 3))))
                    half = lit.resize((150, 164))
                    scene.paste(lit if faces == 1 else half, (round(20 * np.sin(index / 20)) + 20, 0))
                    if faces == 2:
                        scene.paste(half, (170, round(20 * np.cos(index / 20)) + 20))
                container.mux(stream.encode(av.VideoFrame.from_image(scene)))
            container.mux(stream.encode(None))
        return path

    return make
