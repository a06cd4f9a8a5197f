"""The command palette: type what you want to do, Enter does it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.actions import ACTIONS, Actions, ActionSpec
from studio.widgets.au_panel import SearchField
from studio.widgets.shortcuts import Shortcuts, names, places, shown

WIDTH, HEIGHT = 560, 380
_ID = Qt.ItemDataRole.UserRole


class CommandPalette(QFrame):
    """Lies over the window while it is open; closes when something is run, with Escape, or with a click elsewhere."""

    def __init__(self, actions: Actions, shortcuts: Shortcuts, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._before: QWidget | None = None
        self.setObjectName("amount_panel")
        self._actions, self._shortcuts, self._places = actions, shortcuts, places()
        self._names = names()
        self.search = SearchField("What do you want to do?")
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(3)
        self.list.header().hide()
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("Commands")
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.itemClicked.connect(lambda _item, _column: self.run())
        self.nothing = QLabel("No command matches. Try another word.")
        self.nothing.setObjectName("hint")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column_layout.addWidget(self.search)
        column_layout.addWidget(self.list, 1)
        column_layout.addWidget(self.nothing, 1)
        self.hide()

    def open(self) -> None:
        """Show every action that can be run now."""
        window = self._window
        self._before = QApplication.focusWidget()
        self.resize(min(WIDTH, window.width() - 40), min(HEIGHT, window.height() - 80))
        self.move(QPoint((window.width() - self.width()) // 2, 44))
        self.search.clear()
        self._filter()
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def run(self) -> None:
        """Close, then run the chosen action."""
        item = self.list.currentItem()
        if item is None:
            return
        action = self._actions[str(item.data(0, _ID))]
        self.close_palette()
        action.trigger()

    def close_palette(self) -> None:
        """Close, and give the focus back to the window."""
        before, self._before = self._before, None
        if before is not None and before is not self.search:
            before.setFocus()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Up and Down choose while the cursor stays in the field; Enter runs, Escape closes."""
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride) or not isinstance(event, QKeyEvent):
            return False
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 8,
            Qt.Key.Key_PageUp: -8,
        }
        key = Qt.Key(event.key())
        if key not in (*steps, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            if key in steps:
                self._step(steps[key])
            elif key == Qt.Key.Key_Escape:
                self.close_palette()
            else:
                self.run()
        return True

    def _filter(self) -> None:
        """Show what has all the words: first what begins with the text, then what has it in its name, then the rest."""
        text = self.search.text().lower().strip()
        found: list[tuple[int, ActionSpec]] = []
        for spec in ACTIONS:
            if spec.id == "help.palette" or not self._actions[spec.id].isEnabled():
                continue
            name = self._names[spec.id].lower()
            said = f"{name} {self._places[spec.id]} {spec.tip}".lower()
            if all(word in said for word in text.split()):
                first = name.startswith(text) or spec.text.lower().startswith(text)
                found.append((0 if first else 1 if text in name else 2, spec))
        self.list.clear()
        for _, spec in sorted(found, key=lambda pair: pair[0]):
            self.list.addTopLevelItem(self._item(spec))
        if found:
            self.list.setCurrentItem(self.list.topLevelItem(0))  # type: ignore[arg-type]
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)

    def _item(self, spec: ActionSpec) -> QTreeWidgetItem:
        keys = next(iter(self._shortcuts.keys(spec.id)), "")
        checked = "✓ " if self._actions[spec.id].isChecked() else ""
        item = QTreeWidgetItem([f"{checked}{self._names[spec.id]}", self._places[spec.id], shown(keys)])
        item.setData(0, _ID, spec.id)
        item.setToolTip(0, spec.tip)
        item.setForeground(1, theme.colour("faint"))
        item.setForeground(2, theme.colour("dim"))
        return item

    def _step(self, rows: int) -> None:
        now = self.list.currentItem()
        if now is not None:
            at = min(max(self.list.indexOfTopLevelItem(now) + rows, 0), self.list.topLevelItemCount() - 1)
            item = self.list.topLevelItem(at)
            if item is not None:
                self.list.setCurrentItem(item)
