"""Measure what fewer bits cost the bundled networks: 16-bit weights, as they are shipped, and 8 bits throughout.

Exports runs/default/last and runs/tiny/last in 32 and 16 bits, and quantises the 32-bit network to 8 bits with ONNX
Runtime's static quantisation (one scale per channel, ranges from 512 training photos). Evaluates all of them on the
photos of FER+'s split `test`, and times them alternately. Writes docs/results/precision.json, which docs/weights.md
shows.

    python tools/weights/precision.py
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime.quantization as quantisation
from numpy.typing import NDArray

from mien.annotate.model import Model
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictions import predict
from mien.learn.evaluate.score import score
from mien.learn.export.onnx_file import export

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs/results/precision.json"
PHOTOS = Path("build/ferplus")
NAMES = ("default", "tiny")
METRICS = ("expression.accuracy", "expression.mean_recall", "action_units.f1_present", "affect.ccc")
RANGES, BATCH, TURNS = 512, 32, 15


class Photos(quantisation.CalibrationDataReader):  # type: ignore[misc]
    """Training photos in batches, in the network's input format."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self.batches: Iterator[dict[str, NDArray[np.uint8]]] = (
            {"crops": crops[at : at + BATCH]} for at in range(0, len(crops), BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        return next(self.batches, None)


def eight_bits(source: Path, target: Path, crops: NDArray[np.uint8]) -> None:
    """Quantise convolutions and matrix products, with one weight scale per channel."""
    prepared = target.with_suffix(".prepared.onnx")
    quantisation.shape_inference.quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantisation.quantize_static(
        prepared,
        target,
        Photos(crops),
        per_channel=True,
        op_types_to_quantize=["Conv", "Gemm", "MatMul"],
        calibrate_method=quantisation.CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": 99.99},
    )
    whole, quantised = onnx.load(source), onnx.load(target)
    del quantised.metadata_props[:]
    quantised.metadata_props.extend(whole.metadata_props)
    onnx.save(quantised, target)


def main() -> None:
    photos = read_manifest(PHOTOS)
    test, training = photos.split("test"), photos.split("train")
    draw = np.random.default_rng(0).choice(len(training), RANGES, replace=False)
    grey = training.images(np.sort(draw)).transpose(0, 2, 3, 1)
    crops = np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:3], 3)))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in NAMES:
            files = {bits: Path(scratch) / f"{name}-{bits}.onnx" for bits in (32, 16, 8)}
            export(Path(f"runs/{name}/last"), files[32], name=name)
            export(Path(f"runs/{name}/last"), files[16], name=name, half=True)
            eight_bits(files[32], files[8], crops)
            models = {bits: Model(path, threads=1) for bits, path in files.items()}
            times: dict[int, list[float]] = {bits: [] for bits in files}
            for _ in range(TURNS):
                for bits, model in models.items():
                    start = time.perf_counter()
                    model(crops[:BATCH])
                    times[bits].append(time.perf_counter() - start)
            found[name] = {}
            for bits, model in models.items():
                metrics = score(predict(model, model.tasks, test))
                found[name][str(bits)] = {
                    "megabytes": round(files[bits].stat().st_size / 1e6, 2),
                    "time as a ratio to 32 bits": round(float(np.median(times[bits]) / np.median(times[32])), 2),
                    **{key: round(value, 4) for key, value in metrics.items() if key in METRICS},
                }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
