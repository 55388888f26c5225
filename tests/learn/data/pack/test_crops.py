"""What is packed for a row, and that the facts of a manifest say it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.faces.align import CROP
from mien.learn.data.pack.crops import SHARD, PackOptions, inside, make, pack_options
from mien.learn.data.pack.finder import TIGHT, WHOLE
from mien.learn.data.pack.locate import Pictures
from mien.media.picture import MediaError

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def test_the_facts_say_how_and_what_is_given_goes_before_them() -> None:
    metadata: dict[str, Any] = {"tight": True, "grey": True, "side": 48, "keep_unfound": True}
    assert pack_options({}) == PackOptions()
    how = pack_options(metadata)
    assert (how.finder, how.grey, how.side, how.keep_unfound, how.shape) == (TIGHT, True, 48, True, (48, 48, 1))
    how = pack_options(metadata, tight=False, grey=False, side=16, use="detector")
    assert (how.finder, how.grey, how.side, how.use) == (WHOLE, False, 16, "detector")


def test_a_shard_of_large_pictures_has_fewer_of_them() -> None:
    assert pack_options({}).shard == SHARD
    assert pack_options({"side": 2 * CROP}).shard == SHARD // 4


@pytest.mark.parametrize(("height", "width", "finder"), [(48, 48, TIGHT), (64, 64, TIGHT), (65, 48, WHOLE)])
def test_small_pictures_end_at_the_face(height: int, width: int, finder: object) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    assert PackOptions().finder_of(picture) is finder
    assert PackOptions(finder=WHOLE).finder_of(picture) is WHOLE


def test_what_is_in_the_box() -> None:
    row = {"x": 28.0, "y": -2.0, "width": 10.0, "height": 6.0}
    np.testing.assert_array_equal(inside(row, PIXELS), PIXELS[0:4, 28:30])
    assert inside({**row, "y": None}, PIXELS) is PIXELS
    for wrong in ({"x": 30.0}, {"x": -11.0}, {"y": -6.0}):
        with pytest.raises(MediaError, match="the box lies outside the picture"):
            inside({**row, **wrong}, PIXELS)


def test_a_picture_without_a_face_waits_only_where_it_shall_be_kept(tmp_path: Path) -> None:
    Image.new("RGB", (80, 80)).save(tmp_path / "empty.png")
    row, out = {"path": "empty.png"}, np.zeros((CROP, CROP, 3), np.uint8)
    fault = {"fault": "empty.png: no face found"}
    assert make(row, 7, out, Pictures(tmp_path), PackOptions()) == fault
    keeping = PackOptions(keep_unfound=True)
    assert make(row, 7, out, Pictures(tmp_path), keeping) == {"crop": 7, "found": False, **fault}
    gone = make({"path": "gone.png"}, 7, out, Pictures(tmp_path), keeping)
    assert gone == {"fault": "gone.png: no such file"}
