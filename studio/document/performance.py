"""The performance: ordered layers that together say what the face does at any moment.

From bottom to top: the base (neutral, a take, blinks), expression clips that add onto it, and lanes of keys or held
slider values that replace or add. `Performance.sample` is the one door through which viewport, export and tests get
action units; `winner` explains its result. Everything is frozen: an edit makes a new performance that shares all
unchanged parts with the old one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.document.curves import Curve, sample_curves
from studio.document.expressions import EXPRESSIONS, Expressions, Preset
from studio.document.extra import Extra
from studio.document.lanes import CAMERA_KEYS, CHANNELS, FACE_KEYS, POSE_CHANNELS, POSE_KEYS, Lane
from studio.document.takes import Base
from studio.errors import StudioError

Floats = NDArray[np.float64]
LayerKind = Literal["neutral", "take", "blinks", "expressions", "held", "keys"]

_POSE_LOW = np.array([channel.low for channel in POSE_CHANNELS])
_POSE_HIGH = np.array([channel.high for channel in POSE_CHANNELS])


@dataclass(frozen=True)
class CameraView:
    """Where the camera stands: degrees and head heights around the avatar's target, moved by metres."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    distance: float | None = None  # head heights; None frames the head
    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of the point looked at, in head space


@dataclass(frozen=True)
class Contribution:
    """What one layer does to one channel at one moment: the value before and after it."""

    layer: LayerKind
    label: str
    before: float
    after: float


