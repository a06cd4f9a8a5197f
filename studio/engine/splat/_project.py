"""Compiled projection of Gaussians to splats, and its derivative.

A splat is what a Gaussian becomes on the image plane. Its falloff is kept as a sum of two squares,

    σ(x, y) = h · (x - u - m (y - v))² + k · (y - v)²        h = 1 / 2(A - B²/C),  m = B / C,  k = 1 / 2C

for the 2D covariance [[A, B], [B, C]]. That costs no more per pixel than the usual conic, says directly where a pixel
row begins and ends, and keeps long needles exact in float32, where the conic's three terms would cancel.

Everything here is computed in float64: it happens once per Gaussian, not once per pixel, and determinants of needles
need it. Gaussians go through in blocks, in three steps: their numbers are laid out in rows, the arithmetic runs along
the rows without a branch so that LLVM makes vectors of it, and what is drawn is coloured and written. Gaussians that
are not finite, behind the near plane, off the picture or too faint are marked by no rows of tiles.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from studio.engine.gaussians import SH_C0
from studio.engine.splat._crew import Tickets
from studio.engine.splat._elementary import exp, log
from studio.engine.splat._jit import kernel, take
from studio.engine.splat._lanes import LANES
from studio.engine.splat.base import ALPHA_MIN, COVARIANCE_BLUR_PX2, NEAR_M
from studio.engine.splat.harmonics import C1, C2_XX, C2_XY, C2_Z, C3_X3, C3_XYZ, C3_XZ2, C3_Z3, C3_ZXX, COLOUR_OFFSET

TILE_WIDTH = LANES
TILE_HEIGHT = 32
"""Size of a tile in pixels: one vector wide, because most splats are narrower than two; high, because a splat's rows in
a tile are known exactly and cost nothing where it is not, while every tile that a splat is sorted into costs."""

BLOCK = 256
"""Gaussians per unit of parallel work."""

SPLAT_FIELDS = 16
"""Floats per splat, one cache line: the constants below are their places."""
U, V = 0, 1  # centre, pixels
H, M, K = 2, 3, 4  # falloff as in the module's formula, 1/px², px/px, 1/px²
OPACITY = 5
RED, GREEN, BLUE = 6, 7, 8
DEPTH = 9  # metres
EXTENT_X, EXTENT_Y = 10, 11  # half size of the box in which alpha can reach 1/255, pixels
REACH = 12  # σ at which alpha falls to 1/255
TILT = 13  # y - v of the outline's rightmost point, pixels
SLENDER = 14  # 1 / (k + h m²), px²
ROOT = 15  # √(h / 8), 1/px

_ROWS = 16  # what else is known of splats while they are projected: how many rows of tiles,
_SPAN = 17  # and what spans hold: the first of these, and ranges of tile columns in that and the next
SPAN_FIELDS = 6
"""Numbers per span: rows of tiles that the splat touches, the first of these, first and one-past-last column of the
tiles in that row, and the same for the next row, beyond which few splats reach."""
_RESULTS = 22
_INPUTS = 11

GRADIENT_FIELDS = 10
"""Floats per splat gradient: with respect to u, v, h, m, k, opacity, red, green, blue, depth."""

EXTENT_SLACK_PX = 1e-3
"""Extents are this much larger than exact, so that rounding never cuts a pixel off that should be tested."""

FLATTEST = 1e-14
"""Least h and k, 1/px²: what is larger than millions of pixels is as flat as it gets, and float32 extents stay sane."""

_FINITE = 1e30
"""Parameters and centres beyond this count as not finite (float32 would overflow a few operations later)."""

_FAR_PX = 1e9
"""Extents end here, long before integers overflow."""

_FINITE_PX2 = 1e150
"""The same for variances in float64, whose squares must not overflow."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int32]
Spans = NDArray[np.int16]
Parameters = tuple[Floats, Floats, Floats, Floats, Floats]
"""means (N, 3), quats (N, 4), log_scales (N, 3), opacity_logits (N,), sh (N, K, 3), as in `Gaussians`."""
ViewArrays = tuple[Doubles, Doubles, Doubles]
"""Matrix (4, 4) head space → camera space; position (3,); fx, fy, cx, cy and the limits of `jacobian_limits` (8,)."""


