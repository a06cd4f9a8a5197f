"""The third page: the capture at work, step by step."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from studio.widgets import theme
from studio.widgets.making.maker import Maker
from studio.widgets.making.work_page import WorkPage
from studio.widgets.pieces import label

PHASES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("looking at",), "Follow the face", "Every picture is looked at: where the face is, and what it does."),
    (
        ("fitting the head",),
        "Fit head and lens",
        "Size, place and turn of the head are found for all pictures together.",
    ),
    (("cutting out",), "Cut the person out", "Hair, face, neck and shoulders are told from what is behind them."),
    (
        ("finding the background",),
        "Find the background",
        "What is behind the person is put together from all pictures.",
    ),
    (
        ("following", "finishing", "done"),
        "Follow every movement",
        "Head and shoulders are followed by the pictures themselves; pictures, masks and regions are written.",
    ),
)
"""How the capture's remarks begin, what people call that step, and what happens in it."""


def phase_of(what: str) -> int:
    """Index in `PHASES` of what the capture says it does; 0 before it says anything."""
    return next((i for i, (begins, _, _) in enumerate(PHASES) if what.startswith(begins)), 0)


class CapturePage(WorkPage):
    """Shows how far it is; the buttons below stop it or go on."""

    step = 2

    def __init__(self, maker: Maker) -> None:
        super().__init__(maker, "capture")
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.SPACE + 4)
        grid.setVerticalSpacing(theme.SPACE * 2)
        grid.setColumnStretch(1, 1)
        self._ticks: list[QLabel] = []
        for i, (_, name, what) in enumerate(PHASES):
            tick, title, text = QLabel(str(i + 1)), label(name, bold=True), label(what, "hint")
            tick.setObjectName("step")
            tick.setFixedSize(18, 18)
            tick.setAlignment(Qt.AlignmentFlag.AlignCenter)
            both = QVBoxLayout()
            both.setSpacing(2)
            both.addWidget(title)
            both.addWidget(text)
            grid.addWidget(tick, i, 0, Qt.AlignmentFlag.AlignTop)
            grid.addLayout(both, i, 1)
            self._ticks.append(tick)
        self.body.addSpacing(theme.SPACE)
        self.body.addLayout(grid)
        self.body.addStretch(1)

    def show_maker(self) -> None:
        """Show what is so now."""
        maker, making = self._maker, self._maker.making
        if making is None:
            return
        self.show_work(
            (
                f"Capturing {making.video.name}",
                "This goes on in the background when you close this window; what is done is kept whatever happens.",
            ),
            ("The capture stands still", "What is done is kept; go on when you like."),
            maker.what,
        )
        now = phase_of(maker.what) if maker.what else (-1 if not maker.share else _by_share(maker.share))
        for i, tick in enumerate(self._ticks):
            theme.set_state(tick, "done", i < now)
            theme.set_state(tick, "now", i == now and maker.running)
            tick.setText("✓" if i < now else str(i + 1))


def _by_share(share: float) -> int:
    """The step that a share belongs to, for a capture that does not run; see `make_portrait`."""
    return next((i for i, until in enumerate((0.45, 0.48, 0.78, 0.8)) if share < until), len(PHASES) - 1)
