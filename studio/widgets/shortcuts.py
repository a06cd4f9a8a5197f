"""Keys of actions: the user's own in place of the defaults, conflicts, and remembering them."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtGui import QKeySequence

from studio.widgets.actions import ACTIONS, Actions
from studio.widgets.menus import MENUS, Submenu

GROUP = "shortcuts"
"""Where the settings keep the keys that are not the defaults."""

_ELSEWHERE = {"keys": "Timeline", "timeline": "Timeline", "play": "Playback", "view": "View"}


def places() -> dict[str, str]:
    """Where every action stands, by id: `View › Theme`; those in no menu by what they belong to."""
    found: dict[str, str] = {}

    def walk(menu: Submenu, path: str) -> None:
        for item in menu.items:
            if isinstance(item, Submenu):
                walk(item, f"{path} › {item.title}")
            elif item:
                found.setdefault(item, path)

    for menu in MENUS:
        walk(menu, menu.title)
    for spec in ACTIONS:
        family = spec.id.partition(".")[0]
        found.setdefault(spec.id, _ELSEWHERE.get(family, family.capitalize()))
    return found


def names() -> dict[str, str]:
    """What every action is called in a list, by id; in a submenu, its title says what the text leaves out."""
    where = places()
    return {
        spec.id: f"{where[spec.id].rpartition(' › ')[2]}: {spec.text}" if " › " in where[spec.id] else spec.text
        for spec in ACTIONS
    }


def shown(keys: str) -> str:
    """Keys as the system writes them: `Ctrl+K`, on a Mac `⌘K`."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


class Shortcuts:
    """The keys of one window's actions."""

    def __init__(self, actions: Actions, settings: QSettings | None) -> None:
        self._actions, self._settings = actions, settings
        self.defaults = {spec.id: tuple(_plain(key) for key in spec.keys) for spec in ACTIONS}
        for action_id in self.defaults:
            remembered = None if settings is None else settings.value(f"{GROUP}/{action_id}")
            if remembered is not None:
                keys = [str(key) for key in remembered] if isinstance(remembered, list) else [str(remembered)]
                self._use(action_id, tuple(_plain(key) for key in keys if _plain(key)))

    def keys(self, action_id: str) -> tuple[str, ...]:
        """The keys of an action now, the first one shown in menus."""
        return tuple(_plain(key.toString()) for key in self._actions[action_id].shortcuts())

    def changed(self, action_id: str) -> bool:
        """Whether an action has other keys than by default."""
        return self.keys(action_id) != self.defaults[action_id]

    def user_of(self, key: str) -> str | None:
        """The action that a key belongs to."""
        return next((action_id for action_id in self.defaults if _plain(key) in self.keys(action_id)), None)

    def give(self, action_id: str, keys: tuple[str, ...]) -> None:
        """Give an action these keys and no others; whoever had one of them loses it."""
        wanted = tuple(dict.fromkeys(_plain(key) for key in keys if _plain(key)))
        for key in wanted:
            other = self.user_of(key)
            if other is not None and other != action_id:
                self._set(other, tuple(k for k in self.keys(other) if k != key))
        self._set(action_id, wanted)

    def reset(self, action_id: str) -> None:
        """Back to the default keys; whoever has one of them loses it."""
        self.give(action_id, self.defaults[action_id])

    def reset_all(self) -> None:
        """Every action back to its default keys."""
        for action_id, keys in self.defaults.items():
            self._set(action_id, keys)

    def _set(self, action_id: str, keys: tuple[str, ...]) -> None:
        self._use(action_id, keys)
        if self._settings is None:
            return
        if keys == self.defaults[action_id]:
            self._settings.remove(f"{GROUP}/{action_id}")
        else:
            self._settings.setValue(f"{GROUP}/{action_id}", list(keys) or [""])

    def _use(self, action_id: str, keys: tuple[str, ...]) -> None:
        self._actions.set_keys(action_id, keys)


def _plain(key: str) -> str:
    """One way of writing each key."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