@kernel()
def sh_basis_into(x: float, y: float, z: float, count: int, basis: Doubles) -> None:
    """Write the first `count` (1, 4, 9 or 16) spherical harmonics along a unit vector into `basis`."""
    basis[0] = SH_C0
    if count > 1:
        basis[1] = -C1 * y
        basis[2] = C1 * z
        basis[3] = -C1 * x
    if count > 4:
        basis[4] = C2_XY * x * y
        basis[5] = -C2_XY * y * z
        basis[6] = C2_Z * (3.0 * z * z - 1.0)
        basis[7] = -C2_XY * x * z
        basis[8] = C2_XX * (x * x - y * y)
    if count > 9:
        basis[9] = -C3_X3 * y * (3.0 * x * x - y * y)
        basis[10] = C3_XYZ * x * y * z
        basis[11] = -C3_XZ2 * y * (5.0 * z * z - 1.0)
        basis[12] = C3_Z3 * z * (5.0 * z * z - 3.0)
        basis[13] = -C3_XZ2 * x * (5.0 * z * z - 1.0)
        basis[14] = C3_ZXX * z * (x * x - y * y)
        basis[15] = -C3_X3 * x * (x * x - 3.0 * y * y)


@kernel()
def sh_direction_gradient(x: float, y: float, z: float, count: int, weights: Doubles) -> tuple[float, float, float]:
    """Gradient of Σ weights · basis with respect to the direction (before it was normalised to length 1)."""
    w = weights
    gx = gy = gz = 0.0
    if count > 1:
        gx -= C1 * w[3]
        gy -= C1 * w[1]
        gz += C1 * w[2]
    if count > 4:
        gx += C2_XY * (y * w[4] - z * w[7]) + 2.0 * C2_XX * x * w[8]
        gy += C2_XY * (x * w[4] - z * w[5]) - 2.0 * C2_XX * y * w[8]
        gz += 6.0 * C2_Z * z * w[6] - C2_XY * (y * w[5] + x * w[7])
    if count > 9:
        xx, yy, zz = x * x, y * y, z * z
        gx += -6.0 * C3_X3 * x * y * w[9] + C3_XYZ * y * z * w[10] - C3_XZ2 * (5.0 * zz - 1.0) * w[13]
        gx += 2.0 * C3_ZXX * x * z * w[14] - 3.0 * C3_X3 * (xx - yy) * w[15]
        gy += -3.0 * C3_X3 * (xx - yy) * w[9] + C3_XYZ * x * z * w[10] - C3_XZ2 * (5.0 * zz - 1.0) * w[11]
        gy += -2.0 * C3_ZXX * y * z * w[14] + 6.0 * C3_X3 * x * y * w[15]
        gz += C3_XYZ * x * y * w[10] - 10.0 * C3_XZ2 * z * (y * w[11] + x * w[13])
        gz += C3_Z3 * (15.0 * zz - 3.0) * w[12] + C3_ZXX * (xx - yy) * w[14]
    return gx, gy, gz


@kernel(inline=True)
def tile_columns(
    u: float, v: float, h: float, m: float, k: float, reach: float, tilt: float, top: float, bottom: float, width: int
) -> tuple[float, float]:
    """First and one-past-last tile column that a splat's outline crosses between two heights.

    Exact for the ellipse, not its box: long diagonal splats touch a tenth of their box's tiles.

    Args:
        u: this and the next six are fields of the splat.
        v: …
        h: …
        m: …
        k: …
        reach: …
        tilt: …
        top: centre of the first pixel row, pixels.
        bottom: centre of the last, at least `top`.
        width: of the picture, pixels.

    Returns:
        Whole numbers; the second is not above the first where no pixel's centre is inside.
    """
    above, below = top - v, bottom - v
    dy = min(max(tilt, above), below)
    right = u + m * dy + math.sqrt(max(reach - k * dy * dy, 0.0) / h) + EXTENT_SLACK_PX
    dy = min(max(-tilt, above), below)
    left = u + m * dy - math.sqrt(max(reach - k * dy * dy, 0.0) / h) - EXTENT_SLACK_PX
    first = np.ceil(min(max(left - 0.5, 0.0), width))
    last = np.floor(max(min(right - 0.5, width - 1.0), -1.0))
    return np.floor(first / TILE_WIDTH), np.floor(last / TILE_WIDTH) + 1.0 if first <= last else 0.0


@kernel(inline=True)
def pixel_rows(v: float, extent: float, height: int) -> tuple[float, float]:
    """First and one-past-last pixel row whose centres lie within `extent` of `v`, as whole numbers."""
    first = np.ceil(min(max(v - extent - 0.5, 0.0), height))
    return first, np.floor(max(min(v + extent - 0.5, height - 1.0), -1.0)) + 1.0


