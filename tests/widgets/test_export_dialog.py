"""The export dialog turns its fields into a wish."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.document.performance import CameraView
from studio.engine import encoders
from studio.engine.formats import Format
from studio.errors import StudioError
from studio.widgets.export_dialog import ExportDialog
from studio.widgets.exports.jobs import ExportWish
from studio.widgets.exports.offer import CameraChoice, ExportOffer
from tests.widgets.conftest import PATIENCE_MS

LEFT = CameraView(30.0, 5.0, 3.0)
CAMERAS = (CameraChoice("Keyed camera", None), CameraChoice("Current view", LEFT))
OFFER = ExportOffer(Path("/tmp/nowhere/clip"), 512, 512, 25.0, 8.0, None, moment_s=1.23456, cameras=CAMERAS)


def choose(_parent: object, start: Path, form: Format) -> Path:
    return start.with_name(f"chosen{form.suffix}")


@pytest.fixture
def dialog(qtbot: QtBot) -> ExportDialog:
    dialog = ExportDialog(OFFER, choose_path=choose)
    qtbot.addWidget(dialog)
    dialog.show()
    with qtbot.waitActive(dialog, timeout=PATIENCE_MS):
        dialog.activateWindow()
    return dialog


def pick(dialog: ExportDialog, form: str) -> None:
    dialog.format_choice.setCurrentIndex(dialog.format_choice.findData(form))


def test_the_fields_say_what_is_exported(dialog: ExportDialog) -> None:
    dialog.size_choice.setCurrentIndex(dialog.size_choice.findText("1920", Qt.MatchFlag.MatchStartsWith))
    dialog.rate.setCurrentIndex(dialog.rate.findData(30.0))
    dialog.start_s.setValue(1.5)
    dialog.end_s.setValue(4.0)
    dialog._choose()
    path = Path("/tmp/nowhere/chosen.mp4")
    assert dialog.wish() == ExportWish(path, 1920, 1080, 30.0, 1.5, 4.0, camera_name="Keyed camera")
    dialog._whole()
    assert (dialog.wish().start_s, dialog.wish().end_s) == (0.0, 8.0)


def test_enter_exports_with_what_is_offered(qtbot: QtBot, dialog: ExportDialog) -> None:
    with qtbot.waitSignal(dialog.added) as added:
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    wish, start = added.args
    assert start is True
    assert (wish.path, wish.form, wish.view) == (Path("/tmp/nowhere/clip.mp4"), "mp4", None)
    assert not dialog.isVisible()


def test_adding_does_not_start(qtbot: QtBot, dialog: ExportDialog) -> None:
    with qtbot.waitSignal(dialog.added) as added:
        QTest.mouseClick(dialog.add, Qt.MouseButton.LeftButton)
    assert added.args[1] is False


def test_escape_adds_nothing(qtbot: QtBot, dialog: ExportDialog) -> None:
    with qtbot.assertNotEmitted(dialog.added):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("form", "name", "alpha", "rows"),
    [
        ("mp4", "clip.mp4", False, "size rate range camera"),
        ("mov", "clip.mov", True, "size rate range camera"),
        ("webm", "clip.webm", True, "size rate range camera"),
        ("png-frames", "clip", True, "size rate range camera"),
        ("png", "clip.png", True, "size moment camera"),
        ("ply-frames", "clip", False, "rate range"),
        ("ply", "clip.ply", False, "moment"),
    ],
)
def test_every_format_asks_what_it_needs(dialog: ExportDialog, form: str, name: str, alpha: bool, rows: str) -> None:
    pick(dialog, form)
    wish = dialog.wish()
    assert (wish.path.name, wish.form, wish.alpha) == (name, form, alpha)
    shown = {
        "size": dialog.width_px, "rate": dialog.rate, "range": dialog.start_s, "moment": dialog.moment_s,
        "camera": dialog.camera,
    }  # fmt: skip
    assert {row for row, field in shown.items() if field.isVisible()} == set(rows.split())
    if wish.format.single:
        assert wish.start_s == 1.23456, "exact, though the field shows hundredths"


def test_a_typed_target_keeps_its_name_through_formats(dialog: ExportDialog) -> None:
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, "/tmp/nowhere/take.2.mp4")
    for form, name in (("mov", "take.2.mov"), ("png-frames", "take.2"), ("webm", "take.2.webm")):
        pick(dialog, form)
        assert dialog.path.text() == f"/tmp/nowhere/{name}"


def test_transparency_can_be_left_out(dialog: ExportDialog) -> None:
    assert not dialog.alpha.isEnabled()
    assert "no transparency" in dialog.alpha.toolTip()
    pick(dialog, "mov")
    assert "ProRes" in dialog.codec.text()
    QTest.mouseClick(dialog.alpha, Qt.MouseButton.LeftButton, pos=dialog.alpha.rect().center() * 0.1)
    dialog.alpha.setChecked(False)
    assert dialog.wish().alpha is False
    assert "H.264" in dialog.codec.text()


def test_without_the_encoder_the_option_says_why(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = encoders.Encoder("no_such_encoder")
    for key in ((".mov", True), (".webm", True), (".webm", False)):
        without = encoders.Recipe("x", (missing,), "aac", f"no encoder for {key[0]}")
        monkeypatch.setitem(encoders.RECIPES, key, without)
    dialog = ExportDialog(OFFER)
    qtbot.addWidget(dialog)
    webm = dialog.format_choice.findData("webm")
    assert (
        not dialog.format_choice.model().flags(dialog.format_choice.model().index(webm, 0)) & Qt.ItemFlag.ItemIsEnabled
    )
    assert dialog.format_choice.itemData(webm, Qt.ItemDataRole.ToolTipRole) == "no encoder for .webm"
    pick(dialog, "mov")
    assert (dialog.alpha.isEnabled(), dialog.alpha.isChecked()) == (False, False)
    assert dialog.alpha.toolTip() == "no encoder for .mov"


def test_cameras(dialog: ExportDialog) -> None:
    assert dialog.wish().view is None
    dialog.camera.setCurrentIndex(1)
    assert dialog.wish().view == LEFT
    assert not dialog.yaw.isVisible()
    dialog.camera.setCurrentIndex(2)
    assert dialog.yaw.isVisible()
    dialog.yaw.setValue(-45.0)
    dialog.pitch.setValue(10.0)
    assert dialog.wish().view == CameraView(-45.0, 10.0)
    assert dialog.wish().camera_name == "yaw -45°, pitch 10°"


def test_the_end_of_the_clip_is_exact_though_the_field_shows_hundredths(qtbot: QtBot) -> None:
    dialog = ExportDialog(ExportOffer(OFFER.path, 640, 360, 25.0, 7.98765, None))
    qtbot.addWidget(dialog)
    assert dialog.wish().end_s == 7.98765
    assert (dialog.wish().width, dialog.wish().height) == (640, 360)
    assert dialog.width_px.isEnabled()


def test_a_wish_that_cannot_be_met_is_said_beside_the_fields(qtbot: QtBot) -> None:
    def refuse(wish: ExportWish) -> None:
        raise StudioError(f"{wish.path.name} cannot be written; choose another folder.")

    dialog = ExportDialog(OFFER, check=refuse)
    qtbot.addWidget(dialog)
    dialog.show()
    with qtbot.assertNotEmitted(dialog.added):
        QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    assert dialog.problem.isVisible()
    assert dialog.problem.text() == "clip.mp4 cannot be written; choose another folder."
    assert dialog.isVisible()


def test_what_will_be_replaced_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "there.mp4").touch()
    dialog = ExportDialog(ExportOffer(tmp_path / "clip", 512, 512, 25.0, 8.0, None))
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.replaced.isVisible()
    dialog.path.setText(str(tmp_path / "there.mp4"))
    assert dialog.replaced.isVisible()
