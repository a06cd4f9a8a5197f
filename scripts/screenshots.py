#!/usr/bin/env python3
"""Draw the pictures of the user guide: the real window, the shipped avatar, no screen needed.

    .venv/bin/python scripts/screenshots.py docs/images                      # all pictures of the guide
    .venv/bin/python scripts/screenshots.py /tmp/look --size 1366x768 --theme light --only window

The interface size is chosen as for the studio: QT_SCALE_FACTOR=2 in the environment doubles it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QCoreApplication, QRect
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from studio import app as studio_app
from studio.playback.device import SilentOutput
from studio.widgets import appearance, theme
from studio.widgets.command_palette import CommandPalette
from studio.widgets.main_window import MainWindow
from studio.widgets.making.part import MakingPart
from studio.widgets.sample import sample_project

PATIENCE_S = 120
HEAD_PX = 430
"""Of the page Head; below it is empty."""

MAX_BYTES = 250_000
STILL = 120
"""Passes of the event loop without anything to draw after which a picture is final."""


class Camera:
    """A window that can be led somewhere and photographed."""

    def __init__(self, app: QApplication, folder: Path, size: tuple[int, int]) -> None:
        self.app, self.folder = app, folder
        self.window = MainWindow(SilentOutput(), studio_app.load_renderer, presenter="raster")
        self.taken: list[Path] = []
        self.window.resize(*size)
        self.window.show()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the window work until something is so. Raises TimeoutError when it never is."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the window never came to rest")
            QCoreApplication.processEvents()
            time.sleep(0.005)

    def settle(self) -> None:
        """Until everything is loaded and the newest picture is on the screen, at full size."""
        session, driver = self.window.session, self.window.driver
        self.until(lambda: session.avatar is not None and session.clip is not None)
        self.until(lambda: session.clip is not None and session.clip.features is not None)
        still = 0
        while still < STILL:
            QCoreApplication.processEvents()
            time.sleep(0.005)
            shown = driver.shown
            moment = shown is not None and abs(shown.request.time_s - driver.player.position_s) < 1e-3
            still = still + 1 if moment and not driver.show.moving and not driver.bridge.engine.busy else 0

    def shoot(self, name: str, widget: QWidget | None = None, height: int = -1) -> Path:
        """Save a widget, the whole window by default, or its upper part."""
        path = self.folder / f"{name}.png"
        target = widget or self.window
        picture = target.grab(QRect(0, 0, target.width(), height if height > 0 else target.height()))
        save_small(picture, path)
        self.taken.append(path)
        return path


def save_small(picture: QPixmap, path: Path) -> None:
    """Write a PNG; of 256 colours, which turn green eyes grey, only where it would be too large with all of them."""
    picture.toImage().save(os.fspath(path))
    with Image.open(path) as image:
        whole = image.convert("RGB")
    whole.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        dither = Image.Dither.FLOYDSTEINBERG
        whole.quantize(256, Image.Quantize.MEDIANCUT, kmeans=4, dither=dither).save(path, optimize=True)


def window(camera: Camera) -> None:
    """The whole window in the middle of the work."""
    camera.window.driver.seek(11.76)
    camera.settle()
    camera.shoot("window")


def head(camera: Camera) -> None:
    """The page of head, gaze and blinks."""
    camera.window.inspector.show_page("Head")
    camera.window.session.hold("head_yaw", 18.0)
    camera.window.session.hold("gaze_yaw", -12.0)
    camera.settle()
    camera.shoot("head", camera.window.inspector, HEAD_PX)
    camera.window.session.undo()
    camera.window.session.undo()


def comparing(camera: Camera) -> None:
    """A wipe, with the reach of an action unit as overlay."""
    actions, window = camera.window.actions_, camera.window
    window.inspector.show_page("Face")
    window.driver.seek(10.26)
    window.panel.pointed.emit("AU12")
    for action in ("view.readout", "compare.wipe", "overlay.reach"):
        actions[action].trigger()
    camera.until(lambda: window.viewport.overlay.legend is not None)
    camera.settle()
    camera.shoot("comparing", window.viewport)
    for action in ("view.readout", "compare.wipe", "overlay.none"):
        actions[action].trigger()


def palette(camera: Camera) -> None:
    """The command palette with something typed."""
    camera.window.actions_["help.palette"].trigger()
    field = camera.window.findChild(CommandPalette).search
    field.setText("key")
    camera.settle()
    camera.shoot("palette")
    camera.window.findChild(CommandPalette).close_palette()


def light(camera: Camera) -> None:
    """The window in the light theme."""
    camera.window.inspector.show_page("Face")
    camera.window.actions_["theme.light"].trigger()
    camera.settle()
    camera.shoot("light")
    camera.window.actions_["theme.dark"].trigger()


def making(camera: Camera) -> None:
    """The first page of a new avatar, with a film of the shipped one in place of a person's video."""
    from studio.engine.export import export_clip
    from studio.engine.renderer import Renderer
    from studio.engine.scene import Scene

    session, window = camera.window.session, camera.window
    ready, clip = session.avatar, session.clip
    assert ready is not None
    assert clip is not None
    path = Path(os.environ["XDG_DATA_HOME"]) / "portrait.mp4"
    scene = Scene(clip.features, session.project.performance)
    export_clip(Renderer(ready.avatar), scene, clip.source.audio, path, fps=4, size=(320, 240), end_s=6.0)
    window.actions_["avatar.make"].trigger()
    part = next(part for part in window.parts if isinstance(part, MakingPart))
    assert part.window is not None
    page = part.window.choose_page
    page.take(path)
    camera.until(lambda: page.film is not None)
    page.strip.set_part(0.6, 5.6, 0.6)
    page.name.setText("Mia")
    page.picture.show_image(None)
    camera.until(lambda: page.picture.image is not None)
    camera.shoot("making", part.window)
    part.window.close()


PICTURES: dict[str, Callable[[Camera], None]] = {
    "window": window,
    "head": head,
    "comparing": comparing,
    "palette": palette,
    "light": light,
    "making": making,
}


def main() -> int:
    """Draw what was asked for, in a home of our own: nothing of the user's is read or shown. The exit status."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="emozone-pictures-") as home:
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            os.environ[f"XDG_{name}_HOME"] = home
        return draw_all()


def draw_all() -> int:
    """Draw what was asked for; the exit status."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the user guide.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1440x900", help="of the window, width and height in logical pixels")
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--only", choices=tuple(PICTURES), help="one picture instead of all")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    width, height = (int(side) for side in options.size.split("x"))
    app = studio_app.make_application(["screenshots"])
    theme.apply(app, appearance.palette_of(options.theme))
    camera = Camera(app, options.folder, (width, height))
    camera.window.session.open_unsaved(sample_project())
    camera.settle()
    for name, draw in PICTURES.items():
        if options.only in (None, name):
            draw(camera)
    camera.window.session.history.mark_saved()
    camera.window.close()
    large = [path.name for path in camera.taken if path.stat().st_size > MAX_BYTES]
    if large:
        sys.stderr.write(f"Larger than {MAX_BYTES // 1000} kB: {', '.join(large)}\n")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
