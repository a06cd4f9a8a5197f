"""The window whose graphics card draws the head: the picture is the processor's, and no pixel is read back."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.engine.aids import Aids
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Backdrop, Background
from studio.engine.camera import Camera
from studio.engine.renderer import Renderer
from studio.engine.splat.drawing import Drawing
from studio.engine.splat.painter import SplatPainter
from studio.errors import StudioError
from studio.widgets import presenters
from studio.widgets.presenters import GlPresenter, RasterPresenter, gl_renderer
from studio.widgets.view.card import CardStage
from tests.support import controls
from tests.widgets.conftest import PATIENCE_MS, Studio

pytestmark = pytest.mark.gl

ROOT = Path(__file__).parents[3]
WIDTH, HEIGHT = 120, 90
GREY = (0.3, 0.4, 0.5)
SMILE, FROWN = controls({"AU12": 5.0}), controls({"AU4": 5.0}, {"jaw_open": 1.0})
Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _needs_opengl(qapp: object) -> None:
    if gl_renderer() is None:
        pytest.skip("this platform has no OpenGL")


@pytest.fixture(scope="module")
def card(avatar: Avatar) -> Renderer:
    return Renderer(avatar, backend="opengl", direct=True)


@pytest.fixture(scope="module")
def cpu(avatar: Avatar) -> Renderer:
    return Renderer(avatar, backend="cpu")


@pytest.fixture
def presenter(qtbot: QtBot) -> GlPresenter:
    presenter = GlPresenter()
    qtbot.addWidget(presenter)
    presenter.resize(WIDTH, HEIGHT)
    return presenter


@pytest.fixture
def read_backs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the driver's functions that were called to fetch pixels or buffers."""
    called: list[str] = []
    kept: list[object] = []
    find = presenters._Loader.load_opengl_function
    shapes = {
        "glReadPixels": [ctypes.c_int] * 4 + [ctypes.c_uint] * 2 + [ctypes.c_void_p],
        "glGetTexImage": [ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p],
        "glGetBufferSubData": [ctypes.c_uint, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_void_p],
    }

    def counting(self: presenters._Loader, name: str) -> int:
        address = find(self, name)
        if name not in shapes or not address:
            return address
        kind = ctypes.CFUNCTYPE(None, *shapes[name])
        real = kind(address)

        def count(*arguments: int) -> None:
            called.append(name)
            real(*arguments)

        thunk = kind(count)
        kept.append(thunk)
        return ctypes.cast(thunk, ctypes.c_void_p).value or 0

    monkeypatch.setattr(presenters._Loader, "load_opengl_function", counting)
    yield called
    kept.clear()


def camera_of(renderer: Renderer, width: int = WIDTH, height: int = HEIGHT, yaw: float = 15.0) -> Camera:
    return renderer.avatar.camera(yaw, width=width, height=height)


def present(qtbot: QtBot, presenter: GlPresenter, drawing: Drawing, compared: Drawing | None = None) -> None:
    with qtbot.waitSignal(presenter.presented, timeout=PATIENCE_MS):
        presenter.show_drawing(drawing, compared)
        presenter.show()


