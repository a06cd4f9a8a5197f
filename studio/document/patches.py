"""Differences between JSON trees: what a journal stores for each edit.

A patch is a list of operations, each on a place given by a path of keys and indices:
`["set", path, value]`, `["drop", path]` for a key of an object, and `["splice", path, start, count, items]`, which
replaces `count` entries of a list. Numbers are compared as Python does (1 = 1.0).
"""

from __future__ import annotations

from typing import cast

from studio.document.jsontext import Json

Path = list[Json]


def diff(old: Json, new: Json) -> list[Json]:
    """The patch that turns `old` into `new`; parts that are the same object are not looked into."""
    operations: list[Json] = []
    _compare(old, new, [], operations)
    return operations


def apply(tree: Json, patch: Json) -> Json:
    """The patched tree; `tree` itself stays as it was, unchanged parts are shared.

    Raises ValueError for a patch that does not fit.
    """
    if not isinstance(patch, list):
        raise ValueError("a patch is no list of operations")  # noqa: TRY004 - callers catch one kind for bad data
    for operation in patch:
        if not isinstance(operation, list) or len(operation) < 2 or not isinstance(operation[1], list):
            raise ValueError("a patch holds something that is no operation")
        try:
            tree = _applied(tree, operation[1], operation)
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"a patch does not fit: {error!r}") from error
    return tree


def _compare(old: Json, new: Json, path: Path, operations: list[Json]) -> None:
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            if key not in new:
                operations.append(["drop", [*path, key]])
        for key, value in new.items():
            if key in old:
                _compare(old[key], value, [*path, key], operations)
            else:
                operations.append(["set", [*path, key], value])
    elif isinstance(old, list) and isinstance(new, list):
        _compare_lists(old, new, path, operations)
    elif old != new or type(old) is not type(new):
        operations.append(["set", path, new])


def _compare_lists(old: list[Json], new: list[Json], path: Path, operations: list[Json]) -> None:
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and (old[head] is new[head] or old[head] == new[head]):
        head += 1
    tail = 0
    while tail < shorter - head and (old[-1 - tail] is new[-1 - tail] or old[-1 - tail] == new[-1 - tail]):
        tail += 1
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(before) == len(after) and all(isinstance(item, dict) for item in (*before, *after)):
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            _compare(a, b, [*path, head + i], operations)
    elif before or after:
        operations.append(["splice", path, head, len(before), after])


def _applied(tree: Json, path: list[Json], operation: list[Json]) -> Json:
    kind = operation[0]
    if path and (kind == "splice" or len(path) > 1):
        step = path[0]
        if isinstance(tree, dict) and isinstance(step, str):
            return {**tree, step: _applied(tree[step], path[1:], operation)}
        if isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
            return [*tree[:step], _applied(tree[step], path[1:], operation), *tree[step + 1 :]]
        raise KeyError(step)
    if kind == "splice":
        _, _, start, count, items = operation
        span = isinstance(start, int) and isinstance(count, int) and isinstance(items, list) and isinstance(tree, list)
        if not span or not 0 <= cast(int, start) <= cast(int, start) + cast(int, count) <= len(cast(list[Json], tree)):
            raise KeyError("splice")
        whole, first = cast(list[Json], tree), cast(int, start)
        return [*whole[:first], *cast(list[Json], items), *whole[first + cast(int, count) :]]
    if kind == "set" and not path:
        return operation[2]
    if not isinstance(tree, (dict, list)):
        raise KeyError(str(kind))
    if kind == "set" and isinstance(tree, list):
        index = path[0]
        if not isinstance(index, int) or not 0 <= index < len(tree):
            raise KeyError("set")
        return [*tree[:index], operation[2], *tree[index + 1 :]]
    if kind == "set" and isinstance(tree, dict) and isinstance(path[0], str):
        return {**tree, path[0]: operation[2]}
    if kind == "drop" and isinstance(tree, dict) and path[0] in tree:
        return {key: value for key, value in tree.items() if key != path[0]}
    raise KeyError(str(kind))
