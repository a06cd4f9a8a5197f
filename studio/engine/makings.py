"""Avatars being made of people's videos: what has been chosen and done, kept so that a restart loses nothing.

Each has a folder in the user's data folder: `making.json` (below), the capture, the training with its checkpoint and
its progress, and a picture of how far it is. The finished avatar moves into the user's folder of avatars, and the
folder goes. The work itself is done by `emozone capture` and `emozone train` in processes of their own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from studio.document.records import try_lock
from studio.document.storage import write_atomically
from studio.engine.assets import avatar_files, own_avatars_dir, user_dir
from studio.engine.consent import sha256_of
from studio.engine.targets import writing_failed
from studio.errors import StudioError

log = logging.getLogger(__name__)

STATE, LOCK = "making.json", "lock"
MAX_STATE_BYTES = 1 << 20
MAX_NAME = 60

RUNTIME = "ai-edge-litert>=2.1,<3"
"""What captures need beyond the studio; the extra `portrait` of pyproject.toml."""

Step = Literal["capture", "report", "training"]
"""What comes next: the capture, the user's word on its report, or the training."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Making:
    """One avatar being made; every change is written at once by `save`."""

    folder: Path
    name: str  # of the avatar
    video: Path
    start_s: float = 0.0  # the part of the video that is used
    end_s: float | None = None
    consent: str = ""  # who has confirmed it
    begun_s: float = field(default_factory=time.time)  # seconds since 1970
    changed_s: float = 0.0  # seconds since 1970, of the last change
    step: Step = "capture"
    share: float = 0.0  # of the step that is done
    problem: str = ""  # why it stopped, one sentence; empty when it was asked to
    minutes: float | None = None  # how long the training may take; None: as long as it needs

    @property
    def capture(self) -> Path:
        """The capture, whole or not there."""
        return self.folder / "capture"

    @property
    def work(self) -> Path:
        """Where the capture grows."""
        return self.folder / "capture.part"

    @property
    def avatar(self) -> Path:
        """The trained avatar, before it moves."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def preview(self) -> Path:
        """A picture of the training so far."""
        return self.folder / "preview.png"

    @property
    def history(self) -> Path:
        """The training's progress, one JSON object per line."""
        return self.folder / "training.jsonl"

    @property
    def standing(self) -> str:
        """How far it is, in words."""
        return {
            "capture": f"the video is {round(100 * self.share)} % captured",
            "report": "the capture's report waits for you",
            "training": f"training is {round(100 * self.share)} % done",
        }[self.step]


def makings_dir() -> Path:
    """Where avatars being made are kept."""
    return user_dir() / "makings"


def begin(name: str, video: Path, start_s: float, end_s: float | None, consent: str) -> Making:
    """Begin to make an avatar: its folder and its state are on the disk then.

    Raises:
        StudioError: if the name cannot be used or the folder cannot be written.
    """
    check_name(name)
    folder = makings_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise writing_failed(error, folder) from error
    return save(Making(folder, name.strip(), video.absolute(), start_s, end_s, consent))


def check_name(name: str) -> None:
    """Refuse names that no file can have, and names of avatars that are there. Raises StudioError."""
    name = name.strip()
    if not name:
        raise StudioError("The avatar needs a name; enter one.")
    if len(name) > MAX_NAME:
        raise StudioError(f"The name has {len(name)} letters; use at most {MAX_NAME}.")
    wrong = _FORBIDDEN.search(name)
    if wrong is not None or name.startswith(".") or name.endswith(".") or _RESERVED.fullmatch(name):
        what = f"“{wrong.group()}”" if wrong is not None and wrong.group().isprintable() else f"“{name}”"
        raise StudioError(f"{what} cannot stand in a file's name; choose a plain name.")
    taken = {path.stem.casefold() for path in avatar_files()} | {making.name.casefold() for making in unfinished()}
    if name.casefold() in taken:
        raise StudioError(f"There is an avatar called {name} already; choose another name.")


