"""Show a file in the system's file manager, selected where that is possible."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import quote

from PySide6.QtCore import QCoreApplication, QProcess, QUrl
from PySide6.QtGui import QDesktopServices


def show_in_folder(path: Path) -> bool:
    """Open the folder that a file or folder is in; False if it is no longer there."""
    if not path.exists():
        return False
    program, words = reveal_command(path, sys.platform)
    process = QProcess(QCoreApplication.instance())

    def ended(code: int) -> None:
        # Explorer's code says nothing; elsewhere the service that selects files may be missing.
        if code != 0 and sys.platform != "win32":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        process.deleteLater()

    process.finished.connect(lambda code, _status: ended(code))
    process.errorOccurred.connect(lambda error: ended(1) if error is QProcess.ProcessError.FailedToStart else None)
    process.start(program, words)
    return True


def reveal_command(path: Path, platform: str) -> tuple[str, list[str]]:
    """The program that shows a file on a platform (`sys.platform`), and its arguments."""
    if platform == "win32":
        return "explorer", [f"/select,{path}"]
    if platform == "darwin":
        return "open", ["-R", str(path)]
    uri = "file://" + quote(str(path.absolute()))  # commas, which separate an array's items, are quoted
    service = "org.freedesktop.FileManager1"
    return "dbus-send", [
        "--session",
        "--print-reply",
        "--reply-timeout=3000",
        f"--dest={service}",
        "--type=method_call",
        "/org/freedesktop/FileManager1",
        f"{service}.ShowItems",
        f"array:string:{uri}",
        "string:",
    ]
