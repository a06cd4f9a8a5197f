from __future__ import annotations

import copy
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.encoding import Encoder
from studio.document.jsontext import Json
from studio.document.patches import apply, diff
from tests.document.strategies import json_values, projects, random_project


@given(json_values, json_values)
def test_a_patch_leads_from_one_tree_to_the_other(old: Json, new: Json) -> None:
    before = copy.deepcopy(old)
    assert apply(old, diff(old, new)) == new
    assert old == before


@given(projects, st.integers(0, 2**32 - 1))
def test_patches_between_projects(project: object, seed: int) -> None:
    encoder = Encoder()
    old = encoder.encode(project)  # type: ignore[arg-type]
    new = encoder.encode(random_project(Random(seed)))
    assert apply(old, diff(old, new)) == new


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_lists_are_spliced_where_they_differ(old: list[Json], new: list[Json]) -> None:
    patch = diff(old, new)
    assert len(patch) <= 1
    assert apply(old, patch) == new


def test_a_small_edit_is_a_small_patch() -> None:
    keys: list[Json] = [[i / 25, 1.0] for i in range(20_000)]
    moved: list[Json] = [*keys[:5000], [200.01, 1.0], *keys[5001:]]
    tree = {"lanes": [{"keys": keys}, {"keys": keys}]}
    changed = {"lanes": [{"keys": keys}, {"keys": moved}]}
    assert diff(tree, changed) == [["splice", ["lanes", 1, "keys"], 5000, 1, [[200.01, 1.0]]]]


@given(json_values, json_values)
def test_no_patch_crashes(tree: Json, patch: Json) -> None:
    try:
        apply(tree, patch)
    except ValueError as error:
        assert "patch" in str(error)  # noqa: PT017 - most random patches are refused, some are empty


@pytest.mark.parametrize(
    "operation",
    [
        ["set", ["a", "b"], 1],
        ["set", ["l", 9], 1],
        ["set", ["l", -1], 1],
        ["drop", ["z"]],
        ["drop", []],
        ["splice", ["l"], 2, 5, []],
        ["splice", ["l"], -1, 0, []],
        ["splice", ["a"], 0, 0, []],
        ["jump", ["a"], 1],
        ["set", ["a"]],
    ],
)
def test_patches_that_do_not_fit_are_refused(operation: list[Json]) -> None:
    with pytest.raises(ValueError, match="patch"):
        apply({"a": 1, "l": [1, 2, 3]}, [operation])
