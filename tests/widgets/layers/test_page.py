"""The Layers page and the expressions' menus, with real events; undo and redo after each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDrag, QTextDocument
from PySide6.QtTest import QTest

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions, Preset
from studio.document.lanes import Lane
from studio.document.model import Project
from studio.document.performance import Performance
from studio.document.takes import Base, Take
from studio.widgets.layers import edits
from studio.widgets.layers.page import LayersPage
from studio.widgets.layers.part import Layers
from studio.widgets.layers.rows import LayerRow
from studio.widgets.slider_row import SliderRow
from studio.widgets.timeline.canvas import PRESET_MIME
from tests.widgets import pointer
from tests.widgets.conftest import Studio

CTRL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
TAKE = Take("monday", 25, np.full((50, 17), 0.5, np.float32))
BUSY = Performance(
    Base(TAKE),
    Expressions((Clip("happy", 0.0, 4.0, 0.6),)),
    (Lane("AU12", Curve().with_key(1.0, 1.8)), Lane("AU1", held=2.0)),
)


class Desk:
    """The page of a window, and what must hold after every gesture."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.history = studio, studio.session.history
        self.part = next(part for part in studio.window.parts if isinstance(part, Layers))
        self.page: LayersPage = self.part.page
        self.put(BUSY)
        studio.window.inspector.show_page("Layers")
        studio.driver.seek(1.0)
        studio.qtbot.wait(1)

    def put(self, performance: Performance) -> None:
        self.history.reset(self.history.project.replace(performance=performance))
        self.studio.qtbot.wait(1)

    @property
    def performance(self) -> Performance:
        return self.history.project.performance

    def row(self, layer: str) -> LayerRow:
        return self.page.rows[layer]

    def one_entry(self, before: Project) -> None:
        assert len(self.history.commands) == 1, [command.label for command in self.history.commands]
        after = self.history.project
        assert after != before
        self.studio.key(Qt.Key.Key_Z, CTRL)
        assert self.history.project == before
        self.studio.key(Qt.Key.Key_Y, CTRL)
        assert self.history.project == after


@pytest.fixture
def desk(studio: Studio) -> Desk:
    return Desk(studio)


def test_all_layers_stand_in_order_with_the_topmost_first(desk: Desk) -> None:
    assert list(desk.page.rows) == ["AU1", "AU12", edits.EXPRESSIONS, edits.BASE]
    assert desk.page.channel.text() == "At the playhead: AU12 1.80"
    assert desk.page.verdict.text() == "keys over happy 0.6 over take"
    assert desk.studio.window.timeline.state.winner == "AU12 1.80: keys over happy 0.6 over take"


def test_who_decides_follows_playhead_and_focus(desk: Desk) -> None:
    desk.row("AU1").chosen.emit()
    assert desk.page.verdict.text() == "slider over take"
    desk.put(replace(BUSY, lanes=()))
    assert desk.page.verdict.text() == "happy 0.6 over take"
    desk.studio.driver.seek(0.0)
    assert desk.page.verdict.text() == "take"


@pytest.mark.parametrize("layer", ["AU12", edits.EXPRESSIONS, edits.BASE])
@pytest.mark.parametrize("switch", ["mute", "solo"])
def test_layers_are_switched(desk: Desk, layer: str, switch: str) -> None:
    before = desk.history.project
    QTest.mouseClick(getattr(desk.row(layer), switch), LEFT)
    performance = desk.performance
    part = {edits.EXPRESSIONS: performance.expressions, edits.BASE: performance.base}.get(
        layer, performance.lane(layer)
    )
    assert getattr(part, switch)
    desk.one_entry(before)


def test_a_lane_adds_or_replaces(desk: Desk) -> None:
    before = desk.history.project
    QTest.mouseClick(desk.row("AU12").mode, LEFT)
    lane = desk.performance.lane("AU12")
    assert lane is not None
    assert lane.mode == "add"
    desk.one_entry(before)


