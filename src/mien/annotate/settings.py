"""What all inputs of a run have in common, in a form that goes to other processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.annotate.options import VideoOptions
from mien.annotate.pipeline import Annotator
from mien.compound import Compounds
from mien.processes import cores


@dataclass(frozen=True)
class Settings:
    """What all videos of a run have in common; goes to other processes.

    Args:
        model, min_size, batch_size, threads, compounds, video: of the :class:`mien.annotate.pipeline.Annotator`.
        smooth, constant, layout: of the :class:`mien.video.run.PostprocessOptions`.
        overwrite, resume: of the :class:`mien.video.run.VideoRun`.
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
        """The networks, loaded; two of them run at once in each of the workers, so each has its share of the cores."""
        return self._annotator(self.threads or max(1, cores() // (2 * workers)))

    def for_pictures(self) -> Annotator:
        """The networks for pictures, of which one runs at a time."""
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
