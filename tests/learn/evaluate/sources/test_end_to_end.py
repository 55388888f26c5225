"""Whole pictures and a video, read by the annotator and matched to the rows of a manifest."""

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

import mien
from mien.annotate.pipeline import Annotator
from mien.learn.data.manifest.write import write_manifest
from mien.learn.evaluate.sources.end_to_end import annotated
from mien.learn.evaluate.sources.matching import read_rows
from mien.learn.evaluate.sources.prediction_sources import predictions
from mien.tasks import FACE, Kind


@pytest.fixture
def pictures(tmp_path: Path, astronaut: Path) -> Path:
    """Two faces side by side, the left one half as large; one face; nobody; and a video of the face, then of nobody."""
    face = Image.open(astronaut).convert("RGB").crop((96, 0, 352, 256))
    two = Image.new("RGB", (512, 256))
    two.paste(face.resize((128, 128)), (0, 64))
    two.paste(face, (256, 0))
    two.save(tmp_path / "two.png")
    face.save(tmp_path / "one.png")
    Image.new("RGB", (256, 256)).save(tmp_path / "nobody.png")
    with av.open(str(tmp_path / "video.mp4"), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for index in range(4):
            pixels = np.asarray(face) if index < 2 else np.zeros((256, 256, 3), np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        clip.mux(stream.encode())
    return tmp_path


def manifest(folder: Path, *rows: dict[str, Any], errors: str = "errors") -> Path:
    (folder / "set").mkdir(exist_ok=True)
    labels = {"expression": "fear", "AU12": 1, "valence": 0.5}
    metadata = {"source": "own", errors: {"no face found": 3}}
    write_manifest(
        folder / "set" / "manifest.parquet", [{"split": "test", **labels, **row} for row in rows], FACE, metadata
    )
    return folder / "set"


def box(x: float, y: float, side: float) -> dict[str, float]:
    return {"x": x, "y": y, "width": side, "height": side}


def test_predictions_are_those_of_annotate_for_the_face_of_a_row(pictures: Path, network: Path) -> None:
    two, one = str(pictures / "two.png"), str(pictures / "one.png")
    rows = [{"path": two, **box(30, 70, 60)}, {"path": two, **box(300, 20, 120)}, {"path": one}, {"path": two}]
    found = predictions(network, manifest(pictures, *rows), "test", end_to_end=True)
    table = mien.annotate([two, one], model=network)
    large, small, single = (table.slice(index, 1) for index in range(3))
    assert large["x"][0].as_py() > small["x"][0].as_py()
    for task in FACE:
        for row, expected in enumerate((small, large, single, large)):
            values = [expected[label][0].as_py() for label in task.labels]
            assert np.allclose(found.outputs[task.name][row], values, atol=1e-6), (task.name, row)
    assert not found.missed.any()
    assert found.labels["expression"].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("errors", ["errors", "faults"])  # the second is the key of earlier versions
def test_faces_that_are_not_found_are_missed_and_reported(pictures: Path, network: Path, errors: str) -> None:
    one = str(pictures / "one.png")
    rows = [{"path": one}, {"path": one, **box(0, 200, 30)}, {"path": "nobody.png"}, {"path": "gone.png"}]
    lines: list[str] = []
    folder = manifest(pictures, *rows, errors=errors)
    found = predictions(network, folder, "test", end_to_end=True, pictures=pictures, note=lines.append)
    assert found.missed.tolist() == [False, True, True, True]
    for task in FACE:
        assert not found.outputs[task.name][1:].any()
        assert found.mask[task.name].any()
    assert lines[0].startswith(f"{network}: 1 faces in 3 pictures; ")
    assert lines[1] == f"{network}: could not be read and count as missed: 1; the first: gone.png: no such file"
    assert lines[2] == f"{network}: 3 of 4 rows were missed (75.0%); they count as errors"
    assert lines[3].startswith(f"{network}: 3 pictures without a face were dropped from all splits of {folder}")


def test_each_picture_and_each_frame_is_opened_once(pictures: Path, network: Path) -> None:
    clip = str(pictures / "video.mp4")
    rows = [{"path": clip, "frame": frame} for frame in (0, 1, 3, 9, 1)]
    seen: list[int] = []
    run = annotated(Annotator(network), read_rows(manifest(pictures, *rows), "test"), advance=seen.append)
    assert (run.pictures, sum(seen), len(run.detections)) == (4, 4, 2)
    assert run.detections.frames.tolist() == [0, 1]
    found = predictions(network, pictures / "set", "test", end_to_end=True)
    assert found.missed.tolist() == [False, False, True, True, False]
    assert run.seconds > 0


def test_a_table_of_annotations_gives_the_same_predictions(pictures: Path, network: Path, tmp_path: Path) -> None:
    rows = [{"path": "two.png", **box(30, 70, 60)}, {"path": "one.png"}, {"path": "nobody.png"}]
    folder = manifest(pictures, *rows)
    direct = predictions(network, folder, "test", end_to_end=True, pictures=pictures)
    table = mien.annotate([pictures / "two.png", pictures / "one.png", pictures / "nobody.png"], model=network)
    (tmp_path / "faces.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    from_table = predictions(tmp_path / "faces.jsonl", folder, "test")
    assert from_table.missed.tolist() == direct.missed.tolist() == [False, False, True]
    for task in FACE:
        assert np.allclose(from_table.outputs[task.name], direct.outputs[task.name], atol=1e-6)
        assert task.kind is not Kind.CLASSES or from_table.labels[task.name].dtype == np.int64


def test_a_checkpoint_is_refused_end_to_end(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="end to end needs an exported network; `mien export` writes one"):
        predictions(tmp_path, tmp_path, "test", end_to_end=True)
