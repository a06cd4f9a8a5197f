"""Which program a take comes from, told by its content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from studio.document.action_units import ACTION_UNITS
from studio.document.interchange.arkit import match
from studio.document.interchange.audio2face import import_audio2face
from studio.document.interchange.live_link import LEAST_CHANNELS, import_live_link
from studio.document.interchange.openface import import_openface
from studio.document.interchange.tables import Imported
from studio.document.storage import explain
from studio.errors import StudioError

TakeKind = Literal["openface", "live_link", "audio2face"]

TITLES: dict[TakeKind, str] = {
    "openface": "OpenFace",
    "live_link": "Live Link Face or ARKit",
    "audio2face": "Audio2Face",
}
READERS: dict[TakeKind, Callable[[Path], Imported]] = {
    "openface": import_openface,
    "live_link": import_live_link,
    "audio2face": import_audio2face,
}

_HEAD_BYTES = 64 * 1024
"""Enough for the header of an OpenFace file with all its 700 columns."""


def take_kind(path: Path) -> TakeKind | None:
    """The kind of a take, None for a file that is none. Raises StudioError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({explain(error)}); check its permissions and its disk.") from error
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith("{"):
        return "audio2face" if '"facsNames"' in text or '"weightMat"' in text else None
    first = text.splitlines()[0] if text else ""
    delimiter = max(",;\t", key=first.count)
    names = tuple(cell.strip().strip('"') for cell in first.split(delimiter))
    lowered = {name.lower() for name in names}
    if any(au.openface_column.lower() in lowered for au in ACTION_UNITS):
        return "openface"
    return "live_link" if len(match(names)) >= LEAST_CHANNELS else None


def import_take(path: Path, kind: TakeKind | None = None) -> tuple[TakeKind, Imported]:
    """A take of any known kind.

    Args:
        path: The file.
        kind: What it is; found out from its content by default.

    Raises:
        StudioError: It is no take of a known kind, or damaged.
    """
    found = take_kind(path) if kind is None else kind
    if found is None:
        raise StudioError(
            f"{path.name} holds no action units that are known here; choose an OpenFace CSV, a Live Link Face or ARKit "
            "CSV, or an Audio2Face JSON."
        )
    return found, READERS[found](path)
