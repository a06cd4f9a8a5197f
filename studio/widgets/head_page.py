"""The inspector's page for head and eyes: turn, nod and tilt, where the eyes look, and automatic blinks."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpacerItem,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.document.action_units import MAX_INTENSITY
from studio.document.lanes import CHANNELS, POSE_KEYS
from studio.document.performance import Performance
from studio.document.takes import Blinks
from studio.playback.engine_thread import AvatarReady
from studio.widgets import theme
from studio.widgets.au_slider import Scale
from studio.widgets.context import Studio
from studio.widgets.slider_row import NAME_WIDTH, SliderPanel, SliderRow

FOLLOW_S = 0.04
"""Sliders follow the curves at the project's usual rate; faster is not seen."""

SEEDS = 10_000
ROW_PX = 30
DEGREES_WIDTH = 56


def _degrees(reach: float) -> Scale:
    """Degrees about a centre: an arrow moves by 1, Page Up by 5, the mouse by 0.5."""
    return Scale(-reach, reach, 10, 10, 50, 5, (-reach, -reach / 2, 0.0, reach / 2, reach))


HEAD_ROWS: tuple[tuple[str, str, Scale, str], ...] = (
    ("head_yaw", "Turn", _degrees(45.0), "Turns the face. Positive: to the subject's own left."),
    ("head_pitch", "Nod", _degrees(30.0), "Lifts or lowers the chin. Positive: up."),
    ("head_roll", "Tilt", _degrees(30.0), "Tips the head to a shoulder. Positive: to the subject's own left shoulder."),
)
GAZE_ROWS: tuple[tuple[str, str, Scale, str], ...] = (
    ("gaze_yaw", "Sideways", _degrees(35.0), "Turns both eyes. Positive: to the subject's own left."),
    ("gaze_pitch", "Up and down", _degrees(25.0), "Lifts or lowers both eyes. Positive: up."),
)
"""Channel, name, scale and explanation. Sliders reach as far as a person comfortably does; fields take more."""

RATE_SCALE = Scale(1.0, 60.0, 10, 10, 50, 10, (15.0, 30.0, 45.0, 60.0))
STRENGTH_SCALE = Scale(0.0, MAX_INTENSITY, 100, 10, 50, 5, (1.0, 2.0, 3.0, 4.0, 5.0))


def reason_against(ready: AvatarReady | None, joints: tuple[int, ...], what: str) -> str:
    """Why an avatar cannot be posed by these joints of its rig; empty when it can."""
    if ready is None:
        return f"The {what} can be moved when an avatar is open."
    if all(float(ready.avatar.rig.weights[:, joint].max()) > 0.0 for joint in joints):
        return ""
    return f"This avatar's {what} cannot be moved: its capture held them still."


class Section(QWidget):
    """A heading with a reason under it when what follows cannot be used."""

    def __init__(self, title: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE, 0)
        column.setSpacing(theme.SPACE // 2)
        heading = QLabel(title)
        heading.setObjectName("heading")
        self.reason = QLabel()
        self.reason.setObjectName("hint")
        self.reason.setWordWrap(True)
        self.reason.hide()
        column.addWidget(heading)
        column.addWidget(self.reason)

    def explain(self, reason: str) -> None:
        """Say why, or nothing."""
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))


