"""Whether a file is still the one that was read or written: another program or person may have changed it since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.document.model import file_sha256
from studio.errors import StudioError


@dataclass(frozen=True)
class Fingerprint:
    """What a file was at one moment."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Fingerprint | None:
        """The fingerprint of a file, None where there is none to be read."""
        try:
            status = path.stat()
            return cls(status.st_size, status.st_mtime_ns, file_sha256(path))
        except (OSError, StudioError):
            return None

    def holds(self, path: Path) -> bool:
        """Whether the file still has this content; a file that is gone was not changed by anyone, it is just gone."""
        try:
            status = path.stat()
        except OSError:
            return True
        if (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns):
            return True
        now = Fingerprint.of(path)
        return now is None or now.sha256 == self.sha256
