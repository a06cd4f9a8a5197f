"""Draws a performer: supersampled OpenGL in linear light with soft shadows, transparent background.

Software OpenGL is enough. Everything that a performance does not change (paint, occlusion, rigid hair) is prepared
once per identity; a frame uploads the moved skin, teeth, tongue, brows and lashes.
"""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from studio.engine.camera import Camera
from studio.engine.performer import shaders
from studio.engine.performer.gl import (
    Shader,
    clip_matrix,
    euler,
    head_transform,
    parallel_matrix,
    ribbon_index,
    ribbon_points,
    sphere,
    vector,
)
from studio.engine.performer.hair import grow_hair, scalp_mask
from studio.engine.performer.head import BUST, BUST_RISE, MOUTH, Part, bust_height, lid_distance, lid_follow
from studio.engine.performer.materials import MAP_PX, collar_depth, linear, map_uv, paint_skin, paint_teeth
from studio.engine.performer.moment import Moment
from studio.engine.performer.occlusion import Occlusion, smoothed, trace_occlusion
from studio.engine.performer.performer import Performer
from studio.engine.performer.strands import Strands, brows, lashes
from studio.engine.performer.surface import nearest_distance, normal_operator, smoothstep, vertex_normals
from studio.errors import StudioError

F64 = NDArray[np.float64]

SHADOW_PX = 1024
KEY_DIRECTION = np.array([0.42, 0.46, 0.80]) / np.linalg.norm([0.42, 0.46, 0.80])
EXPOSURE = 0.62


@dataclass(frozen=True)
class Quality:
    """How much care goes into the pictures; the defaults suit captures for training."""

    supersampling: int = 1
    """Shaded samples along each edge of a pixel, on top of multisampling; 2 takes 1.7 times as long."""
    multisampling: int = 4
    """Samples of outlines and hair per shaded sample."""
    map_px: int = MAP_PX
    """Edge of the painted skin maps; smaller is faster to prepare and blurrier."""
    sky_directions: int = 48
    """Directions from which ambient light is traced once per performer; fewer are faster and blotchier."""


DRAFT = Quality(map_px=128, sky_directions=6)
"""For tests and quick looks."""


@dataclass(frozen=True)
class _Mesh:
    part: Part
    surface: int  # what it is made of: 0 skin, 1 teeth, 2 tongue
    moving: moderngl.Buffer  # positions and normals
    fixed: moderngl.Buffer
    drawn: moderngl.VertexArray
    dark: moderngl.VertexArray  # depth alone


@dataclass(frozen=True)
class _Tuft:
    strands: Strands
    moving: moderngl.Buffer  # positions and tangents
    fixed: moderngl.Buffer
    drawn: moderngl.VertexArray
    dark: moderngl.VertexArray


