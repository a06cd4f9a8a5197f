from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.document.curves import Curve, Key
from studio.document.lanes import Lane
from studio.document.model import Marker
from studio.engine.aids import Inspection
from studio.engine.avatar import Avatar
from studio.widgets.main_window import MainWindow
from studio.widgets.view.aids import ViewportAids
from studio.widgets.view.staging import Onion
from tests.playback.engines import PlainRenderer
from tests.playback.fake_audio import FakeAudioDevice
from tests.widgets import pointer
from tests.widgets.conftest import Answers, Studio


def aids(studio: Studio) -> ViewportAids:
    return next(part for part in studio.window.parts if isinstance(part, ViewportAids))


def shown(studio: Studio) -> object:
    """The newest picture, once it is on the screen."""
    studio.qtbot.wait(1)
    studio.settle()
    studio.until(lambda: not studio.driver.show.moving)
    studio.qtbot.wait(1)
    studio.settle()
    return studio.driver.shown


def trigger(studio: Studio, action: str) -> None:
    studio.window.actions_[action].trigger()
    shown(studio)


# ---- overlays ----


def test_an_overlay_is_asked_of_the_engine_and_explained(studio: Studio) -> None:
    overlay = studio.window.viewport.overlay
    for kind in ("zones", "attention"):
        trigger(studio, f"overlay.{kind}")
        assert studio.renderer.aids.inspection == Inspection(kind)  # type: ignore[arg-type]
        assert overlay.legend is not None
        assert overlay.legend.title == kind
    trigger(studio, "overlay.none")
    assert studio.renderer.aids.inspection is None
    assert overlay.legend is None
    assert studio.window.actions_["overlay.none"].isChecked()


def test_h_switches_the_last_overlay_on_and_off(studio: Studio) -> None:
    trigger(studio, "overlay.attention")
    studio.key(Qt.Key.Key_H)
    assert aids(studio).staging.choice.inspection is None
    studio.key(Qt.Key.Key_H)
    assert aids(studio).staging.choice.inspection == Inspection("attention")


