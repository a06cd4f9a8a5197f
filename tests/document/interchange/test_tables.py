from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.interchange.tables import rate_of, read_table, resampled, write_table
from studio.errors import StudioError


def table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        " a, b \r\n1, 2\r\n3, 4\r\n",
        "a;b\n1;2\n3;4",
        "a\tb\n1\t2\n\n3\t4\n",
        '\ufeff"a","b"\n"1","2"\n3,4,\n',
    ],
)
def test_forms_of_the_same_table(tmp_path: Path, text: str) -> None:
    read = read_table(table(tmp_path, text), "CSV")
    assert read.header == ("a", "b")
    assert read.numbers([0, 1]).tolist() == [[1, 2], [3, 4]]
    assert read.column("B") == 1
    assert read.column("c") is None


def test_a_last_line_cut_off_is_left_out(tmp_path: Path) -> None:
    assert len(read_table(table(tmp_path, "a,b\n1,2\n3"), "CSV").rows) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2,3\n4,5\n", "3 values in data row 1"),
        ("a,b\n1\n4,5\n", "1 values in data row 1"),
        (b"\x89PNG\0\0\0", "no text file"),
        ("a,b\n" + '"' + "x" * 200_000 + '",1\n', "field larger"),
    ],
)
def test_damaged_tables_are_one_sentence(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(StudioError, match=message):
        read_table(table(tmp_path, text), "CSV")


@pytest.mark.parametrize("cell", ["", "x", "nan", "inf", "1,5"])
def test_what_is_no_number_is_named(tmp_path: Path, cell: str) -> None:
    read = read_table(table(tmp_path, f"a;b\n1;{cell}\n"), "CSV")
    with pytest.raises(StudioError, match="data row 1, column b"):
        read.numbers([1])


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        rows = read_table(path, "CSV").rows
    except StudioError as error:
        rows = []
        sentence = str(error)
        assert sentence.startswith("any.csv ")
    assert isinstance(rows, list)


@given(st.sampled_from([24.0, 25.0, 30.0, 60.0, 30000 / 1001]), st.integers(2, 500))
def test_rates_are_recognised_from_rounded_times(fps: float, frames: int) -> None:
    times = np.arange(frames) / fps
    if times[-1] > 2:
        assert rate_of(times) == fps
        assert rate_of(np.round(times, 3)) == fps
        assert rate_of(np.delete(times, [3, 7, 8])) == fps
    assert rate_of(np.arange(100) / 47.0) == pytest.approx(47)
    assert rate_of(np.zeros(3)) is None


def test_gaps_are_bridged() -> None:
    filled = resampled(np.array([0.0, 0.04, 0.16]), np.array([[0.0], [1.0], [4.0]]), 25, "x")
    np.testing.assert_allclose(filled[:, 0], [0, 1, 2, 3, 4])
    with pytest.raises(StudioError, match="backwards"):
        resampled(np.array([1.0, 0.0]), np.zeros((2, 1)), 25, "x")
    with pytest.raises(StudioError, match="too long"):
        resampled(np.array([0.0, 1e9]), np.zeros((2, 1)), 25, "x")


def test_writing_is_atomic_and_told(tmp_path: Path) -> None:
    write_table(tmp_path / "x.csv", ["a", "b"], [["1", "2"]])
    assert (tmp_path / "x.csv").read_text() == "a,b\n1,2\n"
    with pytest.raises(StudioError, match="was not written"):
        write_table(tmp_path / "gone" / "x.csv", ["a"], [])
