"""The History page: every change of the project in order, the present one marked, a click away from any of them."""

from __future__ import annotations

import time

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from studio.document.commands import Command, Event, History
from studio.widgets import theme
from studio.widgets.context import Studio

Index = QModelIndex | QPersistentModelIndex
TITLE = "History"
START = "As opened"
ROW_HEIGHT = theme.ROW_HEIGHT + 1

TIME_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
"""`past`, `now` or `future`."""
SAVED_ROLE = Qt.ItemDataRole.UserRole + 2


class HistoryModel(QAbstractListModel):
    """Row i is the project after i entries; row 0 is the project as opened."""

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._commands: tuple[Command, ...] = history.commands
        self._position = history.position
        self._saved: int | None = None if history.dirty else history.position
        self._unsubscribe = history.subscribe(self._listen)

    def close(self) -> None:
        """Hear no more of the history."""
        self._unsubscribe()

    @property
    def position(self) -> int:
        """The row of the present."""
        return self._position

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Entries and the start."""
        return 0 if parent is not None and parent.isValid() else len(self._commands) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Label, time, state and whether it is the saved one."""
        row = index.row()
        if not index.isValid() or row > len(self._commands):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._commands[row - 1].label if row else START
        if role == TIME_ROLE:
            return time.strftime("%H:%M:%S", time.localtime(self._commands[row - 1].at_s)) if row else ""
        if role == STATE_ROLE:
            return "now" if row == self._position else "past" if row < self._position else "future"
        if role == SAVED_ROLE:
            return row == self._saved
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = {"now": ", the present state", "past": "", "future": ", undone"}
            return f"{self.data(index)}{state[str(self.data(index, STATE_ROLE))]}"
        return None

    def _listen(self, event: Event) -> None:
        if event.cause == "commit":
            self._commit()
        elif event.cause == "amend":
            self._commands = self._history.commands
            self._mark_saved(None)
        elif event.cause in ("undo", "redo"):
            self._move(self._history.position)
        elif event.cause == "saved":
            self._mark_saved(self._position)
        elif event.cause == "reset":
            self.beginResetModel()
            self._commands, self._position = self._history.commands, self._history.position
            self._saved = None if self._history.dirty else 0
            self.endResetModel()

    def _commit(self) -> None:
        """What could be redone goes, one entry comes."""
        kept = self._history.position - 1
        if kept < len(self._commands):
            self.beginRemoveRows(QModelIndex(), kept + 1, len(self._commands))
            self._commands = self._commands[:kept]
            if self._saved is not None and self._saved > kept:
                self._saved = None
            self.endRemoveRows()
        self.beginInsertRows(QModelIndex(), kept + 1, kept + 1)
        self._commands = self._history.commands
        self.endInsertRows()
        self._move(self._history.position)

    def _move(self, position: int) -> None:
        first, last = sorted((self._position, position))
        self._position = position
        self.dataChanged.emit(self.index(first), self.index(min(last, len(self._commands))))

    def _mark_saved(self, row: int | None) -> None:
        before, self._saved = self._saved, row
        for changed in {before, row} - {None}:
            self.dataChanged.emit(self.index(changed or 0), self.index(changed or 0))


class HistoryDelegate(QStyledItemDelegate):
    """A line of label and time; the present has a bar, the undone is faint."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """One row for all."""
        return QSize(160, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one entry."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = QRectF(option.rect)
        flags = option.state
        state = index.data(STATE_ROLE)
        painter.setPen(Qt.PenStyle.NoPen)
        if state == "now":
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(row.adjusted(2, 1, -2, -1), theme.RADIUS, theme.RADIUS)
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(QRectF(row.left() + 2, row.top() + 4, 3, row.height() - 8), 1.5, 1.5)
        elif flags & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme.colour("hover", 0.6))
            painter.drawRoundedRect(row.adjusted(2, 1, -2, -1), theme.RADIUS, theme.RADIUS)
        if flags & QStyle.StateFlag.State_HasFocus and flags & QStyle.StateFlag.State_Selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.colour("accent"))
            painter.drawRoundedRect(row.adjusted(2.5, 1.5, -2.5, -1.5), theme.RADIUS, theme.RADIUS)
        moment = index.data(TIME_ROLE)
        small, body = theme.font(theme.TYPE.small), theme.font(theme.TYPE.body, bold=state == "now")
        width = QFontMetricsF(small).horizontalAdvance(moment)
        right, middle = row.right() - theme.SPACE - 2, Qt.AlignmentFlag.AlignVCenter
        painter.setFont(small)
        painter.setPen(theme.colour("faint"))
        painter.drawText(QRectF(right - width - 1, row.top(), width + 2, row.height()), middle, moment)
        right -= width + theme.SPACE
        if index.data(SAVED_ROLE):
            width = QFontMetricsF(small).horizontalAdvance("saved")
            painter.setPen(theme.colour("accent"))
            painter.drawText(QRectF(right - width - 1, row.top(), width + 2, row.height()), middle, "saved")
            right -= width + theme.SPACE
        painter.setFont(body)
        painter.setPen(theme.colour("faint" if state == "future" else "text"))
        left = row.left() + theme.SPACE + 4
        text = QFontMetricsF(body).elidedText(index.data(), Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(QRectF(left, row.top(), right - left, row.height()), middle, text)
        painter.restore()


def _table() -> QTableView:
    """A list of one column; unlike `QListView` it lays out no more rows than are seen."""
    table = QTableView()
    table.setObjectName("history")
    table.setAccessibleName("Changes of the project")
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setMouseTracking(True)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    for header in (table.horizontalHeader(), table.verticalHeader()):
        header.hide()
    table.horizontalHeader().setStretchLastSection(True)
    table.verticalHeader().setMinimumSectionSize(1)
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    return table


class HistoryPage(QObject):
    """The page in the inspector."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._history = studio.session.history
        self._inspector = studio.inspector
        self.model = HistoryModel(self._history, self)
        self.list = _table()
        self.list.setModel(self.model)
        self.list.setItemDelegate(HistoryDelegate(self.list))
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.list, 1)
        column.addWidget(self.hint)
        studio.inspector.add_page(TITLE, page, tip="Every change, to go back to and forth from")
        studio.actions.connect({"edit.history": self._open})
        self.list.clicked.connect(self._go)
        self.list.activated.connect(self._go)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._follow)
        for changed in (self.model.dataChanged, self.model.modelReset):
            changed.connect(self._follow_soon)
        studio.inspector.page_changed.connect(self._follow_soon)

    def close(self) -> None:
        """Hear no more of the history."""
        self._soon.stop()
        self.model.close()

    def _open(self) -> None:
        self._inspector.show_page(TITLE)
        self.list.setFocus()

    def _go(self, index: QModelIndex) -> None:
        if index.row() != self._history.position:
            self._history.go_to(index.row())

    def _follow_soon(self) -> None:
        """Once for all that changes in one pass of the event loop."""
        if not self._soon.isActive():
            self._soon.start(0)

    def _follow(self) -> None:
        """Keep the present in sight, and say how much there is; nothing while nobody looks."""
        if not self.list.isVisible():
            return
        present = self.model.index(self.model.position)
        self.list.setCurrentIndex(present)
        self.list.scrollTo(present)
        steps, undone = self.model.rowCount() - 1, self.model.rowCount() - 1 - self.model.position
        if not steps:
            self.hint.setText("Each change you make is listed here. Click one to go there; nothing is forgotten.")
        else:
            rest = f", {undone:,} of them undone" if undone else ""
            self.hint.setText(f"{steps:,} change{'' if steps == 1 else 's'}{rest}. Click one to go there.")
