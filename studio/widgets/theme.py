"""How the studio looks: colours, spacing and type in one place.

Widgets that paint themselves take their colours from `palette()`; everything else is styled by one sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QWidget

from studio.engine.assets import assets_dir
from studio.widgets.palette import DARK as DARK
from studio.widgets.palette import LIGHT as LIGHT
from studio.widgets.palette import Palette as Palette

SPACE = 8
"""The unit of all distances, pixels; halves and multiples of it are used."""

RADIUS = 4
ROW_HEIGHT = 25
"""Height of a slider row: 17 of them and four headings fit a screen of 768 pixels."""

ROW_HEIGHT_ROOMY = 32
"""Of the same row on a taller screen."""


@dataclass(frozen=True)
class Type:
    """Type sizes in pixels."""

    small: int = 11
    body: int = 12
    heading: int = 11
    large: int = 17
    title: int = 20


TYPE = Type()

_FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Open Sans", "Cantarell", "Ubuntu", "DejaVu Sans")
"""The first that is installed; all are quiet sans-serifs with figures of equal width."""


class _Look:
    """The one thing here that changes: which palette is in use."""

    palette = DARK


BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
"""How the focus comes to a large widget that then shows a frame."""


def palette() -> Palette:
    """The colours in use."""
    return _Look.palette


def colour(name: str, alpha: float = 1.0) -> QColor:
    """A colour of the palette by its role."""
    return _colour(palette(), name, alpha)


def colour_on_picture(name: str, alpha: float = 1.0) -> QColor:
    """A colour for what is written over the picture, whose default background is dark in every theme."""
    return _colour(DARK, name, alpha)


def _colour(p: Palette, name: str, alpha: float) -> QColor:
    result = QColor(getattr(p, name))
    result.setAlphaF(alpha)
    return result


def font(size_px: int, *, bold: bool = False, spaced: bool = False) -> QFont:
    """The studio's typeface in a size of `TYPE`; `spaced` for headings in capitals."""
    result = QFont(_family())
    result.setPixelSize(size_px)
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if spaced:
        result.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.6)
    return result


@lru_cache(maxsize=1)
def _family() -> str:
    installed = set(QFontDatabase.families())
    return next((name for name in _FAMILIES if name in installed), QApplication.font().family())


def icon(name: str, role: str = "text") -> QIcon:
    """An icon of `assets/icons` in a colour of the palette, with its disabled look."""
    return _icon(name, role, palette())


@lru_cache(maxsize=256)
def _icon(name: str, role: str, p: Palette) -> QIcon:
    result = QIcon()
    for mode, mode_role, sizes in (
        (QIcon.Mode.Normal, role, (16, 20, 24, 32, 48)),
        (QIcon.Mode.Disabled, "disabled", (16, 20, 48)),
    ):
        renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", getattr(p, mode_role)).encode()))
        for size in sizes:
            result.addPixmap(_drawn(renderer, size), mode)
    _ICONS[result.cacheKey()] = (name, role)
    return result


_ICONS: dict[int, tuple[str, str]] = {}
"""What the icons made here show, by which they are found again when the palette changes."""


def retint(icon_in_use: QIcon) -> QIcon | None:
    """The same icon in the colours in use now; None for one that is not of `assets/icons`."""
    known = _ICONS.get(icon_in_use.cacheKey())
    return None if known is None else icon(*known)


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return icon_path(name).read_text(encoding="utf-8")


def _drawn(renderer: QSvgRenderer, size_px: int) -> QPixmap:
    pixmap = QPixmap(QSize(size_px, size_px))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return pixmap


def icon_path(name: str) -> Path:
    """The file of an icon."""
    return _icons_dir() / f"{name}.svg"


@lru_cache(maxsize=1)
def _icons_dir() -> Path:
    return assets_dir() / "icons"


