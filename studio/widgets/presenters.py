"""How a finished picture gets onto the screen: through OpenGL where a graphics card draws, through memory elsewhere.

Both presenters are widgets with the same members: `show_pixels`, `set_divider` and the signal `presented`. Scaling to
the widget is smooth in both; with OpenGL the card does it. The OpenGL presenter also draws what the engine leaves to
it (`show_drawing`), so that no picture is read back from the card only to be sent there again.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt, QTimer, Signal
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

from studio.engine.splat.drivers import is_graphics_card, wanted_backend
from studio.errors import StudioError
from studio.widgets import theme

log = logging.getLogger(__name__)

Kind = Literal["auto", "opengl", "raster"]

_GL_RENDERER = 0x1F01
_LEAST_VERSION = (3, 3)

CHECK_PX = 10
"""Edge of a square of the checkerboard that stands for transparency."""

CHECK_RGB = ((112, 114, 118), (88, 90, 94))
"""Two shades of grey that neither hair nor skin is lost on; the first is in the upper left corner."""


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
    """A tile of the checkerboard."""
    pixmap = QPixmap(2 * CHECK_PX, 2 * CHECK_PX)
    pixmap.fill(QColor(*CHECK_RGB[1]))
    painter = QPainter(pixmap)
    for x, y in ((0, 0), (CHECK_PX, CHECK_PX)):
        painter.fillRect(x, y, CHECK_PX, CHECK_PX, QColor(*CHECK_RGB[0]))
    painter.end()
    return pixmap


if TYPE_CHECKING:
    from studio.engine.splat.drawing import Drawing
    from studio.widgets.view.card import CardStage

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

    def pixels(self) -> NDArray[np.uint8] | None:
        """(H, W, 4) the picture itself, without what is compared with it."""
        return None if self.picture is None else self.picture.pixels

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
    direct = False

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
    """Lets the graphics card do it: scale the pixels it is given, or draw the Gaussians themselves.

    The newest drawing is kept, so that a window that was hidden, or moved to a screen with a context of its own, shows
    it at once.

    Attributes:
        direct: whether anything can be shown; not after a failure.
    """

    presented = Signal(float)
    """perf_counter time at which the newest picture was swapped to the window, once per picture."""

    drawn = Signal(float)
    """Milliseconds per megapixel that the card took to blend the drawing before the newest."""

    failed = Signal(str)
    """The card cannot draw, and nothing is shown any more; one sentence. Emitted once."""

    kind = "opengl"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.direct = True
        self._shown = Shown()
        self._fresh = False
        self._drawings: tuple[Drawing, Drawing | None] | None = None
        self._new_to_card = False
        self._stage: CardStage | None = None
        self.frameSwapped.connect(self._swapped)

    def show_drawing(self, drawing: Drawing, compared: Drawing | None = None) -> None:
        """Draw a picture at the next repaint, and another one left of the divider."""
        self._drawings, self._new_to_card, self._fresh = (drawing, compared), True, True
        self._shown.picture = self._shown.compared = None
        self.update()

    def show_pixels(
        self, rgba: NDArray[np.uint8], compared: NDArray[np.uint8] | None = None, *, transparent: bool = False
    ) -> None:
        """Show (H, W, 4) pixels at the next repaint, and others left of the divider."""
        self._drawings, self._new_to_card = None, True
        super().show_pixels(rgba, compared, transparent=transparent)

    def pixels(self) -> NDArray[np.uint8] | None:
        """(H, W, 4) the picture itself; reads it back from the card if that drew it."""
        if self._drawings is None or self._stage is None or self._new_to_card:
            return super().pixels()
        self.makeCurrent()
        try:
            return self._stage.pixels()
        finally:
            self.doneCurrent()

    def initializeGL(self) -> None:  # noqa: N802 - Qt's name
        """A context begins: whatever was on the card before is gone."""
        self.context().aboutToBeDestroyed.connect(self.release)

    def paintGL(self) -> None:  # noqa: N802 - Qt's name
        """Paint the picture over the whole widget."""
        if self.direct and (self._drawings is not None or self._shown.picture is not None):
            try:
                self._paint()
            except _gl_errors() as error:
                self._give_up(error)
            return
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("backdrop"))
        painter.end()

    def _paint(self) -> None:
        """Give the card what is new, and let it fill the widget's framebuffer."""
        stage = self._stage
        if stage is None:
            stage = self._stage = _stage_of(self.context())
            self._new_to_card = True
        if self._new_to_card:
            self._new_to_card = False
            self._hand_over(stage)
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        divider = self._shown.divider
        divider_px = None if divider is None else round(round(self.width() * divider) * ratio)
        light, dark = ((r / 255, g / 255, b / 255) for r, g, b in CHECK_RGB)
        stage.paint(self.defaultFramebufferObject(), width, height, divider_px, (CHECK_PX * ratio, light, dark))

    def _hand_over(self, stage: CardStage) -> None:
        if self._drawings is not None:
            stage.show(*self._drawings)
            if stage.card_ms_per_mpx is not None:
                self.drawn.emit(stage.card_ms_per_mpx)
            return
        pictures = [picture for picture in (self._shown.picture, self._shown.compared) if picture is not None]
        stage.show_pixels([picture.pixels for picture in pictures], transparent=pictures[0].transparent)

    def release(self) -> None:
        """Give the card's memory back: the context is about to go, as when the widget moves to another window."""
        stage, self._stage = self._stage, None
        if stage is not None:
            self.makeCurrent()
            stage.release()
            self.doneCurrent()

    def _give_up(self, error: Exception) -> None:
        log.warning("the graphics card cannot draw: %s", error)
        self.direct = False
        # Not from within a repaint: whoever hears it may exchange the widget.
        QTimer.singleShot(0, self, lambda: self.failed.emit(" ".join(str(error).split())))

    def _swapped(self) -> None:
        if self._fresh:
            self._fresh = False
            self.presented.emit(time.perf_counter())


