"""Named points of the face: fixed surface points that follow every movement.

They serve the painter (where lips, nose and brows are), the tests (is the mouth closed?) and captures (landmarks).
Names say side by `left` and `right` of the subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from studio.engine.performer.head import BUST, FACE, Head, lid_follow

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LIP_COLUMNS = 11
"""Points along each lip contour, from the right corner to the left."""


@dataclass(frozen=True)
class Landmarks:
    """Surface points as a mix of control vertices."""

    names: tuple[str, ...]
    basis: sparse.csr_matrix  # (L, controls)
    head_weight: F64  # (L,) share of the head's rotation
    lid_follow: F64  # (L, 2) share of the left and the right eye's rotation

    def points(self, controls: F64) -> F64:
        """(L, 3) metres."""
        return np.asarray(self.basis @ controls)

    def index(self, name: str) -> int:
        """Row of a landmark."""
        return self.names.index(name)


class Anatomy:
    """Regions and contours of a head's skin, found from its geometry.

    Attributes:
        rest: (n, 3) skin vertices at rest.
        lip: (n,) share of lip colour, 0…1.
        lower: (n,) bool, moves with the jaw.
        corner: (3,) left corner of the mouth.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self.rest = head.skin.points(head.controls)
        self.face = head.island == FACE
        self.lip = self._mask("lips.png") * (np.abs(self.rest[:, 0]) < 0.05) * (self.rest[:, 1] < -0.03)
        self.ear = self._mask("ears.png")
        jaw = head.skin.basis @ head.unit("jawOpen")
        fall = np.linalg.norm(jaw, axis=1)
        lips = self.face & (self.lip > 0.5)
        self.lower = fall > 0.42 * fall[lips].max()
        left = lips & (self.rest[:, 0] > 0)
        candidates = np.flatnonzero(left)
        self.corner = self.rest[candidates[self.rest[candidates, 0].argmax()]]
        self.contours = self._lip_contours(lips)
        middle = np.abs(self.rest[:, 0]) < 0.004
        nose = np.flatnonzero(middle & self.face & (self.rest[:, 1] > -0.06) & (self.rest[:, 1] < -0.01))
        self.nose_tip = self.rest[nose[self.rest[nose, 2].argmax()]]
        self.mouth = np.mean(
            [self.rest[self.contours[k][LIP_COLUMNS // 2]] for k in ("inner_upper", "inner_lower")], axis=0
        )
        wing = np.flatnonzero(self.face & (np.abs(self.rest[:, 1] - self.nose_tip[1] + 0.004) < 0.005))
        wing = wing[(self.rest[wing, 2] > self.nose_tip[2] - 0.028) & (self.rest[wing, 0] < 0.03)]
        front = wing[self.rest[wing, 2] > self.mouth[2] - 0.008]
        self.wing = (
            self.rest[front[self.rest[front, 0].argmax()]]
            if len(front)
            else self.nose_tip + np.array([0.016, 0.0, -0.015])
        )

    def _mask(self, name: str) -> F64:
        """(n,) a mask texture of the kit at the skin's vertices."""
        image = np.asarray(self.head.kit.image(name, "L"), dtype=np.float64) / 255
        h, w = image.shape
        u, v = self.head.skin.uv.T
        mask = image[np.clip(((1 - v) * h).astype(int), 0, h - 1), np.clip((u * w).astype(int), 0, w - 1)]
        return np.asarray(mask * (self.head.island != BUST))

    def _lip_contours(self, lips: NDArray[np.bool_]) -> dict[str, I64]:
        """Skin vertices along the four lip lines, right to left."""
        rest = self.rest
        columns = np.linspace(-0.90, 0.90, LIP_COLUMNS) * self.corner[0]
        found: dict[str, list[int]] = {k: [] for k in ("outer_upper", "inner_upper", "inner_lower", "outer_lower")}
        for x in columns:
            for lip, sign in (("upper", 1.0), ("lower", -1.0)):
                near = np.flatnonzero(lips & (self.lower == (lip == "lower")) & (np.abs(rest[:, 0] - x) < 0.0014))
                front = near[rest[near, 2] > rest[near, 2].max() - 0.005]
                found[f"outer_{lip}"].append(int(front[(sign * rest[front, 1]).argmax()]))
                found[f"inner_{lip}"].append(int(front[(sign * rest[front, 1]).argmin()]))
        return {k: np.array(v) for k, v in found.items()}


def face_landmarks(head: Head, anatomy: Anatomy) -> Landmarks:
    """82 points: jaw line, brows, nose, eyes, irises' sockets and lips."""
    rows: list[sparse.csr_matrix] = []
    names: list[str] = []
    rest: list[F64] = []

    def add(name: str, basis: sparse.csr_matrix) -> None:
        names.append(name)
        rows.append(basis)
        rest.append(np.asarray(basis @ head.controls)[0])

    skin = head.skin.basis

    def nearest(point: F64, among: NDArray[np.bool_]) -> int:
        candidates = np.flatnonzero(among)
        return int(candidates[np.linalg.norm(anatomy.rest[candidates] - point, axis=1).argmin()])

    for label, vertices in anatomy.contours.items():
        for i, vertex in enumerate(vertices):
            add(f"lip_{label}_{i}", skin[vertex])
    for side, sign in (("left", 1), ("right", -1)):
        corner = anatomy.corner * [sign, 1, 1]
        add(f"mouth_corner_{side}", skin[nearest(corner, anatomy.face)])
        eye = 0 if sign > 0 else 1
        margin = head.lid_margin[eye]
        centre = head.eyes[eye].centre
        around = head.controls[margin] - centre
        angle = np.degrees(np.arctan2(around[:, 1], sign * around[:, 0]))  # 0 at the outer corner
        for label, wanted in (
            ("outer", 0), ("upper_outer", 50), ("upper", 90), ("upper_inner", 130),
            ("inner", 180), ("lower_inner", -130), ("lower", -90), ("lower_outer", -50),
        ):  # fmt: skip
            gap = np.abs((angle - wanted + 180) % 360 - 180)
            vertex = int(margin[gap.argmin()])
            add(f"eye_{label}_{side}", sparse.csr_matrix(([1.0], ([0], [vertex])), (1, len(head.controls))))
        brow = head.brow.points(head.controls)
        mine = np.flatnonzero(brow[:, 0] * sign > 0)
        x = brow[mine, 0] * sign
        for i, share in enumerate((0.03, 0.25, 0.5, 0.75, 0.97)):
            wanted_x = np.quantile(x, share)
            column = mine[np.abs(x - wanted_x) < 0.003]
            middle = column[np.abs(brow[column, 1] - brow[column, 1].mean()).argmin()]
            add(f"brow_{i}_{side}", head.brow.basis[middle])
        add(f"nose_wing_{side}", skin[nearest(anatomy.wing * [sign, 1, 1], anatomy.face)])
        cheek = np.array([sign * 0.042, anatomy.nose_tip[1] + 0.004, 0.02])
        add(f"cheek_{side}", skin[nearest(cheek, anatomy.face)])
        for i, (dx, dy) in enumerate(((0.062, -0.045), (0.058, -0.072), (0.043, -0.092), (0.022, -0.102))):
            edge = np.array([sign * dx, dy * head.height / 0.206, -0.01 + 0.006 * i])
            add(f"jaw_{i}_{side}", skin[nearest(edge, anatomy.face)])
    for i, share in enumerate((0.0, 0.33, 0.66, 1.0)):
        bridge = np.array([0.0, share * anatomy.nose_tip[1], 0.0])
        column = anatomy.face & (np.abs(anatomy.rest[:, 0]) < 0.002) & (np.abs(anatomy.rest[:, 1] - bridge[1]) < 0.002)
        bridge[2] = anatomy.rest[column, 2].max()
        add(f"nose_bridge_{i}", skin[nearest(bridge, anatomy.face)])
    add("nose_base", skin[nearest(anatomy.nose_tip - [0, 0.012, 0.010], anatomy.face)])
    add("chin", skin[nearest(head.chin, anatomy.face)])
    add("chin_front", skin[nearest(head.chin + np.array([0.0, 0.012, 0.02]), anatomy.face)])
    return Landmarks(
        tuple(names), sparse.vstack(rows).tocsr(), head.head_weight(np.array(rest)), lid_follow(head, np.array(rest))
    )
