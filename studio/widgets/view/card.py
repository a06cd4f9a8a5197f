"""Fills a window with the graphics card that shows it: from `Drawing`s, whose pixels never leave the card, or pixels.

Gaussians are blended into a half-float picture of the drawing's own size; a second pass lays that over the background,
scales it to the window, and puts the compared picture left of the divider. A repaint without a new picture is only the
second pass. Knows OpenGL, not Qt; every method needs the context to be current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from studio.engine.splat.drawing import Drawing, Instances
from studio.engine.splat.painter import Canvas, SplatPainter

Checks = tuple[float, tuple[float, float, float], tuple[float, float, float]]
"""Edge of a square in device pixels and two shades, display sRGB in [0, 1]: what stands for transparency."""

# What is behind the head; numbers of the shader.
_CHECKS, _COLOUR, _IMAGE, _NOTHING = range(4)

_BLACK = (0.0, 0.0, 0.0)

_VERTEX = """
#version 330
void main() {
    gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}
"""

_FRAGMENT = f"""
#version 330
uniform sampler2D picture, ghost, image;
uniform float ghost_share, edge, flipped;
uniform bool straight, opaque;
uniform vec3 colour, other;
uniform vec4 place;
uniform int behind;
out vec4 result;

void main() {{
    vec2 at = vec2(gl_FragCoord.x, flipped > 0.0 ? flipped - gl_FragCoord.y : gl_FragCoord.y);
    vec2 where = (at - place.xy) / place.zw;
    vec4 head = texture(picture, where);
    if (opaque) head.a = 1.0;
    if (straight) head.rgb *= head.a;
    if (ghost_share > 0.0) head = mix(head, texture(ghost, where), ghost_share);
    if (behind == {_NOTHING}) {{
        result = head.a > 0.0 ? vec4(head.rgb / head.a, head.a) : vec4(0.0);
        return;
    }}
    vec3 back = colour;
    if (behind == {_IMAGE}) back = texture(image, where).rgb;
    if (behind == {_CHECKS}) {{
        head.rgb = min(head.rgb, vec3(head.a));
        vec2 square = floor(at / edge);
        if (mod(square.x + square.y, 2.0) > 0.5) back = other;
    }}
    result = vec4(head.rgb + (1.0 - head.a) * back, 1.0);
}}
"""


@dataclass(frozen=True, eq=False)
class _Layer:
    """A picture on the card, and what is behind the head in it."""

    texture: moderngl.Texture
    background: tuple[float, float, float] | NDArray[np.float32] | None
    ghost: moderngl.Texture | None = None
    ghost_share: float = 0.0
    straight: bool = False  # colours are not multiplied by alpha
    opaque: bool = False  # alpha says nothing


class CardStage:
    """What one context shows.

    Args:
        context: OpenGL 3.3 or later, current.

    Attributes:
        card_ms_per_mpx: what the card took for blending, by the picture's size; None until that is known.

    Raises:
        StudioError: if the driver cannot do it.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._painter = SplatPainter(context)
        self._program = context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._everywhere = context.vertex_array(self._program, [])
        self._picture, self._ghost, self._other = (Canvas(context, dtype="f2") for _ in range(3))
        self._given: list[moderngl.Texture] = []
        self._image: tuple[NDArray[np.float32], moderngl.Texture] | None = None
        self._layers: list[_Layer] = []
        self._query = context.query(time=True)
        self._timed_mpx = 0.0
        self.card_ms_per_mpx: float | None = None

    def show(self, drawing: Drawing, compared: Drawing | None = None) -> None:
        """Blend the Gaussians of a drawing, and of the one that it is compared with.

        Raises:
            StudioError: if the driver cannot make pictures of this size.
        """
        if self._timed_mpx:  # the card was done with the last one long ago, so this does not wait
            self.card_ms_per_mpx = self._query.elapsed * 1e-6 / self._timed_mpx
        with self._query:
            picture = self._blend(drawing.instances, self._picture)
            ghost = None if drawing.ghost is None else self._blend(drawing.ghost, self._ghost)
            self._layers = [_Layer(picture, drawing.background, ghost, drawing.ghost_share)]
            if compared is not None:
                self._layers.append(_Layer(self._blend(compared.instances, self._other), compared.background))
        self._timed_mpx = drawing.size_px[0] * drawing.size_px[1] / 1e6

    def show_pixels(self, pictures: Sequence[NDArray[np.uint8]], *, transparent: bool) -> None:
        """Take over (H, W, 4) pixels: a picture, and perhaps the one that it is compared with.

        Args:
            pictures: straight alpha.
            transparent: whether their alpha counts.
        """
        for texture in self._given:
            texture.release()
        self._given = [self._context.texture((p.shape[1], p.shape[0]), 4, p) for p in pictures]
        back = None if transparent else _BLACK
        self._layers = [_Layer(t, back, straight=transparent, opaque=not transparent) for t in self._given]

    def paint(self, framebuffer: int, width: int, height: int, divider_px: int | None, checks: Checks) -> None:
        """Fill a window.

        Args:
            framebuffer: the window's, by OpenGL's number; its first row is the lowest.
            width: of the window, device pixels.
            height: of the window, device pixels.
            divider_px: the compared picture ends there, device pixels from the left.
            checks: stand for transparency.
        """
        target = self._context.detect_framebuffer(framebuffer)
        picture, *compared = self._layers
        self._lay(picture, target, (width, height), checks, flipped=True)
        if compared and divider_px is not None and divider_px > 0:
            target.scissor = (0, 0, min(divider_px, width), height)
            self._lay(compared[0], target, (width, height), checks, flipped=True)
            target.scissor = None  # type: ignore[assignment]  # switches it off

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 4) the picture, read back from the card; for the few who keep one."""
        layer = self._layers[0]
        width, height = layer.texture.size
        canvas = Canvas(self._context, dtype="f1")
        target = canvas.fit(width, height)
        self._lay(layer, target, (width, height), None, flipped=False)
        pixels = np.frombuffer(target.read(components=4), np.uint8).reshape(height, width, 4).copy()
        canvas.release()
        return pixels

    def release(self) -> None:
        """Give the card's memory back."""
        for held in (self._painter, self._picture, self._ghost, self._other, self._everywhere, self._program):
            held.release()
        for texture in [*self._given, *([] if self._image is None else [self._image[1]])]:
            texture.release()
        self._given, self._image, self._layers = [], None, []

    def _blend(self, instances: Instances, canvas: Canvas) -> moderngl.Texture:
        self._painter.paint(instances, canvas.fit(instances.camera.width, instances.camera.height))
        return canvas.textures[0]

    def _lay(
        self,
        layer: _Layer,
        target: moderngl.Framebuffer,
        size: tuple[int, int],
        checks: Checks | None,
        *,
        flipped: bool,
    ) -> None:
        """Lay a picture over its background, covering `size`; another shape is cropped, never stretched."""
        context, (width, height) = self._context, size
        target.use()
        target.viewport = (0, 0, width, height)
        context.disable(moderngl.BLEND | moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        scale = max(width / layer.texture.width, height / layer.texture.height)
        wide, high = layer.texture.width * scale, layer.texture.height * scale
        self._set("place", ((width - wide) / 2, (height - high) / 2, wide, high))
        self._set("flipped", float(height) if flipped else 0.0)
        self._set("straight", layer.straight)
        self._set("opaque", layer.opaque)
        self._set("ghost_share", layer.ghost_share)
        self._bind("picture", 0, layer.texture)
        self._bind("ghost", 1, layer.ghost or layer.texture)
        back = layer.background
        self._bind("image", 2, self._texture(back) if isinstance(back, np.ndarray) else layer.texture)
        if isinstance(back, np.ndarray):
            self._set("behind", _IMAGE)
        elif back is not None:
            self._set("behind", _COLOUR)
            self._set("colour", back)
        elif checks is not None:
            self._set("behind", _CHECKS)
            self._set("edge", checks[0])
            self._set("colour", checks[1])
            self._set("other", checks[2])
        else:
            self._set("behind", _NOTHING)
        self._everywhere.render(moderngl.TRIANGLES, vertices=3)

    def _texture(self, image: NDArray[np.float32]) -> moderngl.Texture:
        """The background's image on the card; uploaded once, because the engine hands out the same array."""
        if self._image is None or self._image[0] is not image:
            if self._image is not None:
                self._image[1].release()
            texture = self._context.texture((image.shape[1], image.shape[0]), 3, image.tobytes(), dtype="f4")
            self._image = image, texture
        return self._image[1]

    def _bind(self, name: str, unit: int, texture: moderngl.Texture) -> None:
        texture.repeat_x = texture.repeat_y = False
        texture.use(unit)
        self._set(name, unit)

    def _set(self, name: str, value: float | tuple[float, ...]) -> None:
        uniform: Any = self._program[name]
        uniform.value = value
