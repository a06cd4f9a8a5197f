"""`emozone studio`: the editor; the only command that loads Qt."""

from __future__ import annotations

import argparse
import os
import sys

from studio.errors import StudioError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("studio", help="open the editor", description="Open the editor.")
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="a project, an avatar or a sound to open")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open the window and stay until it is closed.

    Raises:
        StudioError: if there is no screen, or Qt cannot be loaded.
    """
    need_display()
    try:
        from studio.app import main
    except ImportError as error:
        missing = str(error).partition(":")[0]
        raise StudioError(
            f"The window system cannot be loaded ({missing}); run make run to install what it needs."
        ) from error
    return main([] if args.project is None else [args.project])


def need_display() -> None:
    """Refuse before Qt aborts the process.

    Raises:
        StudioError: on a Linux machine without a screen.
    """
    known = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform == "linux" and not known:
        raise StudioError("There is no display here for the studio; start it on a desktop, or use emozone export.")
