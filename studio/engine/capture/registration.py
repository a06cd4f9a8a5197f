"""Follows a stiff part of the picture by its own looks: which rigid motion lays it on what it looks like on average.

A part is an image in one reference view with a depth for every pixel. Its average look is gathered from pictures that
are laid over one another, anew after every round, so that no single picture's noise is followed. A picture is then
registered by the inverse compositional way (Baker and Matthews 2004): the slopes are those of the average look, so a
step costs one look-up per pixel. Pixels that change by themselves (lips, eyes, folds) weigh little, by their own spread
over the pictures, and what is covered in one picture weighs little there. The picture's brightness is free. Light and
shade of a smooth thing stay where they are while it turns; where that misleads, differences from what is around a pixel
are compared alone (`shaded`).

Motions are (4, 4) matrices from the reference camera to the picture's camera, both of the same lens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

BLURS_PX = (4.0, 2.0, 1.0)
"""From coarse to fine: a motion of as many pixels is found."""

STEPS = 5
"""Steps at each blur."""

ROUNDS = 4
"""How often the average look is gathered anew."""

_NOISE = 4.0
"""Levels of 255 that the same point of a part differs by from picture to picture, at least."""

TOGETHER_PX = 12.0
"""Pixels that err together, because noise and folds are larger than one."""

_OFTEN, _OFTEN_SIGMA = 0.85, 1.44
"""What a point differs by in this share of the pictures tells how far to trust it, and how many standard deviations
of a normal spread that is: brows are at rest mostly, and stiff they are not."""

_AROUND = 8.0
"""Blurs by which the surroundings are wider than the detail."""

_SETTLED_PX = 0.01

_POINTS = 2500
"""Pixels of a part that are looked at: those whose place shows most."""


@dataclass(frozen=True)
class Lens:
    """What all the pictures were taken with, pixels."""

    fx: float
    fy: float
    cx: float
    cy: float

    def project(self, points: F64) -> F64:
        """(n, 2) pixels of points (n, 3) of the camera."""
        z = np.maximum(points[:, 2], 1e-3)
        return np.stack([points[:, 0] / z * self.fx + self.cx, points[:, 1] / z * self.fy + self.cy], axis=1)

    def points(self, depth: F64) -> F64:
        """(H · W, 3) what the centres of pixels see at depth (H, W)."""
        y, x = np.mgrid[: depth.shape[0], : depth.shape[1]] + 0.5
        flat = np.stack([(x - self.cx) / self.fx, (y - self.cy) / self.fy, np.ones_like(x)], axis=2)
        return np.asarray((flat * depth[..., None]).reshape(-1, 3))


@dataclass(frozen=True)
class Freedom:
    """Which motions a part may make, and how far it is expected to go from where it is looked for.

    Zeros are motions it does not make. Turns (radians, about x, y, z of the camera through the part's middle) first,
    then shifts (metres).
    """

    spread: tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Found:
    """Where a part is in a picture."""

    motion: F64  # (4, 4)
    alike: float  # share of the part, by weight, that looks as it does on average
    gain: float  # brightness over the average look's


class Part:
    """A stiff part of the picture, as it looks on average.

    Args:
        lens: of the pictures.
        depth: (H, W) metres along the reference camera's axis.
        where: (H, W) pixels of the reference view that belong to the part.
        freedom: how it may move.
        together_px: pixels that err together: so many tell as much as one with an error of its own.
        shaded: whether light and shade on it say nothing of where it is, details alone do.
    """

    def __init__(
        self,
        lens: Lens,
        depth: F64,
        where: Flags,
        freedom: Freedom,
        together_px: float = TOGETHER_PX,
        *,
        shaded: bool = False,
    ) -> None:
        self._lens, self._size, self._together = lens, where.shape, together_px
        self._soft = details if shaded else blur
        self._gain = _as_bright if shaded else _gain
        self._every = lens.points(depth)
        self._inside = np.flatnonzero(where.ravel())
        self._points = self._every[self._inside]
        self.middle: F64 = self._points.mean(0)
        self._free = np.flatnonzero(np.asarray(freedom.spread) > 0)
        self._spread = np.asarray(freedom.spread)[self._free]
        self._looks: list[_Look] = []

    @property
    def weight(self) -> float:
        """How much there is to follow: 1 for a part whose every pixel pins it down; 0 for one without any feature."""
        return float(self._looks[-1].weight.sum() / _POINTS)

    def learn(self, pictures: Sequence[U8], motions: Sequence[F64], first: int | None = None) -> list[F64]:
        """Gathers the average look, moving the pictures until they agree.

        Args:
            pictures: (H, W, 3) some of the clip's, varied.
            motions: first guesses.
            first: the picture that the others are laid on in the first round; None: the average of all, which is
                blurred as much as the guesses are wrong.

        Returns:
            Their motions.
        """
        moved = [motion.copy() for motion in motions]
        sharp = [picture.astype(np.float32) for picture in pictures]
        blurred = [self.looks(picture) for picture in pictures]
        for number in range(ROUNDS):
            which = slice(None) if first is None or number else slice(first, first + 1)
            self._gather(sharp[which], moved[which])
            level = min(number, len(BLURS_PX) - 1)
            for i, guess in enumerate(motions):
                moved[i] = self._settle(blurred[i], moved[i], guess, level).motion
            moved = self._centred(moved, motions)
        self._gather(sharp, moved)
        return moved

    def looks(self, picture: U8) -> list[F32]:
        """A picture (H, W, 3) at every blur, as `find` wants it."""
        sharp = picture.astype(np.float32)
        return [self._soft(sharp, size) for size in BLURS_PX]

    def find(self, picture: Sequence[F32], start: F64, expected: F64) -> Found:
        """Where the part is in a picture.

        Args:
            picture: its `looks`.
            start: (4, 4) where to begin.
            expected: (4, 4) where it would be without looking; it is held near by the freedom's spread.
        """
        return self._settle(picture, start, expected, 0)

    def _centred(self, moved: list[F64], guesses: Sequence[F64]) -> list[F64]:
        """The motions with what they have in common against the guesses taken away: nothing else fixes the view."""
        apart = [as_parameters(a @ np.linalg.inv(b), self.middle) for a, b in zip(moved, guesses, strict=True)]
        back = np.linalg.inv(as_motion(np.median(apart, axis=0), self.middle))
        return [motion @ back for motion in moved]

    def _gather(self, pictures: Sequence[F32], motions: Sequence[F64]) -> None:
        """The average look at every blur, its slopes, and how far to trust every pixel."""
        height, width = self._size
        seen = np.stack([
            sample(picture, self._lens.project(points_by(motion, self._every)))
            for picture, motion in zip(pictures, motions, strict=True)
        ])  # fmt: skip
        inside = seen[:, self._inside]
        usual = np.median(inside, axis=0)
        seen /= np.array([_gain(each, usual) for each in inside], np.float32)[:, None, None]
        look = np.median(seen, axis=0)
        inside = seen[:, self._inside]
        spread = np.quantile(np.abs(inside - look[self._inside]), _OFTEN, axis=0).mean(1) / _OFTEN_SIGMA
        trust = 1.0 / (1.0 + (spread / _NOISE) ** 2)
        image = look.reshape(height, width, 3)
        self._looks = []
        for size in BLURS_PX:
            soft = self._soft(image, size)
            dy, dx = np.gradient(soft, axis=(0, 1))
            slopes = np.stack([dx, dy], axis=3).reshape(-1, 3, 2)[self._inside].astype(np.float64)
            telling = trust * np.linalg.norm(slopes, axis=(1, 2))
            best = np.sort(np.argpartition(-telling, min(_POINTS, len(telling)) - 1)[:_POINTS])
            colours = soft.reshape(-1, 3)[self._inside[best]].astype(np.float64)
            self._looks.append(_Look(self._points[best], colours, self._byas_motion(best, slopes[best]), trust[best]))

    def _settle(self, levels: Sequence[F32], start: F64, expected: F64, first: int) -> Found:
        """Steps from coarse to fine, beginning at blur number `first`."""
        motion, gain, alike = start, 1.0, 0.0
        hold = 1.0 / self._spread**2
        back = np.linalg.inv(expected)
        for look, picture in zip(self._looks[first:], levels[first:], strict=True):
            flat = look.rows.reshape(-1, len(self._free))
            for _ in range(STEPS):
                pixels = self._lens.project(points_by(motion, look.points))
                seen = sample(picture, pixels).astype(np.float64)
                gain = self._gain(seen, look.colours)
                miss = seen / gain - look.colours
                far = (miss**2).mean(1) / (2.5 * _NOISE) ** 2
                outside = (pixels < 1).any(1) | (pixels > [self._size[1] - 1, self._size[0] - 1]).any(1)
                weight = np.where(outside, 0.0, look.weight / (1.0 + far) ** 2)
                alike = float(weight.sum() / max(look.weight.sum(), 1e-9))
                weighed = flat * np.repeat(weight / (_NOISE**2 * self._together), 3)[:, None]
                # The step goes into the reference view; how far it may go from where it is expected counts there too.
                away = as_parameters(back @ motion, self.middle)[self._free]
                step = np.zeros(6)
                step[self._free] = np.linalg.solve(
                    weighed.T @ flat + np.diag(hold), weighed.T @ miss.ravel() + hold * away
                )
                motion = motion @ np.linalg.inv(as_motion(step, self.middle))
                moved_px = np.abs(step[:3]).max() * 60 + np.abs(step[3:]).max() / self.middle[2] * self._lens.fx
                if moved_px < _SETTLED_PX:
                    break
        return Found(motion, alike, gain)

    def _byas_motion(self, which: NDArray[np.intp], slopes: F64) -> F64:
        """(n, 3, free) how the colour at some of the part's pixels changes as the part moves in the reference view."""
        points = self._points[which]
        arm, z = points - self.middle, points[:, 2]
        by_x = np.zeros((len(z), 2, 3))
        by_x[:, 0, 0], by_x[:, 1, 1] = self._lens.fx / z, self._lens.fy / z
        by_x[:, 0, 2] = -self._lens.fx * points[:, 0] / z**2
        by_x[:, 1, 2] = -self._lens.fy * points[:, 1] / z**2
        cross = np.zeros((len(z), 3, 3))  # turn × arm = -[arm]× turn
        cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = arm[:, 2], -arm[:, 1], arm[:, 0]
        cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = -arm[:, 2], arm[:, 1], -arm[:, 0]
        return np.asarray(slopes @ np.concatenate([by_x @ cross, by_x], axis=2)[:, :, self._free])


@dataclass(frozen=True)
class _Look:
    """A part's average look at one blur, at the pixels that tell most."""

    points: F64  # (n, 3) metres, reference camera
    colours: F64  # (n, 3)
    rows: F64  # (n, 3, free) how colours change with motion
    weight: F64  # (n,) 1 where the look never changes


def blur(picture: F32, size_px: float) -> F32:
    """(H, W, 3) a picture, blurred."""
    return np.asarray(ndimage.gaussian_filter(picture, (size_px, size_px, 0), mode="nearest"), np.float32)


def details(picture: F32, size_px: float) -> F32:
    """(H, W, 3) what a blurred picture differs by from what is around each pixel."""
    width = 2 * round(_AROUND * size_px) + 1  # three boxes have the variance of a Gaussian half as wide as one of them
    around = picture
    for _ in range(3):
        around = ndimage.uniform_filter(around, (width, width, 1), mode="nearest")
    return np.asarray(blur(picture, size_px) - around, np.float32)


def sample(picture: F32, pixels: F64) -> F32:
    """(n, 3) colours of a picture (H, W, 3) at pixels (n, 2), bilinear; edges are repeated."""
    height, width = picture.shape[:2]
    x = np.clip(pixels[:, 0] - 0.5, 0, width - 1.001)
    y = np.clip(pixels[:, 1] - 0.5, 0, height - 1.001)
    column, row = x.astype(np.intp), y.astype(np.intp)
    u, v = (x - column).astype(np.float32)[:, None], (y - row).astype(np.float32)[:, None]
    flat, at = picture.reshape(-1, picture.shape[2]), row * width + column
    top = flat[at] * (1 - u) + flat[at + 1] * u
    return np.asarray(top * (1 - v) + (flat[at + width] * (1 - u) + flat[at + width + 1] * u) * v)


def _gain(seen: NDArray[np.floating], look: NDArray[np.floating]) -> float:
    """How much brighter (n, 3) is than (n, 3): the median over pixels that are not dark."""
    light, usual = seen.mean(1), look.mean(1)
    bright = usual > 40
    return float(np.clip(np.median(light[bright] / usual[bright]), 0.7, 1.4)) if bright.sum() > 20 else 1.0


def _as_bright(seen: NDArray[np.floating], look: NDArray[np.floating]) -> float:
    """Differences say nothing of brightness."""
    return 1.0


def points_by(motion: F64, points: F64) -> F64:
    """(n, 3) points after a motion."""
    return np.asarray(points @ motion[:3, :3].T + motion[:3, 3])


def as_motion(parameters: F64, middle: F64) -> F64:
    """(4, 4) of (6,): a turn about `middle`, radians, and a shift, metres."""
    out = np.eye(4)
    out[:3, :3] = Rotation.from_rotvec(parameters[:3]).as_matrix()
    out[:3, 3] = middle + parameters[3:] - out[:3, :3] @ middle
    return out


def as_parameters(motion: F64, middle: F64) -> F64:
    """(6,) the inverse of `as_motion`."""
    turn = Rotation.from_matrix(motion[:3, :3]).as_rotvec()
    return np.concatenate([turn, motion[:3, :3] @ middle + motion[:3, 3] - middle])
