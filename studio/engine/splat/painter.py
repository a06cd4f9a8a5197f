"""Draws `Instances` with OpenGL 3.3: one quad per Gaussian, projected by the card and blended back to front.

The vertex shader is `_project` in float32: EWA projection, and the falloff as a sum of two squares. A quad is the
parallelogram around the ellipse on which alpha falls to 1/255; what a pixel receives is computed from its own place,
not interpolated from the quad's corners, whose places cards round. The rasterizer and the viewport draw with this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moderngl

from studio.engine.splat.base import ALPHA_MAX, ALPHA_MIN, COVARIANCE_BLUR_PX2
from studio.engine.splat.drawing import INSTANCE_FIELDS, Instances
from studio.engine.splat.projection import jacobian_limits
from studio.errors import StudioError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN_PX = 0.125
"""Quads are this much larger than the ellipse, because cards round corners to a sixteenth of a pixel at worst."""

LARGEST_PX = 1e8
"""No Gaussian is spread over more pixels: float32 could not hold the square of its covariance's determinant."""

_VERTEX = f"""
#version 330
uniform mat4 view;
uniform vec2 size, focal, middle;
uniform vec4 limits;
in vec4 place;
in vec4 turn;
in vec3 stretch;
in vec3 colour;
flat out vec4 centre;
flat out vec3 falloff;
flat out vec4 paint;

void main() {{
    vec3 seen = (view * vec4(place.xyz, 1.0)).xyz;
    float opacity = 1.0 / (1.0 + exp(-place.w));
    vec3 spread = min(exp(stretch), {LARGEST_PX} * seen.z / max(focal.x, focal.y));
    vec4 q = turn / max(length(turn), 1e-12);
    float w = q.x, x = q.y, y = q.z, z = q.w;
    mat3 half_covariance = mat3(
        vec3(1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y)) * spread.x,
        vec3(2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x)) * spread.y,
        vec3(2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)) * spread.z);
    vec2 slope = clamp(seen.xy / seen.z, limits.xz, limits.yw);
    mat3 rows = transpose(mat3(view));
    vec3 across = (rows[0] - slope.x * rows[2]) * (focal.x / seen.z) * half_covariance;
    vec3 down = (rows[1] - slope.y * rows[2]) * (focal.y / seen.z) * half_covariance;
    float a = dot(across, across) + {COVARIANCE_BLUR_PX2};
    float b = dot(across, down);
    float c = dot(down, down) + {COVARIANCE_BLUR_PX2};
    vec3 twist = cross(across, down);  // Lagrange's identity: a c - b^2 would cancel for needles
    float determinant = dot(twist, twist) + {COVARIANCE_BLUR_PX2} * (a + c - {COVARIANCE_BLUR_PX2});
    float h = 0.5 * c / determinant, m = b / c, k = 0.5 / c;
    float reach = log(max(opacity / {ALPHA_MIN}, 1.0));
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    vec2 offset = corner * (sqrt(reach / vec2(h, k)) + {MARGIN_PX});
    centre = vec4(focal * (seen.xy / seen.z) + middle, reach, seen.z);
    falloff = vec3(h, m, k);
    paint = vec4(colour, opacity);
    vec2 pixel = centre.xy + vec2(offset.x + m * offset.y, offset.y);
    gl_Position = vec4(pixel / size * 2.0 - 1.0, 0.0, 1.0);
}}
"""

_FRAGMENT = f"""
flat in vec4 centre;
flat in vec3 falloff;
flat in vec4 paint;
layout(location = 0) out vec4 picture;
#ifdef DEPTH
layout(location = 1) out vec4 distance_;
#endif

void main() {{
    vec2 offset = gl_FragCoord.xy - centre.xy;
    float along = offset.x - falloff.y * offset.y;
    float exponent = falloff.x * along * along + falloff.z * offset.y * offset.y;
    if (exponent > centre.z) discard;
    float alpha = min({ALPHA_MAX}, paint.a * exp(-exponent));
    picture = vec4(paint.rgb * alpha, alpha);
#ifdef DEPTH
    distance_ = vec4(centre.w * alpha, 0.0, 0.0, alpha);
#endif
}}
"""

_LAYOUT = "4f 4f 3f 3f/i"
_NAMES = ("place", "turn", "stretch", "colour")
_GL_DITHER = 0x0BD0


