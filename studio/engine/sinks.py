"""Where exported frames go: a video, one file, or a folder with a file per frame; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from studio.engine.formats import Format
from studio.engine.targets import FolderTarget, check_space, write_file


class Sink(Protocol):
    """What takes frames, one after the other, from one thread at a time; a context manager that aborts on its way out.

    Attributes:
        encoder: what makes the bytes.
    """

    encoder: str

    def write(self, frame: Any, /) -> None:
        """Take the next frame."""

    def finish(self) -> int:
        """All frames have come: give the result its name, and tell its size in bytes."""

    def __enter__(self) -> Sink:
        """Nothing has been lost yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Without `finish`, delete everything written."""


class FilesSink:
    """One file, or a folder of numbered files.

    Args:
        form: the format; its `folder` decides.
        path: the target, checked already.
        frames: how many will come.
        to_bytes: makes a file of a frame.
        need_bytes: free space asked for before the start.

    Raises:
        StudioError: on anything that keeps it from being written.
    """

    def __init__(
        self, form: Format, path: Path, frames: int, to_bytes: Callable[[Any], bytes], need_bytes: int
    ) -> None:
        check_space(path, need_bytes)
        self.encoder = form.suffix.lstrip(".")
        self._suffix, self._path, self._frames, self._to_bytes = form.suffix, path, frames, to_bytes
        self._folder = FolderTarget(path) if form.folder else None
        self._data = b""
        self._written = 0
        self._done = False

    def write(self, frame: Any, /) -> None:
        """Encode the next frame, and keep it beside the target.

        Raises:
            StudioError: when the system refuses.
        """
        data = self._to_bytes(frame)
        if self._folder is None:
            self._data = data
        else:
            self._folder.add(f"frame_{self._written:04d}{self._suffix}", data)
        self._written += 1

    def finish(self) -> int:
        """Give the file or folder its name; returns the size in bytes.

        Raises:
            StudioError: if it could not be completed; nothing is left behind then.
        """
        if self._written != self._frames:
            raise ValueError(f"{self._written} of {self._frames} frames have been written")
        if self._folder is None:
            size = write_file(self._path, self._data)
        else:
            self._folder.finish(self._frames)
            size = self._folder.size_bytes
        self._done = True
        return size

    def __enter__(self) -> FilesSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None and not self._done:
            self._folder.abort()
