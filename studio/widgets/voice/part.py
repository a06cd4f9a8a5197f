"""The part "Voice": a page of the inspector with the recording above and the project's sound below."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.document.commands import Event
from studio.playback.devices import find_devices, open_microphone
from studio.playback.recorder import Take
from studio.playback.sound import Sound
from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.sound_clip import Clip
from studio.widgets.sound_output import SoundOutput
from studio.widgets.voice.record_panel import RecordPanel
from studio.widgets.voice.sound_panel import SoundPanel
from studio.widgets.voice.takes import takes_folder

PAGE = "Voice"


class VoicePart(QObject):
    """Connects the page with session and playback."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._listed = False
        self._worker = Worker("take", self)
        self._auditioned: Path | None = None
        self._over = QTimer(self)
        self._over.setSingleShot(True)
        self._over.timeout.connect(self._audition_over)
        self.record = RecordPanel(lambda: find_devices("input"), open_microphone, self._look_again)
        self.record.folder = lambda: takes_folder(studio.session.path)
        self.sound = SoundPanel()
        studio.inspector.add_page(PAGE, self._page(), tip="Record speech, and trim and level the project's sound")
        studio.inspector.page_changed.connect(self._page_changed)
        studio.actions.connect(
            {
                "voice.record": self._record,
                "voice.normalise": self.sound.set_normal,
                "voice.reset": self.sound.set_whole,
            }
        )
        outputs = studio.window.findChild(SoundOutput)
        assert isinstance(outputs, SoundOutput)
        outputs.in_use.append(lambda: self.record.recorder is not None)
        outputs.devices_changed.connect(self.record.list_devices)
        session = studio.session
        session.clip_changed.connect(self._clip_changed)
        session.changed.connect(self._project_changed)
        self.sound.gesture_begun.connect(session.begin)
        self.sound.gesture_ended.connect(session.commit)
        self.sound.gesture_cancelled.connect(session.cancel)
        self.sound.edited.connect(session.set_sound)
        self.record.about_to_record.connect(studio.driver.pause)
        self.record.keep.connect(self._keep)
        self.record.listen.connect(self._listen)
        self.record.said.connect(studio.say)
        self.record.failed.connect(studio.fail)
        studio.driver.state_changed.connect(lambda _state: self._audition_over())

    def _page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("scrolled")
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE * 2, theme.SPACE * 2)
        column.setSpacing(theme.SPACE)
        for title, panel in (("Record", self.record), ("Sound of the project", self.sound)):
            heading = QLabel(title)
            heading.setObjectName("heading")
            column.addWidget(heading)
            column.addWidget(panel)
            column.addSpacing(theme.SPACE * 2)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def close(self) -> None:
        """Let go of microphone and workers."""
        self._over.stop()
        self.record.close_down()
        self._worker.close()

    # ---- the page ----

    def _page_changed(self, title: str) -> None:
        if title == PAGE and not self._listed:
            self._listed = True
            self.record.list_devices()
        elif title != PAGE and self.record.state.value == "listening":
            self.record.cancel()  # nobody looks at the meter: let go of the microphone

    def _record(self) -> None:
        self._studio.inspector.show_page(PAGE)
        self.record.toggle()

    def _look_again(self) -> None:
        """PortAudio finds new devices only while nothing is open, the output included."""
        self._studio.actions["output.look_again"].trigger()

    def _clip_changed(self, clip: Clip | None) -> None:
        self.sound.show_sound(None if clip is None else clip.source, self._studio.session.project.sound)

    def _project_changed(self, event: Event) -> None:
        if event.previous is not None and event.project.sound == event.previous.sound:
            return
        clip = self._studio.session.clip
        self.sound.show_sound(None if clip is None else clip.source, event.project.sound)

    # ---- takes ----

    def _keep(self, take: Take) -> None:
        self._listen(None)
        self._studio.session.open_speech(take.path, f"Record {take.path.stem}")

    def _listen(self, take: Take | None) -> None:
        if take is None:
            if self._auditioned is not None:
                self._studio.driver.end_audition()
            self._audition_over()
            return
        self._auditioned = take.path
        self.record.show_listening(True)
        output = self._studio.driver.player.output

        def prepared() -> Sound:
            from studio.engine.speech.audio import load_audio

            audio = load_audio(take.path)
            return output.prepare(audio.samples, audio.rate_hz)

        def deliver(sound: Sound) -> None:
            if self._auditioned == take.path and output is self._studio.driver.player.output:
                self._studio.driver.audition(sound)
                self._over.start(round(sound.duration_s * 1000) + 200)

        self._worker.run(prepared, deliver, self._listening_failed)

    def _listening_failed(self, text: str) -> None:
        self._audition_over()
        self._studio.fail(text)

    def _audition_over(self) -> None:
        self._auditioned = None
        self._over.stop()
        self.record.show_listening(False)
