from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document import jsontext
from studio.document.jsontext import MAX_DEPTH, Json, compact, dump, parse
from studio.errors import StudioError
from tests.document.strategies import json_values

NUMBERS = re.compile(r" *\[[-+.0-9e, ]*\],?")


@given(json_values)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert parse(dump(value).encode(), "x") == value
    assert parse(compact(value).encode(), "x") == value


@given(json_values)
def test_writing_is_canonical(value: Json) -> None:
    text = dump(value)
    assert dump(parse(text.encode(), "x")) == text
    assert all(len(line) <= 121 or '"' in line or NUMBERS.fullmatch(line) for line in text.splitlines())


@given(st.text())
def test_any_text_survives_even_lone_surrogates(text: str) -> None:
    assert parse(dump([text + "\ud800"]).encode(), "x") == [text + "\ud800"]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_one_sentence(data: bytes) -> None:
    try:
        parse(data, "file")
    except StudioError as error:
        sentence = str(error)
    else:
        return
    assert sentence.startswith("file ")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"NaN",
        b"[-Infinity]",
        b"1e999",
        b"1" * 10_000,
        b"\xff\xfe",
        b'{"a": 1',
        b'"',
        b'\\"' * 100_000,
        b"",
    ],
    ids=[
        "open",
        "objects",
        "deep",
        "nan",
        "infinity",
        "overflow",
        "digits",
        "latin",
        "cut",
        "quote",
        "escapes",
        "empty",
    ],
)
def test_hostile_text_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(StudioError, match=r"^file "):
        parse(data, "file")


def test_brackets_inside_strings_are_not_depth() -> None:
    assert parse(json.dumps(["[" * 1000, '\\"[[']).encode(), "x") == ["[" * 1000, '\\"[[']


def test_too_much_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_BYTES", 10)
    with pytest.raises(StudioError, match="MB"):
        parse(b" " * 11, "file")


def test_what_is_no_number_is_never_written() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            dump([1.0, value])
    assert parse(dump([1e308, 1e308, -1e308]).encode(), "x") == [1e308, 1e308, -1e308]
    assert dump([1, True, 2.5]) == "[1, true, 2.5]\n"
