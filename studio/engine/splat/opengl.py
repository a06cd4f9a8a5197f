"""Drawing through OpenGL 3.3 and reading the picture back: for exports and tests on a graphics card without CUDA.

The viewport does not go this way: it draws the same `Instances` with the same `painter`, and nothing is read back.

Not differentiable.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import Raster
from studio.engine.splat.drawing import Instances
from studio.engine.splat.drivers import is_graphics_card
from studio.engine.splat.instances import instances_of
from studio.engine.splat.painter import Canvas, SplatPainter
from studio.errors import StudioError

_log = logging.getLogger(__name__)


class OpenGlRasterizer:
    """Draws Gaussians with OpenGL.

    Every thread that renders gets its own context. A moderngl context that is handed in is used as it is, in the thread
    where it is current; its framebuffer is bound again afterwards.

    Attributes:
        renderer: what the driver calls itself.
        is_hardware: whether that is a graphics card and not a program that imitates one.

    Raises:
        StudioError: if no OpenGL 3.3 context can be had.
    """

    name = "opengl"

    def __init__(self, context: Any = None) -> None:
        self._context = context
        self._pipelines = threading.local()
        info = self._pipeline().context.info
        self.renderer = str(info["GL_RENDERER"])
        self.is_hardware = is_graphics_card(self.renderer)
        _log.info("OpenGL renderer: %s", self.renderer)

    def render(self, gaussians: Gaussians, camera: Camera, *, depth: bool = False) -> Raster:
        """Draw `gaussians` as `camera` sees them.

        Raises:
            ValueError: if gradients are required.
            StudioError: if the driver cannot make pictures of this size.
        """
        tensors = (
            gaussians.means,
            gaussians.quats,
            gaussians.log_scales,
            gaussians.opacity_logits,
            gaussians.sh,
        )
        if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
            raise ValueError("the OpenGL rasterizer is not differentiable; train with the cpu or cuda rasterizer")
        images = self._pipeline().draw(instances_of(gaussians, camera), depth=depth)
        picture, *far = (torch.from_numpy(image).to(gaussians.means.device) for image in images)
        return Raster(picture[..., :3], picture[..., 3], far[0][..., 0] if depth else None)

    def _pipeline(self) -> _Pipeline:
        found: _Pipeline | None = getattr(self._pipelines, "pipeline", None)
        if found is None:
            found = self._pipelines.pipeline = _Pipeline(self._context)
        return found


class _Pipeline:
    """One context with its painters and pictures, without and with depth; belongs to the thread that made it."""

    def __init__(self, context: Any) -> None:
        self._own = context is None
        self.context = _standalone_context() if context is None else context
        self._painters = [SplatPainter(self.context, depth=depth) for depth in (False, True)]
        self._canvases = [Canvas(self.context, dtype="f4", depth=depth) for depth in (False, True)]

    def draw(self, instances: Instances, *, depth: bool) -> list[NDArray[np.float32]]:
        """Blend the Gaussians and read pictures back.

        Returns:
            One (H, W, 4) per attachment: premultiplied RGBA; depth, 0, 0, alpha.
        """
        if self._own:
            with self.context:
                return self._draw(instances, depth)
        before = self.context.fbo
        try:
            return self._draw(instances, depth)
        finally:
            before.use()

    def _draw(self, instances: Instances, depth: bool) -> list[NDArray[np.float32]]:
        width, height = instances.camera.width, instances.camera.height
        canvas = self._canvases[depth]
        target = canvas.fit(width, height)
        self._painters[depth].paint(instances, target)
        images = []
        for attachment in range(len(canvas.textures)):
            pixels = target.read(components=4, attachment=attachment, dtype="f4")
            images.append(np.frombuffer(pixels, np.float32).reshape(height, width, 4).copy())
        return images


def _standalone_context() -> Any:
    """A context without a window: EGL on Linux, the system's own way elsewhere."""
    try:
        import moderngl

        system: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
        return moderngl.create_context(standalone=True, require=330, **system)
    except Exception as error:
        raise StudioError(
            f"No OpenGL 3.3 could be started ({error}); install a graphics driver or choose the backend cpu."
        ) from error
