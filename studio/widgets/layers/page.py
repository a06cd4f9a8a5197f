"""The page "Layers" of the inspector: what decides at the playhead, expressions to choose from, and all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.document.performance import Performance
from studio.widgets import theme
from studio.widgets.layers import edits, explain
from studio.widgets.layers.presets import PresetChip, presets_of
from studio.widgets.layers.rows import Layer, LayerRow
from studio.widgets.timeline.rows import title_of

COLUMNS = 3
"""Chips side by side."""


@dataclass(frozen=True)
class Entry:
    """A layer as the page lists it."""

    id: str
    layer: Layer
    title: str


class LayersPage(QFrame):
    """Shows a performance; reports what the user wants by signals.

    Signals carry the id of a layer: of a lane, `edits.BASE` or `edits.EXPRESSIONS`.
    """

    mute_wanted = Signal(str, bool)
    solo_wanted = Signal(str, bool)
    mode_wanted = Signal(str, str)
    weight_begun = Signal(str)
    weight_moved = Signal(str, float)
    weight_ended = Signal(str)
    weight_cancelled = Signal()
    layer_chosen = Signal(str)
    layer_menu_wanted = Signal(str, QPoint)
    preset_chosen = Signal(str)
    preset_menu_wanted = Signal(str, QPoint)
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.rows: dict[str, LayerRow] = {}
        self.chips: dict[str, PresetChip] = {}
        self._presets: object = None
        self._ids: tuple[str, ...] = ()
        content = QWidget()
        content.setObjectName("scrolled")
        self._column = column = QVBoxLayout(content)
        column.setContentsMargins(0, theme.SPACE // 2, 0, theme.SPACE)
        column.setSpacing(0)
        self.channel, self.verdict = QLabel(), QLabel()
        self._build_verdict(column)
        save = QToolButton()
        save.setText("Save face…")
        save.setToolTip("Keep the face at the playhead as an expression of your own")
        save.clicked.connect(self.save_wanted)
        self.save = save
        column.addLayout(_heading("Expressions", save))
        self._chips = QGridLayout()
        self._chips.setContentsMargins(theme.SPACE, 2, theme.SPACE, theme.SPACE)
        self._chips.setSpacing(6)
        column.addLayout(self._chips)
        column.addLayout(_heading("Layers, the topmost decides"))
        self._layers = QVBoxLayout()
        self._layers.setSpacing(0)
        column.addLayout(self._layers)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    # ---- building ----

    def _build_verdict(self, column: QVBoxLayout) -> None:
        self.channel.setObjectName("faint")
        self.channel.setFont(theme.font(theme.TYPE.heading, bold=True))
        self.verdict.setWordWrap(True)
        self.verdict.setFont(theme.font(theme.TYPE.body + 1))
        self.verdict.setAccessibleName("Which layer decides at the playhead")
        box = QVBoxLayout()
        box.setContentsMargins(theme.SPACE * 2, theme.SPACE // 2, theme.SPACE, theme.SPACE)
        box.setSpacing(4)
        box.addWidget(self.channel)
        box.addWidget(self.verdict)
        column.addLayout(box)

    # ---- showing ----

    def show_performance(self, performance: Performance, focused: str | None, decides: str) -> None:
        """Show everything; `decides` is the id of the layer that wins for the channel in focus."""
        if self._presets != performance.presets:
            self._presets = performance.presets
            self._fill_chips(performance)
        entries = entries_of(performance)
        ids = tuple(entry.id for entry in entries)
        if ids != self._ids:
            self._ids = ids
            self._fill_layers(ids)
        for entry in entries:
            self.rows[entry.id].show_layer(
                entry.layer, entry.title, acts=performance.acts(entry.layer), focused=entry.id == focused,
                decides=entry.id == decides,
            )  # fmt: skip

    def show_verdict(self, performance: Performance, target: str, time_s: float) -> None:
        """Say which layer decides a channel at a moment."""
        text = explain.winner_text(performance, target, time_s)
        head, _, why = text.partition(": ")
        if self.channel.text() != f"At the playhead: {head}":
            self.channel.setText(f"At the playhead: {head}")
        if self.verdict.text() != why:
            self.verdict.setText(why)

    def _fill_chips(self, performance: Performance) -> None:
        _clear(self._chips)
        self.chips = {}
        shipped, own = presets_of(performance)
        for number, preset in enumerate((*shipped, *own)):
            chip = PresetChip(preset, own=preset in own)
            chip.clicked.connect(lambda _checked=False, name=preset.name: self.preset_chosen.emit(name))
            chip.menu_wanted.connect(self.preset_menu_wanted)
            self._chips.addWidget(chip, number // COLUMNS, number % COLUMNS)
            self.chips[preset.name] = chip
        for column in range(COLUMNS):
            self._chips.setColumnStretch(column, 1)

    def _fill_layers(self, ids: Sequence[str]) -> None:
        _clear(self._layers)
        self.rows = {}
        for layer in ids:
            row = LayerRow(layer)
            row.mute_wanted.connect(lambda on, layer=layer: self.mute_wanted.emit(layer, on))
            row.solo_wanted.connect(lambda on, layer=layer: self.solo_wanted.emit(layer, on))
            row.mode_wanted.connect(lambda mode, layer=layer: self.mode_wanted.emit(layer, mode))
            row.weight_begun.connect(lambda layer=layer: self.weight_begun.emit(layer))
            row.weight_moved.connect(lambda weight, layer=layer: self.weight_moved.emit(layer, weight))
            row.weight_cancelled.connect(self.weight_cancelled)
            row.weight_ended.connect(lambda layer=layer: self.weight_ended.emit(layer))
            row.chosen.connect(lambda layer=layer: self.layer_chosen.emit(layer))
            row.menu_wanted.connect(lambda at, layer=layer: self.layer_menu_wanted.emit(layer, at))
            self._layers.addWidget(row)
            self.rows[layer] = row


def entries_of(performance: Performance) -> tuple[Entry, ...]:
    """All layers, the topmost first: lanes, expressions, base."""
    entries = [Entry(lane.id, lane, title_of(lane)) for lane in reversed(performance.lanes)]
    clips, base = performance.expressions.clips, performance.base
    count = "none yet" if not clips else "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
    entries.append(Entry(edits.EXPRESSIONS, performance.expressions, f"Expressions  ({count})"))
    below = f"Take  {base.take.name}" if base.take is not None else "Neutral face"
    blinks = f", {base.blinks.per_minute:g} blinks a minute" if base.blinks is not None else ""
    entries.append(Entry(edits.BASE, base, below + blinks))
    return tuple(entries)


def _heading(title: str, corner: QWidget | None = None) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(theme.SPACE * 2, theme.SPACE // 2, theme.SPACE, 2)
    label = QLabel(title)
    label.setObjectName("faint")
    label.setFont(theme.font(theme.TYPE.heading, bold=True))
    row.addWidget(label)
    row.addStretch(1)
    if corner is not None:
        row.addWidget(corner)
    return row


def _clear(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
