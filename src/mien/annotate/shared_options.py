"""Options that all inputs of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.annotate.options import VideoOptions
from mien.annotate.pipeline import Annotator
from mien.compound import Compounds
from mien.processes import cores


@dataclass(frozen=True)
class SharedOptions:
    """Options that all inputs of a run share; picklable, for other processes.

    Args:
        model, min_size, batch_size, threads, compounds, video: options of :class:`mien.annotate.pipeline.Annotator`.
        smooth, constant, layout: options of ``mien.video.postprocess.PostprocessOptions``.
        overwrite, resume: options of ``mien.video.run.VideoRun``.
    """

    model: Path | None = None
    min_size: int = 16
    batch_size: int = 32
    threads: int = 0
    compounds: Compounds | None = None
    video: VideoOptions = VideoOptions()  # noqa: RUF009 (it is frozen)
    smooth: int = 0
    constant: float | None = None
    layout: str | None = None
    overwrite: bool = False
    resume: bool = False

    def annotator(self, workers: int = 1) -> Annotator:
        """Load the networks. Two run at once in each worker, so each gets its share of the cores."""
        return self._annotator(self.threads or max(1, cores() // (2 * workers)))

    def for_pictures(self) -> Annotator:
        """Load the networks for pictures; only one of them runs at a time."""
        return self._annotator(self.threads)

    def _annotator(self, threads: int) -> Annotator:
        return Annotator(
            self.model,
            min_size=self.min_size,
            batch_size=self.batch_size,
            threads=threads,
            compounds=self.compounds,
            video=self.video,
        )
