"""How steady the captured head is, measured where the truth is known.

`python -m studio.engine.capture.steadiness FOLDER [--identity adam] [--motion turning] [--noise 3]`. A performer acts
and speaks with a shipped avatar's face, with blinks, glances and strong expressions, while head and shoulders stand
exactly still, or turn on a known curve. That is filmed as a camera films (a room behind, sensor noise, H.264), the
film goes through `emozone capture`, and the captured turns are compared with the true ones. A real head is never quite
still, so that no real clip can tell tremor of the head from tremor of the tracker.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from studio.engine.avatar import Avatar, find_avatar, load_avatar
from studio.engine.backdrop import Backdrop
from studio.engine.capture.portrait import SPEECH_HZ, Options, make_portrait
from studio.engine.controls import WINDOW, WINDOW_BACK, Controls, Pose
from studio.engine.footage import RATE
from studio.engine.performer.script import write_script
from studio.engine.renderer import Renderer
from studio.engine.training.tracking_files import load_tracking
from studio.engine.video import SOUND_RATE_HZ, VideoWriter

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Motion = Literal["still", "turning"]

TURN_DEG, TURN_HZ = 10.0, 0.3
"""How a turning head turns from side to side."""

_DISTANCE = 3.6
"""Of the camera, head heights, seen through the studio's lens: head and shoulders fill the picture."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Steadiness:
    """Captured turns beside the true ones, apart from the constant difference between both heads' axes."""

    frames: int
    rms_deg: float  # root mean square angle between captured and true head
    axes_deg: tuple[float, float, float]  # about the head's axes: nodding, turning, tipping
    step_deg: float  # root mean square change of that difference from one picture to the next
    worst_deg: float  # the largest angle
    lag_ms: float | None  # by which the captured head follows the true one; None for a head that does not turn
    amplitude: float | None  # how far it turns, over the truth


def compare(found_deg: F64, true_deg: F64) -> Steadiness:
    """Compares turns.

    Where a head's front is and how its axes lie is a matter of definition: the two constant rotations between them, one
    on either side, are fitted and taken away.

    Args:
        found_deg: (F, 3) yaw, pitch and roll as captured, degrees.
        true_deg: (F, 3) as they were.
    """
    found, truth = _rotations(found_deg), _rotations(true_deg)
    turning = float(np.ptp(true_deg, axis=0).max()) > 1.0

    def apart(axes: F64) -> F64:
        before, after = Rotation.from_rotvec(axes[:3]), Rotation.from_rotvec(axes[3:])
        return np.asarray(np.degrees(((before * truth * after).inv() * found).as_rotvec()))

    def misses(some: F64) -> F64:
        return np.concatenate([apart(np.pad(some, (0, 6 - len(some)))).ravel(), 1e-3 * some])

    free = 6 if turning else 3  # a head at rest tells one of them alone
    start = np.pad((found * truth.inv()).mean().as_rotvec(), (0, 3))[:free]
    fitted = np.asarray(least_squares(misses, start).x)
    axes = np.pad(fitted, (0, 6 - free))
    off = apart(axes)
    lag = amplitude = None
    if turning:
        plain = Rotation.from_rotvec(axes[:3]).inv() * found * Rotation.from_rotvec(axes[3:]).inv()
        angle, speed = truth.as_rotvec(), np.gradient(truth.as_rotvec(), axis=0)
        both = np.stack([angle.ravel(), speed.ravel()], axis=1)
        (share, ahead), *_ = np.linalg.lstsq(both, plain.as_rotvec().ravel(), rcond=None)
        amplitude, lag = float(share), -1e3 / RATE * float(ahead)
    each = np.sqrt(np.mean(off**2, axis=0))
    return Steadiness(
        frames=len(off),
        rms_deg=float(np.sqrt(np.mean(np.sum(off**2, axis=1)))),
        axes_deg=(float(each[0]), float(each[1]), float(each[2])),
        step_deg=float(np.sqrt(np.mean(np.sum(np.diff(off, axis=0) ** 2, axis=1)))),
        worst_deg=float(np.linalg.norm(off, axis=1).max()),
        lag_ms=lag,
        amplitude=amplitude,
    )


def _rotations(turns_deg: F64) -> Rotation:
    """Heads of yaw, pitch and roll (F, 3) as `Pose` has them."""
    yaw, pitch, roll = turns_deg.T
    return Rotation.from_euler("YXZ", np.stack([yaw, -pitch, -roll], axis=1), degrees=True)


