"""An append-only file of checksummed records, which says after a crash how far it can be believed.

Each record is one line: sixteen hexadecimal digits and JSON. The digits are the BLAKE2 hash of the record together
with the digits before it, so a flipped bit, a cut, a lost or moved line all end the believable part; reading stops
there. A record is with the operating system when `append` returns, so killing the process loses none; a thread
flushes to the disk at most once a second, so a power failure loses at most the last second. While it is open, the
file is locked, which tells a living session from a dead one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from studio.document.jsontext import Json, compact, parse
from studio.errors import StudioError

SYNC_INTERVAL_S = 1.0
"""Flushing costs a disk tens of milliseconds; once a second bounds both the cost and the loss of a power failure."""

MAX_BYTES = 2**30

_DIGITS = 16
_LOCK_ATTEMPTS, _LOCK_PAUSE_S = 20, 0.002
_LOG = logging.getLogger(__name__)


class Records:
    """A record file open for appending. Raises OSError when it cannot be made or is in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _lock_own(self._fd)
        except OSError:
            os.close(self._fd)
            path.unlink(missing_ok=True)
            raise
        self._good = 0  # bytes that are whole records
        self._chain = b""
        self._unsynced = threading.Event()
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._keep_synced, name="journal", daemon=True)
        self._syncer.start()

    def append(self, record: Json) -> None:
        """Adds a record. After an OSError (disk full) the file ends with the last whole record, and can go on."""
        payload = compact(record).encode("ascii")
        chain = _digest(self._chain, payload)
        line = chain + b" " + payload + b"\n"
        try:
            os.lseek(self._fd, self._good, os.SEEK_SET)
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os.ftruncate(self._fd, self._good)
            raise
        self._good += len(line)
        self._chain = chain
        self._unsynced.set()

    def close(self, *, remove: bool = False) -> None:
        """Flushes and closes, or removes the file."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._unsynced.set()
        self._syncer.join()
        if not remove:
            self._sync()
        os.close(self._fd)  # also unlocks
        if remove:
            self.path.unlink(missing_ok=True)

    def _keep_synced(self) -> None:
        while not self._closing.is_set():
            self._unsynced.wait()
            self._unsynced.clear()
            if not self._closing.is_set():
                self._sync()
                self._closing.wait(SYNC_INTERVAL_S)

    def _sync(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            _LOG.warning("%s could not be flushed to the disk: %s", self.path, error)


@dataclass(frozen=True)
class Read:
    """What can be believed of a record file, and why reading stopped before its end."""

    records: tuple[Json, ...]
    damage: str | None
    cut: bool = False  # the file just ends too early, as when the process died while writing


def read_records(path: Path) -> Read:
    """All records up to the first that is cut or damaged. Raises OSError when the file cannot be read."""
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES)
    records: list[Json] = []
    chain, at = b"", 0
    while at < len(data):
        end = data.find(b"\n", at)
        line = data[at:end]
        payload = line[_DIGITS + 1 :]
        if end < 0:
            return Read(tuple(records), f"record {len(records) + 1} is cut off", cut=True)
        if line[:_DIGITS] != _digest(chain, payload) or line[_DIGITS : _DIGITS + 1] != b" ":
            return Read(tuple(records), f"record {len(records) + 1} is damaged")
        try:
            records.append(parse(payload, path.name))
        except StudioError as error:
            return Read(tuple(records), str(error))
        chain, at = line[:_DIGITS], end + 1
    return Read(tuple(records), None)


def in_use(path: Path) -> bool:
    """Whether a living process has the record file open."""
    try:
        fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except OSError:
        return True
    try:
        try_lock(fd)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _lock_own(fd: int) -> None:
    """Locks a file just made; another session that looks at it right now holds its lock for a moment."""
    for _ in range(_LOCK_ATTEMPTS - 1):
        try:
            try_lock(fd)
        except OSError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return
    try_lock(fd)


def _digest(chain: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(chain + payload, digest_size=_DIGITS // 2).hexdigest().encode()


if sys.platform == "win32":
    import msvcrt

    def try_lock(fd: int) -> None:
        """Locks an open file until it is closed. Raises OSError when somebody else has locked it.

        It is one byte far behind what the file holds, because Windows forbids others to read what is locked.
        """
        os.lseek(fd, MAX_BYTES, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def try_lock(fd: int) -> None:
        """Locks an open file until it is closed. Raises OSError when somebody else has locked it."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
