from __future__ import annotations

import pytest

from studio.document.fields import Fields
from studio.document.jsontext import Json
from studio.errors import StudioError


def fields(**items: Json) -> Fields:
    return Fields(items, "talk.emozone", "base")


def test_values_are_read_and_the_rest_is_kept() -> None:
    read = fields(a=1, b="x", c=None, d=[1, 2], later={"z": [1.5]})
    assert read.number("a", 0) == 1.0
    assert read.text("b") == "x"
    assert read.number("c", 7.0) == 7.0
    assert read.numbers("d", 2, ()) == (1.0, 2.0)
    assert "c" not in read
    assert read.extra() == (("later", '{"z":[1.5]}'),)


@pytest.mark.parametrize("value", [True, "1", [1], {}, 10**400, -1, 11])
def test_numbers_must_be_numbers_in_range(value: Json) -> None:
    with pytest.raises(StudioError, match=r"^talk\.emozone is damaged at base\.a: expected a number from 0 to 10"):
        fields(a=value).number("a", 0, 0, 10)


@pytest.mark.parametrize("value", [1.5, True, "2", 10**400, -1])
def test_whole_numbers_must_be_whole(value: Json) -> None:
    with pytest.raises(StudioError, match="whole number"):
        fields(a=value).integer("a", 0, 0, 10)


@pytest.mark.parametrize("value", [1, ["x"], "\ud800", "x" * 200_000])
def test_texts_must_be_texts_that_can_be_saved(value: Json) -> None:
    with pytest.raises(StudioError, match="a text"):
        fields(a=value).text("a")


def test_wrong_kinds_are_refused() -> None:
    with pytest.raises(StudioError, match="true or false"):
        fields(a=1).boolean("a")
    with pytest.raises(StudioError, match="one of x, y"):
        fields(a="z").choice("a", ("x", "y"), "x")
    with pytest.raises(StudioError, match=r"base\.a: expected an object"):
        fields(a=[]).child("a")
    with pytest.raises(StudioError, match=r"base\.a\[1\]"):
        list(fields(a=[{}, 3]).children("a", 5))
    with pytest.raises(StudioError, match="at most 2 entries"):
        fields(a=[1, 2, 3]).items("a", 2)
    with pytest.raises(StudioError, match="list of 3 numbers"):
        fields(a=[1]).numbers("a", 3, ())


def test_refusals_of_the_document_classes_say_where() -> None:
    with pytest.raises(StudioError, match=r"talk\.emozone is damaged at base: too loud\."), fields().sensible():
        raise ValueError("too loud")


def test_long_values_are_shortened_in_errors() -> None:
    with pytest.raises(StudioError) as caught:
        fields(a="x" * 1000).number("a", 0)
    assert len(str(caught.value)) < 150
