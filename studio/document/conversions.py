"""Between layers: a performance written out frame by frame; a take, or blinks, made into keys to edit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.document import curve_tools
from studio.document.action_units import AU_KEYS
from studio.document.curves import Curve, Interpolation
from studio.document.lanes import LANE_TOLERANCE, POSE_KEYS, POSE_TOLERANCE_DEG, Lane
from studio.document.performance import Performance
from studio.document.takes import Take


def take_of(performance: Performance, start_s: float, end_s: float, fps: float, name: str = "") -> Take:
    """What a performance shows from `start_s` to before `end_s`, as a take: for interchange and for layering anew.

    Frame i stands at start_s + i / fps; there is at least one. Pose is included where anything moves it.
    Raises ValueError for an impossible rate or a range that runs backwards.
    """
    if not start_s <= end_s:
        raise ValueError(f"the range runs from {start_s} to {end_s} s, expected start ≤ end")
    times = start_s + np.arange(max(1, int(np.ceil((end_s - start_s) * fps - 1e-6)))) / fps
    pose = performance.poses(times)
    return Take(name, fps, performance.sample(times), pose.astype(np.float32) if pose.any() else None)


def lanes_of(
    take: Take, start_s: float = 0.0, tolerance: float = LANE_TOLERANCE, pose_tolerance_deg: float = POSE_TOLERANCE_DEG
) -> tuple[Lane, ...]:
    """A take as lanes of simplified keys, one for each channel that ever leaves zero.

    Args:
        take: The take.
        start_s: The moment of its first frame.
        tolerance: Largest difference in intensity at any moment.
        pose_tolerance_deg: Largest difference of head and gaze.
    """
    from studio.document.curve_fit import simplify  # brings scipy, which must not delay the window

    times = start_s + np.arange(take.frames) / take.fps
    channels = [(key, take.au[:, i], tolerance) for i, key in enumerate(AU_KEYS)]
    if take.pose is not None:
        channels += [(key, take.pose[:, i], pose_tolerance_deg) for i, key in enumerate(POSE_KEYS)]
    return tuple(
        Lane(key, simplify(Curve.from_samples(times, values), allowed).curve)
        for key, values, allowed in channels
        if np.abs(values).max() > allowed
    )


def blinks_to_keys(performance: Performance, end_s: float) -> Performance:
    """The automatic blinks from 0 to `end_s` as keys of AU45, four for each blink; the base then has none.

    Keys that the lane has already stay, except under a blink. A new lane adds to a take that lies below it, and
    replaces nothing. The face looks as before but for the weight of the base, which the keys take on.
    """
    blinks = performance.base.blinks
    if blinks is None:
        return performance
    lane = performance.lane("AU45") or Lane("AU45", mode="replace" if performance.base.take is None else "add")
    curve, strength = lane.curve, blinks.intensity * performance.base.weight
    shut = blinks.CLOSE_S
    for start in blinks.moments(end_s):
        times = (start, start + shut, start + shut + blinks.SHUT_S, start + blinks.LENGTH_S)
        piece = Curve.from_samples(times, (0.0, strength, strength, 0.0), Interpolation.BEZIER)
        curve = curve_tools.overwrite(curve, piece).curve
    return replace(performance.with_lane(replace(lane, curve=curve)), base=replace(performance.base, blinks=None))
