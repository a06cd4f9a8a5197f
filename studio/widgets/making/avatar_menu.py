"""File › Avatars: every avatar that goes by a name, shipped or made on this computer."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtGui import QAction, QActionGroup

from studio.engine.assets import avatar_files, shipped_avatars
from studio.widgets.context import Studio


class AvatarMenu:
    """Filled anew whenever it is opened."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.menu = studio.menus["File/Avatars"]
        self._group = QActionGroup(self.menu)
        self.menu.aboutToShow.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is there now."""
        self.menu.clear()
        for action in self._group.actions():
            self._group.removeAction(action)
        shipped = set(shipped_avatars())
        ready = self._studio.session.avatar
        now = None if ready is None or ready.path is None else ready.path.stem if ready.path.suffix else str(ready.path)
        before: bool | None = None
        for path in avatar_files():
            if before is not None and (path in shipped) != before:
                self.menu.addSeparator()
            before = path in shipped
            name = path.stem.capitalize() if before else path.stem
            action = QAction(name.replace("&", "&&"), self.menu)
            action.setCheckable(True)
            action.setChecked(path.stem == now)
            action.setToolTip(str(path))
            action.triggered.connect(partial(self._open, path))
            self._group.addAction(action)
            self.menu.addAction(action)

    def _open(self, path: Path, _checked: bool = False) -> None:
        self._studio.session.open_avatar(path)
