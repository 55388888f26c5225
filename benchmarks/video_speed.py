"""The speed of annotating a video, the time that each stage takes, and the memory used over half an hour.

Without a CLIP, a synthetic one is used, 640 x 360 at 30 frames/s with one moving face. The clip is repeated, without
encoding it again, until it is long enough: ``--seconds`` for each quality, ``--minutes`` for the quality ``--long``.
All of `mien annotate` is measured, from opening the video to the finished table, but not loading the networks.

For each quality it reports frames per second; the processor time and the wall-clock time of each stage, in its thread;
and the ratio of the whole to the bare networks: the same runs of ONNX Runtime on inputs of the same shapes, one after
the other and without anything else. Writes benchmarks/results/video_speed.json.

    python benchmarks/video_speed.py [CLIP] [--minutes 30] [--seconds 60] [--quality best balanced fast]
"""

import argparse
import json
import os
import platform
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from mien.annotate import watch
from mien.annotate.options import VideoOptions
from mien.annotate.shared_options import SharedOptions
from mien.media.sampler import FrameSampler
from mien.processes import cores
from mien.video.journal import Journal
from mien.video.postprocess import PostprocessOptions
from mien.video.run import VideoRun

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "video_speed.json"
PORTRAIT = ROOT / "examples" / "photos" / "astronaut.png"
SMOOTH = 5


class Clock:
    """Processor and wall-clock seconds spent in the calls of each stage, without the stages nested in them."""

    def __init__(self) -> None:
        self.processor, self.wall = Counter[str](), Counter[str]()
        self._inner = threading.local()

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with its time added to the stage."""

        def measured(*arguments: Any, **named: Any) -> Any:
            outer = getattr(self._inner, "spent", (0.0, 0.0))
            self._inner.spent = (0.0, 0.0)
            start = time.thread_time(), time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                spent = time.thread_time() - start[0], time.perf_counter() - start[1]
                inside = self._inner.spent
                self.processor[stage] += spent[0] - inside[0]
                self.wall[stage] += spent[1] - inside[1]
                self._inner.spent = outer[0] + spent[0], outer[1] + spent[1]

        return measured


class Session:
    """An ONNX Runtime session that counts its runs by the shape of their input."""

    def __init__(self, session: Any, stage: str, clock: Clock) -> None:
        self.session, self.shapes = session, Counter[tuple[int, ...]]()
        self._run = clock.timed(stage, session.run)

    def run(self, names: Any, given: dict[str, Any]) -> Any:
        """Run the session."""
        self.shapes[next(iter(given.values())).shape] += 1
        return self._run(names, given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def bare(self) -> float:
        """The seconds that the same runs take on their own: the median of each shape, times its count."""
        entry = self.session.get_inputs()[0]
        kind = np.uint8 if "uint8" in entry.type else np.float32
        total = 0.0
        for shape, count in self.shapes.items():
            given = {entry.name: np.random.default_rng(0).integers(0, 255, shape).astype(kind)}
            times = []
            for _ in range(min(40, max(6, count))):
                start = time.perf_counter()
                self.session.run(None, given)
                times.append(time.perf_counter() - start)
            total += count * float(np.median(times))
        return total


class Memory(threading.Thread):
    """Records the resident memory of this process in MB, once per second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.curve: list[float] = []
        self._over = threading.Event()

    def run(self) -> None:
        """Record until :meth:`stop` is called."""
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._over.wait(1.0):
            self.curve.append(int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e6)

    def stop(self) -> None:
        """Stop recording."""
        self._over.set()
        self.join()


def synthetic_clip(path: Path) -> Path:
    """Write 300 frames of 640 x 360 at 30 frames/s; a face of about 100 pixels moves once in a circle, then repeats."""
    frames = 300
    face = Image.open(PORTRAIT).convert("RGB").resize((360, 360))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        noise = np.random.default_rng(0).integers(0, 40, (360, 640, 3), np.uint8)
        for index in range(frames):
            angle = 2 * np.pi * index / frames
            scene = Image.fromarray(noise + 60)
            scene.paste(face, (round(140 + 120 * np.sin(angle)), round(20 * np.cos(angle))))
            container.mux(stream.encode(av.VideoFrame.from_image(scene)))
        container.mux(stream.encode(None))
    return path


