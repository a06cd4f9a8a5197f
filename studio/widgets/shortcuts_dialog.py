"""Help › Keyboard shortcuts: all actions with their keys, searched, and changed."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.actions import ACTIONS
from studio.widgets.au_panel import SearchField
from studio.widgets.layout import fit
from studio.widgets.shortcuts import Shortcuts, names, places, shown

_ID = Qt.ItemDataRole.UserRole


class ShortcutsDialog(QDialog):
    """A list to look things up in; below it, the chosen action's keys to change. Changes count at once."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setMinimumSize(QSize(520, 420))
        fit(self, 640, 620)
        self._shortcuts = shortcuts
        self._items: dict[str, QTreeWidgetItem] = {}
        self.search = SearchField("Find a command or a key")
        self.search.textChanged.connect(self._filter)
        self.search.entered.connect(self._go_to_first)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Command", "Keys", "Menu"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName("Commands and their keys")
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.SingleSelection)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.currentItemChanged.connect(lambda _now, _before: self._show_chosen())
        self.nothing = QLabel("No command matches. Try another word, or a key such as Ctrl+K.")
        self.nothing.setObjectName("hint")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._fill()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE * 2, theme.SPACE * 2, theme.SPACE * 2, theme.SPACE * 2)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addWidget(self.nothing, 1)
        column.addLayout(self._make_editor())
        self._filter()
        self._go_to_first()

    def _make_editor(self) -> QVBoxLayout:
        self.chosen = QLabel()
        self.recorder = QKeySequenceEdit()
        self.recorder.setMaximumSequenceLength(1)
        self.recorder.setClearButtonEnabled(True)
        self.recorder.setAccessibleName("New keys: press them here")
        self.recorder.keySequenceChanged.connect(lambda _keys: self._show_conflict())
        self.conflict = QLabel()
        self.conflict.setObjectName("warning_text")
        self.conflict.setWordWrap(True)
        self.set = QPushButton("Use")
        self.set.setToolTip("Use these keys in place of the present ones")
        self.add = QPushButton("Add")
        self.add.setToolTip("Use these keys as well as the present ones")
        self.clear = QPushButton("No keys")
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("The default keys of this command")
        self.reset_all = QPushButton("Reset all")
        self.reset_all.setToolTip("The default keys of every command")
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        self.set.clicked.connect(lambda: self._use(keep=False))
        self.add.clicked.connect(lambda: self._use(keep=True))
        self.clear.clicked.connect(lambda: self._give(()))
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self._reset_all)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        first, second = QHBoxLayout(), QHBoxLayout()
        for widget in (self.recorder, self.set, self.add):
            widget.setFixedHeight(30)
            first.addWidget(widget)
        first.setStretch(0, 1)
        for widget in (self.clear, self.reset, self.reset_all):
            widget.setFixedHeight(30)
            second.addWidget(widget)
        second.addStretch(1)
        second.addWidget(close)
        column = QVBoxLayout()
        column.setSpacing(theme.SPACE)
        column.addWidget(self.chosen)
        column.addLayout(first)
        column.addWidget(self.conflict)
        column.addLayout(second)
        return column

    # ---- the list ----

    def _fill(self) -> None:
        where, called = places(), names()
        for spec in sorted(ACTIONS, key=lambda spec: where[spec.id]):
            item = QTreeWidgetItem([called[spec.id], "", where[spec.id]])
            item.setData(0, _ID, spec.id)
            item.setToolTip(0, spec.tip)
            self.tree.addTopLevelItem(item)
            self._items[spec.id] = item
            self._show_keys(spec.id)
        for column in (1, 2):
            self.tree.resizeColumnToContents(column)
        self.tree.setColumnWidth(1, max(140, self.tree.columnWidth(1)))

    def _show_keys(self, action_id: str) -> None:
        item = self._items[action_id]
        item.setText(1, ", ".join(shown(key) for key in self._shortcuts.keys(action_id)))
        changed = self._shortcuts.changed(action_id)
        item.setFont(1, theme.font(theme.TYPE.body, bold=changed))
        item.setToolTip(1, "Changed by you" if changed else "")

    def _filter(self) -> None:
        words = self.search.text().lower().split()
        for item in self._items.values():
            text = " ".join(item.text(column) for column in range(3)).lower() + " " + item.toolTip(0).lower()
            item.setHidden(not all(word in text for word in words))
        empty = all(item.isHidden() for item in self._items.values())
        self.tree.setVisible(not empty)
        self.nothing.setVisible(empty)

    def _go_to_first(self) -> None:
        rows = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        first = next((item for item in rows if item is not None and not item.isHidden()), None)
        if first is not None:
            self.tree.setCurrentItem(first)
            self.tree.setFocus()

    # ---- the chosen action ----

    @property
    def _action_id(self) -> str:
        item = self.tree.currentItem()
        return "" if item is None else str(item.data(0, _ID))

    def choose(self, action_id: str) -> None:
        """Choose an action."""
        self.tree.setCurrentItem(self._items[action_id])

    def _show_chosen(self) -> None:
        action_id = self._action_id
        if not action_id:
            return
        name = self._items[action_id].text(0)
        keys = self._items[action_id].text(1) or "no keys"
        self.chosen.setText(f"<b>{escape(name)}</b> has {escape(keys)}. New keys:")
        self.recorder.clear()
        self.reset.setEnabled(self._shortcuts.changed(action_id))
        self.clear.setEnabled(bool(self._shortcuts.keys(action_id)))
        self._show_conflict()

    def _show_conflict(self) -> None:
        key = self._pressed()
        other = self._shortcuts.user_of(key) if key else None
        taken = other is not None and other != self._action_id
        self.conflict.setText(
            f"{shown(key)} is {self._items[other].text(0)} now; that will have to do without it."
            if taken and other is not None
            else ""
        )
        for button in (self.set, self.add):
            button.setEnabled(bool(key) and other != self._action_id)

    def _pressed(self) -> str:
        return self.recorder.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def _use(self, *, keep: bool) -> None:
        before = self._shortcuts.keys(self._action_id) if keep else ()
        self._give((*before, self._pressed()))

    def _give(self, keys: tuple[str, ...]) -> None:
        self._shortcuts.give(self._action_id, keys)
        self._refresh()

    def _reset(self) -> None:
        self._shortcuts.reset(self._action_id)
        self._refresh()

    def _reset_all(self) -> None:
        self._shortcuts.reset_all()
        self._refresh()

    def _refresh(self) -> None:
        for action_id in self._items:
            self._show_keys(action_id)
        self._show_chosen()