class PerformerRenderer:
    """Renders one identity; owns an OpenGL context, so use it from the thread that made it."""

    def __init__(self, performer: Performer, *, size_px: int = 512, quality: Quality | None = None) -> None:
        self.quality = quality = quality or Quality()
        head = performer.head
        self.head = head
        self.anatomy = performer.anatomy
        self.size_px, self.factor = size_px, quality.supersampling
        try:
            self.context = moderngl.create_context(standalone=True, backend="egl", require=330)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - glcontext raises bare Exception when EGL is missing
            try:
                self.context = moderngl.create_standalone_context(require=330)
            except Exception:  # noqa: BLE001
                raise StudioError(
                    "The performer needs OpenGL 3.3 (software rendering is enough): install Mesa's EGL."
                ) from error
        self._programs()
        self._targets(quality.multisampling)
        rng = np.random.default_rng(7)
        rest = self.anatomy.rest
        lift = smoothstep(0.0, 0.010, collar_depth(head, rest)) * (head.island == BUST)
        self._operator = self._weld()
        normals = self._skin_normals(rest)
        self.cloth_lift = (0.0035 * lift)[:, None] * normals
        lids = np.exp(-((lid_distance(head, rest) / 0.00075) ** 2))
        self.strands: list[Strands] = [brows(head, rng), lashes(head, rng)]
        brow, lash = (s.points(head.controls)[:, 0] for s in self.strands)
        lids = np.maximum(lids, np.exp(-((nearest_distance(lash, rest) / 0.0007) ** 2)))
        far = np.asarray(cKDTree(brow).query(rest, 5)[0]).mean(axis=1)
        shade = min(1.0, head.identity.brow_density) * np.exp(-((far / 0.0020) ** 2))
        roots = np.stack([scalp_mask(head, self.anatomy), lids, shade], axis=1)
        self.maps = paint_skin(self.context, head, self.anatomy, roots, quality.map_px)
        self.hair = grow_hair(head, self.anatomy, rng)
        self.head_weight = head.head_weight(rest)
        self._buffers()
        self.occlusion = self._bake_occlusion(quality.sky_directions)
        self._upload_static()

    def render(self, moment: Moment, camera: Camera) -> NDArray[np.uint8]:
        """(H, W, 4) straight-alpha display sRGB."""
        if (camera.width, camera.height) != (self.size_px, self.size_px):
            raise ValueError(f"camera is {camera.width}x{camera.height}, this renderer draws {self.size_px} square")
        pose = head_transform(moment.pose, self.head.pivot)
        self._upload(moment.controls)
        self._shadows(pose)
        self._multisampled.use()
        self._multisampled.clear(0.0, 0.0, 0.0, 0.0)
        self.context.enable_only(moderngl.DEPTH_TEST)
        matrix = clip_matrix(camera)
        gaze = np.eye(4)
        gaze[:3, :3] = euler(moment.pose[3], moment.pose[4], 0.0)
        self._common(matrix, pose, gaze, camera.position)
        self._draw_skin(moment)
        self._draw_eyes(moment, pose)
        self._draw_strands(np.zeros(3))
        self.context.copy_framebuffer(self._single, self._multisampled)
        self._final.use()
        self.context.enable_only(moderngl.NOTHING)
        self._picture.use(0)
        self._resolve.set(image=0, factor=self.factor, exposure=EXPOSURE)
        self._screen.render(vertices=3)
        pixels = np.frombuffer(self._final.read(components=4), dtype=np.uint8)
        return pixels.reshape(self.size_px, self.size_px, 4)[::-1].copy()

    def release(self) -> None:
        """Frees the context and everything in it."""
        self.context.release()

    # ---- preparation

    def _programs(self) -> None:
        def make(vertex: str, fragment: str) -> Shader:
            return Shader(self.context, vertex, fragment)

        self._skin = make(shaders.SKIN_VERTEX, shaders.SKIN_FRAGMENT)
        self._eye = make(shaders.EYE_VERTEX, shaders.EYE_FRAGMENT)
        self._strand = make(shaders.STRAND_VERTEX, shaders.STRAND_FRAGMENT)
        self._strand_depth = make(shaders.STRAND_DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self._depth = make(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self._resolve = make(shaders.SCREEN_VERTEX, shaders.RESOLVE_FRAGMENT)
        self._screen = self.context.vertex_array(self._resolve.program, [])

    def _targets(self, multisample: int) -> None:
        size = (self.size_px * self.factor,) * 2
        context = self.context
        samples = min(multisample, context.max_samples)
        self._multisampled = context.framebuffer(
            [context.renderbuffer(size, 4, samples=samples, dtype="f2")],
            context.depth_renderbuffer(size, samples=samples),
        )
        self._picture = context.texture(size, 4, dtype="f2")
        self._single = context.framebuffer([self._picture])
        self._final = context.simple_framebuffer((self.size_px, self.size_px), 4)
        self._shadow = context.depth_texture((SHADOW_PX, SHADOW_PX))
        self._shadow.compare_func = "<="
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow)

    def _weld(self) -> tuple[NDArray[np.int64], NDArray[np.int64], object, int]:
        _, welded = np.unique(self.head.shared, return_inverse=True)
        welded = welded.reshape(-1)
        triangles = welded[self.head.skin.triangles]
        count = int(welded.max()) + 1
        return welded, triangles, normal_operator(triangles, count), count

    def _skin_normals(self, points: F64) -> F64:
        welded, triangles, operator, count = self._operator
        unique = np.empty((count, 3))
        unique[welded] = points
        return np.asarray(vertex_normals(unique, triangles, operator)[welded])  # type: ignore[arg-type]

    def _buffers(self) -> None:
        """Vertex and index buffers of every mesh and strand group."""
        self._meshes: list[_Mesh] = []
        head, context = self.head, self.context
        self._mesh_normals = {p.name: normal_operator(p.triangles, len(p.offset)) for p in (head.teeth, head.tongue)}
        for part, surface in ((head.skin, 0), (head.teeth, 1), (head.tongue, 2)):
            moving = context.buffer(reserve=len(part.offset) * 24, dynamic=True)
            fixed = context.buffer(reserve=len(part.offset) * 24)
            index = context.buffer(part.triangles.astype(np.int32).tobytes())
            drawn = context.vertex_array(
                self._skin.program, [(moving, "3f 3f", "position", "normal"), (fixed, "2f 4f", "uv", "extra")], index
            )
            dark = context.vertex_array(
                self._depth.program, [(moving, "3f 12x", "position"), (fixed, "8x 4f", "extra")], index
            )
            self._meshes.append(_Mesh(part, surface, moving, fixed, drawn, dark))
        self._tufts: list[_Tuft] = []
        for strands in [*self.strands, self.hair]:
            s, k = strands.offset.shape[:2]
            moving = context.buffer(reserve=s * k * 2 * 24, dynamic=strands.basis is not None)
            fixed = context.buffer(reserve=s * k * 2 * 32)
            ribbons = ribbon_index(s, k)
            index = context.buffer(ribbons.tobytes())
            # A third of the hair casts the same soft shadow.
            sparse = context.buffer(ribbons.reshape(s, -1)[:: 3 if strands.basis is None else 1].tobytes())
            layout = [(moving, "3f 3f", "position", "tangent"), (fixed, "4f 4f", "shape", "look")]
            drawn = context.vertex_array(self._strand.program, layout, index)
            dark = context.vertex_array(
                self._strand_depth.program,
                [(moving, "3f 3f", "position", "tangent"), (fixed, "4f 16x", "shape")],
                sparse,
            )
            self._tufts.append(_Tuft(strands, moving, fixed, drawn, dark))
        directions, faces = sphere(48, 64)
        ball = context.buffer(directions.astype(np.float32).tobytes())
        index = context.buffer(faces.astype(np.int32).tobytes())
        self._ball = context.vertex_array(self._eye.program, [(ball, "3f", "position")], index)
        self._teeth_map = paint_teeth(context, head)
        self._tongue_map = context.texture((1, 1), 4, bytes([180, 105, 102, 204]))

    def _upload_static(self) -> None:
        rest = self.anatomy.rest
        high = (bust_height(self.head, rest) > 0.03).astype(np.float64)
        depth = smoothstep(self.anatomy.corner[2] - 0.020, self.anatomy.mouth[2], rest[:, 2])
        kind = (self.head.island == MOUTH) * (0.55 + 0.45 * depth) - lid_follow(self.head, rest).sum(axis=1)
        for mesh in self._meshes:
            part, surface, fixed = mesh.part, mesh.surface, mesh.fixed
            n = len(part.offset)
            if surface == 0:
                extra = np.stack([self.occlusion.meshes["skin"], self.head_weight, high, kind], axis=1)
                uv = map_uv(self.head)
            else:
                extra = np.stack([self.occlusion.meshes[part.name], np.ones(n), np.ones(n), np.zeros(n)], axis=1)
                uv = part.uv
            fixed.write(np.concatenate([uv, extra], axis=1).astype(np.float32).tobytes())
        for tuft in self._tufts:
            strands, moving, fixed = tuft.strands, tuft.moving, tuft.fixed
            self._write_strand_look(strands, fixed, self.occlusion if strands.basis is None else None)
            if strands.basis is None:
                moving.write(ribbon_points(strands.offset).tobytes())

    def _write_strand_look(self, strands: Strands, fixed: moderngl.Buffer, light: Occlusion | None) -> None:
        s, k = strands.offset.shape[:2]
        dark, key = (np.ones((s, k)), np.ones((s, k))) if light is None else (light.hair, light.hair_key)
        look = np.empty((s, k, 2, 8), dtype=np.float32)
        look[..., 0, 0], look[..., 1, 0] = -1.0, 1.0
        look[..., 1] = strands.half_width[..., None]
        look[..., 2] = 1.0
        look[..., 3] = self._lid_share(strands)[:, None, None]
        look[..., 4:7] = strands.colour[:, :, None]
        look[..., 7] = (np.round(dark * 255) + np.clip(key, 0, 1) * 0.996)[..., None]
        fixed.write(look.tobytes())

    def _lid_share(self, strands: Strands) -> F64:
        """(s,) share of the gaze that strands follow: lashes as the lids they grow on."""
        if strands.name != "lashes":
            return np.zeros(len(strands.offset))
        return np.asarray(lid_follow(self.head, strands.points(self.head.controls)[:, 0]).sum(axis=1))

    def _bake_occlusion(self, directions: int, px: int = 320) -> Occlusion:
        """Light at rest, from depth pictures taken from all around."""
        context, head = self.context, self.head
        points = {part.name: part.points(head.controls) for part in (head.skin, head.teeth, head.tongue)}
        points["skin"] = points["skin"] + self.cloth_lift
        normals = {"skin": self._skin_normals(points["skin"])}
        for part in (head.teeth, head.tongue):
            normals[part.name] = vertex_normals(points[part.name], part.triangles, self._mesh_normals[part.name])
        for mesh in self._meshes:
            data = np.concatenate([points[mesh.part.name], normals[mesh.part.name]], axis=1)
            mesh.moving.write(data.astype(np.float32).tobytes())
            mesh.fixed.write(np.zeros((len(data), 6), dtype=np.float32).tobytes())
        tuft = self._tufts[-1]
        tuft.moving.write(ribbon_points(self.hair.offset).tobytes())
        self._write_strand_look(self.hair, tuft.fixed, None)
        depth = context.depth_texture((px, px))
        target = context.framebuffer(depth_attachment=depth)
        context.enable_only(moderngl.DEPTH_TEST)

        def depth_from(direction: F64) -> tuple[F64, NDArray[np.float32]]:
            matrix = parallel_matrix(direction, np.array([0.0, -0.04, -0.06]), 0.21)
            target.use()
            target.clear()
            self._write_depth_uniforms(matrix, np.eye(4), direction)
            for dark in [*(m.dark for m in self._meshes), tuft.dark]:
                dark.render()
            return matrix, np.frombuffer(depth.read(), dtype=np.float32).reshape(px, px)

        found = trace_occlusion(
            depth_from, points, normals, self.hair.offset, key_light=KEY_DIRECTION, directions=directions
        )
        depth.release()
        target.release()
        welded, triangles, _, count = self._operator
        unique = np.empty(count)
        unique[welded] = found.meshes["skin"]
        found.meshes["skin"] = smoothed(unique, triangles)[welded]
        return found

    # ---- one frame

    def _upload(self, controls: F64) -> None:
        for mesh in self._meshes:
            part, surface, moving = mesh.part, mesh.surface, mesh.moving
            points = part.points(controls)
            if surface == 0:
                normals = self._skin_normals(points)
                points = points + self.cloth_lift
            else:
                normals = vertex_normals(points, part.triangles, self._mesh_normals[part.name])
            moving.write(np.concatenate([points, normals], axis=1).astype(np.float32).tobytes())
        for tuft in self._tufts:
            if tuft.strands.basis is not None:
                tuft.moving.write(ribbon_points(tuft.strands.points(controls)).tobytes())

    def _write_depth_uniforms(self, matrix: F64, pose: F64, direction: F64) -> None:
        for shader in (self._depth, self._strand_depth):
            shader.set_matrix("view_projection", matrix)
            shader.set_matrix("head", pose)
        self._strand_depth.set(direction=vector(direction))

    def _shadows(self, pose: F64) -> None:
        middle, half = np.array([0.0, -0.04, -0.05]), 0.20
        self._light = parallel_matrix(KEY_DIRECTION, middle, half)
        self._shadow_target.use()
        self._shadow_target.clear()
        self.context.enable_only(moderngl.DEPTH_TEST)
        self._write_depth_uniforms(self._light, pose, KEY_DIRECTION)
        for dark in [*(m.dark for m in self._meshes), *(t.dark for t in self._tufts)]:
            dark.render()

    def _common(self, matrix: F64, pose: F64, gaze: F64, eye: F64) -> None:
        self._shadow.use(5)
        for shader in (self._skin, self._strand):
            shader.set_matrix("gaze", gaze)
            shader.set(eye_at=vector(self.head.eyes[0].centre))
        self._skin.set(bust=(self.head.bust_edge, BUST_RISE))
        for shader in (self._skin, self._eye, self._strand):
            shader.set_matrix("view_projection", matrix)
            shader.set_matrix("shadow_matrix", self._light)
            shader.set_matrix("head", pose)
            shader.set(eye=vector(eye), shadow_map=5, shadow_texel=1.0 / SHADOW_PX)

    def _draw_skin(self, moment: Moment) -> None:
        self._skin.set(
            colour_map=0,
            detail_map=1,
            wrinkle_map=2,
            more_map=3,
            mouth_open=float(np.clip(moment.mouth_open, 0, 1)),
            wrinkles_a=vector(moment.folds[:4]),
            wrinkles_b=vector(moment.folds[4:8]),
            wrinkles_c=vector(moment.folds[8:11]),
            wrinkled=int(np.any(moment.folds > 0.01)),
        )
        self.maps.detail.use(1)
        self.maps.folds.use(2)
        self.maps.more.use(3)
        for mesh in self._meshes:
            (self.maps.colour, self._teeth_map, self._tongue_map)[mesh.surface].use(0)
            self._skin.set(surface=mesh.surface)
            if mesh.surface == 0:
                self.context.enable(moderngl.CULL_FACE)
            mesh.drawn.render()
            self.context.disable(moderngl.CULL_FACE)

    def _draw_eyes(self, moment: Moment, pose: F64) -> None:
        identity = self.head.identity
        gaze = np.eye(4)
        gaze[:3, :3] = euler(moment.pose[3], moment.pose[4], 0.0)
        self._eye.set(iris=linear(identity.iris), iris_rim=linear(identity.iris_rim))
        for eye, margin, side in zip(self.head.eyes, self.head.lid_margin, (1.0, -1.0), strict=True):
            turn = gaze.copy()
            turn[:3, 3] = eye.centre - gaze[:3, :3] @ eye.centre
            self._eye.set_matrix("pose", pose @ turn)
            share = lid_follow(self.head, self.head.controls[margin]).sum(axis=1, keepdims=True)
            lids = (moment.controls[margin] - eye.centre) / eye.radius
            lids = lids * (1 - share) + (lids @ gaze[:3, :3].T) * share
            lids = lids @ gaze[:3, :3]  # as seen from the turned ball
            middle = lids[np.abs(lids[:, 0]) < 0.5, 1]
            opening = (float(middle.max()), float(middle.min()))
            self._eye.set(centre=vector(eye.centre), radius=eye.radius, opening=opening, side=side)
            self._ball.render()

    def _draw_strands(self, direction: F64) -> None:
        self._strand.set(direction=vector(direction), middle=(0.0, 0.01, -0.075 * self.head.scale))
        for tuft in self._tufts:
            self._strand.set(shine=tuft.strands.shine)
            tuft.drawn.render()