class _Loader:
    """A context of Qt's as moderngl takes it: whichever way Qt made it, its functions are found."""

    def __init__(self, context: QOpenGLContext) -> None:
        self._context = context

    def load_opengl_function(self, name: str) -> int:
        """The address of an OpenGL function, 0 if the driver has none."""
        address: Any = self._context.getProcAddress(name.encode())
        return int(address or 0)

    def __enter__(self) -> _Loader:
        return self

    def __exit__(self, *_: object) -> None:
        """Qt makes contexts current, and this one is already."""

    def release(self) -> None:
        """The context belongs to Qt."""


def _stage_of(context: QOpenGLContext) -> CardStage:
    """A stage on the context that is current."""
    import moderngl

    from studio.widgets.view.card import CardStage

    settings: dict[str, Any] = {"context": _Loader(context)}
    return CardStage(moderngl.create_context(**settings))


def _gl_errors() -> tuple[type[Exception], ...]:
    """What a driver that cannot do it makes moderngl raise, besides our own sentences."""
    import moderngl

    return moderngl.Error, StudioError, ValueError


Presenter = RasterPresenter | GlPresenter


def make_presenter(kind: Kind = "auto", parent: QWidget | None = None) -> Presenter:
    """The presenter for this screen: OpenGL when a real card offers it, memory otherwise."""
    if kind == "auto":
        kind = fitting_kind()
    return GlPresenter(parent) if kind == "opengl" else RasterPresenter(parent)


def fitting_kind() -> Literal["opengl", "raster"]:
    """Which presenter is the shorter way here; the user's environment may insist on OpenGL where it works at all."""
    name = gl_renderer()
    if name is not None and (is_graphics_card(name) or wanted_backend() == "opengl"):
        return "opengl"
    return "raster"


def gl_renderer() -> str | None:
    """The OpenGL driver's name for its device, None without OpenGL 3.3."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return None  # these platforms abort some OpenGL calls instead of refusing them
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return None
    version = (context.format().majorVersion(), context.format().minorVersion())
    able = not context.isOpenGLES() and version >= _LEAST_VERSION
    name = context.functions().glGetString(_GL_RENDERER)
    context.doneCurrent()
    log.info("OpenGL %d.%d renderer: %s", *version, name)
    return str(name) if name and able else None
