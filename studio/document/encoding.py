"""Project → JSON tree: the file format, version 1.

Written trees are complete; unknown keys that a file brought along follow the known ones. A curve is a list of keys,
one per line: `[time_s, value]` for a smooth auto key, then as needed the interpolation, the handle kind and
`[left_s, left, right_s, right]`. A take is one line per frame. `decoding` reads it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from studio import __version__
from studio.document.curves import Curve, Handle, Interpolation
from studio.document.expressions import Clip, Expressions
from studio.document.extra import Extra
from studio.document.jsontext import Json
from studio.document.lanes import Lane
from studio.document.model import ExportSettings, Marker, Media, Project, SoundEdit, resolved
from studio.document.performance import CameraView, Performance
from studio.document.takes import Base, Blinks, Take

FORMAT = "emozone-project"
VERSION = 1
"""Raise it with every change that an older studio could not read; add the migration and a fixture file."""

_PLACES = 9
"""Decimals that tell most intensities apart; what needs more takes a slower way."""

Part = TypeVar("Part")
Tree = dict[str, Json]
_INTERPOLATION_NAMES = [kind.name.lower() for kind in Interpolation]
_HANDLE_NAMES = [kind.name.lower() for kind in Handle]


class Encoder:
    """Makes trees of projects; parts that did not change since the last project are not encoded again.

    Args:
        folder: The project's folder, to which media paths are made relative; None keeps them absolute (journal).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[int, tuple[object, Json]] = {}
        self._used: dict[int, tuple[object, Json]] = {}

    def encode(self, project: Project) -> Tree:
        """The tree of a project; it shares unchanged parts with the last one and must not be changed."""
        self._used = {}
        tree: Tree = {
            "format": FORMAT,
            "version": VERSION,
            "generator": f"EmoZone Studio {__version__}",
            "avatar": self._media(project.avatar),
            "audio": self._media(project.audio),
            "sound": _sound(project.sound),
            "backdrop": self._media(project.backdrop),
            "fps": project.fps,
            "range": {"in_s": project.in_s, "out_s": project.out_s, "loop": project.loop},
            "markers": [self._marker(marker) for marker in project.markers],
            "bookmarks": [_with({"name": b.name, **_view(b.view)}, b.extra) for b in project.bookmarks],
            "look_through": project.look_through,
            "export": _export(project.export),
            "performance": self._performance(project.performance),
        }
        self._known = self._used
        return _with(tree, project.extra)

    def _media(self, media: Media | None) -> Json:
        if media is None:
            return None
        if media.shipped:
            return _with({"name": media.path}, media.extra)
        path = _relative(media.path, self._folder) if self._folder and media.trusted else media.path
        tree: Tree = {"path": path, "sha256": media.sha256}
        if self._folder is None:
            tree["trusted"] = media.trusted
        return _with(tree, media.extra)

    @staticmethod
    def _marker(marker: Marker) -> Json:
        tree: Tree = {"time_s": marker.time_s, "name": marker.name}
        if marker.colour:
            tree["colour"] = marker.colour
        return _with(tree, marker.extra)

    def _performance(self, performance: Performance) -> Json:
        base, expressions = performance.base, performance.expressions
        base_tree: Tree = {
            "take": None if base.take is None else self._reuse(base.take, _take),
            "start_s": base.start_s,
            "blinks": None if base.blinks is None else _blinks(base.blinks),
            **_switches(base),
        }
        expression_tree: Tree = {"clips": [self._reuse(c, _clip) for c in expressions.clips], **_switches(expressions)}
        tree: Tree = {
            "base": _with(base_tree, base.extra),
            "expressions": _with(expression_tree, expressions.extra),
            "presets": [_with({"name": p.name, "au": dict(p.au)}, p.extra) for p in performance.presets],
            "lanes": [self._reuse(lane, self._lane) for lane in performance.lanes],
        }
        return _with(tree, performance.extra)

    def _lane(self, lane: Lane) -> Json:
        tree: Tree = {"target": lane.target}
        if lane.name:
            tree["name"] = lane.name
        tree.update({"mode": lane.mode, **_switches(lane), "held": lane.held})
        tree["keys"] = self._reuse(lane.curve, _curve)
        return _with(tree, lane.extra)

    def _reuse(self, part: Part, encode: Callable[[Part], Json]) -> Json:
        known = self._known.get(id(part)) or self._used.get(id(part))
        tree = known[1] if known is not None and known[0] is part else encode(part)
        self._used[id(part)] = (part, tree)
        return tree