def apply(app: QApplication, p: Palette | None = None) -> None:
    """Style the whole application, with other colours if `p` is given; also while it runs."""
    if p is not None:
        _Look.palette = p
    p = palette()
    app.setStyle("Fusion")
    app.setFont(font(TYPE.body))
    roles = {
        QPalette.ColorRole.Window: p.window,
        QPalette.ColorRole.Base: p.panel,
        QPalette.ColorRole.AlternateBase: p.raised,
        QPalette.ColorRole.Button: p.raised,
        QPalette.ColorRole.WindowText: p.text,
        QPalette.ColorRole.Text: p.text,
        QPalette.ColorRole.ButtonText: p.text,
        QPalette.ColorRole.ToolTipBase: p.raised,
        QPalette.ColorRole.ToolTipText: p.text,
        QPalette.ColorRole.PlaceholderText: p.faint,
        QPalette.ColorRole.Highlight: p.accent,
        QPalette.ColorRole.HighlightedText: p.on_accent,
        QPalette.ColorRole.Link: p.accent,
    }
    qpalette = QPalette()
    for role, value in roles.items():
        qpalette.setColor(role, QColor(value))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        qpalette.setColor(QPalette.ColorGroup.Disabled, role, QColor(p.disabled))
    app.setPalette(qpalette)
    app.setStyleSheet(style_sheet(p))
    for widget in app.allWidgets():
        _retint(widget)
        widget.update()


def _retint(widget: QWidget) -> None:
    """Draw the icons of a widget and its actions anew."""
    holders: list[QAction | QAbstractButton] = list(widget.actions())
    if isinstance(widget, QAbstractButton):
        holders.append(widget)
    for holder in holders:
        fresh = retint(holder.icon())
        if fresh is not None:
            holder.setIcon(fresh)


