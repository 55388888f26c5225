"""The crop of a row, and the options in a manifest's metadata."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.faces.align import CROP
from mien.learn.data.pack.crops import SHARD, PackOptions, cut_box, make_crop, pack_options
from mien.learn.data.pack.finder import TIGHT, WHOLE
from mien.learn.data.pack.locate import Pictures
from mien.media.picture import MediaError

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def test_arguments_override_the_metadata() -> None:
    metadata: dict[str, Any] = {"tight": True, "grey": True, "side": 48, "keep_unfound": True}
    assert pack_options({}) == PackOptions()
    options = pack_options(metadata)
    assert (options.finder, options.grey, options.side, options.keep_unfound, options.shape) == (
        TIGHT,
        True,
        48,
        True,
        (48, 48, 1),
    )
    options = pack_options(metadata, tight=False, grey=False, side=16, use="detector")
    assert (options.finder, options.grey, options.side, options.use) == (WHOLE, False, 16, "detector")


def test_shards_of_large_pictures_have_fewer() -> None:
    assert pack_options({}).shard == SHARD
    assert pack_options({"side": 2 * CROP}).shard == SHARD // 4


@pytest.mark.parametrize(("height", "width", "finder"), [(48, 48, TIGHT), (64, 64, TIGHT), (65, 48, WHOLE)])
def test_small_pictures_are_taken_for_tight_crops(height: int, width: int, finder: object) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    assert PackOptions().choose_finder(picture) is finder
    assert PackOptions(finder=WHOLE).choose_finder(picture) is WHOLE


def test_cut_box() -> None:
    row = {"x": 28.0, "y": -2.0, "width": 10.0, "height": 6.0}
    np.testing.assert_array_equal(cut_box(row, PIXELS), PIXELS[0:4, 28:30])
    assert cut_box({**row, "y": None}, PIXELS) is PIXELS
    for wrong in ({"x": 30.0}, {"x": -11.0}, {"y": -6.0}):
        with pytest.raises(MediaError, match="the box is outside the picture"):
            cut_box({**row, **wrong}, PIXELS)


def test_a_picture_without_a_face_waits_only_with_keep_unfound(tmp_path: Path) -> None:
    Image.new("RGB", (80, 80)).save(tmp_path / "empty.png")
    row, out = {"path": "empty.png"}, np.zeros((CROP, CROP, 3), np.uint8)
    problem = {"problem": "empty.png: no face found"}
    assert make_crop(row, 7, out, Pictures(tmp_path), PackOptions()) == problem
    keeping = PackOptions(keep_unfound=True)
    assert make_crop(row, 7, out, Pictures(tmp_path), keeping) == {"crop": 7, "found": False, **problem}
    gone = make_crop({"path": "gone.png"}, 7, out, Pictures(tmp_path), keeping)
    assert gone == {"problem": "gone.png: no such file"}
