"""Every action of the studio in one table: id, text, default keys, and what it is for.

Menus, buttons and the keyboard share the `QAction`s made here, so a text or key is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from studio.widgets import theme

SIZES = (100, 125, 150, 175, 200)
"""Interface sizes, percent of the size that the system gives."""


@dataclass(frozen=True)
class ActionSpec:
    """One action before it is made."""

    id: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("project.new", "New project", ("Ctrl+N",)),
    ActionSpec("project.open", "Open project…", ("Ctrl+O",), "folder"),
    ActionSpec("project.clear_recent", "Clear list", tip="Forget the projects opened lately; the files stay"),
    ActionSpec("project.save", "Save", ("Ctrl+S",), "save"),
    ActionSpec("project.save_as", "Save as…", ("Ctrl+Shift+S",)),
    ActionSpec("project.recover", "Recover…", tip="Unsaved work of sessions that ended without saving"),
    ActionSpec("project.backups", "Backups…", tip="The versions that earlier saves have replaced"),
    ActionSpec("project.media", "Media…", tip="Speech, avatar and background: where they are, and relinking"),
    ActionSpec("project.collect", "Collect into folder…", tip="Copy the project and all its media into one folder"),
    ActionSpec("import.openface", "OpenFace CSV…", tip="Action units that OpenFace has measured"),
    ActionSpec("import.live_link", "Live Link Face or ARKit CSV…", tip="A recording of 52 face channels"),
    ActionSpec("import.audio2face", "Audio2Face JSON…", tip="Blendshape weights from Audio2Face"),
    ActionSpec("take.export_openface", "OpenFace CSV…", tip="All 17 action units, head and gaze, frame by frame"),
    ActionSpec("take.export_live_link", "Live Link Face CSV…", tip="As 52 ARKit channels, head and eyes"),
    ActionSpec("speech.open", "Open speech…", ("Ctrl+L",), "speech", "A sound file, or a video for its sound"),
    ActionSpec("avatar.open", "Open avatar…", ("Ctrl+Shift+O",), "head", "A head made by emozone train"),
    ActionSpec("avatar.make", "New avatar from video…", ("Ctrl+Alt+N",), "film", "A head of a person from a video"),
    ActionSpec("export.video", "Export…", ("Ctrl+E",), "export", "A video, pictures or Gaussians of what you see"),
    ActionSpec("export.frame", "Export this frame…", ("Ctrl+Shift+E",), tip="Write one picture, or its Gaussians"),
    ActionSpec("export.queue", "Export queue", ("Ctrl+Alt+E",), tip="What is being exported, and what waits"),
    ActionSpec("app.quit", "Quit", ("Ctrl+Q",)),
    ActionSpec("edit.undo", "Undo", ("Ctrl+Z",), "undo"),
    ActionSpec("edit.redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    ActionSpec("edit.history", "History", ("Ctrl+H",), tip="Every change, to go back to and forth from"),
    ActionSpec("edit.reset_all", "Reset all action units", ("Ctrl+Backspace",), "reset", "All action units back to 0"),
    ActionSpec("face.find", "Find action unit", ("Ctrl+F",), "search", "By number, name or muscle"),
    ActionSpec("view.front", "Front", ("1",)),
    ActionSpec("view.back", "Back", ("Ctrl+1",)),
    ActionSpec("view.left", "Subject's left side", ("3",)),
    ActionSpec("view.right", "Subject's right side", ("Ctrl+3",)),
    ActionSpec("view.top", "Top", ("7",)),
    ActionSpec("view.bottom", "Bottom", ("Ctrl+7",)),
    ActionSpec("view.reframe", "Frame the head", ("F",), "frame"),
    ActionSpec("view.readout", "Performance read-out", ("Ctrl+I",), checkable=True),
    ActionSpec("theme.dark", "Dark", checkable=True, tip="Dark theme"),
    ActionSpec("theme.light", "Light", checkable=True, tip="Light theme"),
    ActionSpec("theme.system", "As the system", checkable=True, tip="Theme of the system"),
    *(ActionSpec(f"size.{size}", f"{size} %", checkable=True, tip=f"Interface size {size} %") for size in SIZES),
    ActionSpec("view.reset_layout", "Reset layout", tip="Window and panels as on the first start"),
    ActionSpec("overlay.none", "No overlay", checkable=True),
    ActionSpec("overlay.zones", "Synergy zones", tip="Where speech rules, where action units do", checkable=True),
    ActionSpec("overlay.reach", "Reach of an action unit", tip="Of the slider pointed at, at level E", checkable=True),
    ActionSpec("overlay.attention", "Speech or action units", tip="What each place listens to", checkable=True),
    ActionSpec("overlay.toggle", "Overlay on or off", ("H",)),
    ActionSpec("compare.flip", "Show the unedited performance", ("B",), "compare", checkable=True),
    ActionSpec("compare.wipe", "Wipe between before and now", ("Shift+B",), checkable=True),
    ActionSpec("compare.unedited", "Compare with: unedited", tip="Speech and the base layer alone", checkable=True),
    ActionSpec("compare.saved", "Compare with: as saved", checkable=True),
    ActionSpec("ghost.none", "No ghost", checkable=True),
    ActionSpec("ghost.pin", "Pin this moment", ("G",), "ghost", "This moment shines through others", checkable=True),
    ActionSpec("ghost.previous_key", "Previous key", checkable=True),
    ActionSpec("ghost.next_key", "Next key", checkable=True),
    ActionSpec("ghost.previous_marker", "Previous marker", checkable=True),
    ActionSpec("ghost.next_marker", "Next marker", checkable=True),
    ActionSpec("guides.safe", "Safe frames", ("Shift+G",), "guides", "The export's frame", checkable=True),
    ActionSpec("guides.thirds", "Thirds", checkable=True),
    ActionSpec("background.colour", "Colour…", tip="One colour behind the head", checkable=True),
    ActionSpec("background.image", "Image…", (), "backdrop", "An image behind the head", checkable=True),
    ActionSpec(
        "background.transparent", "Transparent", tip="Nothing behind the head; for video with alpha", checkable=True
    ),
    ActionSpec("camera.bookmark", "Save view as bookmark…", ("Ctrl+B",)),
    *(ActionSpec(f"camera.bookmark_{i}", f"Bookmark {i}", (f"Alt+{i}",)) for i in range(1, 10)),
    ActionSpec("camera.key", "Key the camera", ("C",), "camera", "A camera key under the playhead"),
    ActionSpec(
        "camera.look_through",
        "Look through the camera keys",
        ("Shift+C",),
        tip="Camera keys decide what viewport and export show",
        checkable=True,
    ),
    ActionSpec("camera.turntable", "Turntable", ("T",), tip="Turn slowly around the head", checkable=True),
    ActionSpec("camera.bake_turntable", "Turntable as camera keys", tip="One turn over the range, or the whole clip"),
    ActionSpec("play.toggle", "Play", ("Space", "Media Play"), "play", "Play or pause"),
    ActionSpec("play.start", "To the start", ("Home",), "start", "To the start, paused"),
    ActionSpec("play.end", "To the end", ("End",)),
    ActionSpec("play.previous", "One frame back", ("Left",)),
    ActionSpec("play.next", "One frame on", ("Right",)),
    ActionSpec("play.back_second", "One second back", ("Shift+Left",)),
    ActionSpec("play.on_second", "One second on", ("Shift+Right",)),
    ActionSpec("play.backwards", "Run backwards", ("J",), tip="Run backwards; again: faster"),
    ActionSpec("play.stop", "Stop, or make a key", ("K",), tip="Stop; standing still: a key under the playhead"),
    ActionSpec("play.forwards", "Run forwards", ("L",), tip="Play; again: faster"),
    ActionSpec("play.loop", "Loop", ("Shift+L",), "loop", "Repeat the marked range, or the whole clip", checkable=True),
    ActionSpec("play.around", "Play around the playhead", ("/",), tip="Play what surrounds the playhead, and return"),
    ActionSpec("play.loop_around", "Loop around the selection", ("Alt+/",), tip="Repeat the selected keys"),
    ActionSpec("play.scrub_sound", "Hear while scrubbing", tip="A grain of sound per place", checkable=True),
    ActionSpec("speed.slower", "Slower", ("<",)),
    ActionSpec("speed.faster", "Faster", (">",)),
    ActionSpec("speed.25", "0.25×", checkable=True),
    ActionSpec("speed.50", "0.5×", checkable=True),
    ActionSpec("speed.75", "0.75×", checkable=True),
    ActionSpec("speed.100", "1×", checkable=True),
    ActionSpec("speed.125", "1.25×", checkable=True),
    ActionSpec("speed.150", "1.5×", checkable=True),
    ActionSpec("speed.200", "2×", checkable=True),
    ActionSpec("output.system", "The system's choice", checkable=True),
    ActionSpec("output.look_again", "Look again for devices"),
    ActionSpec("voice.record", "Record voice", ("Ctrl+R",), "record", "Record from the microphone; again: stop"),
    ActionSpec("voice.normalise", "Normalise the sound", tip="As loud as it gets without being cut off"),
    ActionSpec("voice.reset", "Reset the sound", tip="The whole file, as loud as it is"),
    ActionSpec("volume.up", "Louder", ("Ctrl+Up", "Volume Up")),
    ActionSpec("volume.down", "Quieter", ("Ctrl+Down", "Volume Down")),
    ActionSpec("play.mark_in", "Range starts here", ("I",)),
    ActionSpec("play.mark_out", "Range ends here", ("O",)),
    ActionSpec("play.clear_range", "Clear the range", ("Alt+X",)),
    ActionSpec("play.mute", "Mute", ("M", "Volume Mute"), "volume", "Mute or unmute the sound", checkable=True),
    ActionSpec("keys.auto_key", "Auto-key", ("Ctrl+K",), "key", "Moving a slider makes keys", checkable=True),
    ActionSpec("record.read", "Read", tip="While it plays, sliders follow and write nothing", checkable=True),
    ActionSpec("record.touch", "Touch", tip="While it plays, a slider writes as long as it is held", checkable=True),
    ActionSpec("record.latch", "Latch", tip="Once touched, a slider writes until playback stops", checkable=True),
    ActionSpec("timeline.lasso", "Lasso", ("Q",), tip="Drags draw a line around keys, not a box", checkable=True),
    ActionSpec("keys.cut", "Cut keys", ("Ctrl+X",)),
    ActionSpec("keys.copy", "Copy keys", ("Ctrl+C",)),
    ActionSpec("keys.paste", "Paste keys", ("Ctrl+V",)),
    ActionSpec("keys.duplicate", "Duplicate keys", ("Ctrl+D",)),
    ActionSpec("keys.delete", "Delete keys", ("Delete", "Backspace")),
    ActionSpec("keys.select_all", "Select all keys", ("Ctrl+A",)),
    ActionSpec("keys.numbers", "Time and value…", ("N",), tip="Time and value of the selected keys as numbers"),
    ActionSpec("keys.nudge_left", "Keys one frame back", ("Alt+Left",)),
    ActionSpec("keys.nudge_right", "Keys one frame on", ("Alt+Right",)),
    ActionSpec("keys.nudge_up", "Keys up a little", ("Alt+Up",)),
    ActionSpec("keys.nudge_down", "Keys down a little", ("Alt+Down",)),
    ActionSpec("keys.constant", "Constant"),
    ActionSpec("keys.linear", "Linear"),
    ActionSpec("keys.bezier", "Bezier"),
    ActionSpec("keys.auto", "Automatic handles", tip="Smooth, never beyond the keys' values"),
    ActionSpec("keys.aligned", "Aligned handles", tip="Both handles on one line"),
    ActionSpec("keys.free", "Free handles", tip="Each handle by itself"),
    ActionSpec("keys.smooth", "Smooth…"),
    ActionSpec("keys.simplify", "Simplify…", tip="Fewer keys, the curve nearly as before"),
    ActionSpec("keys.ease_in", "Ease in"),
    ActionSpec("keys.ease_out", "Ease out"),
    ActionSpec("keys.ease_in_out", "Ease in and out"),
    ActionSpec("keys.snap_ease", "Snap"),
    ActionSpec("keys.anticipate", "Anticipate"),
    ActionSpec("keys.overshoot", "Overshoot"),
    ActionSpec("keys.offset", "Offset values…"),
    ActionSpec("keys.scale_values", "Scale values…"),
    ActionSpec("keys.scale_time", "Scale time…"),
    ActionSpec("keys.mirror", "Mirror in time"),
    ActionSpec("keys.blend_neutral", "Blend to neutral…"),
    ActionSpec("keys.to_frames", "Move to whole frames"),
    ActionSpec("keys.bake", "One key per frame"),
    ActionSpec(
        "expression.save_face",
        "Save face as an expression…",
        tip="Keep the face at the playhead as a preset",
    ),
    ActionSpec("marker.add", "Add marker", ("Ctrl+M",)),
    ActionSpec("timeline.fit", "Fit", ("Shift+F",), "fit", "Show the selected keys, or the whole clip"),
    ActionSpec("timeline.zoom_in", "Zoom in", ("+", "=")),
    ActionSpec("timeline.zoom_out", "Zoom out", ("-",)),
    ActionSpec("timeline.spectrogram", "Spectrogram", tip="Show the pitches of the speech over time", checkable=True),
    ActionSpec("timeline.follow", "Follow", icon="follow", tip="Turn the page with the playhead", checkable=True),
    ActionSpec("project.sample", "Open sample", (), "head", "A short performance to look at and play with"),
    ActionSpec("help.guide", "User guide", ("F1",), "book", "How to do things, with pictures"),
    ActionSpec("help.palette", "Run a command…", ("Ctrl+Shift+P",), "search", "Find a command by its name and run it"),
    ActionSpec("help.shortcuts", "Keyboard shortcuts…", ("Ctrl+/",), tip="Look keys up, and change them"),
    ActionSpec("help.messages", "Recent messages", tip="What the studio said lately, failures too"),
    ActionSpec("help.start_hint", "Show the start hint", tip="The first steps, as on the first start"),
    ActionSpec("help.about", "About EmoZone Studio", tip="Version, licences, and what this machine uses"),
)
"""In the order of the menus (`menus.MENUS`)."""

_SPECS = {spec.id: spec for spec in ACTIONS}


class Actions:
    """The `QAction`s of one window, by id."""

    def __init__(self, window: QWidget) -> None:
        self._by_id: dict[str, QAction] = {}
        for spec in ACTIONS:
            action = QAction(spec.text, window)
            action.setObjectName(spec.id)
            action.setCheckable(spec.checkable)
            if spec.icon:
                action.setIcon(theme.icon(spec.icon, "dim"))
            window.addAction(action)
            self._by_id[spec.id] = action
            self.set_keys(spec.id, spec.keys)

    def __getitem__(self, action_id: str) -> QAction:
        """The action of that id."""
        return self._by_id[action_id]

    def set_keys(self, action_id: str, keys: tuple[str, ...]) -> None:
        """Give an action other keys; its tool tip says the first."""
        action, spec = self._by_id[action_id], _SPECS[action_id]
        action.setShortcuts([QKeySequence(key) for key in keys])
        first = QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        name = spec.tip or spec.text.rstrip("…")
        action.setToolTip(f"{name}  ({first})" if first else name)

    def all(self) -> tuple[QAction, ...]:
        """All actions in the order of the menus."""
        return tuple(self._by_id.values())

    def fill(self, menu: QMenu, ids: Iterable[str]) -> None:
        """Put actions into a menu, an empty id for a line."""
        for action_id in ids:
            if action_id:
                menu.addAction(self[action_id])
            else:
                menu.addSeparator()

    def connect(self, slots: Mapping[str, Callable[[], object]]) -> None:
        """Connect actions that are triggered to functions without arguments."""
        for action_id, slot in slots.items():
            self._by_id[action_id].triggered.connect(lambda _checked=False, slot=slot: slot())
