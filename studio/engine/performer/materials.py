"""Paints the skin of an identity into textures: colour and gloss, pores, and the folds that expressions make.

Everything is a function of the rest position, so that paint sticks to the moving skin. Two kinds of maps come out:
`colour` (linear RGB, gloss) and three maps of heights in [-1, 1]: pores and eleven fold patterns, which the renderer
mixes by the strength of the action units that cause them (`FOLDS`).
"""

# ruff: noqa: E501 - shader lines are formulas and read best whole

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from studio.engine.performer.gl import Shader, vector
from studio.engine.performer.head import BUST, FACE, MOUTH, SOCKET, Head
from studio.engine.performer.identity import Rgb
from studio.engine.performer.landmarks import Anatomy
from studio.engine.performer.shaders import NOISE
from studio.engine.performer.surface import smoothstep

F64 = NDArray[np.float64]

FOLDS = (
    "inner_forehead", "glabella", "nose_root",
    "crows_feet", "nasolabial", "under_eye", "chin",
    "outer_forehead", "dimple", "pursed", "mouth_frown",
)  # fmt: skip
"""Fold patterns in the order of the maps' channels."""

MAP_PX = 2048

_ISLAND_BOXES = {
    FACE: ((0.640, 0.995, 0.148, 0.819), (0.0, 0.72, 0.0, 1.0)),
    BUST: ((0.150, 0.600, 0.740, 0.990), (0.73, 1.0, 0.50, 1.0)),
    MOUTH: ((0.757, 0.925, 0.010, 0.138), (0.73, 1.0, 0.25, 0.49)),
    SOCKET: ((0.010, 0.153, 0.545, 0.635), (0.73, 1.0, 0.02, 0.24)),
}
"""(u0, u1, v0, v1) of the mesh → of the painted maps, per UV island: the face gets most of the room."""


_SCALP_COVER = {"bob": 0.90, "swept": 0.85, "short": 0.80, "cropped": 0.85}
"""Share of the scalp that roots and the shade between them hide, by hair style."""

_PARTING_X_M = {"bob": 0.016, "short": 0.034}


def parting_x(head: Head) -> float:
    """Metres from the middle to the parting, on the left; far outside the head where the style has none."""
    return _PARTING_X_M.get(head.identity.hair.style, 1.0) * head.scale


def linear(colour: Rgb) -> tuple[float, float, float]:
    """Display sRGB → linear light."""
    c = np.asarray(colour, dtype=np.float64)
    out = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return (float(out[0]), float(out[1]), float(out[2]))


def map_uv(head: Head) -> F64:
    """(n, 2) place of each skin vertex in the painted maps."""
    out = np.zeros((len(head.island), 2))
    for island, ((u0, u1, v0, v1), (a0, a1, b0, b1)) in _ISLAND_BOXES.items():
        mine = head.island == island
        u, v = head.skin.uv[mine].T
        out[mine] = np.stack([a0 + (u - u0) / (u1 - u0) * (a1 - a0), b0 + (v - v0) / (v1 - v0) * (b1 - b0)], axis=1)
    return np.clip(out, 0.0, 1.0)


def collar_depth(head: Head, rest: F64) -> F64:
    """(n,) metres of rest positions (n, 3) below the garment's round collar; negative above it."""
    middle = np.array([0.0, 0.0, -0.055 * head.scale])
    aside = np.linalg.norm((rest - middle)[:, [0, 2]] * [1.0, 0.85], axis=1)
    collar = head.chin[1] - 0.050 - 0.16 * np.clip(rest[:, 2] + 0.075, 0, 0.12) + 0.10 * np.minimum(aside - 0.06, 0.05)
    return np.asarray(collar - rest[:, 1])


def garment_mask(head: Head, rest: F64) -> F64:
    """(n,) 1 where the garment covers the bust."""
    return smoothstep(-0.0008, 0.0008, collar_depth(head, rest))


@dataclass(frozen=True)
class SkinMaps:
    """Textures on the graphics side."""

    colour: moderngl.Texture  # square root of linear RGB, gloss
    detail: moderngl.Texture  # pores, folds 0–2, each 0.5 + height / 4
    folds: moderngl.Texture  # folds 3–6
    more: moderngl.Texture  # folds 7–10


