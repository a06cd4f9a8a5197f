"""The consent under which a person's video was made into an avatar: said once, kept with everything made of it.

The record travels from the capture (capture.json) into the avatar's metadata. It names the video by its SHA-256, so
that anybody who has the video can check which one was meant.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from studio.errors import StudioError

STATEMENT = "I am the person in this video, or I have their permission to make an avatar of them."
"""What is confirmed."""

MAX_NAME = 120
_MAX_TEXT = 400


@dataclass(frozen=True)
class Consent:
    """Who has confirmed what, when, and for which video."""

    statement: str
    name: str  # who confirms it
    date: str  # ISO 8601 with the offset from UTC
    video: str  # the file's name
    video_sha256: str

    def to_json(self) -> dict[str, str]:
        """Plain values, for files."""
        return asdict(self)

    @property
    def line(self) -> str:
        """The record as one line of text."""
        return f"{self.name} on {self.date[:10]}, for {self.video} (SHA-256 {self.video_sha256[:12]}…)"


def give_consent(name: str, video: Path, video_sha256: str) -> Consent:
    """A record of this moment.

    Raises:
        StudioError: if the name is empty or too long to be one.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not name:
        raise StudioError("Consent needs the name of who gives it; enter yours.")
    if len(name) > MAX_NAME:
        raise StudioError(f"The name of who consents has {len(name)} letters; enter at most {MAX_NAME}.")
    date = datetime.now().astimezone().isoformat(timespec="seconds")
    return Consent(STATEMENT, name, date, video.name, video_sha256)


def read_consent(values: Any) -> Consent | None:
    """The record in JSON values; None where there is none or it is not one."""
    if not isinstance(values, dict):
        return None
    texts = {key: values.get(key) for key in Consent.__dataclass_fields__}
    if not all(isinstance(text, str) and 0 < len(text) <= _MAX_TEXT for text in texts.values()):
        return None
    return Consent(**{key: str(text) for key, text in texts.items()})


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
