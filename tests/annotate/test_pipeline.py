import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import mien
from mien.annotate.model import ModelError
from mien.annotate.pipeline import Annotator
from mien.compound_sets import RAF_DB, load
from mien.faces.detect import LANDMARKS, Face
from mien.media import picture as media
from mien.media.picture import MediaError
from mien.tasks import COMPOUND, FACE, Kind, Task

POINTS = [f"{name}_{axis}" for name in LANDMARKS for axis in "xy"]
PLACE = ["x", "y", "width", "height", *POINTS]


@pytest.fixture(scope="module")
def annotator(network: Path) -> Annotator:
    return Annotator(network, threads=1)


@pytest.fixture(scope="module")
def image(astronaut: Path) -> np.ndarray:
    return np.asarray(Image.open(astronaut).convert("RGB"))


def numbers(table: pa.Table, columns: list[str]) -> np.ndarray:
    return np.array([table[name].to_numpy() for name in columns]).T


def test_columns_order_types_and_metadata(annotator: Annotator, astronaut: Path) -> None:
    table = annotator(astronaut)
    labels = [label for task in FACE for label in task.labels]
    assert table.column_names == [
        "input", "frame", "face", "x", "y", "width", "height", "score", *POINTS, "expression", *labels, "note"
    ]  # fmt: skip
    for field in table.schema:
        assert set(field.metadata) == {b"range", b"unit", b"meaning"}
    assert table.schema.field("valence").metadata[b"range"] == b"[-1, 1]"
    assert table.schema.field("AU12").metadata[b"meaning"] == b"lip corner puller: probability that it is present"
    assert table.schema.metadata[b"model"] == b"tiny"
    assert table.schema.metadata[b"mien_version"] == mien.__version__.encode()
    assert b"person's own" in table.schema.metadata[b"sides"]
    (row,) = table.to_pylist()
    assert (row["input"], row["frame"], row["face"], row["note"]) == (str(astronaut), 0, 0, None)
    assert row["expression"] == max(FACE[0].labels, key=lambda label: row[label])