def pixels_of(image: QImage) -> Pixels:
    """(H, W, 3) of an image."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return flat[:, : image.width(), :3].copy()


def psnr_db(a: Pixels, b: Pixels) -> float:
    assert a.shape == b.shape
    error = float(((a.astype(float) - b.astype(float)) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def assert_the_smile_is_drawn(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter, camera: Camera
) -> None:
    present(qtbot, presenter, card.direct_frame(SMILE, camera, background=GREY).drawing)
    want = cpu.frame(SMILE, camera, background=GREY).rgba[..., :3]
    assert psnr_db(pixels_of(presenter.grabFramebuffer()), want) >= 45.0


def image_backdrop() -> Backdrop:
    ramp = np.arange(160 * 100 * 3).reshape(100, 160, 3) % 251
    return Backdrop(ramp.astype(np.uint8))


@pytest.mark.parametrize("background", [GREY, image_backdrop()], ids=["colour", "image"])
def test_the_picture_is_the_processors_and_nothing_is_read_back(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter, read_backs: list[str], background: Background
) -> None:
    camera = camera_of(card)
    for moment in (SMILE, FROWN):
        frame = card.direct_frame(moment, camera, background=background)
        present(qtbot, presenter, frame.drawing)
        want = cpu.frame(moment, camera, background=background).rgba[..., :3]
        assert psnr_db(pixels_of(presenter.grabFramebuffer()), want) >= 45.0
    assert read_backs == []
    kept = presenter.pixels()
    assert read_backs == ["glReadPixels"], "only who keeps a picture fetches it"
    assert kept is not None
    assert psnr_db(kept[..., :3], want) >= 45.0


def test_transparency_is_kept_and_shown_as_checks(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    camera = camera_of(card)
    present(qtbot, presenter, card.direct_frame(SMILE, camera).drawing)
    painted = RasterPresenter()
    qtbot.addWidget(painted)
    painted.resize(WIDTH, HEIGHT)
    want = cpu.frame(SMILE, camera).rgba
    painted.show_pixels(want, transparent=True)
    shown = pixels_of(presenter.grabFramebuffer())
    assert psnr_db(shown, pixels_of(painted.grab().toImage())) >= 45.0
    kept = presenter.pixels()
    assert kept is not None
    assert psnr_db(kept[..., 3], want[..., 3]) >= 45.0
    opaque = want[..., 3] > 100
    assert np.abs(kept[opaque].astype(int) - want[opaque]).max() <= 6


def test_the_ghost_of_another_moment_is_mixed_in(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    camera, aids = camera_of(card), Aids(ghost=FROWN)
    present(qtbot, presenter, card.direct_frame(SMILE, camera, background=GREY, aids=aids).drawing)
    want = cpu.frame(SMILE, camera, background=GREY, aids=aids).rgba[..., :3]
    assert psnr_db(pixels_of(presenter.grabFramebuffer()), want) >= 45.0
    assert_the_smile_is_drawn(qtbot, card, cpu, presenter, camera)


def test_left_of_the_divider_is_what_is_compared(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    camera = camera_of(card)
    drawings = [card.direct_frame(moment, camera, background=GREY).drawing for moment in (SMILE, FROWN)]
    presenter.set_divider(0.4)
    present(qtbot, presenter, *drawings)
    shown = pixels_of(presenter.grabFramebuffer())
    smile, frown = (cpu.frame(moment, camera, background=GREY).rgba[..., :3] for moment in (SMILE, FROWN))
    assert psnr_db(shown[:, :48], frown[:, :48]) >= 45.0
    assert psnr_db(shown[:, 48:], smile[:, 48:]) >= 45.0
    assert psnr_db(smile[:, :48], frown[:, :48]) < 45.0, "the two differ there"


def test_only_a_new_drawing_is_blended(
    qtbot: QtBot, card: Renderer, presenter: GlPresenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    blended = []
    paint = SplatPainter.paint
    monkeypatch.setattr(SplatPainter, "paint", lambda *a: (blended.append(1), paint(*a))[1])
    present(qtbot, presenter, card.direct_frame(SMILE, camera_of(card), background=GREY).drawing)
    before = pixels_of(presenter.grabFramebuffer())
    for _ in range(3):
        presenter.repaint()
    assert len(blended) == 1
    assert np.array_equal(pixels_of(presenter.grabFramebuffer()), before)
    costs: list[float] = []
    presenter.drawn.connect(costs.append)
    present(qtbot, presenter, card.direct_frame(FROWN, camera_of(card), background=GREY).drawing)
    assert len(blended) == 2
    assert costs
    assert costs[0] > 0


def test_another_size_covers_the_window_until_its_picture_comes(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    present(qtbot, presenter, card.direct_frame(SMILE, camera_of(card), background=GREY).drawing)
    presenter.resize(150, 150)
    presenter.repaint()
    stretched = pixels_of(presenter.grabFramebuffer())
    assert stretched.shape == (150, 150, 3)
    want = np.round(np.array(GREY) * 255)
    assert np.abs(stretched[2, [2, 75, 147]].astype(int) - want).max() <= 1, "no border is left"
    assert_the_smile_is_drawn(qtbot, card, cpu, presenter, camera_of(card, 150, 150))


def test_a_context_that_is_lost_and_a_window_that_was_hidden(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    camera = camera_of(card)
    smile, frown = (cpu.frame(moment, camera, background=GREY).rgba[..., :3] for moment in (SMILE, FROWN))
    present(qtbot, presenter, card.direct_frame(SMILE, camera, background=GREY).drawing)
    contexts = [presenter.context()]
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    presenter.setParent(window)  # another window: Qt ends the context and begins one
    window.show()
    presenter.show()
    qtbot.waitUntil(lambda: presenter.isValid() and presenter.context() is not None)
    presenter.repaint()
    contexts.append(presenter.context())
    assert contexts[0] is not contexts[1]
    assert psnr_db(pixels_of(presenter.grabFramebuffer()), smile) >= 45.0
    window.hide()
    presenter.show_drawing(card.direct_frame(FROWN, camera, background=GREY).drawing)
    qtbot.wait(1)
    with qtbot.waitSignal(presenter.presented, timeout=PATIENCE_MS):
        window.show()
    assert psnr_db(pixels_of(presenter.grabFramebuffer()), frown) >= 45.0
    presenter.setParent(None)  # each is closed by itself


def test_pixels_and_drawings_may_take_turns(
    qtbot: QtBot, card: Renderer, cpu: Renderer, presenter: GlPresenter
) -> None:
    camera = camera_of(card)
    smile, frown = (cpu.frame(moment, camera, background=GREY).rgba for moment in (SMILE, FROWN))
    for _ in range(2):
        present(qtbot, presenter, card.direct_frame(SMILE, camera, background=GREY).drawing)
        assert psnr_db(pixels_of(presenter.grabFramebuffer()), smile[..., :3]) >= 45.0
        with qtbot.waitSignal(presenter.presented, timeout=PATIENCE_MS):
            presenter.show_pixels(frown)
        assert psnr_db(pixels_of(presenter.grabFramebuffer()), frown[..., :3]) >= 60.0
        assert presenter.pixels() is presenter.picture.pixels  # type: ignore[union-attr]


def test_closing_while_a_picture_is_on_its_way(qtbot: QtBot, card: Renderer) -> None:
    presenter = GlPresenter()
    presenter.resize(WIDTH, HEIGHT)
    present(qtbot, presenter, card.direct_frame(SMILE, camera_of(card), background=GREY).drawing)
    presenter.show_drawing(card.direct_frame(FROWN, camera_of(card), background=GREY).drawing)
    gone: list[bool] = []
    presenter.destroyed.connect(lambda: gone.append(True))
    presenter.close()
    presenter.deleteLater()
    qtbot.waitUntil(lambda: bool(gone), timeout=PATIENCE_MS)


# ---- the whole window ----


@pytest.fixture
def window(qtbot: QtBot, avatar: Avatar, speech: Path) -> Iterator[Studio]:
    """A window in which the card draws."""
    studio = Studio(qtbot, avatar, "opengl")
    studio.load = lambda _path: Renderer(avatar, backend="opengl", direct=True)  # type: ignore[assignment, return-value]
    studio.session.start_with(speech)
    studio.until(lambda: studio.driver.shown is not None and studio.driver.player.duration_s > 0)
    studio.until(lambda: not studio.driver.show.moving)
    studio.settle()
    yield studio
    studio.answers.to_unsaved = "discard"
    studio.window.close()
    studio.window.deleteLater()
    qtbot.wait(0)


def seen(studio: Studio) -> Pixels:
    """The viewport's picture, of all its pixels."""
    viewport = studio.window.viewport

    def whole() -> bool:
        shown = studio.driver.shown
        size = None if shown is None else (shown.request.camera.width, shown.request.camera.height)
        return size == viewport.device_size() and not studio.driver.bridge.engine.busy

    studio.until(whole)
    assert isinstance(viewport.presenter, GlPresenter)
    return pixels_of(viewport.presenter.grabFramebuffer())


