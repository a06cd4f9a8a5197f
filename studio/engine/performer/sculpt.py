"""The shapes of a head's modes: facial units of the kit, mended and enlarged where they are too faint.

Every mode is a displacement of the control mesh in metres at weight 1 (`mapping.MODES` says which). Units are scaled
to the head; bumps are our own sculpting, placed by the head's anatomy; seals keep lips and lids shut where a
movement should not open them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from studio.engine.performer.head import LID_CLEARANCE_M, Head
from studio.engine.performer.landmarks import Anatomy
from studio.engine.performer.mapping import MODES
from studio.engine.performer.surface import nearest_distance

F64 = NDArray[np.float64]

_UNITS: dict[str, dict[str, float]] = {
    "AU1": {"browInnerUp": 1.0},
    "AU2": {"browOuterUp": 0.85, "browInnerUp": 0.20},
    "AU4": {"browDown": 0.95},
    "AU5": {"eyeWide": 0.95},
    "AU6": {"cheekSquint": 0.80, "eyeSquint": 0.30},
    "AU7": {"eyeSquint": 0.85},
    "AU9": {"noseSneer": 1.0, "browDown": 0.35, "eyeSquint": 0.15, "mouthUpperUp": 0.12},
    "AU45": {"eyeBlink": 1.0},
    "AU10": {"mouthUpperUp": 0.85, "noseSneer": 0.30},
    "AU12": {"mouthSmile": 0.80, "cheekSquint": 0.20},
    "AU14": {"mouthDimple": 1.0, "mouthPress": 0.25},
    "AU15": {"mouthFrown": 1.0, "mouthShrugLower": 0.10},
    "AU17": {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.45},
    "AU20": {"mouthStretch": 0.80},
    "AU23": {"mouthPress": 0.25, "mouthRollLower": 0.68, "mouthRollUpper": 0.62, "mouthPucker": 0.16},
    "AU25": {"mouthLowerDown": 0.80, "mouthUpperUp": 0.20},
    "jaw": {"jawOpen": 0.58},
    "jaw_sealed": {},
    "part": {"mouthLowerDown": 0.60, "mouthUpperUp": 0.42},
    "press": {"mouthPress": 0.30, "mouthRollLower": 0.22, "mouthRollUpper": 0.20},
    "round": {"mouthPucker": 0.85},
    "funnel": {"mouthFunnel": 0.80},
    "spread": {"mouthStretch": 0.35, "mouthSmile": 0.22, "mouthDimple": 0.15},
    "tuck": {"mouthRollLower": 0.75, "mouthUpperUp": 0.32},
    "tongue_up": {},
    "tongue_out": {"tongueOut": 0.42},
    "blink_arc": {},
    "round_open": {"mouthLowerDown": 0.20, "mouthUpperUp": 0.12},
}

_SEALED = (
    "AU1",
    "AU2",
    "AU4",
    "AU5",
    "AU6",
    "AU7",
    "AU12",
    "AU14",
    "AU15",
    "AU17",
    "AU20",
    "AU23",
    "press",
    "spread",
    "round",
)
"""Modes that leave the lips closed."""


class Sculptor:
    """Makes the modes of one head."""

    def __init__(self, head: Head, anatomy: Anatomy) -> None:
        self.head, self.anatomy = head, anatomy
        self.skin = head.skin_controls
        self.is_skin = np.zeros(len(head.controls), dtype=bool)
        self.is_skin[self.skin] = True
        self._lip_setup()

    def modes(self) -> F64:
        """(U, c, 3) metres in the order of `MODES`."""
        fields = {name: self._units(_UNITS[name]) for name in MODES}
        self._brows(fields)
        self._cheeks(fields)
        self._mouth(fields)
        self._tongue(fields)
        for name in _SEALED:
            # Rolled and pressed lips do overlap; others must not, or they could not part again.
            fields[name] += self.seal(fields[name], keep_overlap=0.65 if name in ("AU23", "press") else 0.1)
        fields["jaw_sealed"] = self.seal(fields["jaw"])
        self._lids(fields)
        return np.stack([fields[name] for name in MODES])

    def seal(self, field: F64, *, gap_m: float | F64 | None = None, keep_overlap: float = 0.1) -> F64:
        """(c, 3) what must be added to `field` so that the lips are as close as at rest (or `gap_m` apart).

        Args:
            field: (c, 3) movement of the control mesh.
            gap_m: wanted distance of the lips, everywhere or along their line; their distance at rest when left out.
            keep_overlap: share of an overlap of the lips that is left as it is.
        """
        head, basis = self.head, self.head.skin.basis
        skin = basis @ (head.controls + field)
        out = np.zeros_like(head.controls)
        contours = self.anatomy.contours
        upper, lower = skin[contours["inner_upper"]], skin[contours["inner_lower"]]
        rest = self.anatomy.rest[contours["inner_upper"]] - self.anatomy.rest[contours["inner_lower"]]
        wanted = (
            rest
            if gap_m is None
            else np.stack([rest[:, 0] * 0, np.broadcast_to(gap_m, len(rest)), rest[:, 2] * 0.3], 1)
        )
        open_by = (upper - lower) - wanted
        if gap_m is None:
            open_by[:, 1] = np.where(open_by[:, 1] > 0, open_by[:, 1], (1 - keep_overlap) * open_by[:, 1])
        at = (upper + lower)[:, 0] / 2
        order = np.argsort(at)
        x = (head.controls + field)[:, 0]
        needed = np.stack([np.interp(x, at[order], open_by[order, i], left=0, right=0) for i in range(3)], axis=1)
        # A jaw that drops must be followed by the lower lip; otherwise both lips meet half-way.
        drop = np.abs(open_by[:, 1]).max()
        upper_share = 0.5 if drop < 0.004 else 0.24
        reach = self._lip_reach * (1.0 + min(drop / 0.02, 1.0) * 1.2)
        pull = np.exp(-((self._lip_distance / reach) ** 2))
        out[self.skin] = (
            np.where(self._is_lower[:, None], 1 - upper_share, -upper_share) * pull[:, None] * needed[self.skin]
        )
        return out

    def close_lips(self) -> F64:
        """(c, 3) correction of the rest shape that brings the lips together."""
        total = np.zeros_like(self.head.controls)
        for _ in range(3):
            total += self.seal(total, gap_m=-0.0004)
        return total

    # ---- tools

    def _units(self, weights: dict[str, float]) -> F64:
        out = np.zeros_like(self.head.controls)
        for name, weight in weights.items():
            out += weight * self.head.unit(name)
        return out

    def bump(self, centre: F64, radius: tuple[float, float, float], move: tuple[float, float, float]) -> F64:
        """(c, 3) a soft push of the skin around a point of the left half and its mirror image, in metres."""
        controls = self.head.controls
        out = np.zeros_like(controls)
        for side in (1.0, -1.0):
            away = (controls - centre * [side, 1, 1]) / np.array(radius)
            weight = np.exp(-(away**2).sum(axis=1)) * self.is_skin
            # Two mirrored pushes close to the middle must not add up to twice the push.
            apart = 0.5 + 0.5 * np.clip(centre[0] / radius[0], 0, 1)
            other_half = 1.0 - 0.5 * np.clip(np.abs(controls[:, 0]) / 0.004, 0, 1)
            weight *= np.where(controls[:, 0] * side >= 0, 1.0, other_half) * apart
            out += weight[:, None] * np.array(move) * [side, 1, 1]
        return out

    def _lip_setup(self) -> None:
        """Distance of each skin control to the lips' inner lines, and which lip it belongs to."""
        head, anatomy = self.head, self.anatomy
        points = head.controls[self.skin]
        upper = anatomy.rest[anatomy.contours["inner_upper"]]
        lower = anatomy.rest[anatomy.contours["inner_lower"]]
        to_upper = nearest_distance(_dense(upper), points)
        to_lower = nearest_distance(_dense(lower), points)
        self._lip_distance = np.minimum(to_upper, to_lower)
        jaw = np.linalg.norm(head.unit("jawOpen")[self.skin], axis=1)
        near = self._lip_distance < 0.012
        self._is_lower = jaw > 0.42 * jaw[near].max()
        self._lip_reach = 0.0062

    # ---- regions

    def _brows(self, fields: dict[str, F64]) -> None:
        brow = self.head.brow.points(self.head.controls)
        left = brow[brow[:, 0] > 0]
        inner = left[left[:, 0] < np.quantile(left[:, 0], 0.2)].mean(axis=0)
        middle = left[np.abs(left[:, 0] - np.median(left[:, 0])) < 0.004].mean(axis=0)
        outer = left[left[:, 0] > np.quantile(left[:, 0], 0.8)].mean(axis=0)
        fields["AU1"] += self.bump(inner, (0.015, 0.014, 0.03), (0.0005, 0.0052, 0.0012))
        fields["AU1"] += self.bump(inner + np.array([0, 0.018, 0]), (0.02, 0.014, 0.03), (0, 0.0022, 0.0006))
        fields["AU2"] += self.bump((outer + middle) / 2, (0.019, 0.013, 0.03), (0.0, 0.0028, 0.0004))
        # The rest of the brow comes along, or a raised brow would look like an angry one.
        fields["AU2"] += self.bump(middle, (0.016, 0.013, 0.03), (0.0, 0.0024, 0.0004))
        fields["AU2"] += self.bump(inner, (0.013, 0.013, 0.03), (0.0, 0.0022, 0.0003))
        fields["AU4"] += self.bump(inner, (0.012, 0.011, 0.03), (-0.0036, -0.0030, 0.0016))
        fields["AU4"] += self.bump(middle, (0.016, 0.010, 0.03), (-0.0015, -0.0022, 0.0006))
        fields["AU9"] += self.bump(inner, (0.012, 0.012, 0.03), (-0.0014, -0.0024, 0.0012))

    def _cheeks(self, fields: dict[str, F64]) -> None:
        eye, nose, wing = self.head.eyes[0].centre, self.anatomy.nose_tip, self.anatomy.wing
        cheek = np.array([eye[0] + 0.009, eye[1] - 0.023, eye[2] + 0.012])
        fields["AU6"] += self.bump(cheek, (0.017, 0.012, 0.03), (0.0013, 0.0056, 0.0040))
        fields["AU6"] += self.bump(eye + np.array([0.017, -0.001, 0.004]), (0.009, 0.012, 0.02), (-0.0022, 0.0, 0.0))
        fields["AU6"] += self.bump(eye + np.array([0.0, -0.0085, 0.012]), (0.014, 0.006, 0.02), (0.0, 0.0018, 0.0014))
        fields["AU12"] += self.bump(
            cheek + np.array([-0.001, -0.006, 0.004]), (0.015, 0.013, 0.03), (0.0014, 0.0022, 0.0030)
        )
        side = np.array([wing[0] * 0.72, nose[1] + 0.011, nose[2] - 0.018])
        fields["AU9"] += self.bump(wing, (0.010, 0.010, 0.02), (0.0010, 0.0036, 0.0008))
        fields["AU9"] += self.bump(side, (0.010, 0.012, 0.02), (0.0004, 0.0030, 0.0020))
        fields["AU10"] += self.bump(
            wing + np.array([0.004, -0.004, 0.0]), (0.010, 0.010, 0.02), (0.0005, 0.0020, 0.0012)
        )

    def _mouth(self, fields: dict[str, F64]) -> None:
        corner, mouth, chin = self.anatomy.corner, self.anatomy.mouth, self.head.chin
        fields["AU14"] += self.bump(corner + np.array([0.004, 0, 0]), (0.007, 0.007, 0.02), (0.0012, 0.0004, -0.0028))
        fields["AU20"] += self.bump(corner, (0.012, 0.010, 0.02), (0.0040, 0.0020, -0.0014))
        fields["AU20"] += self.bump(mouth + np.array([0, -0.006, 0]), (0.020, 0.007, 0.02), (0.0, 0.0, -0.0012))
        fields["AU23"] += self.bump(corner, (0.010, 0.009, 0.02), (-0.0016, -0.0012, 0.0))
        # An open mouth is an oval: its corners come in instead of hanging from the jaw.
        fields["jaw"] += self.bump(corner, (0.011, 0.010, 0.02), (-0.0022, 0.0018, 0.0006))
        # Lips that part open like a lens: most in the middle, not at all at the corners.
        across = np.abs(self.anatomy.rest[self.anatomy.contours["inner_upper"], 0]) / corner[0]
        lens = np.clip(1.0 - across**2, 0.0, 1.0) ** 0.8 * self.head.scale
        fields["AU25"] += self.seal(fields["AU25"], gap_m=0.0062 * lens)
        fields["AU17"] += self.bump(chin + np.array([0, 0.014, 0.02]), (0.016, 0.010, 0.03), (0.0, 0.0036, 0.0018))
        fields["AU17"] += self.bump(mouth + np.array([0, -0.006, 0]), (0.020, 0.006, 0.02), (0.0, 0.0014, 0.0010))

    def _tongue(self, fields: dict[str, F64]) -> None:
        tongue = self.head.kit.groups["tongue"]
        z = self.head.controls[tongue, 2]
        share = (z - z.min()) / (z.max() - z.min())
        # The tongue sinks with the jaw instead of filling the opening.
        fields["jaw"][tongue] += np.array([0.0, -0.0035, -0.0030]) * self.head.scale
        fields["tongue_up"][tongue, 1] += 0.0085 * share**1.6 * self.head.scale
        fields["tongue_up"][tongue, 2] += 0.0020 * share * self.head.scale
        teeth = self.head.kit.groups["lower-teeth"]
        fields["tongue_out"][teeth] = 0.0

    def _lids(self, fields: dict[str, F64]) -> None:
        """Lets the blink close fully, keeps lids out of the ball, and makes the corrective for half-closed lids."""
        head, controls = self.head, self.head.controls
        arc = np.zeros_like(controls)
        for eye, margin in zip(head.eyes, head.lid_margin, strict=True):
            near = self.skin[np.linalg.norm(controls[self.skin] - eye.centre, axis=1) < 0.032]
            points = controls[margin]
            side = np.sign(eye.centre[0])
            x = points[:, 0] * side
            inner, outer = points[x.argmin()], points[x.argmax()]
            chord = np.interp(x, [inner[0] * side, outer[0] * side], [inner[1], outer[1]])
            upper = points[:, 1] >= chord - 1e-6
            order = np.argsort(x[~upper])
            low_y = np.interp(x, x[~upper][order], points[~upper, 1][order])
            order = np.argsort(x[upper])
            high_y = np.interp(x, x[upper][order], points[upper, 1][order])
            line = low_y + 0.16 * (high_y - low_y)
            goal = points.copy()
            goal[:, 1] = line + np.where(upper, -0.00025, 0.00025)
            goal = eye.centre + _onto(goal - eye.centre, eye.radius + LID_CLEARANCE_M + 0.0002)
            needed = goal - (points + fields["AU45"][margin])
            distance, nearest = cKDTree(points).query(controls[near])
            fields["AU45"][near] += needed[nearest] * np.exp(-((distance / 0.0045) ** 2))[:, None]
            for name in ("AU5", "AU6", "AU7", "AU9", "AU45"):
                fields[name][near] += _push_out(controls[near] + fields[name][near], eye.centre, eye.radius)
            half = controls[near] + 0.5 * fields["AU45"][near]
            arc[near] += _push_out(half, eye.centre, eye.radius)
        fields["blink_arc"] = arc


def _dense(line: F64, steps: int = 8) -> F64:
    """A polyline (n, 3) sampled more finely."""
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    return np.concatenate([(line[:-1, None] * (1 - t) + line[1:, None] * t).reshape(-1, 3), line[-1:]])


def _onto(directions: F64, radius: float) -> F64:
    """Keeps x and y of (n, 3) and puts the points on the front of a sphere."""
    flat = np.clip((directions[:, :2] ** 2).sum(axis=1), 0, (0.98 * radius) ** 2)
    return np.column_stack([directions[:, :2], np.sqrt(radius**2 - flat)])


def _push_out(points: F64, centre: F64, radius: float) -> F64:
    """(n, 3) shift that brings points inside the ball (with clearance) back to its surface."""
    away = points - centre
    length = np.linalg.norm(away, axis=1, keepdims=True)
    short = np.maximum(radius + LID_CLEARANCE_M - length, 0.0) * (points[:, 2:3] > centre[2])
    return np.asarray(away / np.maximum(length, 1e-9) * short)
