"""Where exports are written: refused before any work is done, or whole, or as it was.

A file or a folder grows as `NAME.part` beside its target and takes the target's name only when it is complete. Errors
of the operating system become one sentence.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from pathlib import Path

from studio.errors import StudioError

log = logging.getLogger(__name__)


def part_of(path: Path) -> Path:
    """Where a target grows until it is complete."""
    return path.with_name(path.name + ".part")


def check_target(path: Path, *, kinds: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written, before any work is done.

    Args:
        path: the file.
        kinds: endings that are possible, with their dots.

    Raises:
        StudioError: for an unknown ending, a folder, a missing or unwritable parent folder.
    """
    if path.suffix.lower() not in kinds:
        raise StudioError(f"“{path.name}” does not end in {' or '.join(kinds)}; choose such a name for the file.")
    _check_name(path)
    if path.is_dir():
        raise StudioError(f"{path} is a folder; give the export a file name.")
    _check_parent(path)
    if path.exists() and not os.access(path, os.W_OK):
        raise StudioError(f"{path} is write-protected; choose another name.")


def check_folder(path: Path, numbered: re.Pattern[str]) -> None:
    """Refuse a folder that cannot be written, or that holds anything but an earlier export of the same kind.

    Args:
        path: the folder that will hold one file per frame; it need not exist.
        numbered: what the files' names match.

    Raises:
        StudioError: for a file of that name, foreign content, a missing or unwritable parent folder.
    """
    if not path.name:
        raise StudioError(f"{path} cannot be replaced; give the export a folder of its own.")
    _check_name(path)
    if path.exists() and not path.is_dir():
        raise StudioError(f"{path} is a file; give the export the name of a folder.")
    _check_parent(path)
    if not path.is_dir():
        return
    if path.is_symlink():
        raise StudioError(f"{path} is a link to another folder; choose a new folder.")
    try:
        foreign = next((name for name in sorted(os.listdir(path)) if not numbered.fullmatch(name)), None)
    except OSError as error:
        raise writing_failed(error, path) from error
    if foreign is not None:
        raise StudioError(f"The folder {path} holds other files ({foreign}); choose a new folder.")


def check_new_folder(path: Path) -> None:
    """Refuse a folder that cannot be made, before any work is done.

    Raises:
        StudioError: something is there already, or the folder around it is missing or closed.
    """
    _check_name(path)
    if path.exists() or path.is_symlink():
        raise StudioError(f"{path} exists already; choose another name or remove it.")
    _check_parent(path)


def _check_name(path: Path) -> None:
    """Refuse names that the system does not take, also of what grows beside the target."""
    try:
        os.lstat(part_of(path))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # the folder is looked at next
    except (OSError, ValueError) as error:
        raise StudioError(f"“{path.name[:40]}…” cannot be a name on this disk; choose a shorter, plain one.") from error


def _check_parent(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise StudioError(f"The folder {folder} does not exist; create it or choose another one.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StudioError(f"The folder {folder} cannot be written to; choose another one.")


def check_space(path: Path, need_bytes: int) -> None:
    """Refuse an export for which the disk has no room.

    Raises:
        StudioError: with what is needed and what is free.
    """
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise writing_failed(error, path) from error
    if free < need_bytes:
        sizes = f"at least {need_bytes / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free"
        raise StudioError(f"There is not enough space in {path.parent}: {sizes}; free some or choose another folder.")


def writing_failed(error: OSError, path: Path) -> StudioError:
    """The sentence for an operating system error met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StudioError(f"The disk is full, {path.name} was not written; free some space and try again.")
    if error.errno == errno.EFBIG:
        return StudioError(f"{path.name} would grow past the size allowed here; choose another disk.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StudioError(f"{path} cannot be written to; choose another folder.")
    if error.errno == errno.ENAMETOOLONG:
        return StudioError(f"The name “{path.name[:40]}…” is too long for this disk; choose a shorter one.")
    if not path.parent.is_dir():
        return StudioError(f"The folder {path.parent} is gone, {path.name} was not written; choose another one.")
    if error.errno == errno.ENOENT:
        return StudioError(f"What was written of {path.name} was removed on the way; try again.")
    reason = error.strerror or type(error).__name__
    return StudioError(f"{path} could not be written ({reason.lower()}); choose another folder or disk.")


def write_file(path: Path, data: bytes) -> int:
    """Write a small file whole or not at all; returns its size in bytes.

    Raises:
        StudioError: when the system refuses; the target is then as it was.
    """
    part = part_of(path)
    try:
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:  # a kill or Ctrl+C too
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise writing_failed(error, path) from error
    sync_folder(path.parent)
    return len(data)


class FolderTarget:
    """A folder of numbered files being written: `path` is replaced by the whole of it, or left as it was.

    Args:
        path: the folder; checked by `check_folder`.

    Raises:
        StudioError: if it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.part = path, part_of(path)
        self.size_bytes = 0
        try:
            if self.part.exists():
                shutil.rmtree(self.part)  # left behind by a process that was killed
            self.part.mkdir()
        except OSError as error:
            raise writing_failed(error, path) from error

    def add(self, name: str, data: bytes) -> None:
        """One file of the folder.

        Raises:
            StudioError: when the system refuses.
        """
        try:
            with (self.part / name).open("wb") as file:
                file.write(data)
        except OSError as error:
            raise writing_failed(error, self.path) from error
        self.size_bytes += len(data)

    def finish(self, files: int) -> None:
        """Give the folder its name once all its `files` are there.

        Raises:
            StudioError: if it could not be completed; nothing is left behind then.
        """
        old = self.path.with_name(self.path.name + ".old")
        try:
            self._flush(files)
            if self.path.is_dir():
                if old.exists():
                    shutil.rmtree(old)
                self.path.rename(old)
            try:
                self.part.rename(self.path)
            except OSError:
                if old.exists():
                    old.rename(self.path)
                raise
        except OSError as error:
            self.abort()
            raise writing_failed(error, self.path) from error
        except StudioError:
            self.abort()
            raise
        shutil.rmtree(old, ignore_errors=True)
        sync_folder(self.path.parent)

    def _flush(self, files: int) -> None:
        """Everything is there and on the disk, or an error says why not."""
        names = os.listdir(self.part)
        if len(names) != files:
            raise StudioError(f"{self.path.name} did not come out with all its {files} files; try again.")
        for name in names:
            with (self.part / name).open("rb+") as file:
                os.fsync(file.fileno())

    def abort(self) -> None:
        """Delete what has been written; does nothing after `finish`."""
        shutil.rmtree(self.part, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut; Windows knows no such thing."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        log.info("folder %s was not flushed: %s", folder, error)
        return
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems refuse; the file itself is safe already
        log.info("folder %s was not flushed: %s", folder, error)
    finally:
        os.close(handle)
