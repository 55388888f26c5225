"""The network for aligned crops: an ONNX file with its label space and preprocessing."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.faces.detect import Pixels
from mien.tasks import Task

FORMAT = 1
"""The format of the metadata that this version of mien reads."""


BUNDLED = ("default", "tiny")
"""Names of the bundled networks; a file of the same name takes precedence."""


class ModelError(ValueError):
    """A network that cannot be used; the message is one line."""


class Model:
    """A network in ONNX Runtime, with its label space and preprocessing.

    Args:
        path: an ONNX file from ``mien export``, or one of :data:`BUNDLED`; None for ``default``.
        threads: threads of ONNX Runtime; 0 lets it choose.

    Attributes:
        name: name of the network.
        tasks: what it predicts; each task is one output.
        size: side of a crop, in pixels.
        template: 5 x 2, positions of the landmarks in a crop, in pixels.
        metadata: all metadata of the file.
        digest: SHA-256 of the file, in hexadecimal.

    Raises:
        ModelError: if the file is missing, damaged or not a mien network.

    Example:
        >>> model = Model("tiny")
        >>> model(np.zeros((2, 112, 112, 3), np.uint8))["affect"].shape
        (2, 2)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, threads: int = 0) -> None:
        label = "the bundled network" if path is None else os.fspath(path)
        content = _content(path, label)
        self.digest = hashlib.sha256(content).hexdigest()
        self._session = _session(content, label, threads)
        self.metadata = _metadata(self._session, label)
        try:
            self.name = str(self.metadata["name"])
            self.tasks = tuple(Task.from_dict(task) for task in self.metadata["tasks"])
            self.size = int(self.metadata["preprocessing"]["size"])
            self.template = np.array(self.metadata["preprocessing"]["template"], np.float64).reshape(5, 2)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{label}: its metadata is incomplete ({error!r})") from None
        missing = {task.name for task in self.tasks} - {output.name for output in self._session.get_outputs()}
        if missing or [entry.name for entry in self._session.get_inputs()] != ["crops"]:
            raise ModelError(f"{label}: needs one input 'crops' and an output for each task" + _listed(missing))

    def __call__(self, crops: Pixels, batch_size: int = 32) -> dict[str, NDArray[np.float32]]:
        """Compute the outputs for any number of crops, ``batch_size`` at a time: task name -> N x labels.

        Args:
            crops: N x size x size x 3 uint8 RGB, aligned.
            batch_size: number of crops whose activations are in memory at once.

        Raises:
            ValueError: for crops of another shape or dtype.
        """
        wanted = (self.size, self.size, 3)
        if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8 or crops.shape[1:] != wanted or crops.ndim != 4:
            given = f"{crops.dtype} {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
            raise ValueError(f"crops must be uint8 of shape (N, {', '.join(map(str, wanted))}), not {given}")
        names = [task.name for task in self.tasks]
        parts = [
            self._session.run(names, {"crops": crops[start : start + batch_size]})
            for start in range(0, len(crops), batch_size)
        ]
        empty = [np.zeros((0, len(task)), np.float32) for task in self.tasks]
        return {name: np.concatenate(part) for name, part in zip(names, zip(empty, *parts, strict=True), strict=True)}


def is_bundled(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the name of a bundled network rather than of a file."""
    return os.fspath(path) in BUNDLED and not Path(path).exists()


def _content(path: str | os.PathLike[str] | None, label: str) -> bytes:
    name = "default" if path is None else os.fspath(path)
    bundled = path is None or is_bundled(path)
    source = files("mien.weights").joinpath(f"{name}.onnx") if bundled else Path(name)
    try:
        return source.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{label}: no such file") from None
    except OSError as error:
        raise ModelError(f"{label}: {error.strerror}") from None


def _session(content: bytes, label: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception:  # ONNX Runtime has an exception class for each status, without a common base
        raise ModelError(f"{label}: not an ONNX network, or damaged") from None


def _metadata(session: Any, label: str) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get("mien")
    if text is None:
        raise ModelError(f"{label}: not a mien network (no metadata 'mien')")
    try:
        metadata = json.loads(text)
        number = metadata["format"]
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{label}: its metadata 'mien' cannot be read") from None
    if number != FORMAT:
        raise ModelError(f"{label}: written in format {number}; this version of mien reads format {FORMAT}")
    return dict(metadata)


def _listed(names: set[str]) -> str:
    return f" (missing: {', '.join(sorted(names))})" if names else ""
