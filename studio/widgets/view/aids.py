"""The aids of the viewport as a part of the window: the bar of buttons, overlays, comparison, ghosts and guides."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

from studio.document.action_units import AU_KEYS
from studio.document.commands import Event
from studio.engine.aids import Inspection, InspectionKind
from studio.widgets import theme
from studio.widgets.context import Studio
from studio.widgets.view.backgrounds import Backgrounds
from studio.widgets.view.cameras import Cameras
from studio.widgets.view.hud import Hud
from studio.widgets.view.painting import Guides
from studio.widgets.view.staging import Against, Choice, OnionKind, Staging
from studio.widgets.view.toolbar import ICONS, ViewportBar

VIEW_MENU = (
    "view.reframe", "", "view.front", "view.left", "view.right", "view.back", "view.top", "view.bottom", "",
    "camera.turntable", "view.readout",
)  # fmt: skip
OVERLAY_MENU = ("overlay.none", "overlay.zones", "overlay.reach", "overlay.attention", "")
COMPARE_MENU = ("compare.flip", "compare.wipe", "", "compare.unedited", "compare.saved", "")
GHOST_MENU = (
    "ghost.none", "ghost.pin", "ghost.previous_key", "ghost.next_key", "ghost.previous_marker", "ghost.next_marker",
)  # fmt: skip
GUIDES_MENU = ("guides.safe", "guides.thirds")
TIPS = {
    "View": "Where the viewer stands",
    "Overlay": "Overlays on the head: zones, reach, attention",
    "Compare": "Compare with the unedited performance; ghosts",
    "Guides": "Safe frames and thirds of the export",
    "Background": "What stands behind the head",
    "Camera": "Bookmarks, camera keys and turntable",
}

SETTING = "viewport"
"""Where safe frames, thirds, read-out and opacity are remembered."""

FIRST_AU = "AU12"
"""Whose reach is shown before a slider was pointed at."""


class ViewportAids:
    """Everything around the viewport that is not its own business; see the modules beside this one."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.staging = Staging(studio.session, studio.driver, studio.window)
        self.bar = ViewportBar()
        self.menus = {name: self.bar.add(name, icon, TIPS[name]) for name, icon in ICONS}
        studio.viewport.add_bar(self.bar)
        self.hud = Hud(studio, self.staging)
        self.backgrounds = Backgrounds(studio, self.staging, self.menus["Background"])
        self.cameras = Cameras(studio, self.staging, self.menus["Camera"])
        self._reach_au, self._opacity, self._last = FIRST_AU, Inspection("zones").opacity, Inspection("zones").kind
        self._divider = 0.5
        self._make_menus()
        self._connect()
        self._remember()
        self._show_choice(self.staging.choice)

    def close(self) -> None:
        """Remember the lines and figures, and end what runs."""
        settings, choice = self._studio.settings, self.staging.choice
        if settings is not None:
            readout = self._studio.actions["view.readout"].isChecked()
            settings.setValue(SETTING, [choice.safe, choice.thirds, readout, self.opacity.value()])
        self.cameras.close()
        self.backgrounds.close()

    # ---- building ----

    def _remember(self) -> None:
        """Lines, figures and opacity as they were last time."""
        kept = None if self._studio.settings is None else self._studio.settings.value(SETTING)
        if not isinstance(kept, list) or len(kept) != 4:
            return
        safe, thirds, readout = (str(value).lower() == "true" for value in kept[:3])
        self.staging.choose(safe=safe, thirds=thirds)
        self._studio.actions["view.readout"].setChecked(readout)
        if str(kept[3]).isdigit():
            self.opacity.setValue(int(str(kept[3])))

    def _make_menus(self) -> None:
        self._studio.actions.fill(self.menus["View"], VIEW_MENU)
        self._studio.actions.fill(self.menus["Overlay"], OVERLAY_MENU)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setValue(round(self._opacity * 100))
        self.opacity.setAccessibleName("Opacity of the overlay")
        self.opacity.valueChanged.connect(self._set_opacity)
        self.menus["Overlay"].addAction(_slider_action(self.menus["Overlay"], "Opacity", self.opacity))
        self._studio.actions.fill(self.menus["Compare"], COMPARE_MENU)
        self.ghost_menu = self.menus["Compare"].addMenu(theme.icon("ghost", "dim"), "Ghost of another moment")
        self._studio.actions.fill(self.ghost_menu, GHOST_MENU)
        self._studio.actions.fill(self.menus["Guides"], GUIDES_MENU)

    def _connect(self) -> None:
        studio, actions, staging = self._studio, self._studio.actions, self.staging
        for ids in ([a for a in OVERLAY_MENU if a], GHOST_MENU, ("compare.unedited", "compare.saved")):
            _one_checked(studio, ids)
        actions.connect(
            {
                "overlay.none": partial(self.inspect, None),
                **{f"overlay.{kind}": partial(self.inspect, kind) for kind in get_args(InspectionKind)},
                "overlay.toggle": self._toggle_overlay,
                "compare.flip": lambda: self._compare("flip"),
                "compare.wipe": lambda: self._compare("wipe"),
                **{f"compare.{name}": partial(staging.choose, against=name) for name in get_args(Against)},
                "ghost.none": lambda: staging.choose(ghost=None),
                **{f"ghost.{kind}": partial(self._ghost, kind) for kind in get_args(OnionKind)},
                "guides.safe": lambda: staging.choose(safe=actions["guides.safe"].isChecked()),
                "guides.thirds": lambda: staging.choose(thirds=actions["guides.thirds"].isChecked()),
            }
        )
        staging.chosen.connect(self._show_choice)
        studio.panel.pointed.connect(self._reach)
        studio.session.changed.connect(self._project_changed)
        studio.viewport.divider_moved.connect(self._move_divider)

    # ---- overlays ----

    def inspect(self, kind: InspectionKind | None) -> None:
        """Show an overlay, or none."""
        if kind is None:
            self.staging.choose(inspection=None)
            return
        self._last = kind
        self.staging.choose(inspection=Inspection(kind, self._reach_au if kind == "reach" else "", self._opacity))

    def _toggle_overlay(self) -> None:
        self.inspect(None if self.staging.choice.inspection is not None else self._last)

    def _reach(self, au: str) -> None:
        """The reach follows what is pointed at or selected."""
        if au not in AU_KEYS or au == self._reach_au:
            return
        self._reach_au = au
        inspection = self.staging.choice.inspection
        if inspection is not None and inspection.kind == "reach":
            self.inspect("reach")

    def _set_opacity(self, percent: int) -> None:
        self._opacity = percent / 100
        inspection = self.staging.choice.inspection
        if inspection is not None:
            self.inspect(inspection.kind)

    # ---- comparison and ghost ----

    def _compare(self, way: str) -> None:
        self.staging.choose(compare="off" if self.staging.choice.compare == way else way)

    def _move_divider(self, share: float) -> None:
        self._divider = share
        self._studio.viewport.set_divider(share, self._names())

    def _names(self) -> tuple[str, str]:
        """What is left and right of the divider."""
        return ("Unedited" if self.staging.choice.against == "unedited" else "Saved", "Now")

    def _ghost(self, kind: OnionKind) -> None:
        self.staging.choose(ghost=kind, pinned_s=self._studio.driver.player.position_s)

    # ---- showing ----

    def _project_changed(self, event: Event) -> None:
        self._studio.actions["compare.saved"].setEnabled(self._studio.session.history.saved is not None)
        lane = self._studio.session.history.selection.lane
        found = None if lane is None else event.project.performance.lane(lane)
        if event.cause == "select" and found is not None:
            self._reach(found.target)
        if event.cause == "step" and self.staging.choice.compare == "flip":
            self.staging.choose(compare="off")  # what is edited must be seen
        self._show_guides(self.staging.choice)

    def _show_guides(self, choice: Choice) -> None:
        self._studio.viewport.set_guides(Guides(self.staging.frame_aspect, choice.safe, choice.thirds))

    def _show_choice(self, choice: Choice) -> None:
        """Marks in the menus, lines and words over the picture."""
        actions, inspection = self._studio.actions, choice.inspection
        actions[f"overlay.{inspection.kind if inspection else 'none'}"].setChecked(True)
        actions[f"ghost.{choice.ghost or 'none'}"].setChecked(True)
        actions[f"compare.{choice.against}"].setChecked(True)
        actions["compare.flip"].setChecked(choice.compare == "flip")
        actions["compare.flip"].setText(f"Show the {self._names()[0].lower()} performance")
        actions["compare.wipe"].setChecked(choice.compare == "wipe")
        actions["guides.safe"].setChecked(choice.safe)
        actions["guides.thirds"].setChecked(choice.thirds)
        self._show_guides(choice)
        viewport, names = self._studio.viewport, self._names()
        viewport.set_divider(self._divider if choice.compare == "wipe" else None, names)
        viewport.overlay.show_label(f"{names[0]} performance" if choice.compare == "flip" else "")
        self.bar.show_active("Overlay", inspection is not None)
        self.bar.show_active("Compare", choice.compare != "off" or choice.ghost is not None)
        self.bar.show_active("Guides", choice.safe or choice.thirds)


def _one_checked(studio: Studio, ids: Iterable[str]) -> None:
    """Of these actions, one is checked."""
    group = QActionGroup(studio.window)
    for action_id in ids:
        group.addAction(studio.actions[action_id])


def _slider_action(menu: QMenu, text: str, slider: QSlider) -> QAction:
    """A slider as a line of a menu."""
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(theme.SPACE * 2, 4, theme.SPACE * 2, 6)
    row.setSpacing(theme.SPACE)
    row.addWidget(QLabel(text))
    row.addWidget(slider, 1)
    action = QWidgetAction(menu)
    action.setDefaultWidget(line)
    return action
