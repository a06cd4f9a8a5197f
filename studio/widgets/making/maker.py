"""Makes one avatar of a video at a time: keeps its state on the disk, runs capture and training one after the other.

Knows nothing of the windows that show it, so that it goes on in the background.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.engine import makings
from studio.engine.makings import Claim, Making
from studio.engine.portrait_report import REPORT
from studio.errors import StudioError
from studio.widgets.making.child import SILENT, Child

log = logging.getLogger(__name__)

RECIPE = "portrait"
SAVE_EVERY_S = 15.0
"""How often progress goes to the disk; the work's own files hold it exactly."""

MAX_REPORT_BYTES = 1 << 22
_PACE_AFTER_S = 4.0
"""Before that no time is told."""


@dataclass(frozen=True)
class Point:
    """One report of the training."""

    iteration: int
    share: float  # of the run that is done then, 0–1
    loss: float
    psnr_db: float | None
    stage: str


def capture_words(making: Making) -> list[str]:
    """The command that captures its video."""
    words = ["-m", "studio.cli", "capture", str(making.video), "-o", str(making.capture), f"--start={making.start_s!r}"]
    if making.end_s is not None:
        words.append(f"--end={making.end_s!r}")
    return [*words, f"--consent={making.consent}", "--progress=json"]


def training_words(making: Making) -> list[str]:
    """The command that trains the avatar on the capture."""
    words = [
        "-m",
        "studio.cli",
        "train",
        str(making.capture),
        "-o",
        str(making.avatar),
        f"--recipe={RECIPE}",
        "--resume",
    ]
    if making.minutes is not None:
        words.append(f"--minutes={making.minutes!r}")
    return [*words, "--progress=json", f"--preview={making.preview}"]


