from __future__ import annotations

import errno
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document import records
from studio.document.jsontext import Json
from studio.document.records import Records, in_use, read_records
from tests.document.strategies import json_values


def written(path: Path, things: list[Json]) -> bytes:
    file = Records(path)
    for thing in things:
        file.append(thing)
    file.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@given(things=st.lists(json_values, max_size=4))
def test_records_are_read_back(folder: Path, things: list[Json]) -> None:
    path = folder / "x"
    path.unlink(missing_ok=True)
    written(path, things)
    read = read_records(path)
    assert read.records == tuple(things)
    assert read.damage is None


THINGS: list[Json] = [{"n": i, "text": "ä" * i} for i in range(12)]


def test_truncation_at_every_byte_keeps_the_records_before(tmp_path: Path) -> None:
    data = written(tmp_path / "x", THINGS)
    ends = [i + 1 for i, byte in enumerate(data) if byte == 10]
    cut = tmp_path / "cut"
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        read = read_records(cut)
        whole = sum(end <= length for end in ends)
        assert read.records == tuple(THINGS[:whole])
        assert (read.damage is None) == (length in (0, *ends))


def test_a_flipped_bit_ends_what_is_believed(tmp_path: Path) -> None:
    data = written(tmp_path / "x", THINGS)
    rng = Random(0)
    flipped = tmp_path / "flipped"
    for _ in range(600):
        place = rng.randrange(len(data))
        damaged = bytearray(data)
        damaged[place] ^= 1 << rng.randrange(8)
        flipped.write_bytes(damaged)
        read = read_records(flipped)
        assert read.records == tuple(THINGS[: data[:place].count(b"\n")])
        assert read.damage is not None


def test_lost_repeated_and_swapped_records_are_noticed(tmp_path: Path) -> None:
    lines = written(tmp_path / "x", THINGS).splitlines(keepends=True)
    other = tmp_path / "other"
    for changed in (lines[:3] + lines[4:], lines[:3] + lines[2:], [*lines[:3], lines[4], lines[3], *lines[5:]]):
        other.write_bytes(b"".join(changed))
        assert read_records(other).records == tuple(THINGS[:3])


def test_garbage_is_no_record(tmp_path: Path) -> None:
    for data in (b"\0" * 100, b"\n\n\n", b"x" * 50 + b"\n", b"0123456789abcdef {}\n"):
        (tmp_path / "x").write_bytes(data)
        assert read_records(tmp_path / "x").records == ()


def test_a_full_disk_costs_one_record_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Records(tmp_path / "x")
    file.append("first")
    real = os.write

    def half(fd: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "full")
        return real(fd, data[: len(data) // 2])

    monkeypatch.setattr(records.os, "write", half)
    with pytest.raises(OSError, match="full"):
        file.append("lost")
    monkeypatch.undo()
    assert read_records(file.path).records == ("first",)
    assert read_records(file.path).damage is None
    file.append("second")
    file.close()
    assert read_records(file.path).records == ("first", "second")


def test_an_open_file_is_in_use_and_a_closed_one_is_not(tmp_path: Path) -> None:
    file = Records(tmp_path / "x")
    assert in_use(file.path)
    file.close()
    file.close()
    assert not in_use(file.path)
    assert in_use(tmp_path / "gone")


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path / "x", ["a"])
    with pytest.raises(FileExistsError):
        Records(tmp_path / "x")


def test_records_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flushing thread flushes after an append; closing waits for it."""
    flushed: list[int] = []
    monkeypatch.setattr(records.os, "fsync", flushed.append)
    file = Records(tmp_path / "x")
    file.append("a")
    file.close()
    assert flushed


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    file = Records(tmp_path / "x")
    file.append("a")
    file.close(remove=True)
    assert list(tmp_path.iterdir()) == []
