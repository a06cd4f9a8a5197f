"""Cameras as a part of the window: bookmarks, camera keys, looking through them, and the turntable."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from studio.document.commands import Event, Gesture
from studio.document.curves import Interpolation
from studio.document.lanes import CAMERA_KEYS
from studio.document.model import Bookmark, Project
from studio.document.performance import CameraView
from studio.playback.player import State
from studio.widgets.camera_controller import CameraController
from studio.widgets.context import Studio
from studio.widgets.view.staging import Staging

BOOKMARK_KEYS = 9
"""Bookmarks that a key of their own goes to."""

TURNTABLE_DEG_PER_S = 24.0
"""Once around in 15 s: slow enough to read a face from every side."""

TURNTABLE_MS = 40

_MOMENT_S = 1e-4


class Cameras(QObject):
    """Moves the viewer's camera and writes cameras into the project."""

    def __init__(self, studio: Studio, staging: Staging, menu: QMenu) -> None:
        super().__init__(studio.window)
        self._studio, self._staging, self._menu = studio, staging, menu
        self._controller: CameraController = studio.viewport.controller
        self._gesture: Gesture | None = None
        self._grabbed: CameraView | None = None  # the view when the hand came
        self._free_at_s = 0.0
        self._turning = QTimer(self)
        self._turning.setInterval(TURNTABLE_MS)
        self._turning.timeout.connect(self._turn)
        self._turned_at = 0.0
        self._turn_is_ours = False
        studio.actions.connect(
            {
                "camera.bookmark": self._ask_bookmark,
                "camera.key": self.key,
                "camera.look_through": self._toggle_look_through,
                "camera.turntable": self._toggle_turntable,
                "camera.bake_turntable": self.bake_turntable,
                **{f"camera.bookmark_{i}": partial(self.go_to, i - 1) for i in range(1, BOOKMARK_KEYS + 1)},
            }
        )
        studio.viewport.grabbed.connect(self._on_grabbed)
        studio.viewport.view_changed.connect(self._view_changed)
        studio.viewport.released.connect(self._on_released)
        studio.session.changed.connect(self._project_changed)
        studio.driver.position_changed.connect(self._moved)
        studio.driver.state_changed.connect(self._state_changed)
        menu.aboutToShow.connect(self._fill)
        self._show_project(studio.session.project)
        self._fill()

    def close(self) -> None:
        """Stop turning."""
        self._turning.stop()

    @property
    def now_s(self) -> float:
        """The playhead."""
        return self._studio.driver.player.position_s

    def view(self) -> CameraView:
        """What the viewport looks through now."""
        return self._staging.keyed_view(self.now_s) or self._controller.view

    # ---- bookmarks ----

    def _ask_bookmark(self) -> None:
        names = {bookmark.name for bookmark in self._studio.session.project.bookmarks}
        suggestion = next(free for i in range(1, len(names) + 2) if (free := f"View {i}") not in names)
        view = self.view()
        name = self._studio.dialogs.ask_text(self._studio.window, "Save view", "Name of the bookmark", suggestion)
        if name is not None and name.strip():
            self.save_bookmark(name.strip(), view)

    def save_bookmark(self, name: str, view: CameraView) -> None:
        """A bookmark of that name; one that there is takes the new view."""

        def change(project: Project) -> Project:
            old = next((b for b in project.bookmarks if b.name == name), None)
            if old is None:
                return project.replace(bookmarks=(*project.bookmarks, Bookmark(name, view)))
            new = tuple(replace(b, view=view) if b is old else b for b in project.bookmarks)
            return project.replace(bookmarks=new)

        self._studio.session.history.apply(f"Bookmark {name}", change)

    def go_to(self, index: int) -> None:
        """Look from a bookmark."""
        bookmark = self._studio.session.project.bookmarks[index]
        self._studio.viewport.go(lambda controller: setattr(controller, "view", bookmark.view))
        self._studio.say(f"View: {bookmark.name}")

    def _ask_rename(self, index: int) -> None:
        bookmark = self._studio.session.project.bookmarks[index]
        name = self._studio.dialogs.ask_text(
            self._studio.window, "Rename bookmark", "Name of the bookmark", bookmark.name
        )
        if name is not None and name.strip():
            self.rename(index, name.strip())

    def rename(self, index: int, name: str) -> None:
        """Another name for a bookmark."""

        def change(project: Project) -> Project:
            new = [replace(b, name=name) if i == index else b for i, b in enumerate(project.bookmarks)]
            return project.replace(bookmarks=tuple(new))

        self._studio.session.history.apply(f"Rename bookmark to {name}", change)

    def delete(self, index: int) -> None:
        """Remove a bookmark."""
        name = self._studio.session.project.bookmarks[index].name

        def change(project: Project) -> Project:
            return project.replace(bookmarks=tuple(b for i, b in enumerate(project.bookmarks) if i != index))

        self._studio.session.history.apply(f"Delete bookmark {name}", change)

    # ---- camera keys ----

    def key(self) -> None:
        """The view as it is, keyed at the playhead; from then on the keys dictate the camera."""
        at_s, view = self._studio.session.project.frame_time(self.now_s), self.view()
        self._studio.session.history.apply("Key camera", partial(self._keyed, at_s, view))
        self._staging.choose(free=False)

    def _keyed(self, at_s: float, view: CameraView, project: Project) -> Project:
        """A camera key; it turns the short way from where the keys were."""
        before = project.performance.camera(at_s)
        yaw = view.yaw_deg
        if before is not None:
            yaw += 360.0 * round((before.yaw_deg - yaw) / 360.0)
        view = replace(view, yaw_deg=yaw, distance=self._controller.subject.distance(view))
        return project.perform(lambda performance: performance.with_camera_key(at_s, view))

    def _toggle_look_through(self) -> None:
        on = not self._studio.session.project.look_through
        label = "Look through the camera keys" if on else "Look freely"
        self._controller.view = self.view()
        self._studio.session.history.apply(label, lambda project: project.replace(look_through=on))
        self._staging.choose(free=False)

    def _on_grabbed(self) -> None:
        """The hand comes: it moves on from what is seen, and writes keys if auto-key says so."""
        if not self._turn_is_ours and self._turning.isActive():
            self._studio.actions["camera.turntable"].trigger()
        keyed = self._staging.keyed_view(self.now_s)
        if keyed is not None:
            self._controller.view = keyed
            playing = self._studio.driver.player.playing
            if self._studio.actions["keys.auto_key"].isChecked() and not playing and not self._turn_is_ours:
                self._gesture = self._studio.session.history.begin("Key camera")
        self._grabbed = self._controller.view

    def _view_changed(self, _moving: bool) -> None:
        view = self._controller.view
        if view == self._grabbed or self._grabbed is None:
            return
        if self._gesture is not None and self._gesture.active:
            at_s = self._studio.session.project.frame_time(self.now_s)
            self._gesture.update(partial(self._keyed, at_s, view))
        elif self._staging.keyed_view(self.now_s) is not None:
            self._free_at_s = self.now_s
            self._staging.choose(free=True)

    def _on_released(self) -> None:
        if self._gesture is not None and self._gesture.active:
            self._gesture.commit()
        self._gesture = self._grabbed = None

    def _moved(self, position_s: float) -> None:
        """Elsewhere in the clip, the keys dictate the camera again."""
        paused = not self._studio.driver.player.playing
        if self._staging.choice.free and paused and abs(position_s - self._free_at_s) > _MOMENT_S:
            self._back_to_keys()

    def _state_changed(self, state: State) -> None:
        if state is State.PLAYING:
            self._back_to_keys()

    def _back_to_keys(self) -> None:
        if not self._turning.isActive():
            self._staging.choose(free=False)

    # ---- turntable ----

    def _toggle_turntable(self) -> None:
        if self._studio.actions["camera.turntable"].isChecked():
            self._turned_at = time.perf_counter()
            self._turning.start()
        else:
            self._turning.stop()
            self._back_to_keys()

    def _turn(self) -> None:
        now = time.perf_counter()
        degrees = TURNTABLE_DEG_PER_S * min(now - self._turned_at, 0.2)
        self._turned_at = now
        viewport = self._studio.viewport
        self._turn_is_ours = True
        if self._grabbed is None:
            viewport.grabbed.emit()
        view = self._controller.view
        self._controller.view = replace(view, yaw_deg=(view.yaw_deg + degrees + 180.0) % 360.0 - 180.0)
        viewport.view_changed.emit(True)
        viewport.released.emit()
        self._turn_is_ours = False

    def bake_turntable(self) -> None:
        """One turn around the head over the marked range, or the whole clip, as camera keys."""
        session = self._studio.session
        first, past = session.range_s or (0.0, session.duration_s)
        if past <= first:
            self._studio.fail("A turntable needs a length; open a speech clip, or mark a range first.")
            return
        view = self.view()
        distance = self._controller.subject.distance(view)
        start = (view.yaw_deg, view.pitch_deg, distance, *view.offset_m)

        def change(project: Project) -> Project:
            performance = project.performance
            for key, value in zip(CAMERA_KEYS, start, strict=True):
                curve = performance.with_camera_key(first, view).lane(key).curve  # type: ignore[union-attr]
                curve = curve.without(curve.between(first, past))
                end = value + 360.0 if key == "camera_yaw" else value
                for at_s, at in ((first, value), (past, end)):
                    curve = curve.with_key(at_s, at, Interpolation.LINEAR)
                performance = performance.with_curve(key, curve)
            return project.replace(performance=performance)

        session.history.apply("Turntable", change)
        self._staging.choose(free=False)
        if self._turning.isActive():
            self._studio.actions["camera.turntable"].trigger()

    # ---- showing ----

    def _project_changed(self, event: Event) -> None:
        project = event.project
        if project.performance.camera(self.now_s) is None and self._staging.choice.free:
            self._staging.choose(free=False)
        self._show_project(project)

    def _show_project(self, project: Project) -> None:
        actions = self._studio.actions
        actions["camera.look_through"].setChecked(project.look_through)
        for i in range(BOOKMARK_KEYS):
            action = actions[f"camera.bookmark_{i + 1}"]
            there = i < len(project.bookmarks)
            action.setText(_plain(project.bookmarks[i].name) if there else f"Bookmark {i + 1}")
            action.setVisible(there)

    def _fill(self) -> None:
        """The menu as the project's bookmarks say."""
        menu, actions, bookmarks = self._menu, self._studio.actions, self._studio.session.project.bookmarks
        menu.clear()
        menu.addAction(actions["camera.bookmark"])
        for i, bookmark in enumerate(bookmarks):
            if i < BOOKMARK_KEYS:
                menu.addAction(actions[f"camera.bookmark_{i + 1}"])
            else:
                menu.addAction(_plain(bookmark.name), partial(self.go_to, i))
        if bookmarks:
            for title, act in (("Rename", self._ask_rename), ("Delete", self.delete)):
                _per_bookmark(menu.addMenu(f"{title} bookmark"), bookmarks, act)
        menu.addSeparator()
        for action_id in ("camera.key", "camera.look_through"):
            menu.addAction(actions[action_id])
        menu.addSeparator()
        for action_id in ("camera.turntable", "camera.bake_turntable"):
            menu.addAction(actions[action_id])


def _per_bookmark(menu: QMenu, bookmarks: tuple[Bookmark, ...], act: Callable[[int], None]) -> None:
    for i, bookmark in enumerate(bookmarks):
        action = QAction(_plain(bookmark.name), menu)
        action.triggered.connect(lambda _checked=False, i=i: act(i))
        menu.addAction(action)


def _plain(name: str) -> str:
    """A name as a menu shows it, its ampersands kept."""
    return name.replace("&", "&&") or "Without a name"