def test_the_reach_follows_the_slider_under_the_pointer(studio: Studio) -> None:
    trigger(studio, "overlay.reach")
    shown = studio.renderer.aids.inspection  # of AU12, unless the pointer happens to rest on another slider
    assert shown is not None
    assert shown.kind == "reach"
    row = studio.window.panel.rows["AU4"]
    pointer.hover(studio.window.viewport, QPoint(40, 200))
    pointer.hover(row, QPoint(40, row.height() // 2))
    studio.until(lambda: aids(studio).staging.choice.inspection == Inspection("reach", "AU4"))
    studio.window.panel.rows["AU9"].slider.setFocus(Qt.FocusReason.TabFocusReason)
    studio.until(lambda: aids(studio).staging.choice.inspection == Inspection("reach", "AU9"))


def test_the_opacity_is_handed_on(studio: Studio) -> None:
    trigger(studio, "overlay.zones")
    aids(studio).opacity.setValue(40)
    shown(studio)
    assert studio.renderer.aids.inspection == Inspection("zones", opacity=0.4)


def test_looking_changes_nothing_in_the_project(studio: Studio) -> None:
    before, entries = studio.session.project, len(studio.session.history.commands)
    for action in (
        "overlay.zones", "compare.flip", "compare.wipe", "compare.saved", "ghost.pin", "guides.safe", "guides.thirds",
    ):  # fmt: skip
        trigger(studio, action)
    assert studio.session.project is before
    assert len(studio.session.history.commands) == entries


# ---- comparison ----


def test_b_shows_the_unedited_performance_and_back(studio: Studio) -> None:
    studio.session.hold("AU1", 5.0)
    shown(studio)
    assert studio.red() == 250
    studio.key(Qt.Key.Key_B)
    shown(studio)
    assert studio.red() == 0
    assert studio.window.viewport.overlay.label == "Unedited performance"
    studio.key(Qt.Key.Key_B)
    shown(studio)
    assert studio.red() == 250
    assert studio.window.viewport.overlay.label == ""


def test_a_wipe_draws_both_and_its_divider_is_dragged(studio: Studio) -> None:
    studio.session.hold("AU1", 5.0)
    studio.key(Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    shown(studio)
    viewport, picture = studio.window.viewport, studio.driver.shown
    assert picture is not None
    assert picture.compared is not None
    assert (int(picture.rgba[0, 0, 0]), int(picture.compared[0, 0, 0])) == (250, 0)
    width, height = viewport.width(), viewport.height()

    def red(x: int) -> int:
        return int(viewport.presenter.grab().toImage().pixelColor(x, 100).red())

    assert red(round(width * 0.25)) == 0
    assert red(round(width * 0.75)) == 250
    view = viewport.controller.view
    middle = QPoint(width // 2, height // 3)
    pointer.hover(viewport, middle)
    assert viewport.cursor().shape() == Qt.CursorShape.SplitHCursor
    studio.drag(viewport, middle, QPoint(round(width * 0.8), height // 3))
    assert viewport.overlay.divider == pytest.approx(0.8, abs=0.01)
    assert viewport.controller.view == view  # the camera stayed
    assert red(round(width * 0.75)) == 0
    assert red(round(width * 0.9)) == 250
    studio.key(Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    shown(studio)
    assert viewport.overlay.divider is None
    assert studio.driver.shown is not None
    assert studio.driver.shown.compared is None


def test_the_saved_version_can_be_compared_with(studio: Studio) -> None:
    studio.session.hold("AU1", 2.0)
    studio.session.history.mark_saved()
    studio.session.hold("AU1", 5.0)
    trigger(studio, "compare.saved")
    trigger(studio, "compare.flip")
    assert studio.red() == 100
    assert studio.window.viewport.overlay.label == "Saved performance"
    assert studio.window.actions_["compare.flip"].text() == "Show the saved performance"
    studio.session.history.mark_saved()
    shown(studio)
    assert studio.red() == 250


# ---- ghost ----


def test_g_pins_this_moment_as_a_ghost(studio: Studio) -> None:
    studio.driver.seek(1.0)
    studio.key(Qt.Key.Key_G)
    shown(studio)
    assert studio.renderer.aids.ghost is None  # it would lie exactly over the picture
    studio.driver.seek(2.0)
    shown(studio)
    assert studio.renderer.aids.ghost is not None
    assert "ghost of 1.00 s" in studio.window.viewport.overlay.readout
    trigger(studio, "ghost.none")
    assert studio.renderer.aids.ghost is None


def test_ghosts_of_neighbouring_keys_and_markers(studio: Studio) -> None:
    curve = Curve.from_keys(Key(time_s, value) for time_s, value in ((0.5, 1.0), (1.5, 2.0), (3.0, 3.0)))
    studio.session.history.apply(
        "keys",
        lambda p: p.perform(lambda f: f.with_lane(Lane("AU1", curve))).replace(markers=(Marker(2.5), Marker(0.2))),
    )
    studio.driver.seek(1.5)
    for kind, value in (("previous_key", 1.0), ("next_key", 3.0)):
        trigger(studio, f"ghost.{kind}")
        ghost = studio.renderer.aids.ghost
        assert ghost is not None
        assert ghost.au[4, 0] == pytest.approx(value, abs=1e-5)
    trigger(studio, "ghost.previous_marker")
    assert studio.driver.shown is not None
    assert studio.driver.shown.request.ghost_s == 0.2
    trigger(studio, "ghost.next_marker")
    assert studio.driver.shown.request.ghost_s == 2.5
    studio.driver.seek(3.0)
    shown(studio)
    assert studio.renderer.aids.ghost is None


@given(st.lists(st.lists(st.floats(0, 60), max_size=5), max_size=3), st.floats(0, 60))
def test_neighbours_lie_on_their_side(lanes: list[list[float]], now: float) -> None:
    moments = tuple(np.array(sorted(times)) for times in lanes)
    times = [time for lane in lanes for time in lane]
    before, after = Onion("previous_key", moments).moment(now), Onion("next_key", moments).moment(now)
    assert before is None or (before < now and not [t for t in times if before < t < now - 1e-3])
    assert after is None or (after > now and not [t for t in times if now + 1e-3 < t < after])
    assert (before is None) == (not [t for t in times if t < now - 1e-4])


# ---- guides ----


def test_safe_frames_fit_the_exports_shape(studio: Studio) -> None:
    viewport = studio.window.viewport

    def resize(width: int, height: int) -> None:
        studio.session.history.apply(
            "size", lambda p: p.replace(export=type(p.export)(width_px=width, height_px=height))
        )

    resize(3000, 400)
    before = viewport.controller.camera(400, 300).fx
    studio.key(Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert viewport.overlay.guides.safe
    assert viewport.overlay.guides.aspect == 7.5
    assert viewport.controller.camera(400, 300).fx == pytest.approx(before * (400 / 7.5) / 300)
    shown(studio)
    camera = studio.renderer.drawn[-1][1]
    assert camera.fy < camera.height  # the whole frame is drawn, though the viewport is narrower
    resize(300, 400)
    assert viewport.controller.camera(400, 300).fx == before
    studio.key(Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert not viewport.overlay.guides.safe


def test_outside_the_frame_it_is_dimmed(studio: Studio) -> None:
    studio.session.hold("AU1", 5.0)
    trigger(studio, "guides.safe")
    image = studio.window.viewport.grab().toImage()
    inside = image.pixelColor(image.width() // 2, image.height() // 3)
    outside = image.pixelColor(image.width() - 10, image.height() // 3)
    assert inside.red() == 250
    assert outside.red() < 150


def test_thirds_can_be_drawn_alone(studio: Studio) -> None:
    trigger(studio, "guides.thirds")
    viewport = studio.window.viewport
    assert viewport.overlay.guides.thirds
    assert viewport.controller.frame_aspect is None


# ---- the bar, the read-out, the resolution ----


def test_every_menu_of_the_bar_can_be_reached_and_named(studio: Studio) -> None:
    bar = aids(studio).bar
    assert list(bar.buttons) == ["View", "Overlay", "Compare", "Guides", "Background", "Camera"]
    for name, button in bar.buttons.items():
        assert button.toolTip()
        assert button.accessibleName() == name
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        aids(studio).menus[name].aboutToShow.emit()
        assert aids(studio).menus[name].actions()
    assert bar.geometry().right() < studio.window.viewport.width()
    assert bar.isVisible()


def test_a_press_on_the_bar_does_not_move_the_camera(studio: Studio) -> None:
    viewport, bar = studio.window.viewport, aids(studio).bar
    view = viewport.controller.view
    at = bar.mapTo(viewport, QPoint(1, bar.height() // 2))
    studio.drag(bar, QPoint(1, bar.height() // 2), QPoint(1, 200))
    assert viewport.childAt(at) is not None
    assert viewport.controller.view == view


def test_the_readout_tells_rate_and_latency_while_playing(studio: Studio) -> None:
    readout = studio.window.viewport.overlay
    assert readout.readout.endswith("3 ms")
    studio.key(Qt.Key.Key_Space)
    for _ in range(20):
        studio.advance(0.04)
        studio.settle()
    assert "fps" in readout.readout
    assert "ms latency" in readout.readout


def test_a_dragged_slider_draws_fewer_pixels_and_all_at_rest(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    quality = studio.driver.show.quality
    for _ in range(5):
        quality.learn(500, 500, 5.0, 300.0)
    monkeypatch.setattr(quality, "learn", lambda *_: None)  # as if every picture took so long
    slider = studio.window.panel.rows["AU12"].slider
    before = len(studio.renderer.drawn)
    start = QPoint(10, slider.height() // 2)
    studio.drag(slider, start, start + QPoint(60, 0), release=False)
    studio.settle()
    heights = {camera.height for _, camera in studio.renderer.drawn[before:]}
    full = studio.window.viewport.device_size()[1]
    assert min(heights) < full
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(60, 0))
    studio.until(lambda: studio.renderer.drawn[-1][1].height == full)


def test_moving_without_a_button_shows_where_the_divider_is(studio: Studio) -> None:
    viewport = studio.window.viewport
    trigger(studio, "compare.wipe")

    def hover(x: float) -> Qt.CursorShape:
        at = QPointF(x, 150)
        viewport.mouseMoveEvent(
            QMouseEvent(
                QMouseEvent.Type.MouseMove, at, viewport.mapToGlobal(at), Qt.MouseButton.NoButton,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            )
        )  # fmt: skip
        return viewport.cursor().shape()

    assert hover(viewport.width() / 2 + 3) == Qt.CursorShape.SplitHCursor
    assert hover(viewport.width() / 2 + 30) == Qt.CursorShape.OpenHandCursor


def test_an_edit_ends_the_look_at_the_unedited_performance(studio: Studio) -> None:
    studio.key(Qt.Key.Key_B)
    slider = studio.window.panel.rows["AU1"].slider
    start = QPoint(10, slider.height() // 2)
    studio.drag(slider, start, start + QPoint(60, 0))
    assert aids(studio).staging.choice.compare == "off"
    assert shown(studio) is not None
    assert studio.red() > 0


def test_lines_and_figures_are_remembered(qtbot: QtBot, avatar: Avatar, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)

    def window() -> MainWindow:
        return MainWindow(
            FakeAudioDevice(latency=0.0),
            lambda _path: PlainRenderer(avatar),
            dialogs=Answers(),
            presenter="raster",
            settings=settings,
        )

    first = window()
    qtbot.addWidget(first)
    for action in ("guides.thirds", "view.readout"):
        first.actions_[action].trigger()
    next(part for part in first.parts if isinstance(part, ViewportAids)).opacity.setValue(55)
    first.close()
    settings.sync()
    second = window()
    qtbot.addWidget(second)
    part = next(part for part in second.parts if isinstance(part, ViewportAids))
    assert part.staging.choice.thirds
    assert not part.staging.choice.safe
    assert not second.actions_["view.readout"].isChecked()
    assert part.opacity.value() == 55
    second.close()
