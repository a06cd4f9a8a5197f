"""The rasterizer that runs everywhere: compiled tiles on all cores of a CPU, with a handwritten derivative.

It draws the studio's pictures on machines without a graphics card, and it is what training on a CPU differentiates. The
work is done by the kernels in `_project`, `_tiles`, `_backward` and `_gather`; this module owns their buffers, their
order and their place in torch's autograd.

Any thread may render. How many cores one picture uses follows numba (`NUMBA_NUM_THREADS`, `numba.set_num_threads`);
when two threads render at once, one of them has the helping threads (`_crew`) and the other works alone.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from studio.engine.camera import Camera, orbit_camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat import _backward, _gather, _project, _tiles
from studio.engine.splat._crew import work_through
from studio.engine.splat._gather import Gradients
from studio.engine.splat._project import Floats, Integers, Parameters, Spans, ViewArrays
from studio.engine.splat.base import Raster
from studio.engine.splat.compose import compose_rgba8
from studio.engine.splat.projection import jacobian_limits
from studio.engine.splat.stats import ScreenStats

_GOLDEN = 0.6180339887498949
"""Share of the tiles between two drawn one after the other: spreads them over the picture most evenly."""


@dataclass(frozen=True)
class _View:
    """A camera as the kernels take it."""

    arrays: ViewArrays
    width: int
    height: int

    @staticmethod
    def of(camera: Camera) -> _View:
        lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy, *jacobian_limits(camera)], dtype=np.float64)
        matrix = np.array(camera.world_to_camera, dtype=np.float64, order="C")
        return _View((matrix, np.array(camera.position, dtype=np.float64), lens), camera.width, camera.height)

    @property
    def tile_count(self) -> int:
        return -(-self.width // _project.TILE_WIDTH) * -(-self.height // _project.TILE_HEIGHT)


@dataclass(frozen=True)
class _Sorted:
    """Splats in their tiles: what the backward pass needs of the forward pass."""

    view: _View
    splats: Floats  # (N, SPLAT_FIELDS)
    rows: Integers  # (N,) rows of tiles that each splat touches, 0 = not drawn
    tile_starts: NDArray[np.int64]  # (T + 1,)
    members: Integers  # (P,) splats tile after tile
    stride: int


@dataclass(frozen=True)
class _Picture:
    planes: Floats  # (4, H, W) red, green, blue, alpha
    depth: Floats | None  # (H, W)

    @property
    def rgb(self) -> Tensor:
        """(H, W, 3) the colours where they lie, each in a plane of its own."""
        return torch.from_numpy(self.planes[:3]).permute(1, 2, 0)

    @property
    def alpha(self) -> Tensor:
        """(H, W) coverage."""
        return torch.from_numpy(self.planes[3])


class CpuRasterizer:
    """Draws Gaussians on the CPU; differentiable in all five tensors."""

    name = "cpu"

    def render(
        self, gaussians: Gaussians, camera: Camera, *, depth: bool = False, stats: ScreenStats | None = None
    ) -> Raster:
        """Draw `gaussians` as `camera` sees them.

        Gaussians with NaN or infinity anywhere are left out. When no tensor requires gradients (or under
        `torch.no_grad()`), nothing is kept for a backward pass.

        Args:
            gaussians: on the CPU; other types than float32 are converted.
            camera: any size, not only multiples of the tile.
            depth: whether to return depth as well.
            stats: filled with visibility and radii now, and with screen gradients by `backward()`.

        Raises:
            ValueError: if the Gaussians are on another device.
        """
        if gaussians.means.device.type != "cpu":
            raise ValueError(f"the CPU rasterizer was given Gaussians on {gaussians.means.device}, expected cpu")
        tensors = _float32(gaussians)
        view = _View.of(camera)
        if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
            outputs = cast(tuple[Tensor, ...], _Rasterize.apply(*tensors, view, depth, stats))  # type: ignore[no-untyped-call]
            return Raster(*outputs)
        picture, splats = _draw(_arrays(tensors), view, depth)
        _note_visibility(stats, splats)
        far = None if picture.depth is None else torch.from_numpy(picture.depth)
        return Raster(picture.rgb, picture.alpha, far)


def warm_up(*, backward: bool = False) -> threading.Thread:
    """Compile all kernels of a picture, or load them from the cache, in a background thread.

    Args:
        backward: whether to prepare the derivative too.

    Returns:
        The running thread; join it to wait. Rendering meanwhile is safe, it only waits.
    """

    def work() -> None:
        blob = Gaussians(
            torch.zeros(1, 3), torch.ones(1, 4), torch.full((1, 3), -4.0), torch.zeros(1), torch.zeros(1, 1, 3)
        )
        if backward:
            blob = blob.replace(means=blob.means.requires_grad_())
        raster = CpuRasterizer().render(blob, orbit_camera(0.0, 0.0, 1.0, width=8, height=8))
        for background in (None, (0.0, 0.0, 0.0)):
            compose_rgba8(raster, background)
        if backward:
            raster.rgb.sum().backward()  # type: ignore[no-untyped-call]

    thread = threading.Thread(target=work, name="splat-warm-up", daemon=True)
    thread.start()
    return thread


def _project_all(parameters: Parameters, view: _View) -> tuple[Floats, Integers, Spans]:
    """Splats (N, SPLAT_FIELDS), rows of tiles (N,) and spans (N, SPAN_FIELDS) as `_project` describes them."""
    n, size = parameters[0].shape[0], (view.width, view.height)
    memory = np.empty((n + 1) * _project.SPLAT_FIELDS, np.float32)
    start = -memory.ctypes.data // memory.itemsize % _project.SPLAT_FIELDS  # each splat on a cache line of its own
    splats = memory[start : start + n * _project.SPLAT_FIELDS].reshape(n, _project.SPLAT_FIELDS)
    rows, spans = np.empty(n, np.int32), np.empty((n, _project.SPAN_FIELDS), np.int16)
    work_through(lambda tickets: _project.project_splats(tickets, parameters, view.arrays, *size, splats, rows, spans))
    return splats, rows, spans


def _draw(parameters: Parameters, view: _View, depth: bool) -> tuple[_Picture, _Sorted]:
    """Project, sort and draw; `parameters` are the five arrays of `Gaussians` in their order."""
    splats, rows, spans = _project_all(parameters, view)
    planes = np.empty((4, view.height, view.width), np.float32)
    far = np.empty((view.height, view.width), np.float32) if depth else None
    stride = _coprime_stride(view.tile_count)
    order = _tiles.depth_order(splats, rows)
    starts, members = _tiles.sort_into_tiles(order, rows, spans, splats, view.width, view.height)
    work_through(lambda tickets: _tiles.draw(tickets, starts, members, splats, stride, planes, far))
    return _Picture(planes, far), _Sorted(view, splats, rows, starts, members, stride)


def _float32(gaussians: Gaussians) -> list[Tensor]:
    """The five tensors as the kernels need them; no copies if they are so already."""
    tensors = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    return [t.to(torch.float32).contiguous() for t in tensors]


def _arrays(tensors: Sequence[Tensor]) -> Parameters:
    """The tensors' memory, in the order of `Gaussians`."""
    return cast(Parameters, tuple(t.detach().numpy() for t in tensors))


