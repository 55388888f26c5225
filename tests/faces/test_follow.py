"""Detection in windows: the same faces as in whole frames, at a lower cost."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.faces.detect import Face, YuNet
from mien.faces.follow import QUALITIES, Follower, Quality
from mien.faces.track import Tracker, overlaps
from mien.media.sampler import FrameSampler

CLIPS = Path(__file__).parents[2].parent / "shared" / "data" / "demo" / "clips"
Positions = list[tuple[int, int]]


@pytest.fixture(scope="module")
def yunet() -> YuNet:
    return YuNet(threads=1)


@pytest.fixture(scope="module")
def head(astronaut: Path) -> np.ndarray:
    return np.asarray(Image.open(astronaut).convert("RGB").crop((130, 20, 310, 220)))


def scene(head: np.ndarray, places: Positions, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """Heads of 180 x 200 pixels on grey."""
    image = Image.new("RGB", size, (128, 128, 128))
    for place in places:
        image.paste(Image.fromarray(head), place)
    return np.asarray(image)


class Counted:
    """A detector that records the sizes of its pictures."""

    def __init__(self, detector: YuNet) -> None:
        self.detector, self.seen = detector, list[tuple[int, int]]()

    def __call__(self, image: np.ndarray) -> list[Face]:
        self.seen.append((image.shape[1], image.shape[0]))
        return self.detector(image)


def boxes(faces: list[Face]) -> np.ndarray:
    """The boxes in the precision of the table."""
    return np.float32([face.box for face in faces]).reshape(-1, 4)


def followed(follower: Follower, frames: list[np.ndarray]) -> list[list[Face]]:
    found: list[list[Face]] = []
    for index, frame in enumerate(frames):
        found.append(follower(frame, index, boxes(found[-1] if found else [])))
    return found


def crossing(head: np.ndarray, count: int = 40) -> list[np.ndarray]:
    """One head moves right at the top, another moves left at the bottom."""
    return [scene(head, [(10 + 10 * k, 20), (450 - 10 * k, 250)], (640, 480)) for k in range(count)]


@pytest.mark.parametrize("quality", QUALITIES)
def test_faces_are_those_of_whole_frames(yunet: YuNet, head: np.ndarray, quality: str) -> None:
    frames = crossing(head, 20)
    for faces, frame in zip(followed(Follower(yunet, quality), frames), frames, strict=True):
        whole = yunet(frame)
        assert len(faces) == len(whole) == 2
        likeness = overlaps(boxes(faces), boxes(whole))
        assert likeness.max(1).min() > 0.75
        for face, other in zip(faces, likeness.argmax(1), strict=True):
            eyes = np.linalg.norm(np.subtract(*whole[other].landmarks[:2]))
            assert np.linalg.norm(face.landmarks - whole[other].landmarks, axis=1).mean() < 0.1 * eyes


@pytest.mark.parametrize("quality", QUALITIES)
def test_two_faces_that_cross_keep_their_identities(yunet: YuNet, head: np.ndarray, quality: str) -> None:
    tracker, down = Tracker(), []
    for index, faces in enumerate(followed(Follower(yunet, quality), crossing(head))):
        ids = tracker(boxes(faces), [face.score for face in faces], index / 25)
        down.append(dict(zip(ids, boxes(faces)[:, 1] > 180, strict=True)))
    assert all(there == down[0] for there in down)
    assert len(down[0]) == 2


def test_only_windows_are_searched_between_whole_frames(yunet: YuNet, head: np.ndarray) -> None:
    detector = Counted(yunet)
    followed(Follower(detector, Quality(4, 128)), [scene(head, [(100 + 5 * k, 50)]) for k in range(9)])
    assert [size == (640, 360) for size in detector.seen] == [k % 4 == 0 for k in range(9)]
    assert all(max(size) <= 128 for size in detector.seen if size != (640, 360))


def test_best_searches_every_whole_frame(yunet: YuNet, head: np.ndarray) -> None:
    detector = Counted(yunet)
    followed(Follower(detector, "best"), [scene(head, [(100, 50)])] * 3)
    assert detector.seen == [(640, 360)] * 3


def test_a_lost_face_is_searched_at_once(yunet: YuNet, head: np.ndarray) -> None:
    frames = [scene(head, [(100, 50)])] * 3 + [scene(head, [(400, 100)])] * 3 + [scene(head, [])] * 3
    detector = Counted(yunet)
    found = followed(Follower(detector, Quality(100, 128)), frames)
    assert [len(faces) for faces in found] == [1] * 6 + [0] * 3
    assert found[3][0].box[0] > 400
    assert detector.seen.count((640, 360)) == 3  # the first frame, the jump, the disappearance
    assert len(detector.seen) == 9  # no search without known faces before the next interval


def test_a_new_face_is_found_in_the_next_whole_frame(yunet: YuNet, head: np.ndarray) -> None:
    frames = [scene(head, [(20, 50)])] * 5 + [scene(head, [(20, 50), (400, 50)])] * 8
    counts = [len(faces) for faces in followed(Follower(yunet, Quality(4, 128)), frames)]
    assert counts == [1] * 8 + [2] * 5
    empty = [scene(head, [])] * 5 + [scene(head, [(20, 50)])] * 8
    assert [len(faces) for faces in followed(Follower(yunet, Quality(4, 128)), empty)] == [0] * 8 + [1] * 5


def test_a_resumed_run_finds_the_same_faces(yunet: YuNet, head: np.ndarray) -> None:
    frames, follower = crossing(head, 12), Follower(yunet, "balanced")
    whole = followed(follower, frames)
    for begin in (3, 7):
        known = boxes(whole[begin - 1])
        for index in range(begin, 12):
            faces = follower(frames[index], index, known)
            assert [face.box for face in faces] == [face.box for face in whole[index]]
            assert all((a.landmarks == b.landmarks).all() for a, b in zip(faces, whole[index], strict=True))
            known = boxes(faces)


def test_many_windows_are_replaced_by_the_whole_frame(yunet: YuNet, head: np.ndarray) -> None:
    """Windows that together cover half a frame cost more than the frame."""
    detector = Counted(yunet)
    known = np.array([(20 + 60 * x, 20 + 60 * y, 50, 50) for x in range(10) for y in range(5)])
    Follower(detector, "balanced")(scene(head, []), 1, known)
    assert detector.seen == [(640, 360)]


def test_two_windows_with_the_same_face_lead_to_the_whole_frame(yunet: YuNet, head: np.ndarray) -> None:
    detector = Counted(yunet)
    (face,) = yunet(scene(head, [(100, 50)]))
    x, y, width, height = face.box
    (again,) = Follower(detector, "fast")(
        scene(head, [(100, 50)]), 1, [(x - 9, y, width, height), (x + 9, y, width, height)]
    )
    assert detector.seen[-1] == (640, 360)
    assert again.box == face.box


def test_boxes_at_and_beyond_the_border(yunet: YuNet, head: np.ndarray) -> None:
    follower = Follower(yunet, "fast")
    for box in ((-40, -30, 80, 80), (600, 330, 80, 80), (700, 400, 10, 10), (0, 0, 0, 0)):
        assert follower(scene(head, []), 1, [box]) == []


def test_an_unknown_quality() -> None:
    with pytest.raises(ValueError, match="quality must be one of best, balanced, fast, not 'worst'"):
        Follower(YuNet(threads=1), "worst")


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("clip", "people"), [("*-male.gif", 2), ("*detection-female.gif", 1), ("classroom.gif", 4)])
def test_the_people_of_a_clip_keep_their_identities(yunet: YuNet, quality: str, clip: str, people: int) -> None:
    paths = list(CLIPS.glob(clip))
    if not paths:
        pytest.skip("the clips in ../shared are not there")
    detector, tracker, known = YuNet(threads=1, min_size=1), Tracker(), np.zeros((0, 4), np.float32)
    follower, places = Follower(detector, quality), {}
    with FrameSampler(paths[0]) as footage:
        for index, frame in enumerate(footage):
            faces = follower(frame.pixels, index, known)
            known = boxes(faces)
            ids = tracker(known, [face.score for face in faces], frame.time)
            assert len(set(ids)) == len(faces) == people
            for identity, box in zip(ids, known, strict=True):
                places.setdefault(identity, []).append(box[0] + box[2] / 2)
    assert sorted(places) == list(range(people))
    assert all(np.abs(np.diff(path)).max() < 40 for path in places.values())
