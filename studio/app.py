"""Start-up: the window first, then the head, everything else afterwards.

Nothing here imports torch or numba. The window is painted, then the engine's thread loads the avatar; only
when its first picture is on the screen, one worker opens the speech and another the sound device: they would take
Python's lock away from the engine. EMOZONE_LOG=DEBUG tells when what was reached.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSettings, QTimer
from PySide6.QtGui import QIcon, QSurfaceFormat
from PySide6.QtWidgets import QApplication

from studio import quick_start
from studio.document.project import SUFFIX
from studio.playback.device import SilentOutput, open_output
from studio.playback.engine_thread import Renderer
from studio.threads import share_cores, take_turns
from studio.warming import warm_up
from studio.widgets import appearance, theme
from studio.widgets.bridge import Worker
from studio.widgets.main_window import LOADING, MainWindow
from studio.widgets.presenters import fitting_kind
from studio.widgets.sample import sample_project, sample_speech
from studio.widgets.sound_output import remembered_output
from studio.widgets.welcome import first_start

ORGANISATION, APPLICATION = "EmoZone", "EmoZone Studio"
"""Where the settings are kept."""

PICTURE_S = 20.0
"""What waits for the first picture waits no longer."""

PATIENCE_S = 5.0
"""A head that takes longer is explained."""

EXPLAIN_S = 1.0
"""How often what is said of it follows."""

PREPARING = "The engine is being prepared for this computer, {share:.0%} done. It takes a minute, the first time only."
SLOW = "It takes longer than usual, because the computer is busy or this is the first start."

WARM_UP_S = 2.0
"""After the first picture: what is imported ahead waits until the speech has been opened."""


def load_renderer(path: Path | None, *, direct: bool = False) -> Renderer:
    """The renderer of an avatar file or a shipped avatar's name, for the engine's thread.

    Args:
        path: None for the default avatar.
        direct: whether the viewport has a graphics card that draws.

    Raises:
        StudioError: if there is none or it is damaged.
    """
    quick_start.import_torch()
    quick_start.milestone("torch")
    from studio.engine.avatar import default_avatar, find_avatar, load_avatar
    from studio.engine.renderer import Renderer as EngineRenderer

    quick_start.milestone("engine")
    renderer = EngineRenderer(load_avatar(default_avatar() if path is None else find_avatar(path)), direct=direct)
    quick_start.milestone("avatar")
    return renderer


def make_application(arguments: Sequence[str]) -> QApplication:
    """The `QApplication`, styled; the one that runs already in tests."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        theme.apply(running)
        return running
    settings = QSettings(ORGANISATION, APPLICATION)
    scaled = appearance.prepare_size(settings)
    surface = QSurfaceFormat()
    surface.setVersion(3, 3)
    surface.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    surface.setSwapInterval(1)
    QSurfaceFormat.setDefaultFormat(surface)
    app = QApplication(list(arguments))
    app.setProperty(appearance.SCALED_PROPERTY, scaled)
    app.setApplicationName(APPLICATION)
    app.setOrganizationName(ORGANISATION)
    app.setWindowIcon(QIcon(str(theme.icon_path("studio"))))
    theme.apply(app, appearance.palette_of(appearance.chosen_theme(settings)))
    return app


class _FirstPaint(QObject):
    """Calls once, when a widget has been painted for the first time."""

    def __init__(self, window: MainWindow, then: Callable[[], None]) -> None:
        super().__init__(window)
        self._then = then
        window.viewport.overlay.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let everything through."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._then)
        return False


def after_first_paint(window: MainWindow, then: Callable[[], None]) -> None:
    """Call `then` as soon as the window has been painted; loading anything before that would only delay it."""
    _FirstPaint(window, then)


def after_first_picture(window: MainWindow, then: Callable[[], None]) -> None:
    """Call `then` once: when the head is on the screen, cannot be loaded, or takes more than `PICTURE_S`."""
    wait = QTimer(window)
    wait.setSingleShot(True)

    def reached(*_: object) -> None:
        if not wait.isActive():
            return
        wait.stop()
        window.viewport.presented.disconnect(reached)
        window.driver.avatar_failed.disconnect(reached)
        then()

    def late() -> None:
        wait.start()
        reached()

    wait.timeout.connect(late)
    window.viewport.presented.connect(reached)
    window.driver.avatar_failed.connect(reached)
    wait.start(round(PICTURE_S * 1000))


