"""How a finished picture gets onto the screen: through OpenGL where a graphics card draws, through memory elsewhere.

Both presenters are widgets with the same members: `show_pixels`, `set_divider` and the signal `presented`. Scaling to
the widget is smooth in both; with OpenGL the card does it.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QGuiApplication,
    QImage,
    QOffscreenSurface,
    QOpenGLContext,
    QPainter,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from studio.widgets import theme

log = logging.getLogger(__name__)

Kind = Literal["auto", "opengl", "raster"]

_GL_RENDERER = 0x1F01
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "microsoft basic")
"""Drivers that draw on the processor; painting in memory is then the shorter way."""


CHECK_PX = 10
"""Edge of a square of the checkerboard that stands for transparency."""


class Picture:
    """Pixels and the image over them, kept together because the image shares the pixels' memory."""

    def __init__(self, rgba: NDArray[np.uint8], *, transparent: bool = False) -> None:
        self.pixels = np.ascontiguousarray(rgba)  # (H, W, 4)
        self.transparent = transparent
        height, width = self.pixels.shape[:2]
        kind = QImage.Format.Format_RGBA8888 if transparent else QImage.Format.Format_RGBX8888
        self.image = QImage(self.pixels.data, width, height, width * 4, kind)

    def paint(self, painter: QPainter, rect: QRect) -> None:
        """Fill `rect`; a picture of another shape (the widget was just resized) is cropped, never stretched."""
        size = self.image.size().scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(rect.center())
        if self.transparent:
            painter.fillRect(rect, QBrush(_checkerboard()))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size != self.image.size())
        painter.drawImage(place, self.image)


class Shown:
    """What a presenter paints: a picture, and left of a divider another one of the same moment."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.compared: Picture | None = None
        self.divider: float | None = None  # share of the width that belongs to `compared`

    def paint(self, painter: QPainter, rect: QRect) -> None:
        """Fill `rect`."""
        if self.picture is None:
            painter.fillRect(rect, theme.colour("backdrop"))
            return
        self.picture.paint(painter, rect)
        if self.compared is not None and self.divider is not None:
            left = QRect(rect.left(), rect.top(), round(rect.width() * self.divider), rect.height())
            painter.setClipRect(left)
            self.compared.paint(painter, rect)
            painter.setClipping(False)


@lru_cache(maxsize=1)
def _checkerboard() -> QPixmap:
    """Two shades of grey that neither hair nor skin is lost on."""
    pixmap = QPixmap(2 * CHECK_PX, 2 * CHECK_PX)
    pixmap.fill(QColor(88, 90, 94))
    painter = QPainter(pixmap)
    for x, y in ((0, 0), (CHECK_PX, CHECK_PX)):
        painter.fillRect(x, y, CHECK_PX, CHECK_PX, QColor(112, 114, 118))
    painter.end()
    return pixmap


if TYPE_CHECKING:
    _Base = QWidget
else:
    _Base = object  # a second base of Qt cannot be mixed in


class _Showing(_Base):
    """What both presenters do with the pixels that they are given."""

    _shown: Shown
    _fresh: bool

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._shown.picture

    @property
    def compared(self) -> Picture | None:
        """What is shown left of the divider."""
        return self._shown.compared

    def show_pixels(
        self, rgba: NDArray[np.uint8], compared: NDArray[np.uint8] | None = None, *, transparent: bool = False
    ) -> None:
        """Show (H, W, 4) pixels at the next repaint, and others left of the divider."""
        self._shown.picture, self._fresh = Picture(rgba, transparent=transparent), True
        self._shown.compared = None if compared is None else Picture(compared, transparent=transparent)
        self.update()

    def set_divider(self, share: float | None) -> None:
        """Where the compared picture ends, as a share of the width."""
        self._shown.divider = share
        self.update()


class RasterPresenter(_Showing, QWidget):
    """Paints in memory; works everywhere."""

    presented = Signal(float)
    """perf_counter time at which the newest picture was handed to the window, once per picture."""

    kind = "raster"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._shown = Shown()
        self._fresh = False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the picture over the whole widget."""
        painter = QPainter(self)
        self._shown.paint(painter, self.rect())
        painter.end()
        if self._fresh:
            self._fresh = False
            self.presented.emit(time.perf_counter())


class GlPresenter(_Showing, QOpenGLWidget):
    """Uploads the picture to the graphics card, which scales it."""

    presented = Signal(float)
    """perf_counter time at which the newest picture was swapped to the window, once per picture."""

    kind = "opengl"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = Shown()
        self._fresh = False
        self.frameSwapped.connect(self._swapped)

    def paintGL(self) -> None:  # noqa: N802 - Qt's name
        """Paint the picture over the whole widget; Qt's painter draws with the card here."""
        painter = QPainter(self)
        self._shown.paint(painter, self.rect())
        painter.end()

    def _swapped(self) -> None:
        if self._fresh:
            self._fresh = False
            self.presented.emit(time.perf_counter())


Presenter = RasterPresenter | GlPresenter


def make_presenter(kind: Kind = "auto", parent: QWidget | None = None) -> Presenter:
    """The presenter for this screen: OpenGL when a real card offers it, memory otherwise."""
    if kind == "auto":
        kind = "opengl" if has_graphics_card() else "raster"
    return GlPresenter(parent) if kind == "opengl" else RasterPresenter(parent)


def has_graphics_card() -> bool:
    """Whether OpenGL is there and drawn by hardware."""
    name = gl_renderer()
    return name is not None and not any(word in name.lower() for word in _SOFTWARE)


def gl_renderer() -> str | None:
    """The OpenGL driver's name for its device, None without OpenGL."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return None  # these platforms abort some OpenGL calls instead of refusing them
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return None
    name = context.functions().glGetString(_GL_RENDERER)
    context.doneCurrent()
    log.info("OpenGL renderer: %s", name)
    return str(name) if name else None