def paint_skin(context: moderngl.Context, head: Head, anatomy: Anatomy, roots: F64, size_px: int = MAP_PX) -> SkinMaps:
    """Paints the four maps of an identity; about a second on software OpenGL."""
    look = head.identity.skin
    shader = Shader(context, _VERTEX, _FRAGMENT)
    # As a depth, not as a mask: the painter finds the collar between the vertices.
    cloth = np.where(head.island == BUST, np.clip(collar_depth(head, anatomy.rest), -0.02, 0.02), -0.02)
    wet = np.isin(head.island, (MOUTH,)).astype(np.float64) + 2.0 * (head.island == SOCKET)
    region = np.stack([anatomy.lip, anatomy.ear, cloth, wet], axis=1)
    data = np.concatenate([map_uv(head), roots, anatomy.rest, region], axis=1).astype(np.float32)
    corners = data[head.skin.triangles.ravel()]
    buffer = context.buffer(corners.tobytes())
    array = context.vertex_array(shader.program, [(buffer, "2f 3f 3f 4f", "place", "roots", "rest", "region")])
    brow = head.brow.points(head.controls)
    values: dict[str, float | tuple[float, ...]] = {
        "base": linear(look.base),
        "blush": linear(look.blush),
        "lips": linear(look.lips),
        "lids": linear(look.lids),
        "garment": linear(head.identity.garment),
        "brow_colour": linear(head.identity.brow_colour),
        "amounts": (look.freckles, look.stubble, look.gloss, look.age),
        "hair_root": linear(head.identity.hair.root),
        "eye_centre": vector(head.eyes[0].centre),
        "mouth": vector(anatomy.mouth),
        "corner": vector(anatomy.corner),
        "nose": vector(anatomy.nose_tip),
        "wing": vector(anatomy.wing),
        "chin": vector(head.chin),
        "brow_height": float(brow[:, 1].mean()),
        "top": head.top,
        "covered": _SCALP_COVER[head.identity.hair.style],
        "parting": parting_x(head),
    }
    shader.set(**values)
    maps = [context.texture((size_px, size_px), 4) for _ in range(4)]
    target = context.framebuffer(maps)
    target.use()
    target.clear()
    context.disable(moderngl.DEPTH_TEST | moderngl.BLEND | moderngl.CULL_FACE)
    array.render()
    painted = [_filled(texture) for texture in maps]
    for texture, pixels in zip(maps, painted, strict=True):
        texture.write(pixels.tobytes())
    for texture in maps:
        texture.build_mipmaps(max_level=4)
        texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
    for resource in (array, buffer, target, shader.program):
        resource.release()
    return SkinMaps(*maps)


def paint_teeth(context: moderngl.Context, head: Head) -> moderngl.Texture:
    """The kit's picture of teeth and gums, a little whiter and with softer contrast; (root of linear RGB, gloss)."""
    grain = np.asarray(head.kit.image("teeth.jpg", "RGB"), dtype=np.float64) / 255
    light = np.where(grain <= 0.04045, grain / 12.92, ((grain + 0.055) / 1.055) ** 2.4)
    gum = light[..., 0] > 2.0 * light[..., 1]
    light = np.where(
        gum[..., None],
        light * [0.9, 0.75, 0.75] + [0.10, 0.03, 0.03],
        [0.17, 0.15, 0.115] + light * [0.64, 0.59, 0.49],
    )
    paint = np.concatenate([np.sqrt(light.clip(0, 1)), np.ones((*light.shape[:2], 1))], axis=2)[::-1]
    paint = (paint * 255).astype(np.uint8)
    texture = context.texture(paint.shape[1::-1], 4, paint.tobytes())
    texture.build_mipmaps()
    return texture


def _filled(texture: moderngl.Texture) -> NDArray[np.uint8]:
    """(H, W, 4) the map with unpainted texels replaced by their nearest painted ones, so that seams do not show."""
    pixels = np.frombuffer(texture.read(), dtype=np.uint8).reshape(texture.height, texture.width, 4)
    empty = (pixels == 0).all(axis=2)
    nearest = distance_transform_edt(empty, return_distances=False, return_indices=True)
    return np.asarray(pixels[nearest[0], nearest[1]])