class Canvas:
    """Floating-point pictures on the card, the size of the last one asked for.

    Row 0 of the textures is the picture's first row.

    Attributes:
        framebuffer: to draw into; None before the first `fit`.
        textures: premultiplied RGBA; with `depth` also (depth, 0, 0, alpha).
    """

    def __init__(self, context: moderngl.Context, *, dtype: str, depth: bool = False) -> None:
        self._context, self._dtype, self._attachments = context, dtype, 2 if depth else 1
        self.framebuffer: moderngl.Framebuffer | None = None
        self.textures: list[moderngl.Texture] = []

    def fit(self, width: int, height: int) -> moderngl.Framebuffer:
        """The framebuffer, made anew when the size is another one.

        Raises:
            StudioError: if the driver cannot make pictures of this size.
        """
        if self.framebuffer is None or self.framebuffer.size != (width, height):
            self.release()
            try:
                for _ in range(self._attachments):
                    self.textures.append(self._context.texture((width, height), 4, dtype=self._dtype))
                self.framebuffer = self._context.framebuffer(self.textures)
            except moderngl.Error as error:
                self.release()
                raise StudioError(
                    f"The graphics driver cannot make a picture of {width}x{height} pixels ({error}); choose a smaller "
                    "one or the backend cpu."
                ) from error
        return self.framebuffer

    def release(self) -> None:
        """Give the card's memory back."""
        if self.framebuffer is not None:
            self.framebuffer.release()
        for texture in self.textures:
            texture.release()
        self.framebuffer, self.textures = None, []


class SplatPainter:
    """Program and buffers of one context; every method needs that context to be current.

    Args:
        context: OpenGL 3.3 or later.
        depth: whether canvases have a second attachment for depth.

    Raises:
        StudioError: if the driver offers less, or refuses the shaders.
    """

    def __init__(self, context: moderngl.Context, *, depth: bool = False) -> None:
        if context.version_code < 330:
            raise StudioError(
                f"The graphics driver offers OpenGL {context.version_code / 100:.1f}, but drawing with it needs 3.3; "
                "update the driver or choose the backend cpu."
            )
        self._context = context
        head = "#version 330\n" + ("#define DEPTH\n" if depth else "")
        try:
            self._program = context.program(vertex_shader=_VERTEX, fragment_shader=head + _FRAGMENT)
        except moderngl.Error as error:
            raise StudioError(
                f"The graphics driver refused our shaders ({' '.join(str(error).split())}); update it or choose the "
                "backend cpu."
            ) from error
        self._buffer: moderngl.Buffer | None = None
        self._quads: moderngl.VertexArray | None = None

    def paint(self, instances: Instances, target: moderngl.Framebuffer) -> None:
        """Clear `target`, which has the camera's size, and blend the Gaussians into it."""
        context, camera = self._context, instances.camera
        target.use()
        target.viewport = (0, 0, camera.width, camera.height)
        context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.disable_direct(_GL_DITHER)
        target.clear(0.0, 0.0, 0.0, 0.0)
        if not len(instances.rows):
            return
        quads = self._upload(instances.rows)
        self._set("view", camera.world_to_camera.T.astype("f4").tobytes())
        self._set("size", (float(camera.width), float(camera.height)))
        self._set("focal", (camera.fx, camera.fy))
        self._set("middle", (camera.cx, camera.cy))
        self._set("limits", jacobian_limits(camera))
        context.enable(moderngl.BLEND)
        context.blend_equation = moderngl.FUNC_ADD  # type: ignore[assignment]
        context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        quads.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(instances.rows))
        context.disable(moderngl.BLEND)

    def release(self) -> None:
        """Give the card's memory back."""
        for held in (self._quads, self._buffer, self._program):
            if held is not None:
                held.release()
        self._quads = self._buffer = None

    def _upload(self, rows: NDArray[np.float32]) -> moderngl.VertexArray:
        """Hand over this picture's Gaussians; the driver keeps the memory that it may still be drawing from."""
        if self._buffer is None or self._quads is None:
            self._buffer = self._context.buffer(reserve=max(len(rows), 1024) * INSTANCE_FIELDS * 4, dynamic=True)
            self._quads = self._context.vertex_array(self._program, [(self._buffer, _LAYOUT, *_NAMES)])
        if rows.nbytes > self._buffer.size:
            self._buffer.orphan(rows.nbytes * 5 // 4)
        else:
            self._buffer.orphan()
        self._buffer.write(rows)
        return self._quads

    def _set(self, name: str, value: bytes | tuple[float, ...]) -> None:
        uniform: Any = self._program[name]
        if isinstance(value, bytes):
            uniform.write(value)
        else:
            uniform.value = value