def test_path_array_image_and_list_agree(annotator: Annotator, astronaut: Path, image: np.ndarray) -> None:
    expected = annotator(astronaut)
    for given in (str(astronaut), image, Image.open(astronaut), image / 255, [image], (x for x in [image])):
        table = annotator(given)
        assert table.drop(["input"]).equals(expected.drop(["input"]))
    assert annotator([image, astronaut])["input"].to_pylist() == ["input 0", str(astronaut)]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_turned_copies_give_the_same_faces(
    annotator: Annotator, image: np.ndarray, tmp_path: Path, orientation: int
) -> None:
    turned = Image.fromarray(np.rot90(image, {3: 2, 6: 1, 8: 3}[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(tmp_path / "a.png", exif=exif)
    assert annotator(tmp_path / "a.png").drop(["input"]).equals(annotator(image).drop(["input"]))


def test_reduced_jpeg_is_reported_in_original_pixels(
    annotator: Annotator, image: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(image).resize((1500, 1300)).save(tmp_path / "a.jpg", quality=95)
    whole = annotator(tmp_path / "a.jpg")
    monkeypatch.setattr(media, "FULL_PIXELS", 1_000_000)
    reduced = annotator(tmp_path / "a.jpg")
    assert not reduced.equals(whole)
    assert_allclose(numbers(reduced, PLACE), numbers(whole, PLACE), atol=20)


def test_batches_across_pictures_change_nothing(network: Path, image: np.ndarray) -> None:
    pictures = [image, image[:, ::-1], np.zeros((64, 64), np.uint8), np.hstack([image, image[:, ::-1]]), image[20:]]
    one, many = Annotator(network, batch_size=1, threads=1)(pictures), Annotator(network, threads=1)(pictures)
    assert one["input"].to_pylist() == [f"input {index}" for index in (0, 1, 2, 3, 3, 4)]
    assert one["face"].to_pylist() == [0, 0, None, 0, 1, 0]
    assert many.equals(one)


def test_no_face_is_a_row_of_nulls(annotator: Annotator, tmp_path: Path) -> None:
    frames = [Image.new("L", (40, 40), shade) for shade in (0, 90)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    (row,) = annotator(tmp_path / "a.tif").to_pylist()
    filled = {name: value for name, value in row.items() if value is not None}
    assert filled == {
        "input": str(tmp_path / "a.tif"), "frame": 0, "note": "first of 2 frames; no face found"
    }  # fmt: skip


def test_a_single_unreadable_input_raises(annotator: Annotator, tmp_path: Path) -> None:
    for given in ("none.jpg", tmp_path, tmp_path / "*.png", 7, np.zeros((2, 2, 2))):
        with pytest.raises((MediaError, TypeError)):
            annotator(given)
    with pytest.raises(MediaError, match=r"none\.jpg: no such file"):
        annotator("none.jpg")


def test_failures_in_a_list_are_collected_with_a_warning(annotator: Annotator, astronaut: Path) -> None:
    with pytest.warns(UserWarning, match=r"2 of 3 inputs could not be read \(none\.jpg: no such file\)") as caught:
        table = annotator(["none.jpg", astronaut, np.zeros(3)])
    assert caught[0].filename == __file__
    errors = json.loads(table.schema.metadata[b"errors"])
    assert [error["input"] for error in errors] == ["none.jpg", "input 2"]
    assert table.num_rows == 1
    assert annotator([astronaut]).schema.metadata[b"errors"] == b"[]"
    assert annotator([]).num_rows == 0


def test_stream_is_lazy(network: Path, image: np.ndarray) -> None:
    taken = []

    def pictures():
        for index in range(100):
            taken.append(index)
            yield image

    results = Annotator(network, batch_size=2, threads=1).stream(pictures())
    assert next(results).rows[0]["face"] == 0
    assert len(taken) == 2


def test_another_detector_and_min_size(network: Path, image: np.ndarray) -> None:
    points = np.array([[200, 101], [247, 102], [221, 122], [199, 142], [241, 143]], np.float32)

    def detector(_: np.ndarray) -> list[Face]:
        return [Face((150, 50, 120, 130), 0.9, points), Face((150, 50, 30, 30), 0.8, points)]

    assert Annotator(network, detector=detector)(image)["width"].to_pylist() == [120, 30]
    assert Annotator(network, detector=detector, min_size=31)(image).num_rows == 1
    assert Annotator(network, min_size=300)(image)["note"].to_pylist() == ["no face found"]


def test_columns_follow_the_network(tmp_path: Path, image: np.ndarray, make_network: Callable[..., Path]) -> None:
    birds = Task("bird", Kind.CLASSES, ("wren", "robin"), ("a wren", "a robin"))
    table = Annotator(make_network(tmp_path / "a.onnx", (birds,)))(image)
    assert table.column_names[-4:] == ["bird", "wren", "robin", "note"]
    clash = Task("bird", Kind.CLASSES, ("x", "robin"), ("a wren", "a robin"))
    with pytest.raises(ModelError, match="duplicate columns: x"):
        Annotator(make_network(tmp_path / "b.onnx", (clash,)))


def test_the_package_itself_annotates(network: Path, astronaut: Path) -> None:
    assert mien.annotate(astronaut, model=network).equals(mien.Annotator(network)(astronaut))
    with pytest.raises(AttributeError, match="nothing"):
        mien.nothing  # noqa: B018


def test_pictures_are_read_only_as_results_are_needed(network: Path) -> None:
    read = []

    def pictures() -> Iterator[np.ndarray]:
        for index in range(50):
            read.append(index)
            yield np.zeros((2000, 1500, 3), np.uint8)  # 9 MB each: the 8th exceeds MAX_PENDING_BYTES

    stream = Annotator(network, threads=1).stream(pictures())
    for taken in range(1, 17):
        next(stream)
        assert len(read) <= taken + 8
    stream.close()


def test_compounds_are_columns_if_requested(network: Path, annotator: Annotator, image: np.ndarray) -> None:
    pictures = [image, np.zeros((64, 64), np.uint8), image[:, ::-1]]
    table = Annotator(network, threads=1, compounds="raf_db", batch_size=1)(pictures)
    plain = annotator(pictures)
    assert table.drop(["compound", *COMPOUND.labels]).equals(plain)
    assert table.column_names[-13:] == ["compound", *COMPOUND.labels, "note"]
    outputs = {task.name: numbers(plain, list(task.labels))[[0, 2]].astype(np.float32) for task in FACE}
    expected = RAF_DB.probabilities(outputs)
    assert_allclose(numbers(table, list(COMPOUND.labels))[[0, 2]], expected, rtol=1e-5)
    likeliest = [COMPOUND.labels[at] for at in expected.argmax(1)]
    assert table["compound"].to_pylist() == [likeliest[0], None, likeliest[1]]
    assert json.loads(table.schema.metadata[b"compounds"]) == json.loads(RAF_DB.to_json())
    assert b"zero-shot" in table.schema.field("sadly angry").metadata[b"meaning"]
    assert b"compounds" not in plain.schema.metadata


def test_custom_compounds(network: Path, image: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "bored: {expressions: [neutral], units: {AU04: 0.3}}\nglad: {expressions: [happiness]}"
    )
    from_file = mien.annotate(image, model=network, compounds=tmp_path / "own.yaml")
    assert from_file.column_names[-4:] == ["compound", "bored", "glad", "note"]
    assert from_file.equals(mien.annotate(image, model=network, compounds=load(tmp_path / "own.yaml")))


def test_compounds_that_do_not_fit_the_network(tmp_path: Path, make_network: Callable[..., Path]) -> None:
    some = make_network(tmp_path / "a.onnx", FACE[:2])
    with pytest.raises(ModelError, match=r"^tiny: compounds need the task affect, which the network does not predict$"):
        Annotator(some, compounds="raf_db")
    own = make_network(tmp_path / "b.onnx", (*FACE, COMPOUND))
    with pytest.raises(ModelError, match=r"duplicate columns: angrily disgusted, .*compound"):
        Annotator(own, compounds="raf_db")
    with pytest.raises(ValueError, match="rafdb: no such compounds"):
        Annotator(own, compounds="rafdb")


def test_pictures_and_videos_in_one_table(
    network: Path, astronaut: Path, clip: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.mp4").write_text("hello")
    looking = mien.VideoOptions(every=20)
    with pytest.warns(UserWarning, match=r"1 of 3 inputs could not be read \(.*bad\.mp4: "):
        table = mien.annotate([astronaut, clip(60), tmp_path / "bad.mp4"], model=network, video=looking)
    assert table.schema.names[:5] == ["input", "frame", "time", "face", "track"]
    assert table["frame"].to_pylist() == [0, 0, 20, 40]
    assert table["time"].to_pylist() == pytest.approx([None, 0, 2 / 3, 4 / 3])
    assert table["track"].to_pylist() == [None, 0, 0, 0]
    with pytest.raises(MediaError, match=r"bad\.mp4: "):
        mien.annotate(tmp_path / "bad.mp4", model=network)
    assert "time" not in mien.annotate(astronaut, model=network).column_names


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"every": 0}, "every must be at least 1"),
        ({"fps": 0}, "fps must be more than 0"),
        ({"every": 2, "fps": 5}, "every and fps cannot be combined"),
        ({"start": -1}, "start must be 0 or more"),
        ({"start": 3, "end": 3}, "end must be after start"),
        ({"max_faces": 0}, "max_faces must be at least 1"),
        ({"quality": "superb"}, "quality must be one of best, balanced, fast"),
    ],
)
def test_video_options_out_of_range(choice: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        mien.VideoOptions(**choice)
