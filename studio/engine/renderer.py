"""One frame, one path: controls and a camera in, the picture out.

The viewport, the export and the tests all draw through `Renderer.frame`, so an exported frame equals the one seen at
the same size. A viewport with a graphics card of its own asks for `Renderer.direct_frame` instead: the same Gaussians,
which its card draws as the opengl rasterizer would.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.aids import GHOST_SHARE, NO_AIDS, Aids, Legend
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Backdrop, Background, fitted
from studio.engine.camera import Camera
from studio.engine.controls import Controls, Pose
from studio.engine.deform.graphed import GraphedDeformer, quickest
from studio.engine.deform.prepared import TensorDeformer
from studio.engine.gaussians import Gaussians
from studio.engine.halt import Halt
from studio.engine.overlays import Overlays
from studio.engine.splat.base import Raster, Rasterizer
from studio.engine.splat.choose import choose_rasterizer, cuda_rasterizer
from studio.engine.splat.compose import compose_rgba8
from studio.engine.splat.compose_tensor import compose_tensor
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat.drawing import Drawing
from studio.engine.splat.drivers import wanted_backend
from studio.engine.splat.instances import instances_of
from studio.errors import StudioError

_log = logging.getLogger(__name__)

KEPT = 2
"""Deformed heads that are kept for the case that only the camera moves: the performance and its ghost."""

BATCH = 8
"""Pictures that are drawn together: enough to keep a card busy, few enough for its memory at 2048²."""


@runtime_checkable
class ManyRasterizer(Protocol):
    """A rasterizer that draws several moments of the same Gaussians in one call."""

    def render_many(self, moments: Sequence[Gaussians], cameras: Sequence[Camera]) -> list[Raster]:
        """One picture per moment and camera; cameras have the same size."""
        ...


@dataclass(frozen=True)
class Frame:
    """A picture as it is shown, and what it cost."""

    rgba: NDArray[np.uint8]  # (H, W, 4) display sRGB, straight alpha
    deform_ms: float  # controls → posed Gaussians
    raster_ms: float  # posed Gaussians → pixels
    legend: Legend | None = None  # of the overlay, if there is one


@dataclass(frozen=True)
class DirectFrame:
    """A picture for somebody else's graphics card, and what it cost so far."""

    drawing: Drawing
    deform_ms: float  # controls → posed Gaussians
    sort_ms: float  # posed Gaussians → what the card is given
    legend: Legend | None = None