def set_state(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the sheet chooses by, and style the widget anew if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def pad(field: QAbstractSpinBox, pixels: int = 6) -> None:
    """Room beside a spin box's text, which a style sheet cannot give once the arrows are hidden."""
    field.lineEdit().setTextMargins(pixels, 0, pixels, 0)


def style_sheet(p: Palette) -> str:
    """The one sheet, for the colours `p`."""
    return f"""
QMainWindow {{ background: {p.window}; }}
QDialog {{ background: {p.panel}; border: 1px solid {p.groove}; }}
QToolTip {{ background: {p.raised}; color: {p.text}; border: 1px solid {p.groove}; padding: 6px 8px; }}
QMenuBar {{ background: {p.window}; color: {p.dim}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 7px 10px; border-radius: {RADIUS}px; background: transparent; }}
QMenuBar::item:selected {{ background: {p.raised}; color: {p.text}; }}
QMenu {{ background: {p.raised}; border: 1px solid {p.groove}; padding: 4px; }}
QMenu::item {{ padding: 6px 28px 6px 12px; border-radius: {RADIUS}px; }}
QMenu::item:selected {{ background: {p.hover}; }}
QMenu::item:disabled {{ color: {p.disabled}; }}
QMenu::separator {{ height: 1px; background: {p.groove}; margin: 4px 8px; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::icon:checked {{ background: {p.accent_dim}; border: 1px solid {p.accent}; border-radius: 3px; }}
QSplitter::handle {{ background: {p.window}; }}
QSplitter::handle:horizontal {{ width: 4px; }}
QSplitter::handle:vertical {{ height: 4px; }}
QSplitter::handle:hover {{ background: {p.accent_dim}; }}
QStatusBar {{ background: {p.window}; color: {p.dim}; }}
QStatusBar::item {{ border: none; }}
#panel, #transport, #timeline_pane {{ background: {p.panel}; }}
#panel_title {{ color: {p.text}; }}
#hint {{ color: {p.dim}; }}
#faint {{ color: {p.faint}; }}
#problem {{ color: {p.error}; }}
#card {{ background: {p.panel}; border: 1px solid {p.groove}; border-radius: 6px; }}
#step {{ background: {p.raised}; color: {p.dim}; border-radius: 9px; font-size: {TYPE.small}px; }}
#step[now="true"] {{ background: {p.accent_dim}; color: {p.text}; }}
#step[done="true"] {{ background: {p.accent}; color: {p.on_accent}; }}
#drop {{ background: {p.window}; border: 2px dashed {p.groove}; border-radius: 8px; }}
#drop[over="true"] {{ border-color: {p.accent}; background: {p.accent_dim}; }}
#verdict {{ background: {p.raised}; border-left: 4px solid {p.warning}; border-radius: {RADIUS}px; }}
#verdict[verdict="good"] {{ border-left-color: {p.accent}; }}
#verdict[verdict="not usable"] {{ border-left-color: {p.error}; }}
QPushButton#link {{ background: transparent; border: 1px solid transparent; padding: 3px 4px; color: {p.accent};
  text-align: left; }}
QPushButton#link:hover {{ color: {p.accent_hover}; background: {p.hover}; }}
QPushButton#link:focus {{ border-color: {p.accent}; }}
#warning_text {{ color: {p.warning}; }}
QToolButton#failures {{ padding: 1px 6px; color: {p.error}; }}
#heading {{ color: {p.dim}; font-weight: 600; font-size: {TYPE.heading}px; }}
#row_name:disabled, #row_number:disabled  {{ color: {p.disabled}; }}
#row_name:enabled {{ color: {p.dim}; }}
#accent {{ color: {p.accent}; }}
QToolButton#badge {{ color: {p.accent}; padding: 0 8px; }}
#job {{ background: {p.raised}; border: 1px solid {p.line}; border-radius: {RADIUS}px; }}
#job:focus {{ border-color: {p.accent}; }}
#job[dragged="true"] {{ background: {p.hover}; border-color: {p.accent}; }}
#row_number {{ color: {p.faint}; }}
#row_name[state="held"], #row_name[state="keyed"] {{ color: {p.text}; }}
#row_number[state="held"] {{ color: {p.accent}; }}
#row_number[state="keyed"] {{ color: {p.key}; }}
#group {{ color: {p.dim}; font-weight: 600; font-size: {TYPE.heading}px; text-align: left; padding: 1px 4px; }}
QToolButton#group:checked {{ background: transparent; color: {p.dim}; }}
QToolButton#group:hover {{ background: {p.hover}; color: {p.text}; }}
#search {{ padding-left: 24px; }}
QScrollArea, #scrolled {{ background: {p.panel}; border: none; }}
#plain {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {p.groove}; border-radius: 3px; min-height: 32px; margin: 2px; }}
QScrollBar::handle:vertical:hover {{ background: {p.faint}; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {p.groove}; border-radius: 3px; min-width: 32px; margin: 2px; }}
QScrollBar::handle:horizontal:hover {{ background: {p.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSlider {{ min-height: 18px; }}
QSlider::groove:horizontal {{ background: {p.groove}; height: 3px; border-radius: 1px; }}
QSlider::sub-page:horizontal {{ background: {p.dim}; height: 3px; border-radius: 1px; }}
QSlider::handle:horizontal {{ background: {p.dim}; width: 10px; height: 10px; margin: -5px 0; border-radius: 5px;
  border: 1px solid {p.panel}; }}
QSlider::handle:horizontal:hover {{ background: {p.text}; }}
QSlider::handle:horizontal:focus {{ background: {p.accent}; border-color: {p.accent}; }}
QSlider::handle:horizontal:disabled, QSlider::sub-page:horizontal:disabled {{ background: {p.disabled}; }}
QTextBrowser {{ background: {p.panel}; border: none; color: {p.text}; }}
QTabBar {{ background: transparent; }}
QTabBar::tab {{ background: transparent; color: {p.dim}; padding: 5px 9px 4px; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {p.text}; }}
QTabBar::tab:selected {{ color: {p.text}; border-bottom-color: {p.accent}; }}
QTabBar::tab:focus {{ color: {p.accent}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: {RADIUS}px; padding: 5px;
  color: {p.dim}; }}
QToolButton#switch {{ padding: 3px 2px; }}
QToolButton:hover {{ background: {p.hover}; color: {p.text}; }}
QToolButton:pressed {{ background: {p.raised}; }}
QToolButton:checked {{ background: {p.accent_dim}; color: {p.text}; }}
QToolButton#speed[changed="true"] {{ color: {p.accent}; }}
QToolButton:focus {{ border-color: {p.accent}; }}
QPushButton {{ background: {p.raised}; border: 1px solid {p.groove}; border-radius: {RADIUS}px; padding: 6px 16px;
  color: {p.text}; min-height: 16px; }}
QPushButton:hover {{ background: {p.hover}; }}
QPushButton:focus {{ border-color: {p.accent}; }}
QPushButton:disabled {{ color: {p.disabled}; background: {p.panel}; }}
QPushButton#narrow {{ padding: 6px 10px; }}
QPushButton#primary {{ background: {p.accent}; border-color: {p.accent}; color: {p.on_accent}; font-weight: 600; }}
QMenuBar QPushButton#primary {{ padding: 3px 16px; margin: 3px 8px 3px 0; }}
QPushButton#primary:hover {{ background: {p.accent_hover}; }}
QPushButton#primary:focus {{ border-color: {p.text}; }}
QPushButton#primary:disabled {{ background: {p.raised}; border-color: {p.groove}; color: {p.disabled}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ background: {p.field}; border: 1px solid {p.groove};
  border-radius: {RADIUS}px; padding: 4px 6px; color: {p.text}; min-height: 18px;
  selection-background-color: {p.accent}; selection-color: {p.on_accent}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {{ color: {p.disabled};
  background: {p.panel}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{ border-color: {p.accent}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url({icon_path(f"arrow-{p.name}").as_posix()}); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {p.raised}; border: 1px solid {p.groove}; }}
QDoubleSpinBox#value {{ background: transparent; border: 1px solid transparent; padding: 0 2px; color: {p.faint};
  min-height: 18px; }}
QDoubleSpinBox#value[changed="true"] {{ color: {p.text}; }}
QDoubleSpinBox#value:hover {{ border-color: {p.groove}; }}
QDoubleSpinBox#value:focus {{ border-color: {p.accent}; background: {p.field}; color: {p.text}; }}
QListView, QTreeView, QTableView {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: {RADIUS}px;
  outline: none; }}
QListView::item, QTreeView::item {{ padding: 5px 8px; border-radius: {RADIUS}px; color: {p.text}; }}
QListView::item:hover, QTreeView::item:hover {{ background: {p.raised}; }}
QListView::item:selected, QTreeView::item:selected {{ background: {p.accent_dim}; color: {p.text}; }}
QListView:focus, QTreeView:focus, QTableView:focus {{ border-color: {p.accent}; }}
QTreeView::item:selected {{ border-radius: 0; }}
QHeaderView::section {{ background: {p.panel}; color: {p.dim}; border: none; padding: 5px 11px; }}
QDoubleSpinBox#value:disabled {{ color: {p.disabled}; }}
QCheckBox, QRadioButton {{ spacing: 7px; color: {p.text}; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: 14px; height: 14px; background: {p.field};
  border: 1px solid {p.faint}; border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QRadioButton::indicator:focus,
QCheckBox::indicator:focus {{ border-color: {p.accent}; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{ background: {p.accent}; border-color: {p.accent}; }}
QCheckBox::indicator:checked {{ image: url({icon_path(f"check-{p.name}").as_posix()}); }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {p.disabled}; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {p.groove}; background: {p.panel}; }}
QProgressBar {{ background: {p.window}; border: none; border-radius: 3px; height: 6px; }}
QProgressBar::chunk {{ background: {p.accent}; border-radius: 3px; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
#amount_panel {{ background: {p.raised}; border: 1px solid {p.groove}; }}
QToolButton::menu-indicator {{ image: none; }}
#banner {{ background: {p.raised}; border-left: 3px solid {p.warning}; }}
#banner[kind="hint"] {{ border-left-color: {p.accent}; }}
#banner QPushButton {{ padding: 3px 12px; }}
#banner[kind="error"] {{ border-left-color: {p.error}; }}
"""
