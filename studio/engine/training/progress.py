"""What a training run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from studio.engine.training.recipes import Stage
from studio.errors import StudioError


@dataclass(frozen=True)
class Progress:
    """One report; crosses threads."""

    stage: Stage | Literal["refine"]
    iteration: int  # of the whole run, counted from 1
    iterations: int  # of the whole run
    share: float  # of the whole run's work that is done, 0–1; a bound on the minutes counts as its end
    loss: float  # mean since the last report
    psnr_db: float | None  # of the training pictures since the last report; None in the geometry stage
    motion_mm: float | None  # mean error of the taught motion in millimetres; None where it is not known
    gaussians: int
    elapsed_s: float  # over all sittings of the run
    left_s: float  # estimate

    @property
    def line(self) -> str:
        """The report as one line of text."""
        parts = [f"{self.stage} {self.iteration}/{self.iterations}", f"loss {self.loss:.4f}"]
        if self.psnr_db is not None:
            parts.append(f"PSNR {self.psnr_db:.2f} dB")
        if self.motion_mm is not None:
            parts.append(f"motion error {self.motion_mm:.3f} mm")
        parts += [f"{self.gaussians} Gaussians", f"{_clock(self.elapsed_s)} done", f"{_clock(self.left_s)} left"]
        return ", ".join(parts)


OnProgress = Callable[[Progress], None]
"""Called on the training thread; must return quickly."""

Cancelled = Callable[[], bool]
"""Asked once per iteration; True stops the run after writing a checkpoint."""


class TrainingStopped(StudioError):  # noqa: N818 (being stopped is no error)
    """The run was stopped by the user; its checkpoint is on disk."""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
