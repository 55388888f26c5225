"""What is packed for a row, and that the facts of a manifest say it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.annotate.media import MediaError
from mien.faces.align import CROP
from mien.learn.data.crops import SHARD, How, how_of, inside, make
from mien.learn.data.located import Pictures
from mien.learn.data.prepare import TIGHT, WHOLE

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def test_the_facts_say_how_and_what_is_given_goes_before_them() -> None:
    facts: dict[str, Any] = {"tight": True, "grey": True, "side": 48, "keep_unfound": True}
    assert how_of({}) == How()
    how = how_of(facts)
    assert (how.finder, how.grey, how.side, how.keep_unfound, how.shape) == (TIGHT, True, 48, True, (48, 48, 1))
    how = how_of(facts, tight=False, grey=False, side=16, use="detector")
    assert (how.finder, how.grey, how.side, how.use) == (WHOLE, False, 16, "detector")


def test_a_shard_of_large_pictures_has_fewer_of_them() -> None:
    assert how_of({}).shard == SHARD
    assert how_of({"side": 2 * CROP}).shard == SHARD // 4


@pytest.mark.parametrize(("height", "width", "finder"), [(48, 48, TIGHT), (64, 64, TIGHT), (65, 48, WHOLE)])
def test_small_pictures_end_at_the_face(height: int, width: int, finder: object) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    assert How().finder_of(picture) is finder
    assert How(finder=WHOLE).finder_of(picture) is WHOLE


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
    assert make(row, 7, out, Pictures(tmp_path), How()) == fault
    keeping = How(keep_unfound=True)
    assert make(row, 7, out, Pictures(tmp_path), keeping) == {"crop": 7, "found": False, **fault}
    gone = make({"path": "gone.png"}, 7, out, Pictures(tmp_path), keeping)
    assert gone == {"fault": "gone.png: no such file"}
