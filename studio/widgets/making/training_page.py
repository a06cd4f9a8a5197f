"""The fifth page: the training at work, with a picture of the avatar so far; and the end of it all."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from studio.widgets.making.choose import Picture
from studio.widgets.making.curve import TrainingCurve
from studio.widgets.making.maker import Maker
from studio.widgets.making.page import STEPS, Page
from studio.widgets.making.work_page import WorkPage
from studio.widgets.pieces import label

STAGES = {
    "geometry": "It learns how the face moves",
    "coarse": "It learns what the person looks like",
    "fine": "It learns every detail, in motion",
}
"""The training's stages for people."""

JUDGING = "All is learned; the avatar is compared with the video once more, and written…"


class TrainingPage(WorkPage):
    """Picture, curves, and how long it still takes."""

    step = 4

    def __init__(self, maker: Maker) -> None:
        super().__init__(maker, "training")
        self._shown: tuple[Path, int] | None = None
        self.picture = Picture("The first picture comes\nafter a minute or two.")
        self.picture.setMinimumSize(QSize(240, 140))
        self.picture.setAccessibleName("The avatar so far")
        self.curve = TrainingCurve()
        self.body.addWidget(self.picture, 1)
        self.body.addWidget(label("Left the video, right the avatar; it never learns from this moment.", "hint"))
        self.body.addWidget(self.curve)

    def show_maker(self) -> None:
        """Show what is so now."""
        maker, making = self._maker, self._maker.making
        if making is None:
            return
        self.show_work(
            (
                f"Training {making.name}",
                "Close this window to work with the studio meanwhile, or pause: what is learned is kept.",
            ),
            (
                f"The training of {making.name} stands still",
                "What is learned is kept; go on when you like, also after a restart.",
            ),
            JUDGING if maker.share >= 1.0 and maker.what else STAGES.get(maker.what, maker.what),
        )
        self.curve.show_points(maker.curve)
        self._show_picture(making.preview)

    def _show_picture(self, path: Path) -> None:
        try:
            newest = (path, path.stat().st_mtime_ns)
        except OSError:
            newest = None
        if newest == self._shown:
            return
        image = QImage(str(path)) if newest is not None else QImage()
        if newest is None or not image.isNull():
            self._shown = newest
            self.picture.show_image(None if image.isNull() else image)


class FinishedPage(Page):
    """The avatar is there."""

    step = len(STEPS)

    def __init__(self) -> None:
        super().__init__("", "")
        self.next_text = "Close"
        self.ready = True
        self.path: Path | None = None
        self.picture = Picture()
        self.body.addWidget(self.picture, 1)
        self.body.addStretch()  # without a picture the words stay at the top

    def show_avatar(self, path: Path, picture: QImage | None) -> None:
        """This one was made."""
        self.path = path
        self.title.setText(f"{path.stem} is ready")
        self.hint.setText(
            f"The avatar is open now, and listed in File › Avatars. Its file is {path}; what is exported of it "
            "says that it was made with AI."
        )
        self.picture.show_image(picture)
        self.picture.setVisible(picture is not None)