class Renderer:
    """Draws one avatar; use one renderer per thread.

    Args:
        avatar: what is drawn. It is moved to the graphics card when the backend is `cuda`.
        backend: `auto`, `cpu`, `cuda`, `opengl` or `reference`.
        direct: whether the asker has a graphics card that draws `drawing`s. OpenGL then needs no context here until
            pixels are asked for all the same.

    Attributes:
        direct: whether the asker's card is the best way; not where CUDA works, or another backend was named.

    Raises:
        StudioError: if the backend is not available here.
    """

    def __init__(self, avatar: Avatar, *, backend: str = "auto", direct: bool = False) -> None:
        self._backend = backend
        self._chosen: Rasterizer | None = None
        wanted = wanted_backend(backend)
        if direct and wanted == "auto":
            self._chosen = cuda_rasterizer()
        elif not direct or wanted != "opengl":
            self._chosen = choose_rasterizer(backend)
        self.direct = self._chosen is None
        self.avatar = avatar.to("cuda" if self._chosen is not None and self._chosen.name == "cuda" else "cpu")
        self._prepared = self.avatar.deformer.prepare(self.avatar.gaussians.means, self.avatar.zones)
        self._graphed: GraphedDeformer | None = None
        on_card = self.avatar.gaussians.means.is_cuda and not self.avatar.deformer.config.literal_keys
        if on_card and isinstance(self._prepared, TensorDeformer):
            self._graphed = quickest(self._prepared, self.avatar.gaussians, self.avatar.rig)
        self._overlays = Overlays(self.avatar, self._prepared)
        self._latest: dict[tuple[bytes, bytes, Pose], Gaussians] = {}
        self._halt = Halt()

    @property
    def backend(self) -> str:
        """Name of the rasterizer in use."""
        return "opengl" if self._chosen is None else self._chosen.name

    @property
    def _rasterizer(self) -> Rasterizer:
        """What makes pixels here; chosen late where the asker was to draw."""
        if self._chosen is None:
            try:
                self._chosen = choose_rasterizer(self._backend)
            except StudioError as error:
                _log.warning("%s", error)
                self._chosen = CpuRasterizer()
        return self._chosen

    @torch.inference_mode()
    def deformed(self, controls: Controls) -> Gaussians:
        """The avatar's Gaussians as `controls` shape and pose them; the same object while these stay the same."""
        key = (controls.au.tobytes(), controls.speech.tobytes(), controls.pose)
        found = self._latest.pop(key, None)
        if found is None and self._graphed is not None:
            found = self._graphed.posed(controls)
        elif found is None:
            found = self._prepared.posed(self.avatar.gaussians, self.avatar.rig, controls)
        self._latest[key] = found
        while len(self._latest) > KEPT:
            del self._latest[next(iter(self._latest))]
        return found

    @torch.inference_mode()
    def raster(self, controls: Controls, camera: Camera) -> Raster:
        """The picture in floating point, without background."""
        return self._rasterizer.render(self.deformed(controls), camera)

    @torch.inference_mode()
    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        """The picture in 8 bits.

        Args:
            controls: what drives the avatar at this moment.
            camera: where it is seen from.
            background: display sRGB in [0, 1], or an image; None leaves it transparent, with straight alpha.
            aids: what is shown besides the performance.

        Raises:
            Interrupted: if `interrupt` is called meanwhile.
        """
        with self._halt.heeded():
            return self._frame(controls, camera, background, aids)

    def interrupt(self) -> None:
        """Let the `frame` that another thread draws be given up, if it is not nearly done; there may be none."""
        self._halt.stop()

    def _frame(self, controls: Controls, camera: Camera, background: Background, aids: Aids) -> Frame:
        start = perf_counter()
        shown, legend = self._shown(controls, aids)
        middle = perf_counter()
        raster, *ghost = (self._rasterizer.render(gaussians, camera) for gaussians in shown)
        if ghost:
            raster = _mixed(raster, ghost[0], GHOST_SHARE)
        rgba = _finished(raster, _behind(background, camera))
        end = perf_counter()
        return Frame(rgba, (middle - start) * 1e3, (end - middle) * 1e3, legend)

    @property
    def batch(self) -> int:
        """How many pictures `frames` draws together."""
        return BATCH if isinstance(self._rasterizer, ManyRasterizer) else 1

    @torch.inference_mode()
    def frames(
        self, moments: Sequence[Controls], cameras: Sequence[Camera], *, background: Background = None
    ) -> list[NDArray[np.uint8]]:
        """The pictures that `frame` gives of several moments, together where a card gains from that.

        Args:
            moments: a few, such as `batch`; all of them are in memory at once.
            cameras: one for each moment, all of the same size.
            background: as in `frame`.

        Returns:
            (H, W, 4) each.
        """
        rasterizer = self._rasterizer
        if not isinstance(rasterizer, ManyRasterizer):
            pairs = zip(moments, cameras, strict=True)
            return [self.frame(controls, camera, background=background).rgba for controls, camera in pairs]
        rasters = rasterizer.render_many([self.deformed(controls) for controls in moments], cameras)
        return [_finished(raster, _behind(background, camera)) for raster, camera in zip(rasters, cameras, strict=True)]

    @torch.inference_mode()
    def direct_frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> DirectFrame:
        """The same picture as `frame`, left to the asker's graphics card; arguments as there."""
        start = perf_counter()
        shown, legend = self._shown(controls, aids)
        middle = perf_counter()
        instances, *ghost = (instances_of(gaussians, camera) for gaussians in shown)
        drawing = Drawing(
            instances, ghost[0] if ghost else None, GHOST_SHARE if ghost else 0.0, _behind(background, camera)
        )
        end = perf_counter()
        return DirectFrame(drawing, (middle - start) * 1e3, (end - middle) * 1e3, legend)

    def _shown(self, controls: Controls, aids: Aids) -> tuple[list[Gaussians], Legend | None]:
        """The posed Gaussians, with the overlay's colours, and those of the ghost."""
        shown = [self.deformed(moment) for moment in (controls, aids.ghost) if moment is not None]
        legend = None
        if aids.inspection is not None:
            shown[0], legend = self._overlays.apply(shown[0], aids.inspection)
        self._wait()
        return shown, legend

    def _wait(self) -> None:
        """Let the graphics card finish, so that times are told apart."""
        if self.avatar.gaussians.means.is_cuda:
            torch.cuda.synchronize()


def _finished(raster: Raster, background: tuple[float, float, float] | NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """8-bit RGBA, composed where the picture is."""
    if raster.alpha.is_cuda:
        return compose_tensor(raster, background).cpu().numpy()
    return compose_rgba8(raster, background)


def _behind(background: Background, camera: Camera) -> tuple[float, float, float] | NDArray[np.float32] | None:
    """The background as a picture of that camera shows it."""
    return fitted(background, camera.width, camera.height) if isinstance(background, Backdrop) else background


def _mixed(raster: Raster, other: Raster, share: float) -> Raster:
    """`share` of the other picture and the rest of the first; both are premultiplied."""
    return Raster(torch.lerp(raster.rgb, other.rgb, share), torch.lerp(raster.alpha, other.alpha, share))
