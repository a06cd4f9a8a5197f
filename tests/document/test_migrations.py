from __future__ import annotations

import copy
from pathlib import Path

import pytest

from studio.document.encoding import VERSION
from studio.document.jsontext import Json
from studio.document.migrations import MIGRATIONS, Tree, migrate
from studio.document.project import load_project

FIXTURES = Path(__file__).parent / "fixtures"


def test_every_older_format_has_a_migration() -> None:
    assert set(MIGRATIONS) == set(range(1, VERSION))


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_file_of_every_format_still_opens(version: int) -> None:
    project = load_project(FIXTURES / f"version-{version}.emozone")
    assert project.read_only is None
    assert project.performance.lane("AU12") is not None
    assert project.performance.base.take is not None
    assert project.markers[0].name == "smile"


def test_migrations_run_in_order_and_leave_their_argument_alone() -> None:
    def two(tree: Tree) -> Tree:
        lanes = tree["lanes"]
        assert isinstance(lanes, list)
        lanes.append("two")
        return tree

    def three(tree: Tree) -> Tree:
        lanes = tree.pop("lanes")
        return {**tree, "tracks": lanes}

    old: dict[str, Json] = {"version": 1, "lanes": ["one"]}
    before = copy.deepcopy(old)
    assert migrate(old, 1, 3, {1: two, 2: three}) == {"version": 3, "tracks": ["one", "two"]}
    assert old == before


def test_a_missing_migration_is_a_defect() -> None:
    with pytest.raises(KeyError):
        migrate({}, 1, 3, {1: dict})


def test_newer_trees_pass_untouched() -> None:
    tree: Tree = {"version": VERSION + 5}
    assert migrate(tree, VERSION + 5) is tree
