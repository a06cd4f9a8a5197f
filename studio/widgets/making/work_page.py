"""What the pages of capture and training have in common: a bar, how far it is, and how long it still takes."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar

from studio.widgets.exports.words import estimate
from studio.widgets.making.maker import Maker
from studio.widgets.making.page import Page
from studio.widgets.pieces import label


class WorkPage(Page):
    """A page whose work is done by a process; the buttons below stop it or go on.

    Attributes:
        bar: the share that is done.
        left: that share, what it is at, and the time left, in words.
    """

    def __init__(self, maker: Maker, name: str) -> None:
        super().__init__("", "")
        self.next_text = ""
        self._maker = maker
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName(f"Share of the {name} that is done")
        self.left = label("", "hint")
        self.body.addWidget(self.bar)
        self.body.addWidget(self.left)

    def show_work(self, going: tuple[str, str], still: tuple[str, str], doing: str) -> None:
        """Show how far it is.

        Args:
            going: title and hint while it goes on.
            still: title and hint while it stands still.
            doing: what it is at, in words; empty before the first are known.
        """
        maker = self._maker
        title, hint = going if maker.running else still
        self.title.setText(title)
        self.hint.setText(hint)
        self.bar.setValue(round(1000 * maker.share))
        percent = f"{100 * maker.share:.0f} %"
        if maker.stopping:
            self.left.setText("Stopping; what is done is written…")
        elif not maker.running:
            self.left.setText(f"{percent} done")
        elif not doing:
            self.left.setText("Starting…")
        else:
            left = "" if maker.left_s is None or maker.share >= 1.0 else f"  ·  about {estimate(maker.left_s)} left"
            self.left.setText(f"{percent}  ·  {doing}{left}")
        making = maker.making
        self.say_problem("" if maker.running or making is None else making.problem)
