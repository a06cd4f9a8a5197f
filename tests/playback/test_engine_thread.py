from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.engine.aids import NO_AIDS, Aids
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Background
from studio.engine.camera import Camera, orbit_camera
from studio.engine.controls import Controls
from studio.engine.halt import Interrupted
from studio.engine.renderer import DirectFrame, Frame
from studio.engine.splat.drawing import Drawing, Instances
from studio.errors import StudioError
from studio.playback.engine_thread import AvatarReady, EngineFailure, EngineThread, FrameRequest, FrameResult, Message
from tests.playback.engines import PlainRenderer, failing_load, scene
from tests.support import toy_avatar


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return toy_avatar(300)


class Rig:
    """An engine thread with everything to wait for it."""

    def __init__(self, avatar: Avatar) -> None:
        self.renderer = PlainRenderer(avatar)
        self.woken = threading.Semaphore(0)
        self.engine = EngineThread(lambda _path: self.renderer, self.woken.release)

    def wait(self) -> None:
        assert self.woken.acquire(timeout=20)

    def ready(self) -> Rig:
        self.engine.load_avatar(None)
        self.wait()
        assert isinstance(self.engine.take_messages()[0], AvatarReady)
        return self

    def result(self, pictures: int = 1) -> FrameResult:
        """The newest, once so many were drawn."""
        for _ in range(pictures):
            self.wait()
        result = self.engine.take_result()
        assert result is not None
        return result

    def failure(self) -> EngineFailure:
        self.wait()
        messages: list[Message] = self.engine.take_messages()
        assert isinstance(messages[0], EngineFailure)
        return messages[0]


@pytest.fixture
def rig(avatar: Avatar) -> Iterator[Rig]:
    rig = Rig(avatar)
    yield rig
    rig.renderer.gate.set()
    rig.engine.close()


def request(time_s: float = 0.0, generation: int = 0, **au: float) -> FrameRequest:
    return FrameRequest(time_s, scene(**au), orbit_camera(0, 0, 1, width=16, height=16), (0, 0, 0), generation)


def test_draws_what_was_asked(rig: Rig) -> None:
    rig.ready().engine.request(request(AU1=2.0))
    result = rig.result()
    assert result.rgba[0, 0, 0] == 100
    assert (result.deform_ms, result.raster_ms) == (1.0, 2.0)
    assert rig.engine.take_result() is None


def test_a_request_made_before_the_avatar_waits_for_it(rig: Rig) -> None:
    rig.engine.request(request(AU1=1.0))
    rig.ready()
    assert rig.result().rgba[0, 0, 0] == 50


def test_the_newest_request_replaces_those_that_wait(rig: Rig) -> None:
    rig.ready()
    rig.renderer.gate.clear()
    rig.engine.request(request(0.0))
    assert rig.renderer.drawing.wait(20)
    for i in range(1, 6):
        rig.engine.request(request(float(i)))
    rig.renderer.gate.set()
    assert rig.result(2).request.time_s == 5.0
    assert len(rig.renderer.drawn) == 2
    assert rig.engine.replaced == 4


def test_stale_generations_are_dropped_even_while_being_drawn(rig: Rig) -> None:
    rig.ready()
    rig.renderer.gate.clear()
    rig.engine.request(request(generation=1))
    assert rig.renderer.drawing.wait(20)
    rig.engine.request(request(generation=1))
    rig.engine.drop_before(2)
    rig.renderer.gate.set()
    rig.wait()
    assert rig.engine.take_result() is None
    rig.engine.request(request(generation=2))
    assert rig.result().request.generation == 2
    assert len(rig.renderer.drawn) == 2


def test_a_defect_is_told_once_and_the_thread_goes_on(rig: Rig) -> None:
    rig.ready()
    rig.renderer.error = RuntimeError("kernel panic")
    rig.engine.request(request())
    assert "kernel panic" in rig.failure().text
    rig.engine.request(request())
    rig.wait()
    assert rig.engine.take_messages() == []
    rig.renderer.error = None
    rig.engine.request(request(AU1=3.0))
    assert rig.result().rgba[0, 0, 0] == 150
    rig.renderer.error = RuntimeError("kernel panic")
    rig.engine.request(request())
    assert "kernel panic" in rig.failure().text


