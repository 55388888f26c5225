import numpy as np
import pytest
from PIL import Image

from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS
from mien.overlay.picture import COLOURS
from mien.overlay.scene import HOLD, MAX_PANELS, MAX_SIDE, MIN_SIDE, Scene, frame_layout, with_smoothed
from mien.tasks import FACE, Kind, Task

GREY = np.full((360, 640, 3), 128, np.uint8)


def row(track: int | None, x: float = 100, y: float = 90, side: float = 120, face: int = 0, **values: object) -> Row:
    labels = [label for task in FACE for label in task.labels]
    base: Row = dict.fromkeys(labels, 0.4)
    return {**base, "expression": "fear", "frame": 7, "face": face, "track": track, "x": x, "y": y, "width": side,
            "height": side, **values}  # fmt: skip


def colours(image: Image.Image) -> set[tuple[int, int, int]]:
    pixels = np.asarray(image)[:, :640].reshape(-1, 3)
    return {colour for colour in COLOURS if (np.abs(pixels.astype(int) - colour).sum(1) < 12).sum() > 40}


@pytest.mark.parametrize(
    ("size", "panels"), [((640, 360), 1), ((641, 361), 2), ((480, 270), 6), ((1080, 1920), 3), ((3840, 2160), 2),
                         ((64, 48), 1), ((1000, 40), 4), ((7, 900), 2)],
)  # fmt: skip
def test_the_layout_has_even_sides_and_panels_next_to_the_frame(size: tuple[int, int], panels: int) -> None:
    found = frame_layout(*size, FACE, panels)
    scene = Scene(*size, FACE, panels)
    picture = scene.draw(np.zeros((size[1], size[0], 3), np.uint8), 0.0, [row(1, 0, 0, min(size))])
    assert picture.size == found.size
    assert [side % 2 for side in found.size] == [0, 0]
    assert MIN_SIDE <= max(found.video) <= MAX_SIDE
    assert len(found.corners) == panels
    assert all(x >= found.video[0] and 0 <= y < found.size[1] for x, y in found.corners)
    assert found.unit >= 7.5


def test_the_number_of_panels_is_limited() -> None:
    assert len(frame_layout(640, 360, FACE, 100).corners) == MAX_PANELS
    assert len(frame_layout(640, 360, FACE, 0).corners) == 1


def test_only_box_and_tag_are_drawn_on_the_frame() -> None:
    drawn = np.asarray(Scene(640, 360, FACE).draw(GREY, 0.0, [row(0)]), int)
    changed = (np.abs(drawn[:, :640] - 128).sum(2) > 20).nonzero()
    assert changed[0].min() >= 90 - 18
    assert (changed[0].max(), changed[1].min()) == (210, 100)
    assert changed[1].max() <= 100 + 120
    inside = drawn[100:200, 110:210]
    assert np.abs(inside - 128).max() == 0


@pytest.mark.parametrize(("side", "drawn"), [(120.0, True), (30.0, False)])
def test_landmarks_are_drawn_unless_the_face_is_small(side: float, drawn: bool) -> None:
    points = {f"{name}_{axis}": start + side / 2 for name in LANDMARKS for axis, start in (("x", 100), ("y", 90))}
    pixels = np.asarray(Scene(640, 360, FACE).draw(GREY, 0.0, [row(0, side=side, **points)]), int)
    changed = np.abs(pixels[round(90 + side / 2), round(100 + side / 2)] - 128)
    assert bool(changed.max() > 60) is drawn
    assert bool(changed.max() == 0) is not drawn


def test_a_track_keeps_its_colour_and_its_panel() -> None:
    scene = Scene(640, 360, FACE, 2)
    before = scene.draw(GREY, 0.0, [row(3), row(4, 400, face=1)])
    after = scene.draw(GREY, 0.04, [row(4, 300, face=0)])
    assert colours(before) == {COLOURS[3], COLOURS[4]}
    assert colours(after) == {COLOURS[4]}
    (x, y), (_, lower) = scene.layout.corners
    second = (x, lower, x + 100, lower + 18)
    assert before.crop(second).tobytes() == after.crop(second).tobytes()
    first = np.asarray(before.crop((x, y, x + 100, y + 18)), int), np.asarray(after.crop((x, y, x + 100, y + 18)), int)
    assert 0 < first[1].max() < first[0].max()  # the lost face's panel stays for a while, dimmed
    gone = scene.draw(GREY, 0.1 + HOLD, [row(4, 300)])
    assert np.asarray(gone.crop((x, y, x + 100, y + 18))).max() < 30