def repeated(clip: Path, path: Path, seconds: float) -> Path:
    """Repeat the clip until it is this long, by copying its packets."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        given = source.streams.video[0]
        stream = target.add_stream_from_template(given)
        packets = [packet for packet in source.demux(given) if packet.dts is not None]
        content = [(bytes(packet), packet.pts, packet.dts, packet.duration, packet.is_keyframe) for packet in packets]
        length = max(pts + duration for _, pts, _, duration, _ in content) - min(pts for _, pts, *_ in content)
        for turn in range(int(np.ceil(seconds / float(length * given.time_base)))):
            for data, pts, dts, duration, key in content:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, given.time_base, key
                packet.pts, packet.dts, packet.duration = pts + turn * length, dts + turn * length, duration
                target.mux(packet)
    return path


def measure(video: Path, quality: str, threads: int) -> dict[str, Any]:
    """Annotate a video once and return the measurements."""
    shared = SharedOptions(threads=threads, video=VideoOptions(quality=quality), smooth=SMOOTH)
    annotator, clock = shared.annotator(), Clock()
    detector = annotator.detector._session = Session(annotator.detector._session, "detector", clock)
    network = annotator.model._session = Session(annotator.model._session, "network", clock)
    with Patched(clock), tempfile.TemporaryDirectory() as folder:
        memory = Memory()
        memory.start()
        start, used = time.perf_counter(), time.process_time()
        outcome = VideoRun(annotator, str(video), Path(folder) / "table.parquet", PostprocessOptions(smooth=SMOOTH))()
        wall, processor = time.perf_counter() - start, time.process_time() - used
        memory.stop()
    bare = detector.bare(), network.bare()
    return {
        "frames": outcome.frames,
        "faces": outcome.faces,
        "seconds": round(wall, 2),
        "frames_a_second": round(outcome.frames / wall, 1),
        "cores_busy": round(processor / wall, 2),
        "stages_processor_ms_a_frame": _each(clock.processor, outcome.frames),
        "stages_clock_ms_a_frame": _each(clock.wall, outcome.frames),
        "bare_detector_ms_a_frame": round(1e3 * bare[0] / outcome.frames, 3),
        "bare_network_ms_a_frame": round(1e3 * bare[1] / outcome.frames, 3),
        "ratio_to_bare_networks": round(wall / sum(bare), 3),
        "detector_runs": {"x".join(map(str, shape)): count for shape, count in detector.shapes.most_common(6)},
        "memory_mb": {
            "after_10_s": _at(memory.curve, 10),
            "half_way": _at(memory.curve, len(memory.curve) // 2),
            "end": _at(memory.curve, -1),
            "most": round(max(memory.curve, default=0.0)),
        },
        "memory_curve_mb": [round(value) for value in memory.curve[:: max(1, len(memory.curve) // 60)]],
    }


class Patched:
    """Times the stages of the pipeline while it is entered, and restores them on exit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before = [
            (FrameSampler, "__iter__", FrameSampler.__iter__),
            (watch._FrameDetector, "__call__", watch._FrameDetector.__call__),
            (watch._Cropper, "__call__", watch._Cropper.__call__),
            (watch, "_predict", watch._predict),
            (Journal, "write", Journal.write),
        ]

    def __enter__(self) -> None:
        decoded = FrameSampler.__iter__
        clock = self._clock

        def frames(sampler: FrameSampler) -> Iterator[Any]:
            next_frame = clock.timed("decode", decoded(sampler).__next__)
            while True:
                try:
                    yield next_frame()
                except StopIteration:
                    return

        FrameSampler.__iter__ = frames  # type: ignore[method-assign]
        stages = ("find, follow, track", "align", "rows", "journal")
        for stage, (owner, name, call) in zip(stages, self._before[1:], strict=True):
            setattr(owner, name, clock.timed(stage, call))

    def __exit__(self, *_: object) -> None:
        for owner, name, call in self._before:
            setattr(owner, name, call)


def _each(spent: Counter[str], frames: int) -> dict[str, float]:
    return {stage: round(1e3 * seconds / frames, 3) for stage, seconds in spent.most_common()}


def _at(curve: list[float], index: int) -> int | None:
    return round(curve[min(index, len(curve) - 1)]) if curve else None


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--quality", nargs="+", default=["best", "balanced", "fast"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--long", default="balanced", help="quality of the long run")
    parser.add_argument("--minutes", type=float, default=30, help="length of the long run; 0 skips it")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "clip": options.clip.name if options.clip else "made: 640 x 360, 30 frames/s, one face",
        "cores": cores(),
        "machine": platform.machine(),
        "load_before": round(os.getloadavg()[0], 1),
        "onnxruntime": version("onnxruntime"),
        "av": version("av"),
        "qualities": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip or synthetic_clip(Path(folder) / "clip.mp4")
        short = repeated(clip, Path(folder) / "short.mp4", options.seconds)
        for quality in options.quality:
            result["qualities"][quality] = measure(short, quality, options.threads)
            _print(quality, result["qualities"][quality])
        if options.minutes:
            video = repeated(clip, Path(folder) / "long.mp4", 60 * options.minutes)
            result["long"] = {"quality": options.long, **measure(video, options.long, options.threads)}
            _print(f"{options.minutes:g} minutes, {options.long}", result["long"])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")


def _print(what: str, found: dict[str, Any]) -> None:
    print(
        f"{what}: {found['frames_a_second']:g} frames/s, {found['cores_busy']:g} cores busy, "
        f"{found['ratio_to_bare_networks']:g} x the time of the bare networks, at most {found['memory_mb']['most']} MB"
    )
    processor = found["stages_processor_ms_a_frame"]
    total = sum(processor.values())
    for stage, each in processor.items():
        clock = found["stages_clock_ms_a_frame"][stage]
        print(f"  {stage:22} per frame {each:7.2f} ms processor ({each / total:4.0%}), {clock:7.2f} ms wall clock")


if __name__ == "__main__":
    main()