_VERTEX = """#version 330
in vec2 place; in vec3 roots; in vec3 rest; in vec4 region; out vec3 X; out vec4 REGION; out vec3 ROOTS;
void main() { X = rest; REGION = region; ROOTS = roots; gl_Position = vec4(place.xy * 2.0 - 1.0, 0.0, 1.0); }"""

_FRAGMENT = (
    "#version 330\n"
    + NOISE
    + """
in vec3 X; in vec4 REGION; in vec3 ROOTS; // roots: scalp, lashes, brows
#define SCALP ROOTS.x
uniform vec3 base, blush, lips, lids, garment, brow_colour, hair_root, eye_centre, mouth, corner, nose, wing, chin;
uniform vec4 amounts; uniform float brow_height, top, covered, parting;
layout(location = 0) out vec4 colour; layout(location = 1) out vec4 detail; layout(location = 2) out vec4 folds; layout(location = 3) out vec4 more;
float near(vec3 p, vec3 r) { vec3 d = (vec3(abs(X.x), X.yz) - p) / r; return exp(-dot(d, d)); }
float segment(vec2 p, vec2 a, vec2 b, out float along) { vec2 d = b - a; along = dot(p - a, d) / dot(d, d); return length(p - a - d * clamp(along, 0.0, 1.0)); }
float crease(float d, float width) { float x = d / width; return -exp(-x * x) + 0.55 * exp(-pow(abs(x) - 1.9, 2.0)); }
float line(float x, float w) { x /= w; return -exp(-x * x); }
void main() {
  float ax = abs(X.x), front = smoothstep(-0.045, 0.0, X.z); vec3 M = vec3(ax, X.yz);
  float lip = REGION.x, cloth = smoothstep(-0.0006, 0.0006, REGION.z), hem = smoothstep(0.0030, 0.0022, abs(REGION.z - 0.0026)); float inside = step(0.5, REGION.w) * step(REGION.w, 1.5), socket = step(1.5, REGION.w);
  // ---- colour: blood, pigment and what lies under thin skin
  float blotch = fbm(X * 62.0), patch_ = fbm(X * 24.0 + 9.0), fine = noise(X * 900.0), grain = fbm(X * 260.0);
  vec3 c = base;
  float cheek = near(vec3(0.040, nose.y + 0.000, 0.016), vec3(0.022, 0.017, 0.03));
  float apple = near(vec3(0.034, nose.y + 0.004, 0.020), vec3(0.016, 0.012, 0.03));
  float tip = near(nose, vec3(0.013, 0.011, 0.018)), wings = near(wing, vec3(0.008, 0.010, 0.012));
  float chin_red = near(chin + vec3(0, 0.014, 0.02), vec3(0.016, 0.010, 0.03));
  float forehead = smoothstep(brow_height + 0.01, brow_height + 0.05, X.y) * front;
  float neck = smoothstep(chin.y + 0.006, chin.y - 0.03, X.y);
  float red = 0.30 * cheek + 0.22 * apple + 0.34 * tip + 0.40 * wings + 0.50 * REGION.y + 0.16 * chin_red + 0.16 * (patch_ - 0.45) + 0.10 * neck * patch_ + 0.10 * near(vec3(0.0, brow_height - 0.004, nose.z - 0.02), vec3(0.014, 0.012, 0.02));
  c = mix(c, blush, clamp(red * (0.25 + 1.1 * blotch), 0.0, 0.60));
  c = mix(c, c * vec3(1.02, 1.015, 0.93), 0.55 * forehead);
  float mouthring = near(mouth + vec3(0.0, -0.002, -0.008), vec3(0.030, 0.020, 0.03)); c = mix(c, c * vec3(0.985, 1.0, 0.96), mouthring * 0.6);
  vec3 e = (M - eye_centre - vec3(0.0, 0.002, 0.010)) / vec3(0.021, 0.0135, 0.022);
  float around = exp(-dot(e, e) * 1.4);
  c = mix(c, lids, around * 0.60);
  vec2 el = vec2(ax, X.y) - eye_centre.xy;
  float above_lid = exp(-pow((el.y - 0.0088 + 26.0 * el.x * el.x) / 0.0020, 2.0)) * smoothstep(0.017, 0.010, abs(el.x)) * front;
  c *= mix(vec3(1.0), vec3(0.74, 0.62, 0.60), above_lid * 0.75);
  float trough = exp(-pow((length(el * vec2(0.72, 1.0)) - 0.0165) / 0.0042, 2.0)) * smoothstep(0.001, -0.007, el.y) * smoothstep(0.022, 0.004, el.x + 0.004) * front;
  c = mix(c, c * vec3(0.84, 0.76, 0.82), trough * (0.45 + 0.5 * amounts.w));
  float mouthside = near(corner + vec3(0.002, -0.001, 0.0), vec3(0.0065, 0.006, 0.012)); c *= mix(vec3(1.0), vec3(0.86, 0.76, 0.74), mouthside * 0.7);
  float underlip = near(vec3(0.0, mouth.y - 0.0135, mouth.z - 0.004), vec3(0.013, 0.0035, 0.02)); c *= mix(vec3(1.0), vec3(0.90, 0.84, 0.83), underlip * 0.6);
  float groove = exp(-pow(ax / 0.0032, 2.0)) - 0.8 * exp(-pow((ax - 0.0062) / 0.0024, 2.0));
  float philtrum = groove * smoothstep(mouth.y + 0.006, mouth.y + 0.010, X.y) * smoothstep(nose.y - 0.009, nose.y - 0.014, X.y) * front;
  c *= 1.0 - 0.07 * vec3(0.7, 1.0, 1.0) * philtrum;
  c *= 1.0 - 0.22 * smoothstep(0.004, 0.0, -REGION.z) * (1.0 - cloth); // the collar's contact shadow
  c *= 0.90 + 0.20 * blotch; c *= 0.955 + 0.09 * fine; c *= 1.0 - 0.10 * smoothstep(0.30, 0.05, cells(X * 620.0).x) * clamp(0.3 + cheek + tip + wings + 0.4 * forehead, 0.0, 1.0); c *= mix(vec3(1.0), vec3(0.93, 1.03, 1.05), (grain - 0.5) * 1.1);
  c *= mix(vec3(1.0), vec3(1.03, 0.97, 0.94), patch_);
  float where = clamp(0.22 + 1.2 * cheek + tip + 0.45 * forehead + 0.7 * near(vec3(0.0, nose.y + 0.018, 0.035), vec3(0.02, 0.02, 0.03)), 0.0, 1.0) * smoothstep(-0.05, -0.015, X.z);
  vec2 f1 = cells(X * 360.0 + fbm(X * 90.0)), f2 = cells(X * 95.0), f3 = cells(X * 210.0 + 0.6 * fbm(X * 110.0));
  float freckle = step(1.0 - 0.55 * where * (0.4 + patch_), f1.y) * smoothstep(0.42, 0.12, f1.x) + 0.8 * step(1.0 - 0.30 * where, f3.y) * smoothstep(0.33, 0.10, f3.x);
  c *= mix(vec3(1.0), vec3(0.80, 0.68, 0.60), clamp(freckle, 0.0, 1.0) * amounts.x * (0.4 + 0.6 * fine));
  float mole = step(0.982, f2.y) * smoothstep(0.075, 0.045, f2.x) * front; c *= mix(vec3(1.0), vec3(0.50, 0.36, 0.32), mole * 0.75);
  // Beard shadow and its hairs.
  float jaw = 1.0 - smoothstep(nose.y - 0.020, nose.y - 0.010, X.y + 0.25 * max(0.02 - ax, 0.0) - 0.10 * max(ax - 0.045, 0.0));
  float under = smoothstep(chin.y - 0.035, chin.y - 0.005, X.y);
  float beard = jaw * under * (1.0 - smoothstep(0.02, 0.3, lip)) * smoothstep(-0.07, -0.035, X.z) * (1.0 - 0.65 * near(corner + vec3(0.016, 0.022, 0.0), vec3(0.016, 0.016, 0.03)));
  vec2 stub = cells(X * 980.0); beard *= amounts.y * (0.75 + 0.5 * blotch);
  c = mix(c, c * vec3(0.60, 0.64, 0.69), clamp(beard, 0.0, 1.0) * 0.88);
  c = mix(c, hair_root, beard * smoothstep(0.40, 0.12, stub.x) * 0.52 * step(0.15, stub.y));
  // Lips: a soft border, darker towards the seam, fine vertical lines.
  float seam = 1.0 - smoothstep(0.0, 0.0050, abs(X.y - mouth.y));
  float lines = 0.5 + 0.5 * sin(X.x * 3300.0 + 9.0 * noise(vec3(X.xy * 210.0, 1.0)) + 4.0 * noise(X * 500.0)); lines = mix(lines, noise(vec3(X.x * 900.0, X.y * 120.0, 5.0)), 0.6);
  float lipedge = smoothstep(0.05, 0.95, lip + 0.22 * (fbm(X * 240.0) - 0.5));
  vec3 lipcolour = mix(mix(c, lips, 0.72), lips, smoothstep(0.5, 1.0, lip)) * (0.88 + 0.22 * blotch) * (0.90 + 0.16 * lines);
  lipcolour *= mix(vec3(1.0), vec3(0.66, 0.52, 0.52), seam * seam * 0.8); lipcolour *= mix(vec3(1.0), vec3(0.86, 0.80, 0.80), smoothstep(0.0, 0.004, X.y - mouth.y) * 0.5);
  c = mix(c, lipcolour, lipedge * 0.92);
  float gloss = amounts.z * (0.40 + 0.30 * tip + 0.24 * forehead * exp(-ax * ax / 0.0016) + 0.16 * cheek + 0.25 * near(vec3(0.0, nose.y + 0.012, nose.z - 0.008), vec3(0.005, 0.02, 0.02))) + 0.16 * (blotch - 0.5) + 0.18 * (grain - 0.5); gloss = mix(gloss, 0.55 + 0.2 * (grain - 0.5), lipedge); gloss = mix(gloss, gloss * 0.6, around);
  gloss = max(gloss, 0.95 * near(vec3(eye_centre.x, eye_centre.y - 0.0055, eye_centre.z + 0.0125), vec3(0.011, 0.0011, 0.004)));
  c *= mix(vec3(1.0), pow(brow_colour, vec3(0.55)), clamp(ROOTS.z, 0.0, 1.0) * 0.62); gloss *= 1.0 - 0.6 * ROOTS.z;
  c = mix(c, vec3(0.045, 0.027, 0.022), ROOTS.y); gloss *= 1.0 - 0.5 * ROOTS.y;
  if (inside > 0.5) { c = mix(vec3(0.36, 0.10, 0.09), lips * 0.8, smoothstep(corner.z - 0.006, corner.z + 0.004, X.z)) * (0.7 + 0.4 * blotch); gloss = 0.7; }
  if (socket > 0.5) { c = mix(vec3(0.50, 0.24, 0.21), lids * vec3(1.0, 0.80, 0.78), 0.55); gloss = 0.6; }
  float part_line = 0.30 * exp(-pow((X.x - parting - 0.0009 * sin(X.z * 170.0)) / 0.0009, 2.0)) * smoothstep(0.03, 0.05, X.y); // a thin line of skin along the parting
  float stubble = SCALP * mix(covered - part_line, 1.0, smoothstep(0.55, 0.2, cells(X * 700.0).x)); c = mix(c, hair_root * (0.45 + 0.35 * blotch), stubble * 0.97); gloss *= 1.0 - 0.7 * SCALP;
  float weave = 0.5 + 0.25 * sin(X.x * 2700.0) * sin((X.y + X.z) * 2700.0);
  c = mix(c, garment * (0.9 + 0.2 * weave) * (0.85 + 0.3 * patch_) * (1.0 + 0.35 * hem), cloth); gloss = mix(gloss, 0.03, cloth);
  colour = vec4(sqrt(clamp(c, 0.0, 1.0)), clamp(gloss, 0.0, 1.0));
  // ---- pores
  vec2 pore = cells(X * 620.0); float h = -0.5 * smoothstep(0.32, 0.05, pore.x) * (0.35 + 0.65 * clamp(cheek + tip + wings + 0.5 * forehead, 0.0, 1.0));
  h += 1.3 * (fbm(X * 420.0) - 0.5) + 0.8 * (fbm(X * 150.0) - 0.5); h -= 2.4 * above_lid; h -= 1.2 * philtrum;
  h = mix(h, 1.3 * (lines - 0.5) + 1.4 * (fbm(vec3(X.x * 420.0, X.yz * 90.0)) - 0.5), lipedge); h = mix(h, 2.2 * (weave - 0.5) + 6.0 * (patch_ - 0.5) + 3.0 * hem, cloth);
  if (inside + socket > 0.5) h *= 0.3;
  // ---- folds
  float y = X.y - brow_height; float wob = 0.0035 * (noise(vec3(X.x * 45.0, 0.0, 3.0)) - 0.5) + 0.0022 * (noise(vec3(X.x * 160.0, 4.0, 3.0)) - 0.5);
  float band = smoothstep(0.009, 0.017, y) * smoothstep(0.058, 0.040, y) * smoothstep(0.052, 0.030, ax) * front;
  float fh = 0.0; for (int i = 0; i < 4; i++) { float yy = 0.0150 + 0.0098 * float(i) + 0.0022 * sin(float(i) * 5.0) + 0.006 * ax / 0.04 * (ax / 0.04) * -0.6; fh += crease(y - yy - wob * (1.0 + 0.4 * float(i)), 0.0023) * smoothstep(0.15, 0.75, noise(vec3(X.x * 34.0, float(i) * 9.0, 1.0)) + 0.25 * noise(vec3(X.x * 130.0, float(i) * 5.0, 2.0))) * (i == 1 || i == 2 ? 1.1 : 0.75); }
  // The frontal muscle's inner part folds the middle in waves that sink outwards; its outer part lifts arcs above each brow.
  float middle_part = smoothstep(0.034, 0.014, ax), forehead_fold = fh * band * middle_part;
  float fo = 0.0; for (int i = 0; i < 4; i++) { float yy = 0.0125 + 0.0092 * float(i) + 0.0016 * sin(float(i) * 3.0 + 1.0) - 5.0 * (ax - 0.031) * (ax - 0.031); fo += crease(y - yy - 0.7 * wob * (1.0 + 0.3 * float(i)), 0.0022) * smoothstep(0.10, 0.6, noise(vec3(X.x * 40.0, float(i) * 7.0, 8.0)) + 0.25 * noise(vec3(X.x * 130.0, float(i) * 3.0, 6.0))) * (i == 1 || i == 2 ? 1.05 : 0.75); }
  float outer_fold = fo * smoothstep(0.007, 0.013, y) * smoothstep(0.052, 0.036, y) * smoothstep(0.058, 0.044, ax) * smoothstep(0.006, 0.022, ax) * front;
  float gx = ax - (0.0062 + 0.12 * max(y - 0.002, 0.0) + 0.0012 * (noise(vec3(X.y * 120.0, X.x > 0.0 ? 2.0 : 7.0, 0.0)) - 0.5));
  float glab = 0.92 * crease(gx, 0.0023) * smoothstep(-0.013, -0.004, y) * smoothstep(0.021, 0.009, y) + 0.7 * exp(-pow((ax - 0.0135) / 0.005, 2.0)) * exp(-pow((y - 0.001) / 0.008, 2.0));
  float root = 0.0; for (int i = 0; i < 3; i++) root += crease(X.y - (brow_height - 0.0105 - 0.0048 * float(i)) + 0.10 * ax, 0.0015) * 0.9;
  root *= exp(-pow(ax / 0.0105, 2.0)) + 0.8 * exp(-pow((ax - 0.010) / 0.004, 2.0)); float side_lines = crease(dot(vec2(ax - 0.0125, X.y - nose.y - 0.012), normalize(vec2(0.9, 0.45))), 0.0016) * near(vec3(0.0135, nose.y + 0.014, 0.028), vec3(0.006, 0.008, 0.02));
  root += side_lines;
  vec2 outer = vec2(ax, X.y) - vec2(eye_centre.x + 0.0135, eye_centre.y + 0.0005); float rr = length(outer), an = atan(outer.y, outer.x);
  float feet = 0.0; for (int i = 0; i < 4; i++) feet += crease((an - (-0.75 + 0.42 * float(i) + 0.10 * noise(vec3(rr * 160.0, float(i), X.x > 0.0 ? 1.0 : 5.0)))) * rr, 0.0013);
  feet *= smoothstep(0.003, 0.008, rr) * smoothstep(0.026, 0.014, rr) * step(0.0, outer.x + 0.002);
  float t; vec2 top_ = vec2(min(wing.x, 0.0172) + 0.0004, wing.y + 0.0055), low = corner.xy + vec2(0.0085, 0.001); vec2 bow = vec2(0.0012, 0.0006);
  vec2 P2 = vec2(ax, X.y) - bow * (1.0 - pow(2.0 * clamp((top_.y - X.y) / (top_.y - low.y), 0.0, 1.0) - 1.0, 2.0));
  float nd = segment(P2, top_, low, t); float sgn = sign((low.x - top_.x) * (X.y - top_.y) - (low.y - top_.y) * (P2.x - top_.x));
  float nl = 0.95 * (-0.72 * exp(-nd * nd / 0.0000032) - 0.28 * exp(-nd * nd / 0.000018) + 0.45 * exp(-pow(nd - 0.0052, 2.0) / 0.00001) * step(0.0, sgn)) * smoothstep(-0.15, 0.15, t) * smoothstep(1.45, 0.85, t) * front;
  vec2 ue = vec2(ax, X.y) - eye_centre.xy; float ur = length(ue * vec2(0.80, 1.25)); float ua = smoothstep(-0.002, -0.007, ue.y) * front;
  float under_eye = (crease(ur - 0.0145, 0.0015) * 0.7 + crease(ur - 0.0190, 0.0018) * 0.75 + crease(ur - 0.0113, 0.0010) * 0.4) * ua * smoothstep(0.024, 0.012, abs(ue.x));
  float dimple = near(chin + vec3(0.0, 0.016, 0.020), vec3(0.015, 0.010, 0.02)); vec2 dc = cells(X * 300.0); float chin_fold = (-0.55 * smoothstep(0.42, 0.1, dc.x) + 0.2) * dimple;
  // A dimpled corner, lines around pursed lips, and the line from the corner down to the chin.
  vec2 cd = vec2(ax, X.y) - corner.xy; float arc = length((cd + vec2(0.006, -0.001)) * vec2(1.0, 0.72)) - 0.0105; float bracket = crease(arc, 0.0016) * smoothstep(0.0, 0.004, cd.x) * smoothstep(0.013, 0.006, abs(cd.y)) * front;
  vec2 ring = vec2(ax, X.y - mouth.y) / vec2(0.021, 0.0125); float rim = exp(-pow((length(ring) - 1.02) / 0.26, 2.0)) * (1.0 - smoothstep(0.2, 0.7, lip)) * front;
  float pursed = crease(fract(X.x * 270.0 + 1.1 * noise(vec3(X.x * 130.0, X.y * 90.0, 2.0))) * 0.0037 - 0.0018, 0.0008) * 0.55 * rim * smoothstep(0.15, 0.7, noise(vec3(X.x * 420.0, X.y * 110.0, 4.0)));
  float md = segment(vec2(ax, X.y), corner.xy + vec2(0.0030, -0.0015), corner.xy + vec2(0.0068, -0.0165), t); float frown = (-0.34 * exp(-md * md / 0.0000035) - 0.22 * exp(-md * md / 0.00002)) * smoothstep(-0.25, 0.35, t) * smoothstep(1.5, 0.4, t);
  float below = (X.y - (mouth.y - 0.0135 + 6.0 * ax * ax)); frown = (frown + 0.9 * crease(below, 0.0019) * smoothstep(0.017, 0.009, ax)) * front;
  detail = vec4(h + amounts.w * (0.20 * (forehead_fold + outer_fold) + 1.2 * nl * 0.6 + 0.5 * under_eye), forehead_fold, glab, root) * 0.25 + 0.5;
  folds = vec4(feet, nl, under_eye, chin_fold) * 0.25 + 0.5;
  more = vec4(outer_fold, bracket, pursed, frown) * 0.25 + 0.5;
}"""
)