class BlinkControls(QWidget):
    """Rate, strength and pattern of automatic blinks. Reports what is wanted; shows what it is told.

    Signals:
        switched(on), gesture_begun(), set(Blinks), gesture_ended(), gesture_cancelled(), convert().
    """

    switched = Signal(bool)
    gesture_begun = Signal(str)
    wanted = Signal(str, object)
    gesture_ended = Signal()
    gesture_cancelled = Signal()
    convert = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._blinks = Blinks()
        self.on = QCheckBox("Blink by itself")
        self.on.setToolTip("Blinks at irregular moments, as people do; the lowest layer, under everything you set")
        self.on.clicked.connect(self.switched)
        self.count = QLabel()
        self.count.setObjectName("faint")
        self.rate = SliderRow(
            "blink_rate", "Blinks a minute", scale=RATE_SCALE, tip="At rest people blink 10 to 20 times a minute."
        )
        self.strength = SliderRow(
            "blink_strength", "Strength", scale=STRENGTH_SCALE, tip="How far the eyes close: 5 is fully."
        )
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setKeyboardTracking(False)
        theme.pad(self.seed, 4)
        self.seed.setAccessibleName("Pattern of the blinks")
        self.seed.setToolTip("The same number gives the same blinks")
        self.seed.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.another = QToolButton()
        self.another.setIcon(theme.icon("redo", "dim"))
        self.another.setIconSize(QSize(16, 16))
        self.another.setToolTip("Another pattern")
        self.another.setAccessibleName("Another pattern of blinks")
        self.another.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.to_keys = QPushButton("Convert to keys")
        self.to_keys.clicked.connect(self.convert)
        self.seed.valueChanged.connect(lambda seed: self._want("Set blink pattern", seed=seed))
        self.another.clicked.connect(lambda: self._want("Another blink pattern", seed=random.randrange(SEEDS)))
        self._follow(self.rate, "Set blink rate", "per_minute")
        self._follow(self.strength, "Set blink strength", "intensity")
        self._arrange()

    def _arrange(self) -> None:
        margins = (theme.SPACE * 2, theme.SPACE // 2, theme.SPACE * 2, theme.SPACE // 2)
        switch, pattern, keys = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        switch.addWidget(self.on)
        switch.addStretch(1)
        switch.addWidget(self.count)
        label = QLabel("Pattern")
        label.setObjectName("row_name")
        label.setFixedWidth(NAME_WIDTH - theme.SPACE * 2)
        pattern.addWidget(label)
        pattern.addWidget(self.seed)
        pattern.addWidget(self.another)
        keys.addWidget(self.to_keys)
        keys.addStretch(1)
        for row in (switch, pattern, keys):
            row.setContentsMargins(*margins)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(switch)
        for slider_row in (self.rate, self.strength):
            policy = slider_row.key.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            slider_row.key.setSizePolicy(policy)
            slider_row.key.hide()
            slider_row.setFixedHeight(ROW_PX)
            slider_row.value.setFixedWidth(DEGREES_WIDTH)
            column.addWidget(slider_row)
        column.addLayout(pattern)
        column.addLayout(keys)

    def show_blinks(self, blinks: Blinks | None, duration_s: float) -> None:
        """Show what the performance has; `duration_s` of the clip, 0 without one."""
        self._blinks = blinks or replace(self._blinks)
        on = blinks is not None
        with QSignalBlocker(self.seed):
            self.seed.setValue(self._blinks.seed)
        self.on.setChecked(on)
        self.rate.show_intensity(self._blinks.per_minute, changed=on)
        self.strength.show_intensity(self._blinks.intensity, changed=on)
        for control in (self.rate, self.strength, self.seed, self.another):
            control.setEnabled(on)
        self.to_keys.setEnabled(on and duration_s > 0)
        self.to_keys.setToolTip(
            "Make keys of AU45 out of the blinks, to move them one by one"
            if duration_s > 0
            else "Open speech first: blinks become keys from its start to its end"
        )
        number = len(self._blinks.moments(duration_s)) if on else 0
        self.count.setText(f"{number} in this clip" if on and duration_s > 0 else "")

    @property
    def blinks(self) -> Blinks:
        """What is shown, also while it is switched off."""
        return self._blinks

    def _follow(self, row: SliderRow, label: str, field: str) -> None:
        row.slider.pressed.connect(lambda: self.gesture_begun.emit(label))
        row.slider.moved.connect(lambda value: self._want(label, **{field: value}))
        row.slider.released.connect(self.gesture_ended)
        row.slider.cancelled.connect(self.gesture_cancelled)
        row.slider.stepped.connect(lambda value: self._want(label, **{field: value}))
        row.value.valueChanged.connect(lambda value: self._want(label, **{field: value}))
        normal = getattr(Blinks(), field)
        row.slider.reset.connect(lambda: self._want(label, **{field: normal}))
        row.reset.connect(lambda: self._want(label, **{field: normal}))

    def _want(self, label: str, **changes: Any) -> None:
        self.wanted.emit(label, replace(self._blinks, **changes))


class HeadPanel(SliderPanel):
    """Sliders of the pose, and the blinks under them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, SliderRow] = {}
        self.head, self.gaze = Section("Head"), Section("Gaze")
        for section, rows in ((self.head, HEAD_ROWS), (self.gaze, GAZE_ROWS)):
            self.column.addWidget(section)
            for key, name, scale, tip in rows:
                channel = CHANNELS[key]
                row = SliderRow(key, name, scale=scale, limits=(channel.low, channel.high), suffix="°")
                row.setToolTip(f"<p><b>{channel.label}</b></p><p>{tip}</p><p>Double-click: back to the middle.</p>")
                row.slider.setAccessibleName(channel.label)
                row.value.setAccessibleName(f"{channel.label}, degrees")
                row.key.setAccessibleName(f"{channel.label}, key")
                row.setFixedHeight(ROW_PX)
                row.value.setFixedWidth(DEGREES_WIDTH)
                self.rows[key] = row
                self.column.addWidget(row)
                self.adopt(row)
        self.column.addWidget(Section("Blinks"))
        self.blinks = BlinkControls()
        self.column.addWidget(self.blinks)
        self.column.addSpacerItem(QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding))

    def show_support(self, ready: AvatarReady | None) -> None:
        """Switch off what the avatar cannot do, and say why."""
        for section, rows, joints, what in (
            (self.head, HEAD_ROWS, (1,), "head"),
            (self.gaze, GAZE_ROWS, (2, 3), "eyes"),
        ):
            reason = reason_against(ready, joints, what)
            section.explain(reason)
            for key, *_ in rows:
                self.rows[key].setEnabled(not reason)


class HeadPage:
    """Connects the page with the project: poses through the timeline's sliders, blinks as the base layer."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.panel = HeadPanel()
        studio.inspector.add_page("Head", self.panel, tip="Head, gaze and automatic blinks")
        studio.timeline.serve(self.panel)
        panel, blinks = self.panel, self.panel.blinks
        blinks.switched.connect(self._switch)
        blinks.gesture_begun.connect(studio.session.begin)
        blinks.gesture_ended.connect(studio.session.commit)
        blinks.gesture_cancelled.connect(studio.session.cancel)
        blinks.wanted.connect(self._set)
        blinks.convert.connect(self._convert)
        studio.session.changed.connect(lambda _event: self._show(always=True))
        studio.session.clip_changed.connect(lambda _clip: self._show(always=True))
        studio.session.avatar_changed.connect(panel.show_support)
        studio.driver.position_changed.connect(lambda _position: self._show(always=False))
        studio.inspector.page_changed.connect(lambda _title: self._show(always=True))
        self._shown_at_s = -1.0
        panel.show_support(studio.session.avatar)
        self._show(always=True)

    @property
    def _performance(self) -> Performance:
        return self._studio.session.project.performance

    def _show(self, *, always: bool) -> None:
        """Show the pose at the playhead; while it plays not at every tick, and not while the page is hidden."""
        studio = self._studio
        player, performance = studio.driver.player, self._performance
        now_s = player.position_s
        if not always and (self.panel.isHidden() or (player.playing and abs(now_s - self._shown_at_s) < FOLLOW_S)):
            return
        self._shown_at_s = now_s
        held, keyed = studio.session.held, studio.timeline.sliders.keyed()
        for key, value in zip(POSE_KEYS, performance.pose(now_s).tolist(), strict=True):
            on_key = key in keyed and studio.timeline.editor.key_at_playhead(key) is not None
            self.panel.rows[key].show_intensity(value, changed=key in held, keyed=key in keyed, on_key=on_key)
        if always:
            self.panel.blinks.show_blinks(performance.base.blinks, studio.session.duration_s)

    def _switch(self, on: bool) -> None:
        self._set("Blinks on" if on else "Blinks off", self.panel.blinks.blinks if on else None)

    def _set(self, label: str, blinks: Blinks | None) -> None:
        session = self._studio.session
        base = replace(self._performance.base, blinks=blinks)
        session.change(label, session.project.perform(lambda performance: replace(performance, base=base)))

    def _convert(self) -> None:
        from studio.document.conversions import blinks_to_keys  # scipy: not before the window is on the screen

        session = self._studio.session
        project = session.project.perform(lambda performance: blinks_to_keys(performance, session.duration_s))
        session.history.apply("Convert blinks to keys", project)
        self._studio.timeline.show_lane("AU45")
        self._studio.say("The blinks are keys of AU45 now.")
