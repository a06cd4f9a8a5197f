"""The menu bar: which actions stand where. Texts and keys are in `actions`."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QMenu, QMenuBar

from studio.widgets.actions import Actions


@dataclass(frozen=True)
class Submenu:
    """A menu and what is in it: ids of actions, an empty text for a separator, further menus."""

    title: str
    items: tuple[str | Submenu, ...]


MENUS: tuple[Submenu, ...] = (
    Submenu(
        "File",
        (
            "project.new", "project.open", Submenu("Recent", ("project.clear_recent",)), "project.sample", "",
            "speech.open", "avatar.open", Submenu("Avatars", ()), "avatar.make", "",
            "project.save", "project.save_as", "project.backups", "project.recover", "",
            "project.media", "project.collect", "",
            Submenu("Import", ("import.openface", "import.live_link", "import.audio2face")),
            Submenu("Export take", ("take.export_openface", "take.export_live_link")),
            "export.video", "export.frame", "export.queue", "", "app.quit",
        ),
    ),
    Submenu(
        "Edit",
        (
            "edit.undo", "edit.redo", "edit.history", "",
            "keys.cut", "keys.copy", "keys.paste", "keys.duplicate", "keys.delete",
            "keys.select_all", "timeline.lasso", "keys.numbers", "",
            Submenu("Move keys", ("keys.nudge_left", "keys.nudge_right", "keys.nudge_up", "keys.nudge_down")),
            Submenu("Interpolation", (
                "keys.constant", "keys.linear", "keys.bezier", "", "keys.auto", "keys.aligned", "keys.free",
            )),
            Submenu("Shape keys", (
                "keys.smooth", "keys.simplify", "",
                "keys.ease_in", "keys.ease_out", "keys.ease_in_out", "keys.snap_ease", "keys.anticipate",
                "keys.overshoot", "",
                "keys.offset", "keys.scale_values", "keys.scale_time", "keys.mirror", "keys.blend_neutral", "",
                "keys.to_frames", "keys.bake",
            )),
            Submenu("Recording", ("record.read", "record.touch", "record.latch")),
            "keys.auto_key", "marker.add", "expression.save_face", "",
            "face.find", "edit.reset_all",
        ),
    ),
    Submenu(
        "View",
        (
            "view.reframe", "", "view.front", "view.back", "view.left", "view.right", "view.top", "view.bottom",
            "",
            Submenu(
                "Overlay",
                ("overlay.none", "overlay.zones", "overlay.reach", "overlay.attention", "", "overlay.toggle"),
            ),
            Submenu("Compare", ("compare.flip", "compare.wipe", "", "compare.unedited", "compare.saved")),
            Submenu(
                "Ghost",
                (
                    "ghost.none", "ghost.pin", "ghost.previous_key", "ghost.next_key", "ghost.previous_marker",
                    "ghost.next_marker",
                ),
            ),
            Submenu("Guides", ("guides.safe", "guides.thirds")),
            Submenu("Background", ("background.colour", "background.image", "background.transparent")),
            Submenu(
                "Camera",
                (
                    "camera.bookmark", *(f"camera.bookmark_{i}" for i in range(1, 10)), "", "camera.key",
                    "camera.look_through", "", "camera.turntable", "camera.bake_turntable",
                ),
            ),
            "", "timeline.zoom_in", "timeline.zoom_out", "timeline.fit", "timeline.follow",
            "timeline.spectrogram", "", "view.readout", "",
            Submenu("Theme", ("theme.dark", "theme.light", "theme.system")),
            Submenu("Interface size", ("size.100", "size.125", "size.150", "size.175", "size.200")),
            "view.reset_layout",
        ),
    ),
    Submenu(
        "Playback",
        (
            "play.toggle", "play.start", "play.end", "", "play.previous", "play.next", "play.back_second",
            "play.on_second", "", "play.backwards", "play.stop", "play.forwards", "",
            Submenu(
                "Speed",
                (
                    "speed.25", "speed.50", "speed.75", "speed.100", "speed.125", "speed.150", "speed.200", "",
                    "speed.slower", "speed.faster",
                ),
            ),
            "play.around", "play.loop_around", "",
            "play.loop", "play.mark_in", "play.mark_out", "play.clear_range", "",
            "play.scrub_sound", Submenu("Volume", ("play.mute", "volume.up", "volume.down")),
            Submenu("Sound output", ("output.system", "output.look_again")),
            Submenu("Voice", ("voice.record", "voice.normalise", "voice.reset")),
        ),
    ),
    Submenu(
        "Help",
        (
            "help.guide", "help.start_hint", "", "help.palette", "help.shortcuts", "", "help.messages", "help.about",
        ),
    ),
)  # fmt: skip
"""The menu bar, left to right."""


class Menus:
    """The menus of one window, by title; inner ones as "File/Import"."""

    def __init__(self, bar: QMenuBar, actions: Actions) -> None:
        self._by_path: dict[str, QMenu] = {}
        for menu in MENUS:
            self._fill(bar.addMenu(menu.title), menu, actions, menu.title)

    def __getitem__(self, path: str) -> QMenu:
        """The menu of that path."""
        return self._by_path[path]

    def _fill(self, target: QMenu, menu: Submenu, actions: Actions, path: str) -> None:
        self._by_path[path] = target
        target.setToolTipsVisible(True)
        for item in menu.items:
            if isinstance(item, Submenu):
                self._fill(target.addMenu(item.title), item, actions, f"{path}/{item.title}")
            elif item:
                target.addAction(actions[item])
            else:
                target.addSeparator()
