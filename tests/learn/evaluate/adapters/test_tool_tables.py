"""Small tables in the layout of each tool become detections in our labels and units."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mien
from mien.learn.evaluate.adapters.schema import SCHEMAS, recognised
from mien.learn.evaluate.adapters.tool_tables import read
from mien.learn.evaluate.detections import Detections
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task

LABELS = [label for task in FACE for label in task.labels]


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def classes(detections: Detections, task: Task) -> list[str]:
    """The most probable class of each face; empty if all are 0."""
    outputs = detections.outputs[task.name]
    return [task.labels[row.argmax()] if row.any() else "" for row in outputs]


def of(detections: Detections, label: str) -> list[float]:
    task = next(task for task in detections.tasks if label in task.labels)
    return [round(float(value), 4) for value in detections.outputs[task.name][:, task.labels.index(label)]]


POINTS = ", ".join([f"x_{k}" for k in range(68)] + [f"y_{k}" for k in range(68)])


def test_openface_of_a_video(tmp_path: Path) -> None:
    points = ",".join([f"{100 + k % 17 * 5}" for k in range(68)] + [f"{50 + k // 4}" for k in range(68)])
    head = f"frame, face_id, timestamp, confidence, success, {POINTS}, AU01_r, AU12_r, AU45_r, AU01_c, AU12_c, AU28_c"
    rows = [f"1,0,0,0.98,1,{points},0.4,3.1,0,0,1,0", f"2,0,0.04,0.1,0,{points},0,0,0,0,0,0"]
    found = read(written(tmp_path, "talk.csv", "\n".join([head, *rows]) + "\n"), FACE)
    assert [(task.name, task.labels) for task in found.tasks] == [("action_units", ("AU01", "AU12"))]
    assert (found.pictures, found.frames.tolist()) == (("talk",), [0])
    assert found.boxes.tolist() == [[100, 50, 80, 16]]
    assert (of(found, "AU01"), of(found, "AU12")) == ([0], [1])
    assert "no calibration" in found.notes[0]


def test_openface_with_one_file_per_picture(tmp_path: Path) -> None:
    for name, present in (("anna", 1), ("otto", 0)):
        written(
            tmp_path, f"{name}.csv", f"face, confidence, AU01_r, AU12_r, AU01_c, AU12_c\n0,0.97,2.5,1,{present},0\n"
        )
    found = read(tmp_path, FACE, "openface")
    assert (found.pictures, of(found, "AU01")) == (("anna", "otto"), [1, 0])
    assert np.isnan(found.boxes).all()
    assert np.isnan(found.frames).all()


def test_py_feat_in_both_spellings(tmp_path: Path) -> None:
    box = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore"
    first = f"{box},AU01,AU12,AU43,anger,disgust,fear,happiness,sadness,surprise,neutral,input,frame\n"
    face = "10,20,30,40,0.99,0.25,0.75,0.1,0,0,0,0.9,0,0,0.1,a/1.jpg,0\n"
    lost = ",,,,,,,,,,,,,,,a/2.jpg,1\n"
    found = read(written(tmp_path, "first.csv", first + face + lost), FACE)
    assert (found.pictures, found.boxes.tolist()) == (("a/1.jpg",), [[10, 20, 30, 40]])
    assert (classes(found, EXPRESSION), of(found, "AU12"), of(found, "happiness")) == (["happiness"], [0.75], [0.9])
    second = f"{box},AU01,AU12,Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,valence,arousal,input,frame\n"
    face = "10,20,30,40,0.99,0.25,0.75,0.1,0,0,0,0,0,0.9,-0.5,0.5,talk.mp4,7\n"
    found = read(written(tmp_path, "second.csv", second + face), FACE)
    assert (classes(found, EXPRESSION), of(found, "valence"), found.frames.tolist()) == (["anger"], [-0.5], [7])
    assert found.notes == ()


def test_libreface(tmp_path: Path) -> None:
    head = "facial_expression,gaze_yaw,au_1,au_6,au_24,au_1_intensity,au_5_intensity,au_26_intensity\n"
    written(tmp_path, "1.csv", head + "Happiness,3.1,0,1,0,4.2,2.0,1.9\n")
    written(tmp_path, "2.csv", head + "Contempt,3.1,1,0,0,0.0,5.0,0.0\n")
    found = read(tmp_path, FACE, "libreface")
    assert found.tasks[1].labels == ("AU01", "AU05", "AU06", "AU24", "AU26")
    assert (of(found, "AU01"), of(found, "AU05"), of(found, "AU26")) == ([0, 1], [0.5, 1], [0.475, 0])
    assert classes(found, EXPRESSION) == ["happiness", ""]
    assert "from an intensity of 2" in found.notes[0]


def test_deepface_as_json_of_pictures_and_as_a_flat_table(tmp_path: Path) -> None:
    words = {"angry": 1.0, "disgust": 0, "fear": 2, "happy": 90, "sad": 3, "surprise": 3, "neutral": 1}
    face = {
        "dominant_emotion": "happy",
        "emotion": words,
        "region": {"x": 1, "y": 2, "w": 30, "h": 40, "left_eye": None},
        "face_confidence": 0.9,
    }
    found = read(written(tmp_path, "faces.json", json.dumps({"a/1.jpg": [face, face], "a/2.jpg": face})), FACE)
    assert found.pictures == ("a/1.jpg", "a/1.jpg", "a/2.jpg")
    assert (of(found, "happiness"), found.boxes[2].tolist()) == ([0.9] * 3, [1, 2, 30, 40])
    flat = {"path": "b.jpg", "dominant_emotion": "sad", **{f"emotion.{word}": v for word, v in words.items()}}
    text = ",".join(flat) + "\n" + ",".join(str(value) for value in flat.values()) + "\n"
    found = read(written(tmp_path, "faces.csv", text), FACE)
    assert (found.pictures, classes(found, EXPRESSION)) == (("b.jpg",), ["happiness"])
    found = read(written(tmp_path, "words.csv", "path,dominant_emotion\nb.jpg,sad\nc.jpg,\n"), FACE)
    assert (found.pictures, classes(found, EXPRESSION)) == (("b.jpg",), ["sadness"])


def test_fer_of_pictures_and_of_a_video(tmp_path: Path) -> None:
    emotions = {"angry": 0.1, "disgust": 0, "fear": 0.7, "happy": 0, "sad": 0.1, "surprise": 0.1, "neutral": 0}
    pictures = {"1.jpg": [{"box": [3, 4, 50, 60], "emotions": emotions}], "2.jpg": []}
    found = read(written(tmp_path, "faces.json", json.dumps(pictures)), FACE)
    assert (found.pictures, found.boxes.tolist(), classes(found, EXPRESSION)) == (
        ("1.jpg",),
        [[3, 4, 50, 60]],
        ["fear"],
    )
    names = ("angry", "box", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    head = ",".join(f"{name}{face}" for face in (0, 1) for name in names)
    one, two = '0.9,"[ 1  2 30 40]",0,0,0.1,0,0,0', '0,"(5, 6, 7, 8)",0,0,0.2,0.8,0,0'
    text = f"{head}\n{one},,,,,,,,\n,,,,,,,,,,,,,,,\n{one},{two}\n"
    found = read(written(tmp_path, "talk.csv", text), FACE)
    faces = sorted(zip(found.frames.tolist(), classes(found, EXPRESSION), found.boxes.tolist(), strict=True))
    assert faces == [(0, "anger", [1, 2, 30, 40]), (2, "anger", [1, 2, 30, 40]), (2, "neutral", [5, 6, 7, 8])]
    assert set(found.pictures) == {"talk"}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".jsonl"])
def test_our_own_tables_in_every_format(tmp_path: Path, astronaut: Path, network: Path, suffix: str) -> None:
    table = mien.annotate([astronaut, np.zeros((64, 64, 3), np.uint8)], model=network)
    path = tmp_path / f"faces{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        with gzip.open(path, "wb") if suffix == ".csv.gz" else path.open("wb") as file:
            pa.csv.write_csv(table, file)
    found = read(path, FACE)
    assert (found.tasks, found.pictures, found.notes) == (FACE, (str(astronaut),), ())
    assert np.allclose(found.boxes[0], [table[side][0].as_py() for side in ("x", "y", "width", "height")], atol=1e-3)
    for task in FACE:
        assert np.allclose(found.outputs[task.name][0], [table[label][0].as_py() for label in task.labels], atol=1e-5)


def test_another_label_space(tmp_path: Path) -> None:
    bird = Task("bird", Kind.CLASSES, ("duck", "heron"), ("a duck", "a heron"))
    found = read(written(tmp_path, "birds.csv", "path,duck,heron\na.jpg,0.2,0.8\n"), (bird,))
    assert (found.tasks, classes(found, bird)) == ((bird,), ["heron"])


def test_a_label_in_an_unknown_unit_is_skipped_and_reported(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "path,AU01,AU12,valence,arousal\na.jpg,0.5,87,0.5,-300\nb.jpg,0.5,0,0,0\n")
    found = read(path, FACE)
    assert [task.labels for task in found.tasks] == [("AU01",), ("valence",)]
    assert found.notes == (
        f"{path}: AU12 is between 0 and 87 instead of [0, 1]; skipped",
        f"{path}: arousal is between -300 and 0 instead of [-1, 1]; skipped",
    )
    percent = "path," + ",".join(EXPRESSION.labels) + "\na.jpg,100,0,0,0,0,0,0\n"
    with pytest.raises(ValueError, match=r"neutral is between 0 and 100 instead of \[0, 1\]"):
        read(written(tmp_path, "percent.csv", percent), FACE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its columns are not those of"),
        (
            "path,mood\na.jpg,1\n",
            "its columns are not those of openface, py-feat, libreface, deepface, fer, mien: path, mood",
        ),
        ("path,AU01\na.jpg,much\n", "column AU01: "),
        ("path,AU01,AU01\na.jpg,1,0\n", "duplicate column AU01"),
        ("path,AU01\na.jpg,1,0\n", "Expected 2 columns, got 3"),
    ],
)
def test_an_unusable_table_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path, "faces.csv", text)
    with pytest.raises(ValueError, match=reason) as caught:
        read(path, FACE)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_table_without_faces(tmp_path: Path) -> None:
    found = read(written(tmp_path, "faces.csv", "path,AU01,valence\n"), FACE)
    assert (len(found), [task.name for task in found.tasks]) == (0, ["action_units", "affect"])


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tables in this folder"):
        read(tmp_path, FACE, "openface")


def test_schemas_are_recognised_and_map_to_our_labels() -> None:
    with pytest.raises(ValueError, match="no schema affectiva; known: openface"):
        recognised(["AU01"], LABELS, "affectiva")
    with pytest.raises(ValueError, match="its columns are not those of py-feat: AU01"):
        recognised(["AU01"], LABELS, "py-feat")
    for schema in SCHEMAS:
        assert {*schema.labels.values(), *schema.intensities.values()} <= set(LABELS), schema.name
        units = {label for label in {*schema.labels.values(), *schema.intensities.values()} if label.startswith("AU")}
        assert units in (set(), set(ACTION_UNITS.labels))
    assert recognised(["path", "valence"], LABELS).name == "mien"
    assert AFFECT.labels == ("valence", "arousal")