class Maker(QObject):
    """The avatar being made, and the process that works on it. Lives in the main thread.

    Attributes:
        making: what is made now; None when nothing is.
        what: what the work is at, in its own words.
        left_s: estimate of the time left for this step; None while unknown.
        curve: the training's reports so far, also of earlier sittings.
    """

    changed = Signal()
    """Something begins, stops, fails, or comes to its next step."""

    progressed = Signal()
    """The work has come further."""

    finished = Signal(object)
    """The avatar is at this path."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child = Child(self)
        self._child.told.connect(self._told)
        self._child.ended.connect(self._ended)
        self._claim: Claim | None = None
        self.making: Making | None = None
        self.what = ""
        self.left_s: float | None = None
        self.curve: list[Point] = []
        self._began: tuple[float, float] | None = None  # (moment, share) of this sitting
        self._saved_at_s = 0.0
        self._afterwards: Callable[[], None] | None = None

    # ---- what is so ----

    @property
    def running(self) -> bool:
        """Whether a process is at work."""
        return self._child.running

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self.running and self._child.stopping

    @property
    def share(self) -> float:
        """Of the present step that is done, 0–1."""
        return 0.0 if self.making is None else self.making.share

    @property
    def report(self) -> dict[str, Any] | None:
        """The capture's quality report, also of a video that cannot be used; None where there is none."""
        folder = self.report_folder
        if folder is None:
            return None
        try:
            with (folder / REPORT).open("rb") as file:
                report = json.loads(file.read(MAX_REPORT_BYTES))
        except (OSError, ValueError) as error:
            log.info("%s: %s", folder, error)
            return None
        return report if isinstance(report, dict) else None

    @property
    def report_folder(self) -> Path | None:
        """Where the report lies."""
        if self.making is None:
            return None
        folders = (self.making.capture, self.making.work)
        return next((folder for folder in folders if (folder / REPORT).is_file()), None)

    @property
    def unusable(self) -> bool:
        """Whether the video was found to be no material for an avatar."""
        return self.making is not None and self.report_folder == self.making.work

    # ---- what can be done ----

    def begin(self, name: str, video: Path, start_s: float, end_s: float | None, consent: str) -> None:
        """Begin to make an avatar. Raises StudioError."""
        self.take(makings.begin(name, video, start_s, end_s, consent))
        self.go_on()

    def take(self, making: Making) -> None:
        """Have one as the present one, without working on it yet. Raises StudioError when another studio has it."""
        self.release()
        self._claim = Claim(making)
        self.making = making
        self.curve = _read_curve(making.history)
        self.what, self.left_s = "", None
        self.changed.emit()

    def go_on(self) -> None:
        """Do the present step, or go on with it; after a report this begins the training.

        Raises:
            StudioError: if the video is gone, or the state cannot be written.
        """
        making = self.making
        if making is None or self.running:
            return
        if making.step == "report":
            making = replace(making, step="training", share=0.0)
        if making.step == "capture" and not making.video.is_file():
            raise StudioError(f"{making.video.name} is not in {making.video.parent} any more; say where it is now.")
        self.making = makings.save(replace(making, problem=""))
        self._began, self.what, self.left_s = None, "", None
        self._child.start(capture_words(making) if making.step == "capture" else training_words(making))
        self.changed.emit()

    def train(self, minutes: float | None) -> None:
        """After the report: train for so long, or for as long as it needs. Raises StudioError."""
        if self.making is not None and self.making.step == "report":
            self.making = replace(self.making, minutes=minutes)
            self.go_on()

    def found_video(self, video: Path) -> None:
        """The video lies there now: go on with it. Raises StudioError."""
        if self.making is not None and not self.running:
            self.making = makings.save(replace(self.making, video=video.absolute()))
            self.go_on()

    def pause(self) -> None:
        """Stop the work; it can be gone on with at any time."""
        if self.running:
            self._child.stop()
            self.changed.emit()

    def anew(self) -> None:
        """Forget what was trained, and train from the beginning. Raises StudioError."""
        if self.making is None or self.running:
            return
        for path in self.making.folder.glob("*.checkpoint*"):
            path.unlink(missing_ok=True)
        self.making.history.unlink(missing_ok=True)
        self.curve.clear()
        self.making = replace(self.making, share=0.0)
        self.go_on()

    def release(self) -> None:
        """Have nothing any more; only while nothing works."""
        if self._claim is not None:
            self._claim.close()
        self._claim, self.making = None, None
        self.curve = []
        self.changed.emit()

    def discard(self) -> None:
        """Delete all that was made of the video, once the work has stopped. Raises StudioError."""
        if self.running:
            self._afterwards = self.discard
            self.pause()
            return
        making = self.making
        self.release()
        if making is not None:
            makings.remove(making)
            self.changed.emit()

    def close(self) -> None:
        """Stop the work and wait for it; what was done stays on the disk."""
        self._child.close()
        if self.making is not None:
            self._keep(self.making)
        if self._claim is not None:
            self._claim.close()

    # ---- what the work says ----

    def _told(self, event: dict[str, Any]) -> None:
        making = self.making
        if making is None or event.get("event") != "progress":
            return
        share = min(max(float(event.get("share", 0.0)), 0.0), 1.0)
        now = monotonic()
        self._began = self._began or (now, share)
        self.making = replace(making, share=share)
        self.what = str(event.get("what") or event.get("stage") or "")
        self.left_s = self._left(event, now, share)
        if making.step == "training" and "iteration" in event:
            self._note(event, making.history)
        if now - self._saved_at_s > SAVE_EVERY_S:
            self._keep(self.making)
        self.progressed.emit()

    def _left(self, event: dict[str, Any], now_s: float, share: float) -> float | None:
        if isinstance(event.get("left_s"), (int, float)):
            return float(event["left_s"])
        assert self._began is not None
        began_s, before = self._began
        if now_s - began_s < _PACE_AFTER_S or share <= before:
            return None
        return (now_s - began_s) / (share - before) * (1.0 - share)

    def _note(self, event: dict[str, Any], history: Path) -> None:
        point = _point(event)
        if point is None:
            return
        while self.curve and self.curve[-1].iteration >= point.iteration:
            self.curve.pop()  # it was killed, and has gone back to its last checkpoint
        self.curve.append(point)
        try:
            with history.open("a", encoding="utf-8") as file:
                file.write(json.dumps(point.__dict__) + "\n")
        except OSError as error:
            log.info("the curve is not kept: %s", error)

    def _keep(self, making: Making) -> None:
        """The state on the disk; a disk that refuses is told by the work itself."""
        self._saved_at_s = monotonic()
        try:
            self.making = makings.save(making)
        except StudioError as error:
            log.warning("%s", error)

    def _ended(self, how: str, sentence: str) -> None:
        making = self.making
        if making is None:
            return
        afterwards, self._afterwards = self._afterwards, None
        if how == "done" and not (making.capture if making.step == "capture" else making.avatar).exists():
            how, sentence = "failed", SILENT
        if how == "done" and making.step == "capture":
            self._keep(replace(making, step="report", share=0.0, problem=""))
        elif how == "done":
            self._finish(making)
        else:
            self._keep(replace(making, problem=sentence))
        if afterwards is not None:
            try:
                afterwards()
            except StudioError as error:
                log.warning("%s", error)
        self.changed.emit()

    def _finish(self, making: Making) -> None:
        try:
            path = makings.finish(making)
        except StudioError as error:
            self._keep(replace(making, problem=str(error)))
            return
        self.release()
        self.finished.emit(path)


def _point(values: dict[str, Any]) -> Point | None:
    try:
        psnr = values["psnr_db"]
        return Point(
            int(values["iteration"]),
            float(values["share"]),
            float(values["loss"]),
            None if psnr is None else float(psnr),
            str(values["stage"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _read_curve(history: Path) -> list[Point]:
    """The reports of earlier sittings; lines that a killed process left half are passed over."""
    curve: list[Point] = []
    try:
        lines = history.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return curve
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        point = _point(values) if isinstance(values, dict) else None
        if point is not None:
            while curve and curve[-1].iteration >= point.iteration:
                curve.pop()
            curve.append(point)
    return curve
