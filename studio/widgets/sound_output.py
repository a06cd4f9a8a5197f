"""The part that chooses where sound goes: the menu of outputs, and what happens when one goes away."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtGui import QAction, QActionGroup

from studio.playback import devices
from studio.playback.device import AudioOutput, SilentOutput, open_output
from studio.playback.devices import Device
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio

SETTING = "sound_output"


def remembered_output(settings: QSettings | None) -> str | None:
    """`Device.key` of the output that was chosen; None for the system's own."""
    key = settings.value(SETTING) if settings is not None else None
    return str(key) if key else None


class SoundOutput(QObject):
    """Playback › Sound output."""

    devices_changed = Signal()
    """Devices were looked for again."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._chosen = remembered_output(studio.settings)
        self._worker = Worker("outputs", self)
        self._menu = studio.menus["Playback/Sound output"]
        self._group = QActionGroup(self)
        self._group.addAction(studio.actions["output.system"])
        self._separator = self._menu.insertSeparator(studio.actions["output.look_again"])
        self._found: tuple[QAction, ...] = ()
        self.in_use: list[Callable[[], bool]] = []
        """Who holds another device open, so that devices cannot be looked for now."""

        self._menu.aboutToShow.connect(self._list)
        studio.actions.connect({"output.system": partial(self.choose, None), "output.look_again": self.look_again})
        studio.driver.output_lost.connect(self._lost)
        self._show(())

    def close(self) -> None:
        """Wait for the worker."""
        self._worker.close()

    def choose(self, key: str | None) -> None:
        """Sound goes there from now on, and next time."""
        self._chosen = key
        if self._studio.settings is not None:
            self._studio.settings.setValue(SETTING, key or "")
        self._worker.run(lambda: open_output(key), self._opened, self._studio.fail)

    def look_again(self, lost: str = "") -> None:
        """Find what was connected since, and open the chosen output anew; silent for that moment.

        Args:
            lost: name of the output that went away; empty when the user asks.
        """
        if any(busy() for busy in self.in_use):
            self._studio.say("End the recording before looking for devices.")
            return
        if not isinstance(self._studio.driver.player.output, SilentOutput):
            self._studio.driver.set_output(SilentOutput(), None)
        chosen = self._chosen

        def search() -> tuple[tuple[Device, ...], AudioOutput]:
            devices.look_again()
            return devices.find_devices("output"), open_output(chosen)

        def found(result: tuple[tuple[Device, ...], AudioOutput]) -> None:
            self._show(result[0])
            self.devices_changed.emit()
            if lost and result[1].notice:
                return  # still silent, which was said
            self._opened(result[1])
            if lost:
                self._studio.banner.tell(f"“{lost}” went away; the sound goes on through “{result[1].name}”.")

        self._worker.run(search, found, self._studio.fail)

    def _lost(self, name: str) -> None:
        self.look_again(lost=name)

    def _list(self) -> None:
        self._worker.run(lambda: devices.find_devices("output"), self._show, self._studio.fail)

    def _opened(self, output: AudioOutput) -> None:
        self._studio.clip_sound.use_output(output)
        if output.notice is None:
            self._studio.say(f"Sound goes to “{output.name}”.")

    def _show(self, found: tuple[Device, ...]) -> None:
        """List the devices between the system's choice and "Look again"."""
        for action in self._found:
            self._menu.removeAction(action)
            self._group.removeAction(action)
            action.deleteLater()
        names = [device.name for device in found]
        actions = []
        for device in found:
            text = device.name if names.count(device.name) == 1 else f"{device.name} ({device.system})"
            action = QAction(text.replace("&", "&&"), self)
            action.setCheckable(True)
            action.setChecked(device.key == self._chosen)
            action.triggered.connect(partial(self._choose_listed, device.key))
            self._group.addAction(action)
            self._menu.insertAction(self._separator, action)
            actions.append(action)
        self._found = tuple(actions)
        self._studio.actions["output.system"].setChecked(not any(device.key == self._chosen for device in found))

    def _choose_listed(self, key: str, _checked: bool = False) -> None:
        self.choose(key)