def test_an_error_for_people_keeps_its_sentence(rig: Rig) -> None:
    rig.ready()
    rig.renderer.error = StudioError("The graphics card is gone; restart the studio.")
    rig.engine.request(request())
    assert rig.failure().text == "The graphics card is gone; restart the studio."


def test_a_failed_load_keeps_the_avatar_before(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.ready()
    monkeypatch.setattr(rig.engine, "_load", failing_load)
    rig.engine.load_avatar(Path("x.safetensors"))
    failure = rig.failure()
    assert (failure.text, failure.while_loading) == ("x.safetensors is no avatar.", True)
    rig.engine.request(request(AU1=1.0))
    assert rig.result().rgba[0, 0, 0] == 50


def test_close_waits_for_the_picture_in_hand_and_takes_no_more(rig: Rig) -> None:
    rig.ready()
    rig.renderer.gate.clear()
    rig.engine.request(request())
    assert rig.renderer.drawing.wait(20)
    rig.engine.request(request(1.0))
    threading.Timer(0.05, rig.renderer.gate.set).start()
    rig.engine.close()
    assert len(rig.renderer.drawn) == 1
    rig.engine.request(replace(request(), time_s=2.0))
    assert not any(t.name.startswith("engine") and t.is_alive() for t in threading.enumerate())


class CardRenderer(PlainRenderer):
    """Leaves the drawing to who asks."""

    direct = True

    def direct_frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> DirectFrame:
        self.drawn.append((controls, camera))
        rows = np.full((1, 14), controls.au[4, 0], np.float32)
        return DirectFrame(Drawing(Instances(rows, camera), background=(0.0, 0.0, 0.0)), 1.0, 0.5)


def test_who_has_a_card_gets_drawings_if_the_renderer_leaves_them(rig: Rig, avatar: Avatar) -> None:
    rig.renderer = CardRenderer(avatar, backend="opengl")
    rig.ready()
    rig.engine.request(replace(request(AU1=2.0), direct=True, compared=scene(AU1=4.0)))
    result = rig.result()
    assert result.rgba is None
    assert result.drawing is not None
    assert result.compared_drawing is not None
    assert result.drawing.instances.rows[0, 0] == 2.0
    assert result.compared_drawing.instances.rows[0, 0] == 4.0
    assert (result.deform_ms, result.raster_ms, result.backend) == (2.0, 1.0, "opengl")
    rig.engine.request(request(AU1=2.0))
    assert rig.result().drawing is None, "not asked for"
    rig.renderer.direct = False
    rig.engine.request(replace(request(AU1=2.0), direct=True))
    pixels = rig.result()
    assert pixels.drawing is None, "something better is here"
    assert pixels.rgba is not None


class YieldingRenderer(PlainRenderer):
    """Gives up what it draws when it is told to."""

    told = 0

    def interrupt(self) -> None:
        self.told += 1
        self.error = Interrupted()
        self.gate.set()

    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        try:
            return super().frame(controls, camera, background=background, aids=aids)
        finally:
            self.error = None


@pytest.mark.parametrize(("first", "second", "given_up"), [(0, 1, True), (1, 1, False), (0, 0, False), (1, 0, False)])
def test_a_hand_does_not_wait_for_a_picture_of_playback(
    avatar: Avatar, rig: Rig, first: int, second: int, given_up: bool
) -> None:
    renderer = rig.renderer = YieldingRenderer(avatar)
    rig.ready()
    renderer.gate.clear()
    rig.engine.request(replace(request(0.0), urgent=bool(first)))
    assert renderer.drawing.wait(20)
    rig.engine.request(replace(request(0.5), urgent=bool(second)))
    assert renderer.told == given_up
    if given_up:
        rig.wait()  # nothing was made
    renderer.gate.set()
    assert rig.result(1 if given_up else 2).request.time_s == 0.5
    assert len(renderer.drawn) == (1 if given_up else 2)
    assert not rig.engine.take_messages()  # giving up is no failure


def test_a_request_that_takes_the_place_of_a_hands_request_is_as_urgent(rig: Rig) -> None:
    rig.ready().renderer.gate.clear()
    rig.engine.request(request(0.0))
    assert rig.renderer.drawing.wait(20)
    rig.engine.request(replace(request(0.1), urgent=True))
    rig.engine.request(request(0.2))
    rig.renderer.gate.set()
    result = rig.result(2)
    assert result.request.time_s == 0.2
    assert result.request.urgent
