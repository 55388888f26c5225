"""What each quality of finding faces costs, and how far it departs from looking at every whole frame.

Clips are followed by every quality. The face that `best` finds at the same place is the measure: how many of them are
found, how many faces more, how far the landmarks lie apart in eye distances, and how alike the boxes are. The eye
distance is that of the face in view, small in profile. To tell what a distance means, `best` is compared with itself
on frames that are shifted by 3 and 5 pixels, too. Milliseconds are of processor time for one frame, on one thread.

    python benchmarks/follow_faces.py CLIP ...    # any videos; beside a made one, in which the astronaut moves

Prints a table and writes benchmarks/results/follow_faces.json.
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


def made() -> list[Pixels]:
    """100 frames of 640 x 360: one head swings before grey, and changes its size."""
    head = Image.open(ROOT / "examples" / "photos" / "astronaut.png").convert("RGB").crop((130, 20, 310, 220))
    frames = []
    for k in range(100):
        frame, scale = Image.new("RGB", (640, 360), (128, 128, 128)), 0.8 + 0.3 * np.sin(k / 30)
        small = head.resize((round(180 * scale), round(200 * scale)), Image.Resampling.BICUBIC)
        frame.paste(small, (round(220 + 180 * np.sin(k / 12)), round(70 + 30 * np.cos(k / 7))))
        frames.append(np.asarray(frame))
    return frames


def boxes(faces: list[Face]) -> Any:
    """As a table has them."""
    return np.float32([face.box for face in faces]).reshape(-1, 4)


def follow(frames: list[Pixels], quality: str) -> tuple[list[list[Face]], float]:
    """The faces of every frame, and the seconds that one takes."""
    follower, found = Follower(YuNet(min_size=1, threads=1), quality), list[list[Face]]()
    begun = time.process_time()
    for index, frame in enumerate(frames):
        found.append(follower(frame, index, boxes(found[-1] if found else [])))
    return found, (time.process_time() - begun) / len(frames)


def compare(found: list[list[Face]], best: list[list[Face]]) -> dict[str, float]:
    """Faces that lie on one of ``best`` (intersection over union at least .3) against it."""
    distances, likeness, pairs, more = [], [], 0, 0
    for faces, whole in zip(found, best, strict=True):
        alike = overlaps(boxes(whole), boxes(faces))
        for face, row in zip(whole, alike, strict=True):
            if len(row) and row.max() >= 0.3:
                other, eyes = faces[int(row.argmax())], np.linalg.norm(face.landmarks[0] - face.landmarks[1])
                distances.append(np.linalg.norm(other.landmarks - face.landmarks, axis=1).mean() / eyes)
                likeness.append(row.max())
                pairs += 1
        more += len(faces) - sum(bool(len(row) and row.max() >= 0.3) for row in alike)
    return {
        "found": pairs / max(1, sum(map(len, best))),
        "more": more,
        "landmarks_median": float(np.median(distances)),
        "landmarks_95": float(np.percentile(distances, 95)),
        "box_iou_median": float(np.median(likeness)),
    }


def shifted(frames: list[Pixels]) -> list[list[Face]]:
    """What ``best`` finds in frames that are shifted, brought back."""
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
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    clips = parser.parse_args().clips
    results = []
    for name, frames in [("made", made())] + [(c.name, [f.pixels for f in FrameSampler(c)]) for c in clips]:
        best, _ = follow(frames, "best")
        rows: dict[str, dict[str, float]] = {"best, shifted": compare(shifted(frames), best)}
        for quality in QUALITIES:
            found, seconds = follow(frames, quality)
            rows[quality] = {"ms_a_frame": 1000 * seconds, **compare(found, best)}
        height, width = frames[0].shape[:2]
        print(
            f"{name}: {len(frames)} frames of {width} x {height}, {sum(map(len, best)) / len(frames):.1f} faces in each"
        )
        for quality, row in rows.items():
            print(f"  {quality:14}" + "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
        results.append({"clip": name, "frames": len(frames), "width": width, "height": height, "rows": rows})
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