def test_a_drag_of_the_weight_is_one_entry(desk: Desk) -> None:
    before = desk.history.project
    slider = desk.row("AU12").weight
    QTest.mousePress(slider, LEFT, pos=QPoint(58, slider.height() // 2))
    for x in (50, 40, 32):
        pointer.move(slider, QPoint(x, slider.height() // 2))
        desk.studio.qtbot.wait(1)
    QTest.mouseRelease(slider, LEFT, pos=QPoint(32, slider.height() // 2))
    lane = desk.performance.lane("AU12")
    assert lane is not None
    assert lane.weight == 0.5
    desk.one_entry(before)
    QTest.mouseDClick(slider, LEFT)
    lane = desk.performance.lane("AU12")
    assert lane is not None
    assert lane.weight == 1.0


def test_escape_takes_a_drag_of_the_weight_back(desk: Desk) -> None:
    before = desk.history.project
    slider = desk.row("AU12").weight
    QTest.mousePress(slider, LEFT, pos=QPoint(58, slider.height() // 2))
    pointer.move(slider, QPoint(32, slider.height() // 2))
    desk.studio.qtbot.wait(1)
    assert desk.history.project != before
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    QTest.mouseRelease(slider, LEFT, pos=QPoint(32, slider.height() // 2))
    assert desk.history.project == before
    assert slider.value() == 100
    assert not desk.history.commands


def test_one_more_lane_on_a_channel_is_made_ordered_and_deleted(desk: Desk) -> None:
    before = desk.history.project
    desk.part.new_lane("AU12")
    name = "AU12 layer 2"
    assert [lane.id for lane in desk.performance.lanes] == ["AU12", "AU1", name]
    desk.one_entry(before)
    desk.studio.window.timeline.editor.add_key(name, 1.0, 0.4)
    assert desk.performance.sample([1.0])[0, 9] == pytest.approx(2.2)
    desk.part.move_lane(name, False)
    assert [lane.id for lane in desk.performance.lanes] == [name, "AU1", "AU12"]
    assert desk.performance.sample([1.0])[0, 9] == pytest.approx(1.8)
    desk.part.delete_lane(name)
    assert desk.performance.lane(name) is None


def test_a_chip_adds_an_expression_at_the_playhead(desk: Desk) -> None:
    before = desk.history.project
    QTest.mouseClick(desk.page.chips["sad"], LEFT)
    clip = desk.performance.expressions.clips[-1]
    assert (clip.preset, clip.start_s) == ("sad", 1.0)
    desk.one_entry(before)


def test_a_face_is_saved_renamed_applied_and_deleted(desk: Desk) -> None:
    before = desk.history.project
    desk.studio.answers.to_text = "wry"
    QTest.mouseClick(desk.page.save, LEFT)
    face = before.performance.sample([1.0])[0].astype(np.float64)
    assert desk.performance.presets == (Preset.from_vector("wry", np.round(face, 2)),)
    assert "wry" in desk.page.chips
    desk.one_entry(before)
    QTest.mouseClick(desk.page.chips["wry"], LEFT)
    desk.studio.answers.to_text = "sly"
    desk.part.rename_preset("wry")
    assert [clip.preset for clip in desk.performance.expressions.clips] == ["happy", "sly"]
    desk.part._clips.hold_preset("sly")
    lane = desk.performance.lane("AU1")
    assert lane is not None
    assert lane.held == dict(desk.performance.presets[0].au)["AU1"]
    desk.part._clips.delete_preset("sly")
    assert desk.performance.presets == ()
    assert [clip.preset for clip in desk.performance.expressions.clips] == ["happy"]


def test_names_are_not_taken_twice_and_a_neutral_face_is_no_expression(desk: Desk) -> None:
    desk.studio.answers.to_text = "happy"
    desk.part.save_face()
    assert "happy already" in desk.studio.window.status.text()
    desk.put(Performance())
    desk.studio.answers.to_text = "nothing"
    desk.part.save_face()
    assert "neutral" in desk.studio.window.status.text()
    assert not desk.history.commands


def test_a_slider_s_tool_tip_begins_with_who_decides(desk: Desk) -> None:
    row = next(row for row in desk.studio.window.findChildren(SliderRow) if row.channel == "AU12")
    assert "AU12 1.80: keys over happy 0.6 over take" in desk.part.tip_of(row)
    assert "smile" in desk.part.tip_of(row)


def test_a_chip_is_dragged_with_its_name_and_adds_nothing_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[str] = []
    take = lambda drag, *_: carried.append(drag.mimeData().data(PRESET_MIME).toStdString())  # noqa: E731
    monkeypatch.setattr(QDrag, "exec", take)
    chip, before = desk.page.chips["happy"], desk.performance
    desk.studio.drag(chip, chip.rect().center(), chip.rect().center() + QPoint(40, 10))
    assert carried == ["happy"]
    assert desk.performance == before


def test_names_of_expressions_are_shown_as_they_are(desk: Desk) -> None:
    desk.studio.answers.to_text = "<wry> & sly"
    desk.part.save_face()
    desk.put(replace(desk.performance, expressions=Expressions((Clip("<wry> & sly", 0.0, 4.0, 0.6),))))
    row = next(row for row in desk.studio.window.findChildren(SliderRow) if row.channel == "AU12")
    for tip in (desk.part.tip_of(row), desk.page.chips["<wry> & sly"].toolTip()):
        document = QTextDocument()
        document.setHtml(tip)
        assert "<wry> & sly" in document.toPlainText()
    menu = desk.studio.window.timeline.toolbar.expression_menu
    menu.aboutToShow.emit()
    assert "<wry> && sly" in [action.text() for action in menu.actions()]  # && is how a menu shows an &
