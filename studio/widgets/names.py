"""What things are called for people."""

from __future__ import annotations

from studio.document.action_units import ACTION_UNITS
from studio.document.lanes import CHANNELS

CHANNEL_NAMES: dict[str, str] = {
    **{key: channel.label for key, channel in CHANNELS.items()},
    **{au.key: f"{au.key} {au.name}" for au in ACTION_UNITS},
}
"""Of everything a lane can drive: `AU4 Brow lowerer`, `Head turn`."""


def avatar_title(name: str) -> str:
    """The proper name of an avatar, from the name of its file: `nora` is Nora, `my_head-2` is My head 2."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] if words else "Avatar"