@dataclass(frozen=True)
class Winner:
    """Which layer decides a channel: the topmost one that acts, and all that act from bottom to top."""

    layer: LayerKind
    label: str
    value: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Performance:
    """Layers from bottom to top. Lane ids are unique; a lane lies above the ones before it.

    Raises ValueError when two lanes or two presets share a name.
    """

    base: Base = field(default_factory=Base)
    expressions: Expressions = field(default_factory=Expressions)
    lanes: tuple[Lane, ...] = ()
    presets: tuple[Preset, ...] = ()  # the user's own, beside the seven of `EXPRESSIONS`
    extra: Extra = ()

    def __post_init__(self) -> None:
        ids = [lane.id for lane in self.lanes]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two lanes share the name {_repeated(ids)!r}")
        names = [preset.name for preset in self.presets]
        if len(set(names)) < len(names):
            raise ValueError(f"two presets share the name {_repeated(names)!r}")

    # ---- making ----

    @classmethod
    def held(cls, values: Mapping[str, float]) -> Performance:
        """A performance that holds channels for its whole length, as `--au AU12=3` does.

        Raises StudioError for an unknown action unit or a value outside its range.
        """
        result = cls()
        for key, value in values.items():
            channel = CHANNELS.get(key)
            if channel is None:
                raise StudioError(f"{key} is no action unit of the studio; choose from {', '.join(AU_KEYS)}.")
            if not channel.low <= value <= channel.high:
                raise StudioError(f"{key} is {value:g}, choose a value from {channel.low:g} to {channel.high:g}.")
            result = result.with_held(key, value)
        return result

    @cached_property
    def all_presets(self) -> dict[str, Preset]:
        """Presets by name; a user's preset of the same name stands in for a shipped one."""
        return {preset.name: preset for preset in (*EXPRESSIONS, *self.presets)}

    @cached_property
    def _by_id(self) -> dict[str, Lane]:
        return {lane.id: lane for lane in self.lanes}

    def lane(self, lane_id: str) -> Lane | None:
        """The lane of this id; a lane without a name has its channel's key as id."""
        return self._by_id.get(lane_id)

    def with_lane(self, lane: Lane) -> Performance:
        """The lane put in place of the one with its id, or on top of all."""
        if lane.id in self._by_id:
            return replace(self, lanes=tuple(lane if other.id == lane.id else other for other in self.lanes))
        return replace(self, lanes=(*self.lanes, lane))

    def without_lane(self, lane_id: str) -> Performance:
        """The performance without that lane."""
        return replace(self, lanes=tuple(lane for lane in self.lanes if lane.id != lane_id))

    def with_curve(self, lane_id: str, curve: Curve) -> Performance:
        """The curve put into a lane, which is made if there is none of this id."""
        return self.with_lane(replace(self._by_id.get(lane_id) or Lane(lane_id), curve=curve))

    def with_held(self, lane_id: str, value: float | None) -> Performance:
        """The slider value of a lane without keys; None lets go of it, which removes a lane that is then silent."""
        old = self._by_id.get(lane_id)
        lane = replace(old or Lane(lane_id), held=value)
        if lane.silent and lane == Lane(lane_id):
            return self.without_lane(lane_id) if old else self
        return self.with_lane(lane)

    # ---- what acts ----

    @cached_property
    def _soloed(self) -> bool:
        face = any(lane.solo for lane in self.lanes if lane.target in FACE_KEYS)
        return face or self.base.solo or self.expressions.solo

    @cached_property
    def _camera_soloed(self) -> bool:
        return any(lane.solo for lane in self.lanes if lane.target in CAMERA_KEYS)

    def acts(self, layer: Lane | Base | Expressions) -> bool:
        """Whether mute, solo and weight let a layer act at all."""
        if layer.mute or layer.weight == 0:
            return False
        if isinstance(layer, Lane):
            if layer.silent:
                return False
            return layer.solo or not (self._camera_soloed if layer.target in CAMERA_KEYS else self._soloed)
        return layer.solo or not self._soloed

    def _acting(self, targets: Iterable[str]) -> tuple[Lane, ...]:
        wanted = frozenset(targets)
        return tuple(lane for lane in self.lanes if lane.target in wanted and self.acts(lane))

    @cached_property
    def _au_lanes(self) -> tuple[Lane, ...]:
        return self._acting(AU_KEYS)

    @cached_property
    def _pose_lanes(self) -> tuple[Lane, ...]:
        return self._acting(POSE_KEYS)

    @cached_property
    def _camera_lanes(self) -> tuple[Lane, ...]:
        return self._acting(CAMERA_KEYS)

    # ---- evaluation ----

    def sample(self, times_s: ArrayLike) -> NDArray[np.float32]:
        """(T, 17) action-unit intensities 0–5 at `times_s` (T,) seconds."""
        times = np.atleast_1d(np.asarray(times_s, np.float64))
        au = np.zeros((len(times), len(AU_KEYS)))
        if self.acts(self.base) and not self.base.neutral:
            au += self.base.weight * self.base.sample(times)
        if self.expressions.clips and self.acts(self.expressions):
            au += self.expressions.weight * self.expressions.sample(times, self.all_presets)
            np.clip(au, 0.0, MAX_INTENSITY, out=au)
        _apply(self._au_lanes, times, au, AU_INDEX)
        return np.clip(au, 0.0, MAX_INTENSITY).astype(np.float32)

    def poses(self, times_s: ArrayLike) -> Floats:
        """(T, 5) degrees [head yaw, pitch, roll, gaze yaw, pitch] at `times_s` (T,) seconds."""
        times = np.atleast_1d(np.asarray(times_s, np.float64))
        pose = np.zeros((len(times), len(POSE_KEYS)))
        if self.base.take is not None and self.acts(self.base):
            pose += self.base.weight * self.base.sample_pose(times)
        _apply(self._pose_lanes, times, pose, {key: i for i, key in enumerate(POSE_KEYS)})
        return np.clip(pose, _POSE_LOW, _POSE_HIGH)

    def pose(self, time_s: float) -> Floats:
        """(5,) degrees [head yaw, pitch, roll, gaze yaw, pitch] at one moment."""
        result: Floats = self.poses([time_s])[0]
        return result

    def camera(self, time_s: float) -> CameraView | None:
        """The keyed camera at one moment; None while no camera lane acts, and the viewer's own camera counts."""
        if not self._camera_lanes:
            return None
        keys = {key: i for i, key in enumerate(CAMERA_KEYS)}
        view = np.array([[CHANNELS[key].neutral for key in CAMERA_KEYS]])
        _apply(self._camera_lanes, np.array([time_s]), view, keys)
        low, high = ([getattr(CHANNELS[key], end) for key in CAMERA_KEYS] for end in ("low", "high"))
        yaw, pitch, distance, x, y, z = (float(v) for v in np.clip(view[0], low, high))
        framed = any(lane.target == "camera_distance" for lane in self._camera_lanes)
        return CameraView(yaw, pitch, distance if framed else None, (x, y, z))

    def with_camera_key(self, time_s: float, view: CameraView) -> Performance:
        """The camera keyed at a moment, on all its channels at once."""
        distance = CHANNELS["camera_distance"].neutral if view.distance is None else view.distance
        values = (view.yaw_deg, view.pitch_deg, distance, *view.offset_m)
        result = self
        for key, value in zip(CAMERA_KEYS, values, strict=True):
            lane = result.lane(key) or Lane(key)
            result = result.with_lane(replace(lane, curve=lane.curve.with_key(time_s, value)))
        return result

    def winner(self, target: str, time_s: float) -> Winner:
        """Which layer decides an action unit or pose channel at a moment, with every layer that acts on it.

        The topmost layer that acts decides; an expression counts while its clip is visible, blinks while the lid
        moves. `value` is what `sample` or `pose` returns.
        """
        times = np.array([time_s])
        steps: list[Contribution] = []
        value = 0.0

        def act(layer: LayerKind, label: str, after: float) -> None:
            nonlocal value
            steps.append(Contribution(layer, label, value, after))
            value = after

        if target in AU_INDEX:
            channel, low, high = AU_INDEX[target], 0.0, MAX_INTENSITY
            if self.acts(self.base):
                if self.base.take is not None:
                    shown = replace(self.base, blinks=None).sample(times)[0, channel]
                    act("take", self.base.take.name, self.base.weight * float(shown))
                blinked = self.base.weight * float(self.base.sample(times)[0, channel])
                if self.base.blinks is not None and blinked > value:
                    act("blinks", "Blinks", blinked)
            if self.acts(self.expressions):
                for clip in self.expressions.clips:
                    weight = self.expressions.weight * float(clip.envelope(times)[0])
                    preset = self.all_presets.get(clip.preset)
                    if preset is not None and weight * preset.vector()[channel] > 0:
                        act("expressions", clip.preset, value + weight * float(preset.vector()[channel]))
                value = float(np.clip(value, low, high))
        elif target in POSE_KEYS:
            index = POSE_KEYS.index(target)
            low, high = POSE_CHANNELS[index].low, POSE_CHANNELS[index].high
            if self.base.take is not None and self.base.take.pose is not None and self.acts(self.base):
                shown = self.base.sample_pose(times)[0, index]
                act("take", self.base.take.name, self.base.weight * float(shown))
        else:
            raise ValueError(f"{target!r} is no action unit or pose channel")
        for lane in self._acting([target]):
            own = lane.curve.value(time_s) if lane.keyed else float(lane.held or 0.0)
            after = value + lane.weight * (own if lane.mode == "add" else own - value)
            act("keys" if lane.keyed else "held", lane.id, after)
        value = float(np.clip(value, low, high))
        if not steps:
            return Winner("neutral", "Neutral", value, ())
        return Winner(steps[-1].layer, steps[-1].label, value, tuple(steps))


def _repeated(names: list[str]) -> str:
    """The most frequent name; in one pass, because a hostile file may hold very many."""
    return Counter(names).most_common(1)[0][0][:60]


def _apply(lanes: tuple[Lane, ...], times_s: Floats, values: Floats, index: Mapping[str, int]) -> None:
    """Lanes laid over `values` (T, channels) in place, in their order."""
    keyed = [lane for lane in lanes if lane.keyed]
    sampled = iter(sample_curves([lane.curve for lane in keyed], times_s))
    for lane in lanes:
        own = next(sampled) if lane.keyed else np.full(len(times_s), lane.held)
        column = values[:, index[lane.target]]
        column += lane.weight * (own if lane.mode == "add" else own - column)