def test_the_window_draws_with_the_card_while_another_thread_exports(
    window: Studio, cpu: Renderer, avatar: Avatar, read_backs: list[str]
) -> None:
    def export(yaw: float) -> Pixels:
        renderer = Renderer(avatar, backend="opengl")
        camera = renderer.avatar.camera(yaw, width=64, height=64)
        return renderer.frame(SMILE, camera, background=GREY).rgba

    with ThreadPoolExecutor(1) as worker:
        exported = [worker.submit(export, yaw) for yaw in (0.0, 30.0)]
        window.session.hold("AU12", 4.0)
        window.window.viewport.look("left")
        picture = seen(window)
    shown = window.driver.shown
    assert shown is not None
    assert (shown.rgba, shown.backend) == (None, "opengl")
    assert "opengl" in window.window.viewport.overlay.readout
    request = shown.request
    want = cpu.frame(request.scene.controls(request.time_s), request.camera, background=request.background).rgba
    assert psnr_db(picture, want[..., :3]) >= 45.0
    assert read_backs == []
    for yaw, future in zip((0.0, 30.0), exported, strict=True):
        frame = cpu.frame(SMILE, avatar.camera(yaw, width=64, height=64), background=GREY)
        assert psnr_db(future.result(), frame.rgba) >= 45.0


