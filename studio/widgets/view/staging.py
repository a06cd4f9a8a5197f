"""What the engine is asked to draw: the project as it is, and the aids chosen for looking at it.

The choice of aids belongs to the window, not to the project; nothing here can be undone or changes an export.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from studio.document.commands import Event
from studio.document.lanes import FACE_KEYS
from studio.document.model import Project
from studio.document.performance import CameraView, Performance
from studio.engine.aids import Inspection
from studio.engine.backdrop import Backdrop, Background
from studio.engine.camera import Camera, Subject
from studio.engine.scene import Scene
from studio.playback.show import Stage
from studio.widgets.camera_controller import framed
from studio.widgets.driver import PlaybackDriver
from studio.widgets.session import Session

Compare = Literal["off", "flip", "wipe"]
Against = Literal["unedited", "saved"]
OnionKind = Literal["pin", "previous_key", "next_key", "previous_marker", "next_marker"]

_SAME_MOMENT_S = 1e-4


@dataclass(frozen=True, eq=False)
class Onion:
    """Which other moment's ghost is seen.

    Attributes:
        kind: a pinned moment, or the neighbour of the playhead among keys or markers.
        tracks: sorted moments (n,) in seconds to choose from, one array per lane; a pinned moment is alone in one.
    """

    kind: OnionKind
    tracks: tuple[NDArray[np.float64], ...]

    def moment(self, time_s: float) -> float | None:
        """The ghost's moment while `time_s` is shown; None where there is none, or it is the same."""
        if self.kind == "pin":
            pinned_s = float(self.tracks[0][0])
            return None if abs(pinned_s - time_s) < _SAME_MOMENT_S else pinned_s
        found: list[float] = []
        if self.kind.startswith("previous"):
            for times in self.tracks:
                i = int(np.searchsorted(times, time_s - _SAME_MOMENT_S))
                found += times[i - 1 : i].tolist() if i else []
            return max(found, default=None)
        for times in self.tracks:
            i = int(np.searchsorted(times, time_s + _SAME_MOMENT_S, side="right"))
            found += times[i : i + 1].tolist()
        return min(found, default=None)


@dataclass(frozen=True)
class Choice:
    """The aids in use.

    Attributes:
        inspection: the overlay.
        compare: show the other performance instead (`flip`) or beside a divider (`wipe`).
        against: which other performance.
        ghost: whose moment is mixed in.
        pinned_s: the moment of a pinned ghost.
        safe: the export's frame with its safe areas.
        thirds: lines at its thirds.
        free: the viewer's own camera counts, although keys dictate one.
    """

    inspection: Inspection | None = None
    compare: Compare = "off"
    against: Against = "unedited"
    ghost: OnionKind | None = None
    pinned_s: float = 0.0
    safe: bool = False
    thirds: bool = False
    free: bool = False


class Staging(QObject):
    """Hands the driver a stage whenever project, clip or choice change."""

    chosen = Signal(object)
    """The new `Choice`."""

    def __init__(self, session: Session, driver: PlaybackDriver, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._driver = session, driver
        self.choice = Choice()
        self.subject = Subject()
        self._image: NDArray[np.uint8] | None = None
        self._backdrop: Backdrop | None = None
        session.to_draw.connect(self._changed)
        session.clip_changed.connect(lambda _clip: self.restage())
        session.avatar_changed.connect(self._avatar_changed)
        self.restage()

    def choose(self, **changes: Any) -> None:
        """Change some of the choice."""
        choice = replace(self.choice, **changes)
        if choice != self.choice:
            self.choice = choice
            self.restage()
            self.chosen.emit(choice)

    def set_image(self, pixels: NDArray[np.uint8] | None) -> None:
        """The loaded pixels (H, W, 3) of the project's backdrop; None while there is none."""
        if pixels is not self._image:
            self._image, self._backdrop = pixels, None
            self.restage()

    def keyed_view(self, time_s: float) -> CameraView | None:
        """The camera that keys dictate at a moment and the viewport shows; None while the viewer's own counts."""
        return None if self.choice.free else self._session.project.camera(time_s)

    @property
    def frame_aspect(self) -> float:
        """Width / height of the export."""
        export = self._session.project.export
        return export.width_px / export.height_px

    def restage(self) -> None:
        """Hand the engine what there is to see now."""
        self._driver.set_stage(self.stage())

    def stage(self) -> Stage:
        """What there is to see now."""
        session, choice = self._session, self.choice
        project = session.project
        features = session.clip.features if session.clip is not None else None
        scene, other = Scene(features, project.performance), None
        if choice.compare != "off":
            other = Scene(features, self._other(project))
        if choice.compare == "flip" and other is not None:
            scene, other = other, None
        onion = self.onion()
        return Stage(
            scene,
            self._background(project),
            project.fps,
            camera=self._camera(project),
            compared=other,
            onion=None if onion is None else onion.moment,
            inspection=choice.inspection,
        )

    def onion(self) -> Onion | None:
        """The ghost's moments, from the choice and the project."""
        kind = self.choice.ghost
        if kind is None:
            return None
        if kind == "pin":
            return Onion(kind, (np.array([self.choice.pinned_s]),))
        project = self._session.project
        if kind.endswith("marker"):
            return Onion(kind, (np.sort(np.array([marker.time_s for marker in project.markers], np.float64)),))
        lanes = project.performance.lanes
        return Onion(kind, tuple(lane.curve.times_s for lane in lanes if lane.target in FACE_KEYS))

    def _other(self, project: Project) -> Performance:
        """The performance to compare with: without any edit, or as it was saved."""
        saved = self._session.history.saved
        if self.choice.against == "saved" and saved is not None:
            return saved.performance
        return Performance(base=project.performance.base)

    def _background(self, project: Project) -> Background:
        if project.backdrop is None or self._image is None:
            return project.export.background
        backdrop, aspect, safe = self._backdrop, self.frame_aspect, self.choice.safe
        if backdrop is None or (backdrop.aspect, backdrop.framed) != (aspect, safe):
            backdrop = self._backdrop = Backdrop(self._image, aspect, framed=safe)
        return backdrop

    def _camera(self, project: Project) -> KeyedCamera | None:
        if self.choice.free or project.camera(0.0) is None:
            return None
        return KeyedCamera(project, self.subject, self.frame_aspect if self.choice.safe else None)

    def _changed(self, event: Event) -> None:
        if event.project is not event.previous:
            hand_moves = event.cause == "step"
            if hand_moves:
                self._driver.hurry()
            self._driver.set_stage(self.stage(), at_once=hand_moves)
        elif event.cause in ("saved", "reset"):
            self.restage()

    def _avatar_changed(self, ready: Any) -> None:
        self.subject = ready.avatar.subject
        self.restage()


@dataclass(frozen=True)
class KeyedCamera:
    """The camera that a project's keys dictate; immutable, so that every picture gets that of its own moment."""

    project: Project
    subject: Subject
    frame_aspect: float | None

    def __call__(self, time_s: float, width: int, height: int) -> Camera:
        """The camera for a picture of `width` × `height` pixels."""
        view = self.project.camera(time_s) or CameraView()
        return framed(self.subject.camera(view, width, height), self.frame_aspect)
