"""The `emozone` command.

Exit codes: 0 done, 1 failed with one clear line, 2 wrong usage, 130 stopped with Ctrl+C. What a user can mend is told
in one sentence. A defect of ours is told in one line that names a log file with the traceback; with EMOZONE_DEBUG=1
in the environment the traceback is shown instead.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from studio import __version__
from studio.commands import ablate, bench, examine, export, make, window
from studio.errors import StudioError
from studio.threads import share_cores

STOPPED = 130
"""What shells expect of a command that Ctrl+C ended: 128 + SIGINT."""


class _Parser(argparse.ArgumentParser):
    """Wrong usage in one line instead of the whole usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="emozone", description="EmoZone Studio: audio-driven 3D Gaussian talking heads.")
    top.add_argument("--version", action="version", version=f"EmoZone Studio {__version__}")
    top.add_argument("-v", "--verbose", action="store_true", help="tell more about what happens")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for family in (window, export, make, examine, bench, ablate):
        family.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `emozone`; None takes the process's own, and makes this process tidy: defects are
            logged, and a polite kill cleans up as Ctrl+C does.

    Returns:
        The exit code. Wrong usage, `--help` and `--version` raise SystemExit as argparse does.
    """
    if argv is None:
        argv = sys.argv[1:]
        sys.excepthook = _report_defect
        share_cores()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    args = parser().parse_args(_join_signed(argv))
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(name)s: %(message)s")
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except StudioError as error:
        sys.stderr.write(f"emozone: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nemozone: stopped; nothing half-made was left behind.\n")
        return STOPPED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _join_signed(argv: Sequence[str]) -> list[str]:
    """`--camera -30,5` as `--camera=-30,5`: argparse would take the value for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] == "--camera" and re.match(r"-[\d.]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """One line for people, the traceback for a log file; the interpreter then exits with 1."""
    import traceback

    from platformdirs import user_log_path

    if os.environ.get("EMOZONE_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    text = "".join(traceback.format_exception(kind, error, trace))
    summary = f"{kind.__name__}: {error}".splitlines()[0]
    log: Path = user_log_path("emozone-studio") / "error.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"emozone {' '.join(sys.argv[1:])}\n{text}", encoding="utf-8")
    except OSError:
        sys.stderr.write(text)
        return
    sys.stderr.write(f"emozone: a defect of EmoZone Studio ({summary}); please report it with {log}.\n")


if __name__ == "__main__":
    sys.exit(main())