def test_a_card_that_fails_hands_over_to_the_processor(window: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StudioError("out of memory")

    released = []
    release = CardStage.release
    monkeypatch.setattr(CardStage, "release", lambda stage: (released.append(stage), release(stage)))
    monkeypatch.setattr(CardStage, "show", fail)
    window.session.hold("AU12", 4.0)
    viewport = window.window.viewport
    window.until(lambda: isinstance(viewport.presenter, RasterPresenter) and viewport.presenter.pixels() is not None)
    assert not window.driver.show.direct
    assert len(released) == 1, "the card's memory was given back"
    shown = window.driver.shown
    assert shown is not None
    assert shown.rgba is not None
    assert "out of memory" in window.window.banner.text
    assert viewport.presenter.size() == viewport.size()
    assert viewport.presenter.isVisible()


TWICE = """
import sys
from PySide6.QtTest import QTest
from studio import app
application = app.make_application(["test"])
from studio.engine.renderer import Renderer
from studio.widgets.presenters import GlPresenter
from tests.support import toy_avatar
from tests.widgets.view.test_card import FROWN, GREY, camera_of, pixels_of, psnr_db
avatar = toy_avatar(300)
card, cpu = Renderer(avatar, backend="opengl", direct=True), Renderer(avatar, backend="cpu")
presenter = GlPresenter()
presenter.resize(60, 45)
camera = camera_of(card)
presenter.show_drawing(card.direct_frame(FROWN, camera, background=GREY).drawing)
presenter.show()
QTest.qWaitForWindowExposed(presenter)
shown = pixels_of(presenter.grabFramebuffer())
want = cpu.frame(FROWN, camera, background=GREY).rgba[..., :3]
print(presenter.devicePixelRatioF(), shown.shape, psnr_db(shown, want) >= 45)
"""


@pytest.mark.timeout(700)  # a process of its own, which a crowded machine stretches manifold
def test_a_screen_of_twice_the_pixels_gets_them() -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": "2"}
    done = subprocess.run(
        [sys.executable, "-c", TWICE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.splitlines() == ["2.0 (90, 120, 3) True"], done.stdout + done.stderr