def _coprime_stride(count: int) -> int:
    """The number nearest above the golden share of `count` that has no common factor with it."""
    stride = max(1, int(count * _GOLDEN))
    while math.gcd(stride, count) != 1:
        stride += 1
    return stride


def _note_visibility(stats: ScreenStats | None, splats: _Sorted) -> None:
    if stats is None:
        return
    drawn = splats.rows > 0
    radii = np.zeros(drawn.shape[0], np.float32)
    radii[drawn] = splats.splats[drawn][:, [_project.EXTENT_X, _project.EXTENT_Y]].max(axis=1)
    stats.visible = torch.from_numpy(drawn)
    stats.radii_px = torch.from_numpy(radii)
    stats.size_px = (splats.view.width, splats.view.height)
    stats.screen_gradients = None


class _Rasterize(torch.autograd.Function):
    """The kernels' place in autograd; arguments: the five tensors, the view, whether depth is wanted, stats."""

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor,
        log_scales: Tensor,
        opacity_logits: Tensor,
        sh: Tensor,
        view: _View,
        depth: bool,
        stats: ScreenStats | None,
    ) -> tuple[Tensor, ...]:
        picture, splats = _draw(_arrays((means, quats, log_scales, opacity_logits, sh)), view, depth)
        _note_visibility(stats, splats)
        outputs = [picture.rgb.contiguous(), picture.alpha.clone()]  # copies: who changes them changes no gradient
        if picture.depth is not None:
            outputs.append(torch.from_numpy(picture.depth.copy()))
        ctx.picture, ctx.splats, ctx.stats = picture, splats, stats
        ctx.save_for_backward(means, quats, log_scales, opacity_logits, sh)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        parameters = _arrays(ctx.saved_tensors)
        picture: _Picture = ctx.picture
        sort: _Sorted = ctx.splats
        on_rgb, on_alpha, *rest = (g.to(torch.float32).contiguous().numpy() for g in gradients)
        on_depth = rest[0] if rest else None
        pairs = np.empty((sort.members.shape[0], _project.GRADIENT_FIELDS), np.float32)
        results = [torch.zeros(p.shape) for p in parameters] + [torch.zeros(len(parameters[0]), 2)]
        arrays = cast(Gradients, tuple(r.numpy() for r in results))
        work_through(
            lambda tickets: _backward.differentiate(
                tickets,
                sort.tile_starts,
                sort.members,
                sort.splats,
                sort.stride,
                picture.planes,
                picture.depth,
                on_rgb,
                on_alpha,
                on_depth,
                pairs,
            )
        )
        starts, places = _tiles.pairs_of(sort.members, len(parameters[0]))
        work_through(
            lambda tickets: _gather.gather(
                tickets, sort.rows, starts, places, pairs, parameters, sort.view.arrays, sort.splats, arrays
            )
        )
        if ctx.stats is not None:
            ctx.stats.screen_gradients = results[5]
        return (*results[:5], None, None, None)
