"""Which layer decides a channel, in words: `AU12 1.80: keys over happy 0.6 over take`. No Qt."""

from __future__ import annotations

from studio.document.action_units import AU_INDEX
from studio.document.lanes import CAMERA_KEYS, CHANNELS, Lane
from studio.document.performance import Contribution, Performance

_KINDS = {"take": "take", "blinks": "blinks", "held": "slider", "keys": "keys"}


def winner_text(performance: Performance, target: str, time_s: float) -> str:
    """One line: the channel, its value, and the layers that act on it, the deciding one first."""
    if target in CAMERA_KEYS:
        lanes = [lane for lane in performance.lanes if lane.target == target and performance.acts(lane)]
        channel = CHANNELS[target]
        if not lanes:
            return f"{channel.label}: the viewer's own camera"
        return f"{channel.label} {lanes[-1].curve.value(time_s):.2f}: keys"
    winner = performance.winner(target, time_s)
    return f"{short_name(target)} {number(winner.value, target)}: {' over '.join(parts(performance, target, time_s))}"


def parts(performance: Performance, target: str, time_s: float) -> list[str]:
    """The layers that act on a channel, the deciding one first; `neutral` where none does."""
    steps = performance.winner(target, time_s).contributions
    return [contribution_text(performance, target, step) for step in reversed(steps)] or ["neutral"]


def contribution_text(performance: Performance, target: str, step: Contribution) -> str:
    """One layer: an expression with its strength at the moment, a lane with its name if it has one and its mode."""
    if step.layer == "expressions":
        full = dict(performance.all_presets[step.label].au).get(target, 0.0)
        return f"{step.label} {(step.after - step.before) / full:.1f}" if full else step.label
    text = _KINDS.get(step.layer, step.layer)
    if step.layer in ("held", "keys"):
        lane = performance.lane(step.label)
        if lane is not None:
            text += lane_details(lane)
    return text


def lane_details(lane: Lane) -> str:
    """What is unusual about a lane: its own name, that it adds, that it does not count in full."""
    details = [lane.name] if lane.name else []
    details += ["added"] if lane.mode == "add" else []
    details += [f"{lane.weight:.0%}"] if lane.weight < 1 else []
    return f" ({', '.join(details)})" if details else ""


def short_name(target: str) -> str:
    """`AU12`, or a pose channel's label."""
    return target if target in AU_INDEX else CHANNELS[target].label


def number(value: float, target: str) -> str:
    """A value with its unit where that is short."""
    return f"{value:.2f}" if target in AU_INDEX else f"{value:.1f}{CHANNELS[target].unit}"
