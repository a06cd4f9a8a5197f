"""Rows of tools that fit: where there is not enough room, texts beside icons go first, then what can be done without.

So a window may be narrow, or its interface large, and still nothing in it is cut off or pushes its neighbours away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

Step = tuple[Callable[[], None], Callable[[], None]]
"""Makes the row narrower, and takes that back."""


class Fitting(QObject):
    """Keeps one row within its width.

    Args:
        row: a widget with a horizontal layout.
        expendable: what is hidden at last, in this order, a tuple all at once; other labels named `faint` go before.
    """

    def __init__(self, row: QWidget, expendable: Iterable[QWidget | tuple[QWidget, ...]] = ()) -> None:
        super().__init__(row)
        self._row = row
        self._expendable = tuple(group if isinstance(group, tuple) else (group,) for group in expendable)
        self._done: list[Step] = []
        row.setSizePolicy(QSizePolicy.Policy.Ignored, row.sizePolicy().verticalPolicy())
        row.setMinimumWidth(self._tightest())
        row.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """After a change of size begin anew; after a change of content only become narrower."""
        if event.type() == QEvent.Type.Resize:
            self._widen()
            self._narrow()
        elif event.type() == QEvent.Type.LayoutRequest:
            self._narrow()
        return False

    def _needed(self) -> int:
        layout = self._row.layout()  # Qt has marked it as outdated itself, wherever something in it has changed;
        assert layout is not None  # doing so here would ask for another LayoutRequest, and so on for ever
        return layout.minimumSize().width()

    def _tightest(self) -> int:
        for step in self._steps():
            step[0]()
            self._done.append(step)
        width = self._needed()
        self._widen()
        return width

    def _widen(self) -> None:
        while self._done:
            self._done.pop()[1]()

    def _narrow(self) -> None:
        steps = self._steps()[len(self._done) :]
        while steps and self._needed() > self._row.width():
            step = steps.pop(0)
            step[0]()
            self._done.append(step)

    def _steps(self) -> list[Step]:
        """In the order in which they are done."""
        find = self._row.findChildren
        options = Qt.FindChildOption.FindDirectChildrenOnly
        kept = {widget for group in self._expendable for widget in group}
        texts = [button for button in find(QToolButton, options=options) if not button.icon().isNull()]
        labels = [label for label in find(QLabel, options=options) if label.objectName() == "faint"]
        steps = [_icon_only(button) for button in texts if button not in kept]
        hidden = [*((label,) for label in reversed(labels) if label not in kept), *self._expendable]
        done = self._done[: len(steps) + len(hidden)]
        return [*done, *[*steps, *(_hiding(group) for group in hidden)][len(done) :]]


def _icon_only(button: QToolButton) -> Step:
    style = button.toolButtonStyle()
    return (
        lambda: button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly),
        lambda: button.setToolButtonStyle(style),
    )


def _hiding(group: tuple[QWidget, ...]) -> Step:
    shown = [(widget, not widget.isHidden()) for widget in group]

    def hide() -> None:
        for widget in group:
            widget.hide()

    def restore() -> None:
        for widget, was_shown in shown:
            widget.setVisible(was_shown)

    return hide, restore
