"""Small OpenGL and view mathematics shared by the performer's renderer."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from studio.engine.camera import Camera

F64 = NDArray[np.float64]


class Shader:
    """A program whose uniforms may be set by name; names that the compiler dropped are passed over."""

    def __init__(self, context: moderngl.Context, vertex: str, fragment: str) -> None:
        self.program = context.program(vertex_shader=vertex, fragment_shader=fragment)

    def set(self, **values: float | tuple[float, ...]) -> None:
        """Sets uniforms to numbers, vectors or texture units."""
        for name, value in values.items():
            uniform = self.program.get(name, None)
            if isinstance(uniform, moderngl.Uniform):
                uniform.value = value

    def set_matrix(self, name: str, matrix: F64) -> None:
        """Sets a 4×4 uniform from a row-major matrix (4, 4)."""
        uniform = self.program.get(name, None)
        if isinstance(uniform, moderngl.Uniform):
            uniform.write(matrix.T.astype(np.float32).tobytes())


def vector(values: F64) -> tuple[float, ...]:
    """A uniform's value from an array."""
    return tuple(float(v) for v in values)


def euler(yaw_deg: float, pitch_deg: float, roll_deg: float) -> F64:
    """(3, 3) head rotation with the signs of `controls.Pose`."""
    y, p, r = np.radians([yaw_deg, -pitch_deg, -roll_deg])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(ry @ rx @ rz)


def head_transform(pose: F64, pivot: F64) -> F64:
    """(4, 4) canonical → posed, for points that belong wholly to the head."""
    out = np.eye(4)
    out[:3, :3] = euler(*pose[:3])
    out[:3, 3] = pivot - out[:3, :3] @ pivot
    return out


def clip_matrix(camera: Camera, near: float = 0.05, far: float = 4.0) -> F64:
    """(4, 4) head space → OpenGL clip space for a pinhole camera."""
    w, h = camera.width, camera.height
    projection = np.array(
        [
            [2 * camera.fx / w, 0, 2 * camera.cx / w - 1, 0],
            [0, -2 * camera.fy / h, 1 - 2 * camera.cy / h, 0],
            [0, 0, (far + near) / (far - near), -2 * far * near / (far - near)],
            [0, 0, 1, 0],
        ]
    )
    return np.asarray(projection @ camera.world_to_camera)


def parallel_matrix(direction: F64, centre: F64, half: float) -> F64:
    """(4, 4) head space → clip space of light that falls along -`direction` on a sphere of radius `half`."""
    up = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.95 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, direction)
    right /= np.linalg.norm(right)
    out = np.eye(4)
    out[:3, :3] = np.stack([right, np.cross(direction, right), -direction]) / half
    out[:3, 3] = -out[:3, :3] @ centre
    return out


def ribbon_points(points: F64) -> NDArray[np.float32]:
    """(s, k, 2, 6) position and tangent of both edges of each ribbon."""
    tangent = np.gradient(points, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-9)
    both = np.concatenate([points, tangent], axis=2)
    return np.repeat(both[:, :, None], 2, axis=2).astype(np.float32)


def ribbon_index(s: int, k: int) -> NDArray[np.int32]:
    """Triangles of s ribbons of k points each, in the vertex order of `ribbon_points`."""
    first = (np.arange(s)[:, None] * k + np.arange(k - 1)[None]) * 2
    quads = np.stack([first, first + 1, first + 2, first + 1, first + 3, first + 2], axis=-1)
    return quads.reshape(-1).astype(np.int32)


def sphere(rings: int, around: int) -> tuple[F64, NDArray[np.int64]]:
    """Unit directions (n, 3), denser near +z, and triangles."""
    polar = np.pi * (np.linspace(0, 1, rings + 1) ** 1.5)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    p, a = np.meshgrid(polar, angle, indexing="ij")
    points = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rings), np.arange(around), indexing="ij")
    first, right = i * around + j, i * around + (j + 1) % around
    quads = np.stack([first, first + around, right + around, right], axis=-1).reshape(-1, 4)
    return points, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
