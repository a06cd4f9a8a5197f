"""What the timeline's actions do to expression clips and presets, one entry of the history for each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from studio.document.action_units import AU_KEYS
from studio.document.commands import History, Selection
from studio.document.performance import Performance
from studio.widgets.timeline import clip_edits


class ClipEditor(QObject):
    """Changes clips and presets through the history."""

    message = Signal(str)

    def __init__(self, history: History, position_s: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history, self._position_s = history, position_s

    @property
    def chosen(self) -> tuple[int, ...]:
        """Selected clips that there are."""
        count = len(self._history.project.performance.expressions.clips)
        return tuple(i for i in self._history.selection.clips if i < count)

    def add(self, preset: str, start_s: float | None = None) -> None:
        """A clip from a moment on, by default from the playhead on."""
        project = self._history.project
        at_s = project.frame_time(self._position_s() if start_s is None else start_s)
        clips = clip_edits.added(project.performance.expressions.clips, preset, at_s)
        self._apply(f"Add {preset}", clips, Selection(clips=(len(clips) - 1,)))

    def set_span(self, start_s: float | None = None, end_s: float | None = None) -> None:
        """Trim the selected clip by numbers."""
        for i in self.chosen[:1]:
            clips = self._history.project.performance.expressions.clips
            if start_s is not None:
                clips = clip_edits.trimmed(clips, i, "start", start_s)
            if end_s is not None:
                clips = clip_edits.trimmed(clips, i, "end", end_s)
            self._apply("Trim expression", clips)

    def set_fades(self, in_s: float | None = None, out_s: float | None = None) -> None:
        """Fades of the selected clips by numbers."""
        clips = self._history.project.performance.expressions.clips
        for i in self.chosen:
            if in_s is not None:
                clips = clip_edits.faded(clips, i, "start", in_s)
            if out_s is not None:
                clips = clip_edits.faded(clips, i, "end", out_s)
        self._apply("Fade expression", clips)

    def set_intensity(self, intensity: float) -> None:
        """Intensity of the selected clips."""
        clips = self._history.project.performance.expressions.clips
        self._apply("Set intensity of expression", clip_edits.intensified(clips, self.chosen, intensity))

    def set_preset(self, name: str) -> None:
        """Another expression in the selected clips."""
        clips = self._history.project.performance.expressions.clips
        chosen = self.chosen
        self._apply(
            f"Change to {name}", tuple(replace(c, preset=name) if i in chosen else c for i, c in enumerate(clips))
        )

    def mute(self) -> None:
        """Switch all expressions off, or on."""
        self.change_layer("Mute expressions", mute=not self._history.project.performance.expressions.mute)

    def solo(self) -> None:
        """Let the expressions act alone, or no more."""
        self.change_layer("Solo expressions", solo=not self._history.project.performance.expressions.solo)

    def change_layer(self, label: str, *, mute: bool | None = None, solo: bool | None = None) -> None:
        """Switches of the layer."""
        old = self._history.project.performance.expressions
        new = replace(old, mute=old.mute if mute is None else mute, solo=old.solo if solo is None else solo)
        self._history.apply(label, lambda p: p.perform(lambda q: replace(q, expressions=new)))

    # ---- presets ----

    def save_face(self, name: str) -> bool:
        """The face at the playhead as a preset of the user's; False with a sentence when that makes no sense."""
        performance = self._history.project.performance
        preset = clip_edits.face_as_preset(name, performance.sample(self._position_s())[0])
        if preset is None:
            self.message.emit("The face is neutral here; move some sliders first, then save it as a preset")
            return False
        if not self._free(name):
            return False
        self._history.apply(f"Save preset {name}", lambda p: p.perform(lambda q: clip_edits.with_preset(q, preset)))
        return True

    def rename_preset(self, name: str, to: str) -> None:
        """A user's preset by another name."""
        if to != name and self._free(to):
            self._history.apply(
                f"Rename preset {name}", lambda p: p.perform(lambda q: clip_edits.renamed_preset(q, name, to))
            )

    def delete_preset(self, name: str) -> None:
        """A user's preset and its clips are gone."""
        self._history.apply(
            f"Delete preset {name}",
            lambda p: p.perform(lambda q: clip_edits.without_preset(q, name)),
            Selection(lane=self._history.selection.lane),
        )

    def hold_preset(self, name: str) -> None:
        """Every slider without keys at what the preset shows; the others of them let go."""
        performance = self._history.project.performance
        values = dict(performance.all_presets[name].au)

        def held(q: Performance) -> Performance:
            for key in AU_KEYS:
                lane = q.lane(key)
                if lane is None or not lane.keyed:
                    q = q.with_held(key, values.get(key))
            return q

        self._history.apply(f"Set sliders to {name}", lambda p: p.perform(held))

    def _free(self, name: str) -> bool:
        if not name.strip():
            self.message.emit("A preset needs a name")
            return False
        if name in self._history.project.performance.all_presets:
            self.message.emit(f"There is an expression called {name} already; choose another name")
            return False
        return True

    def _apply(self, label: str, clips: clip_edits.Clips, selection: Selection | None = None) -> None:
        self._history.apply(label, lambda p: p.perform(lambda q: clip_edits.with_clips(q, clips)), selection)
