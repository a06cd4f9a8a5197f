"""The start of the studio in its order, what a moving slider costs, and what is left of what was closed."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio import app
from studio.engine.avatar import Avatar
from studio.engine.splat import kernel_cache
from studio.playback.engine_thread import FrameRequest
from studio.widgets.au_help import tool_tip
from studio.widgets.slider_row import SliderRow
from tests.playback.engines import PlainRenderer
from tests.widgets.conftest import Studio, write_wav


def name_of_clip(studio: Studio) -> str | None:
    clip = studio.session.clip
    return None if clip is None else clip.media.name


def test_speech_is_opened_when_the_head_is_there(studio: Studio, tmp_path: Path) -> None:
    session, before = studio.session, name_of_clip(studio)
    session.head_first()
    session.start_with(write_wav(tmp_path / "another.wav", 1.0))
    studio.qtbot.wait(50)
    assert name_of_clip(studio) == before
    session.head_is_there()
    studio.until(lambda: name_of_clip(studio) == "another.wav")


def test_a_window_that_is_closed_early_waits_for_nothing(qtbot: QtBot, avatar: Avatar, speech: Path) -> None:
    studio = Studio(qtbot, avatar)
    studio.session.head_first()
    studio.session.start_with(speech)
    studio.answers.to_unsaved = "discard"
    assert studio.window.close()


@pytest.mark.parametrize("there", [True, False])
def test_what_waits_for_the_first_picture_is_called_once(qtbot: QtBot, avatar: Avatar, there: bool) -> None:
    studio = Studio(qtbot, avatar)
    called: list[int] = []
    if not there:

        def missing(path: Path | None) -> PlainRenderer:
            raise OSError("no such file")

        studio.load = missing
        studio.window._dialogs.error = lambda parent, text: None  # type: ignore[method-assign]
    app.after_first_picture(studio.window, lambda: called.append(1))
    studio.session.start_with(None)
    studio.until(lambda: bool(called))
    studio.session.open_avatar(Path("another.safetensors"))
    studio.qtbot.wait(50)
    assert called == [1]
    studio.answers.to_unsaved = "discard"
    studio.window.close()


def test_nothing_waits_for_a_picture_for_ever(qtbot: QtBot, avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PICTURE_S", 0.01)
    studio = Studio(qtbot, avatar)
    called: list[int] = []
    app.after_first_picture(studio.window, lambda: called.append(1))
    studio.until(lambda: bool(called))
    studio.session.start_with(None)
    studio.until(lambda: studio.driver.shown is not None)
    assert called == [1]
    studio.window.close()


def test_the_engine_draws_a_step_of_the_slider_while_the_window_follows(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, engine = studio.session, studio.driver.bridge.engine
    log: list[object] = []
    request = engine.request

    def asked(wanted: FrameRequest) -> None:
        log.append(wanted.scene.performance)  # type: ignore[attr-defined]
        request(wanted)

    monkeypatch.setattr(engine, "request", asked)
    session.changed.connect(lambda event: log.append("window"))
    session.begin("Set AU1")
    session.hold("AU1", 2.0)
    assert log == [session.project.performance, "window"]
    session.commit()


def test_a_row_shows_what_it_is_told_whatever_the_hand_did_to_it(qtbot: QtBot) -> None:
    row = SliderRow("AU1", "Inner brow raiser", number="1", tip=tool_tip.__doc__ or "")
    qtbot.addWidget(row)
    row.show()
    row.show_intensity(2.0, changed=True)
    row.slider.setValue(0)  # a drag that was not wanted
    row.value.setValue(1.0)
    row.show_intensity(2.0, changed=True)
    assert (row.slider.intensity(), row.value.value()) == (2.0, 2.0)
    row.show_intensity(2.0, changed=False, keyed=True, on_key=True)
    assert row._name.property("state") == "keyed"


def test_what_is_closed_is_let_go_of(studio: Studio, avatar: Avatar, tmp_path: Path) -> None:
    session, answers = studio.session, studio.answers
    answers.to_unsaved = "discard"
    left: list[weakref.ref[object]] = []
    for i in range(4):
        renderer = PlainRenderer(avatar)
        studio.load = lambda _path, renderer=renderer: renderer
        session.open_avatar(tmp_path / f"{i}.safetensors")
        studio.until(lambda renderer=renderer: studio.driver.bridge.engine._renderer is renderer)
        session.start_with(write_wav(tmp_path / f"{i}.wav", 1.0 + i), tmp_path / f"{i}.safetensors")
        studio.until(lambda i=i: name_of_clip(studio) == f"{i}.wav")
        studio.until(lambda: session.clip is not None and session.clip.features is not None)
        session.hold("AU1", 1.0 + i / 2)
        studio.settle()
        left += [weakref.ref(thing) for thing in (renderer, session.clip, session.project, studio.driver.shown)]
        del renderer
    studio.load = lambda _path: PlainRenderer(avatar)
    session.new()
    studio.until(lambda: session.clip is None)
    studio.settle()
    gc.collect()
    kept = [type(thing()).__name__ for thing in left[:-4] if thing() is not None]
    assert kept == []


def test_a_head_that_takes_long_is_explained_with_how_much_is_done(
    empty_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, overlay = empty_studio, empty_studio.window.viewport.overlay
    begun: list[str] = []
    monkeypatch.setattr(kernel_cache, "_begun", begun)
    monkeypatch.setattr(app, "EXPLAIN_S", 0.0)
    studio.renderer.gate.clear()
    studio.session.start_with(None)
    studio.until(lambda: studio.session.avatar is not None)  # loaded, but its first picture is not drawn
    app.explain_wait(studio.window)
    assert overlay.headline == "Loading"
    assert "longer than usual" in overlay.detail
    begun += ["deform"] * 12
    studio.until(lambda: "41% done" in overlay.detail)
    begun += ["draw"] * 100
    studio.until(lambda: "99% done" in overlay.detail)
    studio.renderer.gate.set()
    studio.until(lambda: studio.driver.shown is not None)
    studio.settle()
    assert overlay.headline == ""
    app.explain_wait(studio.window)
    assert overlay.headline == ""