def save(making: Making) -> Making:
    """Write the state; returns it with the moment of this change.

    Raises:
        StudioError: if the disk refuses; the state on it is the one before.
    """
    making = replace(making, changed_s=time.time())
    values = {key: value for key, value in making.__dict__.items() if key != "folder"}
    data = {**values, "video": str(making.video)}
    try:
        write_atomically(making.folder / STATE, json.dumps(data, indent=1).encode())
    except OSError as error:
        raise writing_failed(error, making.folder / STATE) from error
    return making


def load(folder: Path) -> Making:
    """The making of a folder.

    Raises:
        StudioError: if its state is missing or damaged.
    """
    path = folder / STATE
    try:
        with path.open("rb") as file:
            data: dict[str, Any] = json.loads(file.read(MAX_STATE_BYTES))
        end, minutes = data["end_s"], data.get("minutes")
        step = {name: name for name in get_args(Step)}[data["step"]]
        return Making(
            folder,
            _text(data["name"]),
            Path(_text(data["video"])),
            float(data["start_s"]),
            None if end is None else float(end),
            _text(data["consent"]),
            float(data["begun_s"]),
            float(data["changed_s"]),
            step,
            min(max(float(data["share"]), 0.0), 1.0),
            _text(data["problem"]),
            None if minutes is None else max(float(minutes), 1.0),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:  # another version lacks something, too
        raise StudioError(f"{path} is damaged and cannot be gone on with ({error}); remove its folder.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it holds something that is not text")
    return value


def unfinished() -> tuple[Making, ...]:
    """What can be gone on with, the newest first; what is damaged is left alone."""
    found = []
    root = makings_dir()
    for folder in root.iterdir() if root.is_dir() else ():
        try:
            found.append(load(folder))
        except StudioError as error:
            log.info("%s", error)
    return tuple(sorted(found, key=lambda making: making.changed_s, reverse=True))


def remove(making: Making) -> None:
    """Delete everything that has been made of it; the video stays.

    Raises:
        StudioError: if the system refuses.
    """
    try:
        shutil.rmtree(making.folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StudioError(f"{making.folder} cannot be removed ({error.strerror}); close what uses it.") from error


def finish(making: Making) -> Path:
    """Put the trained avatar among the user's; its working files go.

    Returns:
        Where the avatar is now.

    Raises:
        StudioError: if it cannot be moved; nothing is lost then.
    """
    target = own_avatars_dir() / making.avatar.name
    number = 2
    while target.exists():
        target = target.with_name(f"{making.name} {number}{making.avatar.suffix}")
        number += 1
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(making.avatar, target)
    except OSError as error:
        raise writing_failed(error, target) from error
    shutil.rmtree(making.folder, ignore_errors=True)
    return target


class Claim:
    """Holds a making for one studio, so that two never work on the same; released when closed or when the process ends.

    Raises:
        StudioError: if another studio has it.
    """

    def __init__(self, making: Making) -> None:
        try:
            self._fd: int | None = os.open(making.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise writing_failed(error, making.folder / LOCK) from error
        try:
            try_lock(self._fd)
        except OSError as error:
            self.close()
            raise StudioError(f"{making.name} is being made in another window of the studio; go on there.") from error

    def close(self) -> None:
        """Let others have it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_its_video(making: Making, video: Path) -> bool:
    """Whether a file is the video that its capture was begun with; reads it whole. Raises StudioError."""
    try:
        begun = json.loads((making.work / "work.json").read_text(encoding="utf-8")).get("video")
    except (OSError, ValueError, AttributeError):
        return True  # nothing of it has been looked at yet
    try:
        return bool(sha256_of(video) == begun)
    except OSError as error:
        raise StudioError(f"{video} cannot be read ({error.strerror}); choose another file.") from error


def missing_runtime() -> str | None:
    """What must be installed before a video can be captured, as a command; None when all is there."""
    if find_spec("ai_edge_litert") is not None:
        return None
    python = (
        f'"{sys.executable}"' if " " in sys.executable else sys.executable
    )  # the studio's own, whatever pip is found
    return f'{python} -m pip install "{RUNTIME}"'
