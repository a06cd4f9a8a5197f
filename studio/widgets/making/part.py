"""Making avatars in the studio: File › New avatar from video, what goes on in the background, and reminders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QToolButton

from studio.engine import makings
from studio.engine.makings import Making
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.exports.words import estimate
from studio.widgets.making.maker import Maker

if TYPE_CHECKING:
    from studio.widgets.making.window import MakingWindow

LOOK_AFTER_MS = 1500
"""After the window's first moment; looking for what is unfinished must not delay the first picture."""


class MakingPart(QObject):
    """The maker, its window, a line about it in the status bar, and the reminder at the start.

    Attributes:
        maker: does the work.
        window: shows it; None until it is asked for.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self.maker = Maker(self)
        self.window: MakingWindow | None = None
        self._picture: QImage | None = None
        self._worker = Worker("makings", self)
        self.badge = QToolButton()
        self.badge.setObjectName("badge")
        self.badge.setToolTip("Show the avatar that is being made")
        self.badge.setFixedHeight(self.badge.fontMetrics().height() + 4)
        self.badge.hide()
        studio.window.statusBar().addPermanentWidget(self.badge)
        self.badge.clicked.connect(self.open)
        studio.actions.connect({"avatar.make": self.open})
        self.maker.changed.connect(self._changed)
        self.maker.progressed.connect(self._show_badge)
        self.maker.finished.connect(self._finished)
        self._start = QTimer(self)
        self._start.setSingleShot(True)
        self._start.timeout.connect(self._look)
        self._start.start(LOOK_AFTER_MS)

    def open(self) -> None:
        """Show the window: the work in hand, or the first page."""
        self._made_window().open_anew()

    def go_on(self, making: Making) -> None:
        """Show the window and go on with this one."""
        window = self._made_window()
        window.open_anew()
        if self.maker.making is None:
            window.take_up(making)

    def _made_window(self) -> MakingWindow:
        if self.window is None:
            from studio.widgets.making.window import MakingWindow

            studio = self._studio
            self.window = MakingWindow(self.maker, studio.dialogs, studio.settings, studio.window)
            self.window.turned.connect(self._show_badge)
        return self.window

    # ---- the start ----

    def _look(self) -> None:
        self._worker.run(makings.unfinished, self._remind, self._studio.say)

    def _remind(self, unfinished: tuple[Making, ...]) -> None:
        """One line about the newest, unless something else is being said."""
        if not unfinished or self.maker.making is not None or self._studio.banner.isVisible():
            return
        newest = unfinished[0]
        more = "" if len(unfinished) == 1 else f" ({len(unfinished) - 1} more under File › New avatar from video.)"
        self._studio.banner.tell(
            f"The avatar {newest.name} is not finished: {newest.standing}.{more}",
            "hint",
            action=("Go on", partial(self.go_on, newest)),
        )

    # ---- the work ----

    def _shown(self) -> bool:
        return self.window is not None and self.window.isVisible()

    def _changed(self) -> None:
        making = self.maker.making
        self._show_badge()
        if making is None or self.maker.running or self._shown():
            return
        if making.step == "report":
            text, action = f"The video of {making.name} is captured; its report waits for you.", "Show the report"
        elif making.problem:
            text, action = making.problem, "Show"
        else:
            return
        kind = "error" if making.problem else "hint"
        self._studio.banner.tell(text, kind, action=(action, self.open))

    def _show_badge(self) -> None:
        maker, making = self.maker, self.maker.making
        self.badge.setVisible(making is not None and maker.running and not self._shown())
        if making is None:
            return
        image = QImage(str(making.preview)) if making.step == "training" else QImage()
        self._picture = None if image.isNull() else image
        what = "Capturing the video of" if making.step == "capture" else "Training"
        left = "" if maker.left_s is None else f"  ·  {estimate(maker.left_s)} left"
        self.badge.setText(f"{what} {making.name} {100 * maker.share:.0f} %{left}")

    def _finished(self, path: Path) -> None:
        studio = self._studio
        if self.window is not None and self.window.isVisible():
            self.window.show_finished(path, self._picture)
            studio.session.open_avatar(path)
        else:
            studio.banner.tell(
                f"The avatar {path.stem} is ready.", "hint", action=("Open", partial(studio.session.open_avatar, path))
            )
        studio.say(f"Made the avatar {path.stem}")

    # ---- the end ----

    def may_close(self) -> bool:
        """Whether the window may be closed; asks while work goes on."""
        making = self.maker.making
        if making is None or not self.maker.running:
            return True
        what = "captured" if making.step == "capture" else "trained"
        return self._studio.dialogs.confirm(
            self._studio.window,
            f"{making.name} is being {what}.",
            "Closing the studio stops that; what is done is kept, and offered again at the next start.",
            "Stop and close",
        )

    def close(self) -> None:
        """Stop what goes on; what is done stays."""
        self._start.stop()
        self.maker.close()
        self._worker.close()
        if self.window is not None:
            self.window.close_workers()
            self.window.close()