def _with(tree: Tree, extra: Extra) -> Tree:
    for key, text in extra:
        tree.setdefault(key, json.loads(text))
    return tree


def _switches(layer: Lane | Base | Expressions) -> Tree:
    return {"mute": layer.mute, "solo": layer.solo, "weight": layer.weight}


def _view(view: CameraView) -> Tree:
    return {
        "yaw_deg": view.yaw_deg,
        "pitch_deg": view.pitch_deg,
        "distance": view.distance,
        "offset_m": list(view.offset_m),
    }


def _sound(sound: SoundEdit) -> Tree:
    tree: Tree = {"in_s": sound.in_s, "out_s": sound.out_s, "start_s": sound.start_s, "gain_db": sound.gain_db}
    return _with(tree, sound.extra)


def _export(export: ExportSettings) -> Tree:
    tree: Tree = {
        "size_px": [export.width_px, export.height_px],
        "fps": export.fps,
        "only_range": export.only_range,
        "background": None if export.background is None else list(export.background),
    }
    return _with(tree, export.extra)


def _blinks(blinks: Blinks) -> Tree:
    tree: Tree = {"per_minute": blinks.per_minute, "seed": blinks.seed, "intensity": blinks.intensity}
    return _with(tree, blinks.extra)


def _clip(clip: Clip) -> Tree:
    tree: Tree = {
        "preset": clip.preset,
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "intensity": clip.intensity,
        "fade_in_s": clip.fade_in_s,
        "fade_out_s": clip.fade_out_s,
    }
    return _with(tree, clip.extra)


def _take(take: Take) -> Tree:
    tree: Tree = {"name": take.name, "fps": take.fps, "au": _rows(take.au)}
    if take.pose is not None:
        tree["pose"] = _rows(take.pose)
    return _with(tree, take.extra)


def _rows(frames: NDArray[np.float32]) -> Json:
    """Lists of short decimals that give the same float32 back."""
    wide = frames.astype(np.float64)
    short = np.full_like(wide, np.nan)
    for places in range(_PLACES + 1):
        rounded = np.round(wide, places)
        short = np.where(np.isnan(short) & (rounded.astype(np.float32) == frames), rounded, short)
    left = np.isnan(short)
    short[left] = frames[left].astype(np.str_).astype(np.float64)
    rows: Json = short.tolist()
    return rows


def _curve(curve: Curve) -> Json:
    rows: list[Json] = []
    for time_s, value, interpolation, handle, left, right in zip(
        curve.times_s.tolist(),
        curve.values.tolist(),
        curve.interpolations.tolist(),
        curve.handles.tolist(),
        curve.left.tolist(),
        curve.right.tolist(),
        strict=True,
    ):
        row: list[Json] = [time_s, value]
        if handle != Handle.AUTO:
            row += [_INTERPOLATION_NAMES[interpolation], _HANDLE_NAMES[handle], [*left, *right]]
        elif interpolation != Interpolation.BEZIER:
            row.append(_INTERPOLATION_NAMES[interpolation])
        rows.append(row)
    return rows


def _relative(path: str, folder: Path) -> str:
    """The path seen from the folder, with forward slashes; absolute where there is none (another drive)."""
    try:
        return Path(os.path.relpath(resolved(Path(path)), folder)).as_posix()
    except ValueError:
        return path
