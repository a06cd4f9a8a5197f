"""What is wrong with a window at its size: texts cut off, controls without a name or a visible focus."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)

SLACK = 1
"""Pixels by which styles round."""


def visible(root: QWidget, kinds: tuple[type[QWidget], ...]) -> Iterator[QWidget]:
    """Widgets of these kinds that are shown."""
    for widget in root.findChildren(QWidget):
        if isinstance(widget, kinds) and widget.isVisible() and widget.window() is root.window():
            yield widget


def called(widget: QWidget) -> str:
    """How a report calls a widget."""
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton | QLineEdit) else ""
    return f"{type(widget).__name__} {widget.accessibleName() or text or widget.objectName()!r} in " + (
        f"{type(widget.parentWidget()).__name__}"
    )


def cut_off(root: QWidget) -> list[str]:
    """Labels and controls that are smaller than what they say, or reach out of what holds them."""
    wrong = []
    for widget in visible(root, (QLabel, QAbstractButton, QAbstractSpinBox, QComboBox, QTabBar, QLineEdit)):
        if isinstance(widget, QLineEdit) and isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox):
            continue
        text = widget.text() if isinstance(widget, QLabel | QAbstractButton) else "some"
        if not text and not (isinstance(widget, QAbstractButton) and not widget.icon().isNull()):
            continue
        wanted = widget.minimumSizeHint()
        if isinstance(widget, QToolButton) and widget.icon().isNull():  # its hint wants room for an icon too
            wanted.setWidth(widget.fontMetrics().horizontalAdvance(text) + 8)
        if isinstance(widget, QAbstractSpinBox):
            field = widget.lineEdit()
            margins = field.textMargins()
            room = field.width() - margins.left() - margins.right()
            text_width = widget.fontMetrics().horizontalAdvance(widget.text())
            wanted.setHeight(widget.fontMetrics().height() + 4)
            wanted.setWidth(widget.width() if room >= text_width else widget.width() + text_width - room)
        if isinstance(widget, QLabel):
            wanted = widget.sizeHint()
            if widget.wordWrap():
                wanted.setWidth(0)
                wanted.setHeight(widget.heightForWidth(widget.width()))
            elif widget.pixmap() is not None and not widget.pixmap().isNull():
                continue
        if widget.width() + SLACK < wanted.width() or widget.height() + SLACK < wanted.height():
            have = f"{widget.width()}×{widget.height()}"
            wrong.append(f"{called(widget)} has {have}, needs {wanted.width()}×{wanted.height()}")
        elif (outside := _outside(widget)) is not None:
            wrong.append(f"{called(widget)} reaches out of {type(outside).__name__}")
    return wrong


def _outside(widget: QWidget) -> QWidget | None:
    """The first ancestor that cuts a widget off; what a scroll area scrolls vertically is not cut off."""
    rect = QRect(QPoint(0, 0), widget.size())
    holder = widget.parentWidget()
    scrolled = False
    while holder is not None:
        place = rect.translated(widget.mapTo(holder, QPoint(0, 0)))
        if isinstance(holder, QScrollArea):
            scrolled = True
        inside = holder.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK)
        cut = place.left() < inside.left() or place.right() > inside.right()
        if not scrolled and not (isinstance(holder.parentWidget(), QAbstractScrollArea)):
            cut = cut or place.top() < inside.top() or place.bottom() > inside.bottom()
        if cut:
            return holder
        if holder.isWindow():
            return None
        holder = holder.parentWidget()
    return None


def focusable(root: QWidget) -> list[QWidget]:
    """Controls that Tab reaches."""
    return [
        widget
        for widget in visible(root, (QWidget,))
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isEnabled()
        and not isinstance(widget, QScrollBar)
        and widget.focusProxy() is None
        and not (isinstance(widget, QLineEdit) and isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox))
    ]


def nameless(root: QWidget) -> list[str]:
    """Controls that a screen reader could not name."""
    return [
        called(widget)
        for widget in focusable(root)
        if not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
    ]


def not_seen_in_focus(root: QWidget) -> list[str]:
    """Controls that look the same with and without the focus."""
    same = []
    for widget in focusable(root):
        widget.clearFocus()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if widget.hasFocus() and widget.grab().toImage() == before:
            same.append(called(widget))
    return same
