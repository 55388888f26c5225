"""mien reads faces: expression, action units, valence and arousal, from pictures and videos to a table.

    >>> import mien
    >>> table = mien.annotate("photos")                     # doctest: +SKIP

Nothing here needs PyTorch; what does stands in ``mien.learn``.
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

_HOMES = {
    "Annotator": "mien.annotate.pipeline",
    "MediaError": "mien.media.picture",
    "ModelError": "mien.annotate.model",
    "VideoOptions": "mien.annotate.options",
}

# Python binds a subpackage to its parent's namespace on first import. Done here, the function below keeps the name.
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
    """Read every face of one or many pictures or videos: one row a face, columns as ``table.schema`` describes them.

    The whole table is in memory: for long videos there is :meth:`mien.annotate.pipeline.Annotator.stream`, and
    :class:`mien.video.run.VideoRun`, which writes a file.

    The arguments, the table and the errors are those of :class:`mien.annotate.pipeline.Annotator`; make one of
    those instead to annotate several times without loading the networks again.
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
    """The public classes, imported when first asked for: ``import mien`` stays quick."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
