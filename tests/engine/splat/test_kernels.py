"""Laws of the compiled parts that pictures alone would not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.splat._jit import kernel
from studio.engine.splat._project import DEPTH, SPLAT_FIELDS
from studio.engine.splat._tiles import depth_order, sort_pairs


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0625, 1e6, width=32), st.integers(0, 2)), max_size=60))
def test_depth_order_is_a_stable_sort_of_what_is_drawn(depths_and_tiles: list[tuple[float, int]]) -> None:
    splats = np.zeros((len(depths_and_tiles), SPLAT_FIELDS), np.float32)
    splats[:, DEPTH] = [depth for depth, _ in depths_and_tiles]
    tiles = np.array([count for _, count in depths_and_tiles], np.int32)
    drawn = np.flatnonzero(tiles)
    want = drawn[np.argsort(splats[drawn, DEPTH], kind="stable")]
    assert depth_order(splats, tiles).tolist() == want.tolist()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=5, unique=True), max_size=20))
def test_pairs_are_grouped_by_tile_in_depth_order(touched: list[list[int]]) -> None:
    order = np.arange(len(touched), dtype=np.int32)[::-1].copy()
    starts = np.concatenate([[0], np.cumsum([len(touched[i]) for i in order])]).astype(np.int64)
    pair_tiles = np.array([tile for i in order for tile in touched[i]], np.int32)
    tile_starts, members, places = sort_pairs(order, starts, pair_tiles, 7)
    for tile in range(7):
        want = [int(i) for i in order if tile in touched[i]]
        assert members[tile_starts[tile] : tile_starts[tile + 1]].tolist() == want
    owners = np.repeat(order, np.diff(starts))
    assert members[places].tolist() == owners.tolist()


def test_kernels_work_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def strict(**options: Any) -> Callable[[Any], Any]:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", strict)

    @kernel()
    def twice(x: int) -> int:
        return 2 * x

    assert twice(21) == 42