def start(window: MainWindow, path: Path | None, *, first: bool = False, sound: bool = True) -> Worker:
    """Open what was asked for, once the window is on the screen, and the sound device after that.

    Args:
        window: shown already.
        path: a project, an avatar or a speech clip; None for the sample's speech.
        first: whether the studio was never started here before: the sample is opened then.
        sound: whether the device is opened; without it time passes silently.

    Returns:
        The worker that opens the sound device; close it at the end.
    """
    quick_start.milestone("window")
    worker = Worker("audio device")
    session = window.session
    key = remembered_output(window.settings)

    def settle() -> None:
        quick_start.milestone("picture")
        quick_start.release_collector()
        session.head_is_there()
        if sound:
            worker.run(lambda: open_output(key), window.use_output, window.banner.tell)
        QTimer.singleShot(round(WARM_UP_S * 1000), window, lambda: worker.run(warm_up, _warm, window.banner.tell))

    session.head_first()
    after_first_picture(window, settle)
    QTimer.singleShot(round(PATIENCE_S * 1000), window, partial(explain_wait, window))
    if path is None and first:
        session.open_unsaved(sample_project())
    elif path is None or path.suffix.lower() != SUFFIX:
        is_avatar = path is not None and (path.suffix.lower() == ".safetensors" or not path.suffix)
        is_speech = path is not None and not is_avatar
        session.start_with(path if is_speech else sample_speech(), path if is_avatar else None)
    else:
        window.files.open_project(path)
        if session.path is None:  # it could not be opened, and the user was told
            session.start_with(sample_speech())
    return worker


def explain_wait(window: MainWindow) -> None:
    """Say why there is no head yet, again and again until there is one, or the window says that there will be none."""
    from studio.engine.splat.kernel_cache import prepared

    overlay = window.viewport.overlay
    if window.driver.shown is not None or overlay.headline != LOADING:
        return
    share = prepared()
    overlay.say(LOADING, PREPARING.format(share=share) if share else SLOW)
    QTimer.singleShot(round(EXPLAIN_S * 1000), window, partial(explain_wait, window))


def _warm(_: None) -> None:
    quick_start.milestone("warmed up")


def make_ready() -> None:
    """What a process with the studio's window does before anything else."""
    share_cores()
    take_turns()
    quick_start.hold_collector()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studio.

    Args:
        arguments: of the command line, without the program's name.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="emozone studio", description="Edit the performance of a talking head.")
    parser.add_argument("path", nargs="?", type=Path, help="a project (*.emozone), an avatar or a speech clip")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=os.environ.get("EMOZONE_LOG", "WARNING"))
    make_ready()
    quick_start.milestone("modules")
    app = make_application(sys.argv[:1])
    kind = fitting_kind()
    settings = QSettings()
    first = first_start(settings)
    load = partial(load_renderer, direct=kind == "opengl")
    window = MainWindow(SilentOutput(), load, presenter=kind, settings=settings)
    window.show()
    workers: list[Worker] = []
    after_first_paint(window, lambda: workers.append(start(window, options.path, first=first)))
    status = app.exec()
    for worker in workers:
        worker.close()
    restart_with = app.property(appearance.RESTART_PROPERTY)
    if restart_with is not None:
        restart(restart_with, own_scale=bool(app.property(appearance.SCALED_PROPERTY)))
    return int(status)


def restart(path: str, *, own_scale: bool) -> None:
    """Start the studio anew, once this one is closed.

    Args:
        path: of a project, empty for none.
        own_scale: whether the scale factor in the environment is ours, to be chosen again.
    """
    environment = dict(os.environ)
    if own_scale:
        environment.pop(appearance.SCALE_VARIABLE, None)
    subprocess.Popen([sys.executable, "-m", "studio.cli", "studio", *([path] if path else [])], env=environment)
