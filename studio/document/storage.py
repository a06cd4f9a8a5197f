"""Files that are either as before or complete: atomic writing, rotating backups, bounded reading."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from pathlib import Path

from studio.errors import StudioError

_LOG = logging.getLogger(__name__)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file so that it is either as before or complete, even if the power fails. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power failure, where the system can (not on Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems refuse; the rename itself has happened
        _LOG.info("folder %s could not be flushed: %s", folder, error)
    finally:
        os.close(handle)


def read_bounded(path: Path, limit: int) -> bytes:
    """A file's bytes. Raises StudioError when it is missing, unreadable, no ordinary file, or longer than `limit`."""
    try:
        if path.is_dir():
            raise StudioError(f"{path} is a folder; choose a file.")
        if path.exists() and not path.is_file():
            raise StudioError(f"{path} is no ordinary file; choose another one.")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise StudioError(f"{path} does not exist; check the path.") from error
    except (OSError, ValueError) as error:
        raise StudioError(f"{path} cannot be read ({explain(error)}); check its permissions and its disk.") from error
    if len(data) > limit:
        raise StudioError(
            f"{path.name} is larger than the {limit // 2**20} MB that are read; it is another kind of file."
        )
    if not data:
        raise StudioError(f"{path.name} is empty; open a backup of it if there is one.")
    return data


def explain(error: OSError | ValueError) -> str:
    """The system's reason in plain words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def backups_of(path: str | Path) -> tuple[Path, ...]:
    """Existing backups of a project file, newest first."""
    path = Path(path).absolute()
    return tuple(b for b in (_backup(path, i) for i in range(1, 100)) if b.is_file())


def _backup(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.bak{number}")


def rotate_backups(path: Path, data: bytes, backups: int) -> None:
    """Makes the present file backup 1 and moves the others on; the file itself stays in place all the time."""
    if path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    spare = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        shutil.copy2(path, spare)
        for number in range(backups - 1, 0, -1):
            if _backup(path, number).is_file():
                os.replace(_backup(path, number), _backup(path, number + 1))
        os.replace(spare, _backup(path, 1))
    except BaseException:
        spare.unlink(missing_ok=True)
        raise