def true_turns(motion: Motion, frames: int) -> F64:
    """(F, 3) yaw, pitch and roll of the filmed head, degrees."""
    turns = np.zeros((frames, 3))
    if motion == "turning":
        turns[:, 0] = TURN_DEG * np.sin(2 * np.pi * TURN_HZ * np.arange(frames) / RATE)
    return turns


def film(path: Path, avatar: Avatar, turns_deg: F64, *, size_px: int = 512, noise: float = 0.0, seed: int = 0) -> None:
    """Films an avatar that acts while its head does nothing but turn as told.

    Args:
        path: the video, *.mp4.
        avatar: whose face.
        turns_deg: (F, 3) yaw, pitch and roll, degrees.
        size_px: edge of the pictures.
        noise: standard deviation of the sensor's noise, levels of 255.
        seed: of the script, the room and the noise.

    Raises:
        StudioError: no English voice is installed, or the file cannot be written.
    """
    count = len(turns_deg)
    script = write_script(count / RATE, seed, acting=0.5)
    rng = np.random.default_rng([seed, 77])
    behind = Backdrop(_room(size_px, rng))
    renderer, camera = Renderer(avatar), avatar.camera(distance=_DISTANCE, width=size_px, height=size_px)
    sound = soxr.resample(script.speech, SPEECH_HZ, SOUND_RATE_HZ)[:, None].astype(np.float32)
    window = np.arange(WINDOW) - WINDOW_BACK
    with VideoWriter(path, width=size_px, height=size_px, fps=Fraction(RATE), frames=count, sound=sound) as writer:
        for frame in range(count):
            at = np.clip(frame + window, 0, count - 1)
            pose = Pose(*(float(v) for v in (*turns_deg[frame], *script.pose[frame, 3:])))
            controls = Controls(script.au[at], script.articulators[at], pose)
            picture = renderer.frame(controls, camera, background=behind).rgba[..., :3].astype(np.float32)
            picture += noise * rng.standard_normal(picture.shape, dtype=np.float32)
            writer.write(np.round(np.clip(picture, 0, 255)).astype(np.uint8))
        writer.finish()


def measure(folder: Path, avatar: Avatar, motion: Motion, *, seconds: float, size_px: int, noise: float) -> Steadiness:
    """Films, captures and compares; film and capture are left in `folder`."""
    truth = true_turns(motion, round(seconds * RATE))
    video, out = folder / "film.mp4", folder / "capture"
    film(video, avatar, truth, size_px=size_px, noise=noise)
    make_portrait(video, out, Options(consent="Nobody: a synthetic face"))
    tracking = load_tracking(out, len(truth))
    assert tracking is not None  # make_portrait has written it
    used = tracking.used.numpy()
    return compare(tracking.pose[:, :3].double().numpy()[used], truth[used])


def _room(size_px: int, rng: np.random.Generator) -> U8:
    """(size, size, 3) a wall with daylight from one side, a shelf with books, and the wall's grain."""
    y, x = np.mgrid[:size_px, :size_px] / size_px
    room = np.stack([196 - 50 * x - 20 * y, 190 - 48 * x - 22 * y, 178 - 40 * x - 26 * y], axis=2)
    left = 0.02
    while left < 0.98:
        width, height = rng.uniform(0.02, 0.05), rng.uniform(0.12, 0.2)
        book = (x >= left) & (x < left + width) & (y >= 0.24 - height) & (y < 0.24)
        room[book] = rng.uniform(40, 190, 3)
        left += width + rng.uniform(0.0, 0.01)
    room[(y >= 0.24) & (y < 0.26)] = (92, 66, 44)
    grain = gaussian_filter(rng.normal(0, 12, room.shape), (1.5, 1.5, 0))
    return np.asarray(np.clip(gaussian_filter(room, (1.2, 1.2, 0)) + grain, 0, 255), np.uint8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m studio.engine.capture.steadiness", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder for film and capture")
    parser.add_argument("--identity", default="nora", metavar="AVATAR", help="whose face (default nora)")
    parser.add_argument("--motion", choices=("still", "turning"), default="still", help="of the head (default still)")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="length (default 6)")
    parser.add_argument("--size", type=int, default=512, metavar="PX", help="edge of the film's pictures (default 512)")
    parser.add_argument("--noise", type=float, default=0.0, metavar="LEVELS", help="of the sensor, of 255 (default 0)")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    asked.folder.mkdir(parents=True)
    avatar = load_avatar(find_avatar(asked.identity))
    found = measure(asked.folder, avatar, asked.motion, seconds=asked.seconds, size_px=asked.size, noise=asked.noise)
    (asked.folder / "steadiness.json").write_text(json.dumps(asdict(found), indent=1))
    logging.getLogger().setLevel(logging.INFO)
    log.info("%s", json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
