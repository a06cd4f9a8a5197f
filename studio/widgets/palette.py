"""The colours of the themes, by role, and how well they can be told apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours by role, by default those of the dark theme.

    Contrast of every text colour on every surface it stands on is at least 4.5:1 (`TEXT_ON` says which); what is
    switched off (`disabled`) may be fainter.
    """

    name: str = "dark"
    window: str = "#141517"
    field: str = "#141517"  # what is typed into
    panel: str = "#1b1d20"
    raised: str = "#26292e"
    hover: str = "#30343a"
    line: str = "#2b2e33"
    groove: str = "#3a3f46"
    text: str = "#e8eaee"
    dim: str = "#b3b8c1"
    faint: str = "#9096a1"
    disabled: str = "#646a75"
    accent: str = "#5cb8cf"
    accent_hover: str = "#74c6da"
    accent_dim: str = "#2b5763"
    on_accent: str = "#0c1417"
    key: str = "#e3c98a"  # keys, and sliders that a curve moves
    clip: str = "#a996e0"  # expressions on the timeline
    warning: str = "#e2ab5f"
    error: str = "#ec8880"
    backdrop: str = "#1a1a1f"  # behind the head until the first picture: the default of a project's background


DARK = Palette()

LIGHT = Palette(
    name="light",
    window="#e6e8eb",
    field="#ffffff",
    panel="#f4f5f7",
    raised="#ffffff",
    hover="#dfe2e7",
    line="#d5d8dd",
    groove="#bcc1c9",
    text="#1a1d22",
    dim="#434954",
    faint="#585f6a",
    disabled="#9aa0aa",
    accent="#09637a",
    accent_hover="#0b738d",
    accent_dim="#b7dde7",
    on_accent="#ffffff",
    key="#7d5200",
    clip="#5b3fa8",
    warning="#7f4f00",
    error="#ac231c",
)

TEXT_ON: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("text", ("window", "field", "panel", "raised", "hover", "accent_dim")),
    ("dim", ("window", "panel", "raised", "hover")),
    ("faint", ("window", "field", "panel", "raised")),
    ("accent", ("window", "panel", "raised")),
    ("key", ("window", "panel", "raised")),
    ("warning", ("window", "panel", "raised")),
    ("error", ("window", "panel", "raised")),
    ("on_accent", ("accent", "accent_hover")),
)
"""Colours of text and the surfaces on which they can be read."""


def luminance(value: str) -> float:
    """Relative luminance of a colour `#rrggbb`, 0–1 (WCAG 2.2, definition of relative luminance)."""
    channels = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1–21 (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
