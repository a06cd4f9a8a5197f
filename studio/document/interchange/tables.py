"""Tables of numbers (CSV) from other programs: bounded, forgiving in form, strict in content."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.storage import explain, read_bounded, write_atomically
from studio.document.takes import Take
from studio.errors import StudioError

MAX_BYTES = 512 * 2**20
"""An hour of OpenFace with all its 700 columns at 30 fps has about 400 MB."""

MAX_ROWS = 1_000_000
MAX_COLUMNS = 4096
MAX_FPS = 1000.0
LARGEST = 1e15
"""Of the numbers in a table: milliseconds since 1970 have 1.7e12, and sums of such must not overflow."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Imported:
    """What an import gives: the take, and one sentence for each thing that was lost, guessed or approximated."""

    take: Take
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of text under a header whose names are stripped of spaces and quotes."""

    file: str
    header: tuple[str, ...]
    rows: list[list[str]]

    def column(self, name: str) -> int | None:
        """Index of a column, whatever its case."""
        wanted = name.lower()
        return next((i for i, title in enumerate(self.header) if title.lower() == wanted), None)

    def numbers(self, columns: Sequence[int]) -> Floats:
        """(rows, columns) finite numbers. Raises StudioError naming the line that holds none."""
        values = np.empty((len(self.rows), len(columns)))
        for i, row in enumerate(self.rows):
            for j, column in enumerate(columns):
                values[i, j] = self._number(row[column], i, column)
        return values

    def _number(self, text: str, row: int, column: int) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not abs(value) <= LARGEST:  # also for what is no number
            shown = text.strip()[:20]
            raise StudioError(
                f"{self.file} has {shown!r} instead of a sensible number in data row {row + 1}, column "
                f"{self.header[column]}; export it again."
            )
        return value


def read_table(path: str | Path, kind: str) -> Table:
    """A CSV file with commas, semicolons or tabs.

    Args:
        path: The file.
        kind: What it should be, for errors: "OpenFace CSV".

    Raises:
        StudioError: Missing, too large, not text, without rows, or with a row of another length than the header.
    """
    path = Path(path)
    data = read_bounded(path, MAX_BYTES)
    if b"\0" in data[:4096]:
        raise StudioError(f"{path.name} is no text file and so no {kind}; choose another file.")
    text = data.decode("utf-8-sig", errors="replace")
    first = text[: text.find("\n") if "\n" in text else len(text)]
    delimiter = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        lines = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise StudioError(f"{path.name} is no {kind} ({error}); choose another file.") from error
    if len(lines) < 2:
        raise StudioError(f"{path.name} has no rows of data; choose a file with at least one frame.")
    header = tuple(cell.strip().strip('"') for cell in lines[0])
    if len(header) > MAX_COLUMNS or len(lines) > MAX_ROWS:
        raise StudioError(
            f"{path.name} has {len(header)} columns and {len(lines)} rows, more than are read; cut it in pieces."
        )
    rows = lines[1:]
    for i, row in enumerate(rows):
        if len(row) > len(header) and not any(cell.strip() for cell in row[len(header) :]):
            del row[len(header) :]
        if len(row) != len(header):
            if i == len(rows) - 1 and i > 0 and len(row) < len(header):
                rows.pop()  # a recording that was cut off while its last line was written
                break
            raise StudioError(
                f"{path.name} has {len(row)} values in data row {i + 1}, but {len(header)} columns; export it again."
            )
    return Table(path.name, header, rows)


def write_table(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file atomically. Raises StudioError when it cannot be written."""
    path = Path(path)
    text = "".join(",".join(row) + "\n" for row in (header, *rows))
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise StudioError(f"{path} was not written ({explain(error)}); choose another place.") from error


USUAL_FPS = (24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0, 24000 / 1001, 30000 / 1001, 60000 / 1001)
TIME_ROUNDING_S = 1e-3
"""Programs write times with three decimals or more."""

_SNAP = 0.1
"""Times this near to a frame, in frames, are on it: rounded decimals must not blur what was recorded."""


def rate_of(times_s: Floats) -> float | None:
    """Frames per second of times with now and then a gap; None for fewer than two different ones.

    A usual rate is returned where the times, rounded as they are, cannot tell it from theirs; whole rates first.
    """
    steps = np.diff(times_s)
    steps = steps[steps > 0]
    if not len(steps):
        return None
    duration = float(steps.sum())
    rate = float(np.round(steps / np.median(steps)).sum()) / duration
    doubt = 3e-4 + TIME_ROUNDING_S / duration
    return next((usual for usual in USUAL_FPS if abs(usual - rate) <= doubt * usual), rate)


def resampled(times_s: Floats, values: Floats, fps: float, file: str) -> Floats:
    """(F, C) values on an even grid from the first time on, linear in between.

    Args:
        times_s: (n,) seconds, not decreasing; gaps are bridged.
        values: (n, C)
        fps: Rate of the grid.
        file: For the error.

    Raises:
        StudioError: The times run backwards or span more frames than a take may have.
    """
    if (np.diff(times_s) < 0).any():
        raise StudioError(f"{file} has times that run backwards; export it again.")
    frames = (times_s[-1] - times_s[0]) * fps + 1
    if frames > MAX_ROWS:
        raise StudioError(f"{file} spans {times_s[-1] - times_s[0]:.0f} s, too long for a take at {fps:g} fps; cut it.")
    position = (times_s - times_s[0]) * fps
    nearest = np.round(position)
    if np.abs(position - nearest).max() < _SNAP:
        position = nearest
    grid = np.arange(round(frames))
    return np.stack([np.interp(grid, position, column) for column in values.T], 1)
