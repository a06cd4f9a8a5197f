"""Drawing through OpenGL 3.3: one quad per Gaussian, blended back to front by the graphics card.

For machines with a graphics card that is not NVIDIA's. Gaussians are projected and sorted on the CPU by the kernels of
the CPU rasterizer; the card draws. Each quad is the parallelogram around the ellipse on which alpha falls to 1/255, so
that in its own coordinates (s, t) ∈ [-1, 1]² the falloff is exp(-reach · (s² + t²)) for every splat.

Not differentiable.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import numpy as np
import torch

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat._project import SPLAT_FIELDS, Floats
from studio.engine.splat.base import ALPHA_MAX, Raster
from studio.engine.splat.cpu import sorted_splats
from studio.errors import StudioError

_log = logging.getLogger(__name__)

SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "software rasterizer", "swiftshader", "gdi generic")
"""Parts of GL_RENDERER that betray a driver which draws on the CPU, several times slower than the CPU rasterizer."""

# The layout of a splat as `_project` writes it: centre, falloff, opacity, colour, depth, (extents), reach, (rest).
_INSTANCE = "2f 3f 1f 3f 1f 8x 1f 12x/i"
_INSTANCE_NAMES = ("centre", "falloff", "opacity", "colour", "depth", "reach")

_VERTEX_SHADER = """
#version 330
uniform vec2 size;
in vec2 corner;
in vec2 centre;
in vec3 falloff;
in float opacity;
in vec3 colour;
in float depth;
in float reach;
out vec2 place;
flat out vec4 paint;
flat out vec2 more;
void main() {
    vec2 offset = corner * sqrt(reach / falloff.xz);
    vec2 pixel = centre + vec2(offset.x + falloff.y * offset.y, offset.y);
    gl_Position = vec4(pixel / size * 2.0 - 1.0, 0.0, 1.0);
    place = corner;
    paint = vec4(colour, opacity);
    more = vec2(reach, depth);
}
"""

_FRAGMENT_SHADER = f"""
#version 330
in vec2 place;
flat in vec4 paint;
flat in vec2 more;
layout(location = 0) out vec4 picture;
layout(location = 1) out vec4 distance_;
void main() {{
    float square = dot(place, place);
    if (square > 1.0) discard;
    float alpha = min({ALPHA_MAX}, paint.a * exp(-more.x * square));
    picture = vec4(paint.rgb * alpha, alpha);
    distance_ = vec4(more.y * alpha, 0.0, 0.0, alpha);
}}
"""


class OpenGlRasterizer:
    """Draws Gaussians with OpenGL.

    Every thread that renders gets its own context. A moderngl context that is handed in is used as it is, in the thread
    where it is current; its framebuffer is bound again afterwards, its blending is left switched on.

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
        self.is_hardware = not any(part in self.renderer.lower() for part in SOFTWARE_RENDERERS)
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
        splats = sorted_splats(gaussians.to("cpu"), camera)
        farthest_first = np.ascontiguousarray(splats[::-1])
        images = self._pipeline().draw(farthest_first, camera.width, camera.height, 2 if depth else 1)
        picture, *far = (torch.from_numpy(image).to(gaussians.means.device) for image in images)
        return Raster(picture[..., :3], picture[..., 3], far[0][..., 0] if depth else None)

    def _pipeline(self) -> _Pipeline:
        found: _Pipeline | None = getattr(self._pipelines, "pipeline", None)
        if found is None:
            found = self._pipelines.pipeline = _Pipeline(self._context)
        return found


class _Pipeline:
    """One context with its program and buffers; belongs to the thread that made it."""

    def __init__(self, context: Any) -> None:
        import moderngl

        self.context = context if context is not None else _standalone_context()
        if self.context.version_code < 330:
            raise StudioError(
                f"The graphics driver offers OpenGL {self.context.version_code / 100:.1f}, but the opengl rasterizer "
                "needs 3.3; update the driver or choose the backend cpu."
            )
        self._own = context is None
        self._blend = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
        self._blend_flag = moderngl.BLEND
        self._strip = moderngl.TRIANGLE_STRIP
        self._lost = moderngl.Error
        self._program = self.context.program(vertex_shader=_VERTEX_SHADER, fragment_shader=_FRAGMENT_SHADER)
        self._corners = self.context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32))
        self._capacity = 0
        self._instances: Any = None
        self._quads: Any = None
        self._shape = (0, 0, 0)
        self._target: Any = None

    def draw(self, splats: Floats, width: int, height: int, attachments: int) -> list[Floats]:
        """Blend `splats`, farthest first, and read pictures back.

        Returns:
            One (H, W, 4) per attachment: premultiplied RGBA; depth, 0, 0, alpha.
        """
        if self._own:
            with self.context:
                return self._draw(splats, width, height, attachments)
        before = self.context.fbo
        try:
            return self._draw(splats, width, height, attachments)
        finally:
            before.use()

    def _draw(self, splats: Floats, width: int, height: int, attachments: int) -> list[Floats]:
        self._make_room(len(splats))
        self._make_target(width, height, attachments)
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        if len(splats):
            self._instances.write(splats)
            self._program["size"].value = (float(width), float(height))
            self.context.enable(self._blend_flag)
            self.context.blend_func = self._blend
            self._quads.render(self._strip, instances=len(splats))
        images = []
        for attachment in range(attachments):
            pixels = self._target.read(components=4, attachment=attachment, dtype="f4")
            images.append(np.frombuffer(pixels, np.float32).reshape(height, width, 4).copy())
        return images

    def _make_room(self, count: int) -> None:
        if count <= self._capacity:
            return
        self._capacity = max(count, 2 * self._capacity)
        self._instances = self.context.buffer(reserve=self._capacity * SPLAT_FIELDS * 4, dynamic=True)
        self._quads = self.context.vertex_array(
            self._program, [(self._corners, "2f", "corner"), (self._instances, _INSTANCE, *_INSTANCE_NAMES)]
        )

    def _make_target(self, width: int, height: int, attachments: int) -> None:
        if self._shape == (width, height, attachments):
            return
        try:
            images = [self.context.renderbuffer((width, height), 4, dtype="f4") for _ in range(attachments)]
            self._target = self.context.framebuffer(images)
        except self._lost as error:
            raise StudioError(
                f"The graphics driver cannot make a picture of {width}x{height} pixels ({error}); choose a smaller one "
                "or the backend cpu."
            ) from error
        self._shape = (width, height, attachments)


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
