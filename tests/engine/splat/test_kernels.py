"""Laws of the compiled parts that pictures alone would not show."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from studio.engine.splat._elementary import exp, log
from studio.engine.splat._jit import kernel
from studio.engine.splat._lanes import highest, least, load, ramp, spread, store, total, where_at_most
from studio.engine.splat._project import (
    DEPTH,
    REACH,
    SPAN_FIELDS,
    SPLAT_FIELDS,
    TILE_HEIGHT,
    TILE_WIDTH,
    Floats,
    H,
    K,
    M,
    U,
    V,
    project_splats,
)
from studio.engine.splat._tiles import depth_order, pairs_of, sort_into_tiles
from studio.engine.splat.projection import jacobian_limits
from tests.engine.splat.scenes import KINDS, NAMES, camera, random_scene


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0625, 1e6, width=32), st.integers(0, 2)), max_size=60))
def test_depth_order_is_a_stable_sort_of_what_is_drawn(depths_and_tiles: list[tuple[float, int]]) -> None:
    splats = np.zeros((len(depths_and_tiles), SPLAT_FIELDS), np.float32)
    splats[:, DEPTH] = [depth for depth, _ in depths_and_tiles]
    tiles = np.array([count for _, count in depths_and_tiles], np.int32)
    drawn = np.flatnonzero(tiles)
    want = drawn[np.argsort(splats[drawn, DEPTH], kind="stable")]
    assert depth_order(splats, tiles).tolist() == want.tolist()


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 150))
def test_tiles_list_every_splat_that_reaches_one_of_their_pixels_in_order(
    kind: str, seed: int, width: int, height: int
) -> None:
    view, scene = camera(width, height), random_scene(kind, seed, n=20, degree=0)
    lens = np.array([view.fx, view.fy, view.cx, view.cy, *jacobian_limits(view)])
    splats = np.zeros((len(scene), SPLAT_FIELDS), np.float32)
    rows, spans = np.zeros(len(scene), np.int32), np.zeros((len(scene), SPAN_FIELDS), np.int16)
    parameters = tuple(getattr(scene, name).numpy() for name in NAMES)
    arrays = (view.world_to_camera, view.position, lens)
    project_splats(np.zeros(1, np.int64), parameters, arrays, width, height, splats, rows, spans)
    order = depth_order(splats, rows)
    starts, members = sort_into_tiles(order, rows, spans, splats, width, height)
    assert len(members) == starts[-1]
    y, x = np.mgrid[:height, :width] + 0.5
    columns = -(-width // TILE_WIDTH)
    reached = {
        int(i): (splats[i, H] * (x - splats[i, U] - splats[i, M] * (y - splats[i, V])) ** 2)
        + splats[i, K] * (y - splats[i, V]) ** 2
        <= splats[i, REACH] - 1e-3
        for i in order
    }
    for tile in range(len(starts) - 1):
        listed = members[starts[tile] : starts[tile + 1]].tolist()
        assert listed == [i for i in order if i in listed]
        left, top = tile % columns * TILE_WIDTH, tile // columns * TILE_HEIGHT
        for i, inside in reached.items():
            assert i in listed or not bool(inside[top : top + TILE_HEIGHT, left : left + TILE_WIDTH].any())
    begins, places = pairs_of(members, len(scene))
    for i in range(len(scene)):
        assert places[begins[i] : begins[i + 1]].tolist() == np.flatnonzero(members == i).tolist()


@kernel()
def _exponentials(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(x.shape[0]):
        out[i] = exp(x[i])


@kernel()
def _logarithms(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(x.shape[0]):
        out[i] = log(x[i])


def test_exponential_and_logarithm_are_good_to_float32() -> None:
    x = np.concatenate([np.linspace(-699, 699, 4001), [-1e30, -710.0, 710.0, 1e30, np.inf, -np.inf]])
    got = np.empty_like(x)
    _exponentials(x, got)
    np.testing.assert_allclose(got, np.exp(np.clip(x, -700, 700)), rtol=1e-8)
    x = np.geomspace(1e-300, 1e300, 4001)
    _logarithms(x, got[:4001])
    np.testing.assert_allclose(got[:4001], np.log(x), rtol=1e-9, atol=1e-9)


@kernel()
def _formula(a: Floats, b: Floats, out: Floats) -> tuple[float, float]:
    x, y, half = load(a, 0), load(b, 0), np.float32(0.5)
    result = (x + y * half - half * x) / (y + half) + ramp()
    store(out, 0, where_at_most(least(result, spread(np.float32(3.0))), x, y))
    return total(x), highest(x)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=8, max_size=8))
def test_vectors_count_like_arrays(numbers: list[float]) -> None:
    a, b = np.array(numbers, np.float32), np.linspace(0.5, 900.0, 8, dtype=np.float32)
    out = np.empty(8, np.float32)
    sums, largest = _formula(a, b, out)
    want = np.minimum((a + b / 2 - a / 2) / (b + 0.5) + np.arange(8), 3.0)
    np.testing.assert_allclose(out, np.where(a <= b, want, 0.0), rtol=1e-4, atol=1e-4)
    assert sums == pytest.approx(a.astype(float).sum(), rel=1e-4, abs=1e-2)
    assert largest == a.max()


def test_kernels_work_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def strict(*functions: Any, **options: Any) -> Any:  # numba decorates some of its own with it, too
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*functions, **options)

    monkeypatch.setattr(numba, "njit", strict)

    @kernel()
    def twice(x: int) -> int:
        return 2 * x

    assert twice(21) == 42
