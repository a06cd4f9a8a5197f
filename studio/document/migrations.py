"""Older project formats brought up to date, one version at a time.

A migration is a pure function from the tree of format N to the tree of format N + 1; it knows nothing of files and
does not change its argument. Each has a fixture file of its old format in the tests. There is one format so far.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from studio.document.encoding import VERSION
from studio.document.jsontext import Json

Tree = dict[str, Json]
Migration = Callable[[Tree], Tree]

MIGRATIONS: Mapping[int, Migration] = {}
"""Format N → the migration from N to N + 1."""


def migrate(tree: Tree, version: int, target: int = VERSION, migrations: Mapping[int, Migration] = MIGRATIONS) -> Tree:
    """The tree brought from format `version` to `target`; a newer tree is returned as it is.

    Raises KeyError when a migration between the two is missing, which the tests exclude.
    """
    while version < target:
        tree = {**migrations[version](copy.deepcopy(tree)), "version": version + 1}
        version += 1
    return tree
