"""Two results side by side: old, new, their ratio, and whether that is more than noise.

Times are compared at equal pace: both results hold the time of a yardstick, a fixed piece of arithmetic, and a machine
on which that took longer is expected to take longer for everything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio.engine.bench.figures import Figure, Findings
from studio.errors import StudioError

UNKNOWN = 0.15
"""Spread that is assumed of a figure whose runs do not tell."""

LEAST = 0.05
"""Differences below this share are never called more than noise."""


@dataclass(frozen=True)
class Change:
    """One figure in both results."""

    old: Figure
    new: Figure
    ratio: float | None  # new / old, at equal pace where both have a yardstick
    noise: float  # share by which they may differ without meaning anything

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or nothing when the difference is within the noise."""
        if self.ratio is None or self.ratio <= 0 or abs(math.log(self.ratio)) <= math.log1p(self.noise):
            return ""
        return "better" if (self.ratio < 1) == (self.new.better == "lower") else "worse"


@dataclass(frozen=True)
class Comparison:
    """What has changed between two results."""

    changes: tuple[Change, ...]
    pace: float | None  # time of the yardstick, new / old
    lacking: tuple[str, ...]  # titles of figures that only one of them has
    remarks: tuple[str, ...]


def compare(old: Findings, new: Findings) -> Comparison:
    """Compare two results of the same avatar.

    Raises:
        StudioError: if they measured different avatars, or have no figure in common.
    """
    for key, word in (("avatar", "the avatar {}"), ("gaussians", "an avatar of {} Gaussians")):
        before, after = old.facts.get(key), new.facts.get(key)
        if before is not None and after is not None and before != after:
            raise StudioError(
                f"The older result measured {word.format(before)}, the newer one {word.format(after)}; "
                "compare results of one avatar (--avatar)."
            )
    sticks = old.figure("yardstick_ms"), new.figure("yardstick_ms")
    pace = sticks[1].value / sticks[0].value if sticks[0] is not None and sticks[1] is not None else None
    shaken = math.hypot(*((stick.spread or 0.0) if stick is not None else 0.0 for stick in sticks))
    before_by = {figure.name: figure for figure in old.figures if figure.name != "yardstick_ms"}
    after_by = {figure.name: figure for figure in new.figures if figure.name != "yardstick_ms"}
    changes = tuple(
        _change(before_by[name], figure, pace, shaken) for name, figure in after_by.items() if name in before_by
    )
    if not changes:
        raise StudioError("The two results have no figure in common; measure the same parts (--parts).")
    lacking = [figure.title for name, figure in before_by.items() if name not in after_by]
    lacking += [figure.title for name, figure in after_by.items() if name not in before_by]
    remarks = [*old.remarks]
    if old.facts.get("machine") != new.facts.get("machine"):
        remarks.append(f"The older result is of another machine: {old.facts.get('machine', 'it does not say which')}.")
    if pace is None:
        remarks.append("Without a yardstick in both, times are not brought to equal pace.")
    elif abs(math.log(pace)) > LEAST:
        slower = "slower" if pace > 1 else "faster"
        remarks.append(f"The machine was {max(pace, 1 / pace):.2f} times {slower} this time; ratios allow for that.")
    return Comparison(changes, pace, tuple(lacking), tuple(remarks))


def _change(old: Figure, new: Figure, pace: float | None, shaken: float) -> Change:
    paced = pace is not None and new.paced
    noise = math.hypot(*(UNKNOWN if figure.spread is None else figure.spread for figure in (old, new)))
    if old.value <= 0 or new.value <= 0:
        return Change(old, new, None, noise)
    ratio = new.value / old.value
    if paced and pace is not None:
        ratio = ratio / pace if new.better == "lower" else ratio * pace
        noise = math.hypot(noise, shaken)
    return Change(old, new, ratio, max(noise, LEAST))
