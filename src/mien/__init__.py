"""mien reads faces in pictures and videos into a table: expression, action units, valence and arousal.

    >>> import mien
    >>> table = mien.annotate("photos")  # doctest: +SKIP

Only ``mien.learn`` needs PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from mien.annotate.inputs import Inputs
    from mien.annotate.model import ModelError
    from mien.annotate.options import VideoOptions
    from mien.annotate.pipeline import Annotator
    from mien.compound import Compounds
    from mien.faces.detect import Detector
    from mien.media.picture import MediaError

__version__ = "0.1.0"
__all__ = ["Annotator", "MediaError", "ModelError", "VideoOptions", "annotate", "__version__"]

_MODULES = {
    "Annotator": "mien.annotate.pipeline",
    "MediaError": "mien.media.picture",
    "ModelError": "mien.annotate.model",
    "VideoOptions": "mien.annotate.options",
}

# Importing a subpackage binds its name in this module. Importing it here keeps it from replacing the function below.
importlib.import_module("mien.annotate")


def annotate(
    inputs: Inputs,
    *,
    model: str | os.PathLike[str] | None = None,
    detector: Detector | None = None,
    min_size: int = 16,
    batch_size: int = 32,
    threads: int = 0,
    compounds: str | os.PathLike[str] | Compounds | None = None,
    video: VideoOptions | None = None,
) -> pa.Table:
    """Annotate every face in pictures and videos: one row per face, with columns that ``table.schema`` describes.

    The whole table is held in memory. For long videos, use :meth:`mien.annotate.pipeline.Annotator.stream`, or
    :class:`mien.video.run.VideoRun`, which writes to a file.

    The arguments, the table and the errors are those of :class:`mien.annotate.pipeline.Annotator`; use it directly to
    annotate several times without loading the networks again.

    Example:
        >>> table = annotate(["a.jpg", "talk.mp4"], video=VideoOptions(fps=5))  # doctest: +SKIP
        >>> table.schema.field("valence").metadata[b"meaning"]  # doctest: +SKIP
    """
    from mien.annotate.pipeline import Annotator

    return Annotator(
        model,
        detector=detector,
        min_size=min_size,
        batch_size=batch_size,
        threads=threads,
        compounds=compounds,
        video=video,
    )(inputs)


def __getattr__(name: str) -> object:
    """Import the public classes on first access, so that ``import mien`` is fast."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
