"""Projects in words: what one holds, and how two differ. For recovery, backups and lists of recent projects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_KEYS
from studio.document.lanes import CHANNELS, Lane
from studio.document.model import Media, Project

Floats = NDArray[np.float64]

MOST_LINES = 12
"""Differences that are listed one by one; the others are counted."""


@dataclass(frozen=True)
class Summary:
    """What a project holds, counted."""

    lanes: int  # with keys or a held value
    keys: int
    clips: int
    markers: int
    end_s: float  # the last moment at which anything happens
    avatar: str  # name, empty for the shipped one
    audio: str
    backdrop: str
    take: str

    @property
    def sentence(self) -> str:
        """One line: "6 lanes with 48 keys, 2 expressions, up to 12.4 s"."""
        parts = [f"{_count(self.lanes, 'lane')} with {_count(self.keys, 'key')}"] if self.lanes else []
        parts += [_count(self.clips, "expression")] if self.clips else []
        parts += [f"the take {self.take}"] if self.take else []
        parts += [_count(self.markers, "marker")] if self.markers else []
        if not parts:
            return "No edits"
        if self.end_s > 0:
            parts.append(f"up to {self.end_s:.1f} s")
        return ", ".join(parts)

    @property
    def short(self) -> str:
        """The same for a narrow list: "6 lanes, 48 keys"."""
        return f"{_count(self.lanes, 'lane')}, {_count(self.keys, 'key')}"

    @property
    def media(self) -> str:
        """Speech, avatar and background in one line, empty when the project names none."""
        return ", ".join(text for text in (self.audio, self.avatar, self.backdrop) if text)


def summarise(project: Project) -> Summary:
    """Counts of a project."""
    performance = project.performance
    take = performance.base.take
    return Summary(
        lanes=sum(not lane.silent for lane in performance.lanes),
        keys=sum(len(lane.curve) for lane in performance.lanes),
        clips=len(performance.expressions.clips),
        markers=len(project.markers),
        end_s=end_of(project),
        avatar="" if project.avatar is None else project.avatar.name,
        audio="" if project.audio is None else project.audio.name,
        backdrop="" if project.backdrop is None else project.backdrop.name,
        take="" if take is None else _plain(take.name) or "unnamed",
    )


def end_of(project: Project) -> float:
    """Seconds until nothing happens any more: last key, clip, marker, range and take; 0 for an empty project."""
    performance = project.performance
    ends = [float(lane.curve.times_s[-1]) for lane in performance.lanes if len(lane.curve)]
    ends += [clip.end_s for clip in performance.expressions.clips]
    ends += [marker.time_s for marker in project.markers]
    ends += [end for end in (project.in_s, project.out_s) if end is not None]
    if performance.base.take is not None:
        ends.append(performance.base.start_s + performance.base.take.duration_s)
    return max([0.0, *ends])


def traces(project: Project, points: int, most: int = 5) -> tuple[tuple[str, Floats], ...]:
    """The action units that move or stand out most, for a small picture.

    Args:
        project: Any project.
        points: Moments, evenly from 0 to `end_of`.
        most: Channels at most.

    Returns:
        (key, (points,) intensities 0–5), in the order of the channels; nothing for a neutral face.
    """
    au = project.performance.sample(np.linspace(0.0, max(end_of(project), 1.0), points)).astype(np.float64)
    interest = np.ptp(au, axis=0) + 0.25 * au.max(axis=0)
    chosen = sorted(np.argsort(-interest, kind="stable")[:most].tolist())
    return tuple((AU_KEYS[i], au[:, i]) for i in chosen if interest[i] > 0)


def differences(before: Project, after: Project) -> tuple[str, ...]:
    """How `after` differs from `before`, one short line for each thing; nothing when they are equal."""
    lines = [*_media_lines(before, after), *_lane_lines(before, after)]
    old, new = before.performance, after.performance
    if old.expressions != new.expressions:
        lines.append(_changed("Expressions", len(old.expressions.clips), len(new.expressions.clips), "clip"))
    if old.base != new.base:
        takes = [
            _plain(base.take.name) or "a take" if base.take is not None else "none" for base in (old.base, new.base)
        ]
        lines.append("Base changed" if takes[0] == takes[1] else f"Base take: {takes[0]} → {takes[1]}")
    if old.presets != new.presets:
        lines.append(_changed("Presets", len(old.presets), len(new.presets), "preset"))
    if before.markers != after.markers:
        lines.append(_changed("Markers", len(before.markers), len(after.markers), "marker"))
    if before.bookmarks != after.bookmarks:
        lines.append(_changed("Camera bookmarks", len(before.bookmarks), len(after.bookmarks), "bookmark"))
    if (before.in_s, before.out_s, before.loop) != (after.in_s, after.out_s, after.loop):
        lines.append("Range or loop changed")
    if before.sound != after.sound:
        lines.append("Trim or gain of the sound changed")
    if before.fps != after.fps:
        lines.append(f"Rate: {before.fps:g} → {after.fps:g} frames per second")
    if before.export != after.export:
        lines.append("Export settings changed")
    if not lines and before != after:
        lines.append("Other settings changed")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [f"and {len(lines) - MOST_LINES + 1} more"]
    return tuple(lines)


def _media_lines(before: Project, after: Project) -> list[str]:
    return [
        f"{what}: {_name(old)} → {_name(new)}"
        for what, old, new in (
            ("Speech", before.audio, after.audio),
            ("Avatar", before.avatar, after.avatar),
            ("Background image", before.backdrop, after.backdrop),
        )
        if old != new
    ]


def _lane_lines(before: Project, after: Project) -> list[str]:
    lines = []
    for lane in after.performance.lanes:
        old = before.performance.lane(lane.id)
        if old is None:
            lines.append(f"{_lane_name(lane)}: new, {_lane_content(lane)}")
        elif old != lane:
            was, now = _lane_content(old), _lane_content(lane)
            lines.append(f"{_lane_name(lane)}: {was} → {now}" if was != now else f"{_lane_name(lane)}: changed")
    lines += [
        f"{_lane_name(lane)}: gone" for lane in before.performance.lanes if after.performance.lane(lane.id) is None
    ]
    return lines


def _lane_name(lane: Lane) -> str:
    label = CHANNELS[lane.target].label
    name = f"{lane.target} {label}" if lane.target in AU_KEYS else label
    return name if lane.id == lane.target else f"{_plain(lane.id)} ({name})"


def _lane_content(lane: Lane) -> str:
    if len(lane.curve):
        return _count(len(lane.curve), "key")
    return "empty" if lane.held is None else f"held at {lane.held:.2f}"


def _changed(what: str, old: int, new: int, unit: str) -> str:
    return f"{what}: {old} → {_count(new, unit)}" if old != new else f"{what} changed"


def _name(media: Media | None) -> str:
    return "none" if media is None else media.name


def _plain(text: str) -> str:
    """A name from a file, in one line of bounded length."""
    return " ".join(text.split())[:60]


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
