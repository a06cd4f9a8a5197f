"""A command of `emozone` in a process of its own: the window stays smooth, and a crash there hurts nothing here."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

import studio

log = logging.getLogger(__name__)

PATIENCE_MS = 20_000
"""How long work may take to stop by itself before it is ended; what it has written is whole at any moment."""

KILLED = "The work was ended from outside, perhaps for want of memory; what was done is kept, go on when you like."
SILENT = "The work stopped without saying why; what was done is kept, go on when you like."
_PREFIX = "emozone: "


class Child(QObject):
    """Runs one command at a time, started with the interpreter that runs the studio."""

    told = Signal(object)
    """A dictionary: an event of the command."""

    ended = Signal(str, str)
    """`done`, `stopped` because it was asked to, or `failed` with one sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.readyReadStandardError.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._refused)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._process.kill)
        self._rest, self._said = b"", ""
        self.stopping = False

    @property
    def running(self) -> bool:
        """Whether a command is at work."""
        return self._process.state() is not QProcess.ProcessState.NotRunning

    def start(self, words: Sequence[str]) -> None:
        """Run the interpreter with these words."""
        self._rest, self._said, self.stopping = b"", "", False
        environment = QProcessEnvironment.systemEnvironment()
        home = str(Path(studio.__file__).parents[1])
        paths = [home, environment.value("PYTHONPATH")]
        environment.insert("PYTHONPATH", (";" if sys.platform == "win32" else ":").join(p for p in paths if p))
        environment.insert("PYTHONIOENCODING", "utf-8")
        self._process.setProcessEnvironment(environment)
        self._process.setStandardOutputFile(QProcess.nullDevice())
        self._process.start(sys.executable, list(words))

    def stop(self) -> None:
        """Ask it to stop; `ended` follows."""
        if self.running and not self.stopping:
            self.stopping = True
            self._process.write(b"stop\n")
            self._process.closeWriteChannel()
            self._patience.start()

    def close(self) -> None:
        """Stop it and wait; nothing is told any more."""
        self.blockSignals(True)
        if self.running:
            self.stop()
            if not self._process.waitForFinished(PATIENCE_MS):
                self._process.kill()
                self._process.waitForFinished(PATIENCE_MS)
        self._patience.stop()

    def _read(self) -> None:
        *lines, self._rest = (self._rest + self._process.readAllStandardError().data()).split(b"\n")
        for raw in lines:
            line = raw.decode(errors="replace").strip()
            if line.startswith("{"):
                try:
                    event = json.loads(line)
                except ValueError:
                    log.info("not understood: %s", line)
                    continue
                self.told.emit(event)
            elif line.startswith(_PREFIX):
                self._said = line.removeprefix(_PREFIX)
            elif line:
                log.info("%s", line)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._patience.stop()
        self._read()
        if self._rest:
            self._rest += b"\n"
            self._read()
        crashed = status is QProcess.ExitStatus.CrashExit
        if code == 0 and not crashed:
            self.ended.emit("done", "")
        elif self.stopping:
            self.ended.emit("stopped", "")
        else:
            self.ended.emit("failed", KILLED if crashed else self._said or SILENT)

    def _refused(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.ended.emit("failed", f"Python cannot be started ({self._process.errorString()}); try again.")
