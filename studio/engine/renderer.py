"""One frame, one path: controls and a camera in, the picture out.

The viewport, the export and the tests all draw through `Renderer.frame`, so an exported frame equals the one seen at
the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.aids import GHOST_SHARE, NO_AIDS, Aids, Legend
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Backdrop, Background, fitted
from studio.engine.camera import Camera
from studio.engine.controls import Controls
from studio.engine.gaussians import Gaussians
from studio.engine.overlays import Overlays
from studio.engine.splat.base import Raster
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.splat.compose import compose_rgba8


@dataclass(frozen=True)
class Frame:
    """A picture as it is shown, and what it cost."""

    rgba: NDArray[np.uint8]  # (H, W, 4) display sRGB, straight alpha
    deform_ms: float  # controls → posed Gaussians
    raster_ms: float  # posed Gaussians → pixels
    legend: Legend | None = None  # of the overlay, if there is one


class Renderer:
    """Draws one avatar; use one renderer per thread.

    Args:
        avatar: what is drawn. It is moved to the graphics card when the backend is `cuda`.
        backend: `auto`, `cpu`, `cuda`, `opengl` or `reference`.

    Raises:
        StudioError: if the backend is not available here.
    """

    def __init__(self, avatar: Avatar, *, backend: str = "auto") -> None:
        self._rasterizer = choose_rasterizer(backend)
        self.avatar = avatar.to("cuda" if self._rasterizer.name == "cuda" else "cpu")
        self._prepared = self.avatar.deformer.prepare(self.avatar.gaussians.means, self.avatar.zones)
        self._overlays = Overlays(self.avatar, self._prepared)

    @property
    def backend(self) -> str:
        """Name of the rasterizer in use."""
        return self._rasterizer.name

    @torch.inference_mode()
    def deformed(self, controls: Controls) -> Gaussians:
        """The avatar's Gaussians as `controls` shape and pose them."""
        shaped = self._prepared.apply(self.avatar.gaussians, controls)
        return self.avatar.rig.apply(shaped, controls.pose)

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
        """
        start = perf_counter()
        shown = [self.deformed(moment) for moment in (controls, aids.ghost) if moment is not None]
        legend = None
        if aids.inspection is not None:
            shown[0], legend = self._overlays.apply(shown[0], aids.inspection)
        self._wait()
        middle = perf_counter()
        raster, *ghost = (self._rasterizer.render(gaussians, camera) for gaussians in shown)
        if ghost:
            raster = _mixed(raster, ghost[0], GHOST_SHARE)
        behind = fitted(background, camera.width, camera.height) if isinstance(background, Backdrop) else background
        rgba = compose_rgba8(raster, behind)
        end = perf_counter()
        return Frame(rgba, (middle - start) * 1e3, (end - middle) * 1e3, legend)

    def _wait(self) -> None:
        """Let the graphics card finish, so that times are told apart."""
        if self.avatar.gaussians.means.is_cuda:
            torch.cuda.synchronize()


def _mixed(raster: Raster, other: Raster, share: float) -> Raster:
    """`share` of the other picture and the rest of the first; both are premultiplied."""
    return Raster(torch.lerp(raster.rgb, other.rgb, share), torch.lerp(raster.alpha, other.alpha, share))