@kernel(fast=True)
def _project_block(
    begin: int,
    count: int,
    parameters: Parameters,
    arrays: ViewArrays,
    width: int,
    height: int,
    splats: Floats,
    rows: Integers,
    spans: Spans,
) -> None:
    means, quats, log_scales, opacity_logits, sh = parameters
    view, eye, lens = arrays
    fx, fy, cx, cy, x_low, x_high, y_low, y_high = lens
    table = np.empty((_INPUTS, BLOCK), np.float64)
    results = np.empty((_RESULTS, BLOCK), np.float32)
    for n in range(count):
        i = begin + n
        table[0, n], table[1, n], table[2, n] = means[i, 0], means[i, 1], means[i, 2]
        table[3, n], table[4, n], table[5, n], table[6, n] = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        table[7, n], table[8, n], table[9, n] = log_scales[i, 0], log_scales[i, 1], log_scales[i, 2]
        table[10, n] = opacity_logits[i]

    v00, v01, v02, v03 = view[0, 0], view[0, 1], view[0, 2], view[0, 3]
    v10, v11, v12, v13 = view[1, 0], view[1, 1], view[1, 2], view[1, 3]
    v20, v21, v22, v23 = view[2, 0], view[2, 1], view[2, 2], view[2, 3]
    eye_x, eye_y, eye_z = eye[0], eye[1], eye[2]
    for n in range(count):
        px, py, pz = table[0, n], table[1, n], table[2, n]
        qw, qx, qy, qz = table[3, n], table[4, n], table[5, n], table[6, n]
        l0, l1, l2, logit = table[7, n], table[8, n], table[9, n], table[10, n]
        size = abs(px) + abs(py) + abs(pz) + abs(qw) + abs(qx) + abs(qy) + abs(qz) + abs(l0) + abs(l1) + abs(l2)
        x = v00 * px + v01 * py + v02 * pz + v03
        y = v10 * px + v11 * py + v12 * pz + v13
        z = v20 * px + v21 * py + v22 * pz + v23
        opacity = 1.0 / (1.0 + exp(-logit))
        s0, s1, s2 = exp(l0), exp(l1), exp(l2)
        inverse = 1.0 / max(math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz), 1e-12)
        qw, qx, qy, qz = qw * inverse, qx * inverse, qy * inverse, qz * inverse

        # The two rows of Jacobian · view, then those rows times the square root of the 3D covariance.
        over = 1.0 / z
        tan_x, tan_y = min(max(x * over, x_low), x_high), min(max(y * over, y_low), y_high)
        fx_z, fy_z = fx * over, fy * over
        ax = fx_z * (v00 - tan_x * v20)
        ay = fx_z * (v01 - tan_x * v21)
        az = fx_z * (v02 - tan_x * v22)
        bx = fy_z * (v10 - tan_y * v20)
        by = fy_z * (v11 - tan_y * v21)
        bz = fy_z * (v12 - tan_y * v22)
        r00, r01, r02 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qw * qz), 2.0 * (qx * qz + qw * qy)
        r10, r11, r12 = 2.0 * (qx * qy + qw * qz), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qw * qx)
        r20, r21, r22 = 2.0 * (qx * qz - qw * qy), 2.0 * (qy * qz + qw * qx), 1.0 - 2.0 * (qx * qx + qy * qy)
        n0 = (ax * r00 + ay * r10 + az * r20) * s0
        n1 = (ax * r01 + ay * r11 + az * r21) * s1
        n2 = (ax * r02 + ay * r12 + az * r22) * s2
        o0 = (bx * r00 + by * r10 + bz * r20) * s0
        o1 = (bx * r01 + by * r11 + bz * r21) * s1
        o2 = (bx * r02 + by * r12 + bz * r22) * s2
        a = n0 * n0 + n1 * n1 + n2 * n2 + COVARIANCE_BLUR_PX2
        b = n0 * o0 + n1 * o1 + n2 * o2
        c = o0 * o0 + o1 * o1 + o2 * o2 + COVARIANCE_BLUR_PX2
        u, v = fx_z * x + cx, fy_z * y + cy

        # The determinant by Lagrange's identity, a sum of squares: a c - b² would cancel for needles.
        d0, d1, d2 = n1 * o2 - n2 * o1, n2 * o0 - n0 * o2, n0 * o1 - n1 * o0
        determinant = d0 * d0 + d1 * d1 + d2 * d2 + COVARIANCE_BLUR_PX2 * (a + c - COVARIANCE_BLUR_PX2)
        h = max(0.5 * c / determinant, FLATTEST)
        k = max(0.5 / c, FLATTEST)
        m = min(max(b / c, -_FINITE), _FINITE)
        reach = log(max(opacity / ALPHA_MIN, 1.0))
        extent_x, extent_y = math.sqrt(2.0 * reach * a), math.sqrt(2.0 * reach * c)
        tilt = min(max(b * math.sqrt(2.0 * reach / a), -_FINITE), _FINITE)
        inside = (u + extent_x >= 0.0) & (u - extent_x <= width) & (v + extent_y >= 0.0) & (v - extent_y <= height)
        sane = (size < _FINITE) & (abs(logit) < _FINITE) & (a < _FINITE_PX2) & (c < _FINITE_PX2)
        sane &= (abs(u) < _FINITE) & (abs(v) < _FINITE)
        extent_x, extent_y = min(extent_x + EXTENT_SLACK_PX, _FAR_PX), min(extent_y + EXTENT_SLACK_PX, _FAR_PX)
        first, stop = pixel_rows(v, extent_y, height)
        drawn = inside & sane & (z > NEAR_M) & (opacity >= ALPHA_MIN) & (first < stop)

        above = np.floor(first / TILE_HEIGHT)
        touched = np.floor((stop - 1.0) / TILE_HEIGHT) + 1.0 - above
        seam = (above + 1.0) * TILE_HEIGHT
        low, high = tile_columns(u, v, h, m, k, reach, tilt, first + 0.5, min(stop, seam) - 0.5, width)
        next_low, next_high = tile_columns(
            u, v, h, m, k, reach, tilt, seam + 0.5, max(min(stop, seam + TILE_HEIGHT), seam + 1.0) - 0.5, width
        )
        dx, dy, dz = px - eye_x, py - eye_y, pz - eye_z
        inverse = 1.0 / max(math.sqrt(dx * dx + dy * dy + dz * dz), 1e-12)
        table[0, n], table[1, n], table[2, n] = dx * inverse, dy * inverse, dz * inverse
        results[U, n], results[V, n], results[H, n], results[M, n], results[K, n] = u, v, h, m, k
        results[OPACITY, n], results[DEPTH, n] = opacity, z
        results[EXTENT_X, n], results[EXTENT_Y, n] = extent_x, extent_y
        results[REACH, n], results[TILT, n] = reach, tilt
        results[SLENDER, n], results[ROOT, n] = 1.0 / (k + h * m * m), math.sqrt(0.125 * h)
        results[_ROWS, n] = touched if drawn else 0.0
        results[_SPAN, n] = above
        results[_SPAN + 1, n], results[_SPAN + 2, n] = low, high
        results[_SPAN + 3, n], results[_SPAN + 4, n] = next_low, next_high

    basis = np.empty(16, np.float64)
    terms = sh.shape[1]
    for n in range(count):
        i = begin + n
        rows[i] = 0
        if results[_ROWS, n] == 0.0:
            continue
        sh_basis_into(table[0, n], table[1, n], table[2, n], terms, basis)
        red = green = blue = COLOUR_OFFSET
        for j in range(terms):
            red += basis[j] * sh[i, j, 0]
            green += basis[j] * sh[i, j, 1]
            blue += basis[j] * sh[i, j, 2]
        if abs(red) < _FINITE and abs(green) < _FINITE and abs(blue) < _FINITE:
            splat = splats[i]
            for field in range(SPLAT_FIELDS):
                splat[field] = results[field, n]
            splat[RED], splat[GREEN], splat[BLUE] = max(red, 0.0), max(green, 0.0), max(blue, 0.0)
            rows[i] = np.int32(results[_ROWS, n])
            for field in range(SPAN_FIELDS):
                spans[i, field] = np.int16(results[_ROWS + field, n])


@kernel()
def project_splats(
    tickets: Tickets,
    parameters: Parameters,
    arrays: ViewArrays,
    width: int,
    height: int,
    splats: Floats,
    rows: Integers,
    spans: Spans,
) -> None:
    """Project every Gaussian.

    Args:
        tickets: for blocks of Gaussians.
        parameters: of N Gaussians.
        arrays: the camera.
        width: of the picture, pixels.
        height: of the picture, pixels.
        splats: (N, SPLAT_FIELDS) written where `rows` is not 0.
        rows: (N,) written: how many rows of tiles each splat's box touches, 0 = not drawn.
        spans: (N, SPAN_FIELDS) written where `rows` is not 0: where each splat's tiles are.
    """
    n = rows.shape[0]
    blocks = (n + BLOCK - 1) // BLOCK
    block = take(tickets)
    while block < blocks:
        begin = block * BLOCK
        _project_block(begin, min(n - begin, BLOCK), parameters, arrays, width, height, splats, rows, spans)
        block = take(tickets)