def test_a_new_face_takes_the_panel_of_a_lost_one() -> None:
    scene = Scene(640, 360, FACE, 1)
    scene.draw(GREY, 0.0, [row(0)])
    x, y = scene.layout.corners[0]
    waiting = scene.draw(GREY, 0.5, [row(1)]).crop((x, y, x + 9, y + 18))
    there = scene.draw(GREY, 1.6, [row(1)]).crop((x, y, x + 9, y + 18))
    near = np.abs(np.asarray(there, int) - COLOURS[1]).sum(2).min()
    assert near < 12 < np.abs(np.asarray(waiting, int) - COLOURS[1]).sum(2).min()


def test_the_trail_spans_two_seconds_and_restarts_after_a_gap() -> None:
    scene = Scene(640, 360, FACE)
    for index in range(80):
        scene.draw(GREY, index / 25, [row(0, valence=index / 80)])
    trail = scene._tracks[0].trail
    assert trail[-1][0] - trail[0][0] == pytest.approx(2.0, abs=0.05)
    scene.draw(GREY, 9.0, [row(0)])
    assert len(scene._tracks[0].trail) == 1


def test_small_faces_of_a_crowd_are_not_covered() -> None:
    faces = [row(index, 30 * (index % 20) + 2, 60 * (index // 20) + 20, 20, index) for index in range(100)]
    drawn = np.asarray(Scene(640, 360, FACE, 100).draw(GREY, 0.0, faces), int)
    for face in faces:
        x, y = int(face["x"]), int(face["y"])
        assert np.abs(drawn[y + 3 : y + 17, x + 3 : x + 17] - 128).max() == 0


def test_frames_of_another_size_are_fitted_in() -> None:
    scene = Scene(640, 360, FACE)
    drawn = np.asarray(scene.draw(np.full((720, 720, 3), 200, np.uint8), 0.0, [row(0, 0, 0, 720)]), int)
    assert np.abs(drawn[180, 320] - 200).max() <= 1
    assert drawn[180, 100].max() < 60  # next to the square
    assert np.abs(drawn[180, 140:144] - COLOURS[0]).sum(1).min() < 12


def test_coordinates_refer_to_the_original() -> None:
    small = Scene(640, 360, FACE, original=(1280, 720)).draw(GREY, 0.0, [row(0, 200, 180, 240)])
    assert small.tobytes() == Scene(640, 360, FACE).draw(GREY, 0.0, [row(0)]).tobytes()


def test_smoothed_values_replace_raw_ones() -> None:
    smooth = {f"{label}_smooth": 0.1 for label in FACE[0].labels} | {"anger_smooth": 0.4}
    assert with_smoothed(row(0, **smooth), FACE)["expression"] == "anger"
    assert with_smoothed(row(0, **smooth), FACE)["anger"] == 0.4
    assert with_smoothed(row(0), FACE)["expression"] == "fear"


def test_rows_without_track_or_labels_and_frames_without_faces() -> None:
    scene = Scene(640, 360, FACE, 2)
    blind = {label: None for task in FACE for label in task.labels} | {"expression": None}
    scene.draw(GREY, 0.0, [row(None), row(5, 300, face=1, **blind)])
    empty = np.asarray(scene.draw(GREY, 9.0, [{"frame": 4, "note": "no face found"}]), int)
    assert np.abs(empty[:, :640] - 128).max() == 0


def test_another_label_space_keeps_its_first_bars() -> None:
    birds = (
        Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")),
        Task("marks", Kind.ATTRIBUTES, tuple(f"mark {index}" for index in range(40)), ("",) * 40),
    )
    scene = Scene(640, 360, birds)
    assert len(scene.tasks[1]) == 20
    values = dict.fromkeys((*birds[0].labels, *birds[1].labels), 0.7)
    place = {"bird": "wren", "face": 0, "track": 0, "x": 1, "y": 1, "width": 90, "height": 90}
    drawn = np.asarray(scene.draw(GREY, 0.0, [{**values, **place}]), int)
    assert (np.abs(drawn[:, 640:] - COLOURS[0]).sum(2) < 12).sum() > 500  # bars of 0.7
