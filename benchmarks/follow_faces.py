"""The cost of each detection quality on video, and how much it differs from detection in every whole frame.

Each quality follows the faces of the clips and is compared with `best`, box by box: the share of its faces that are
found, how many additional faces there are, the distance of the landmarks in eye distances, and the overlap of the
boxes. The eye distance is measured in the picture, so it is small in profile. As a scale for these distances, `best` is
also compared with itself on frames shifted by 3 and 5 pixels. Milliseconds are processor time per frame, on one
thread. Prints a table and writes benchmarks/results/follow_faces.json.

Without a CLIP, only a synthetic one is measured, in which the photo of an astronaut moves.

    python benchmarks/follow_faces.py [CLIP ...]
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.faces.detect import Face, Pixels, YuNet
from mien.faces.follow import QUALITIES, Follower
from mien.faces.track import overlaps
from mien.media.sampler import FrameSampler

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "follow_faces.json"
SHIFT = (3, 5)


def synthetic_clip() -> list[Pixels]:
    """100 frames of 640 x 360, in which one head moves and changes size in front of grey."""
    head = Image.open(ROOT / "examples" / "photos" / "astronaut.png").convert("RGB").crop((130, 20, 310, 220))
    frames = []
    for k in range(100):
        frame, scale = Image.new("RGB", (640, 360), (128, 128, 128)), 0.8 + 0.3 * np.sin(k / 30)
        small = head.resize((round(180 * scale), round(200 * scale)), Image.Resampling.BICUBIC)
        frame.paste(small, (round(220 + 180 * np.sin(k / 12)), round(70 + 30 * np.cos(k / 7))))
        frames.append(np.asarray(frame))
    return frames


def boxes(faces: list[Face]) -> Any:
    """The boxes as a table stores them."""
    return np.float32([face.box for face in faces]).reshape(-1, 4)


def follow(frames: list[Pixels], quality: str) -> tuple[list[list[Face]], float]:
    """The faces of every frame, and the processor seconds per frame."""
    follower, found = Follower(YuNet(min_size=1, threads=1), quality), list[list[Face]]()
    start = time.process_time()
    for index, frame in enumerate(frames):
        found.append(follower(frame, index, boxes(found[-1] if found else [])))
    return found, (time.process_time() - start) / len(frames)


def compare(found: list[list[Face]], best: list[list[Face]]) -> dict[str, float]:
    """Compare faces with those of ``best``, matched by an intersection over union of at least 0.3."""
    distances, ious, pairs, more = [], [], 0, 0
    for faces, whole in zip(found, best, strict=True):
        iou = overlaps(boxes(whole), boxes(faces))
        for face, row in zip(whole, iou, strict=True):
            if len(row) and row.max() >= 0.3:
                other, eyes = faces[int(row.argmax())], np.linalg.norm(face.landmarks[0] - face.landmarks[1])
                distances.append(np.linalg.norm(other.landmarks - face.landmarks, axis=1).mean() / eyes)
                ious.append(row.max())
                pairs += 1
        more += len(faces) - sum(bool(len(row) and row.max() >= 0.3) for row in iou)
    return {
        "found": pairs / max(1, sum(map(len, best))),
        "more": more,
        "landmarks_median": float(np.median(distances)),
        "landmarks_95": float(np.percentile(distances, 95)),
        "box_iou_median": float(np.median(ious)),
    }


def shifted(frames: list[Pixels]) -> list[list[Face]]:
    """The faces that ``best`` finds in shifted frames, shifted back."""
    across, down = SHIFT
    moved = [np.pad(frame, ((down, 0), (across, 0), (0, 0)), mode="edge") for frame in frames]
    return [
        [
            Face((face.box[0] - across, face.box[1] - down, *face.box[2:]), face.score, face.landmarks - SHIFT)
            for face in faces
        ]
        for faces in follow(moved, "best")[0]
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    clips = parser.parse_args().clips
    results = []
    videos = [("made", synthetic_clip())] + [
        (clip.name, [each.pixels for each in FrameSampler(clip)]) for clip in clips
    ]
    for name, frames in videos:
        best, _ = follow(frames, "best")
        rows: dict[str, dict[str, float]] = {"best, shifted": compare(shifted(frames), best)}
        for quality in QUALITIES:
            found, seconds = follow(frames, quality)
            rows[quality] = {"ms_a_frame": 1000 * seconds, **compare(found, best)}
        height, width = frames[0].shape[:2]
        faces = sum(map(len, best)) / len(frames)
        print(f"{name}: {len(frames)} frames of {width} x {height}, {faces:.1f} faces per frame")
        for quality, row in rows.items():
            print(f"  {quality:14}" + "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
        results.append({"clip": name, "frames": len(frames), "width": width, "height": height, "rows": rows})
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
