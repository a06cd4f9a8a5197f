"""A capture in memory: images, cameras, action units, articulation, pose and, where known, the true surface motion.

`load_capture` (in `capture_files`) reads the folder; this module is what training and evaluation work with. Pictures
are decoded on demand and kept, within a bound, as 8-bit pixels.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.consent import Consent
from studio.engine.controls import WINDOW, WINDOW_BACK, Controls, Pose
from studio.engine.metrics import Box
from studio.engine.training.tracking_files import Tracking
from studio.errors import StudioError

Split = Literal["train", "test"]

MATTE = 128 / 255
"""Display sRGB of the grey that pictures are composited over, where their mask lets it through."""

PORTRAIT = "portrait"
"""The kind of captures of real people."""

CACHE_BYTES = 1 << 30
"""Decoded pictures kept in memory: 1 GiB holds about 1,000 pictures of 512×512 with alpha."""


@dataclass(frozen=True)
class CaptureImage:
    """One picture of a capture: which frame of the performance, seen by which camera."""

    file: str  # below the capture's folder; RGB over `MATTE`
    mask: str  # below the capture's folder; 8-bit coverage
    frame: int  # index into the performance
    camera: int  # index into the cameras
    split: Split


@dataclass(frozen=True)
class CaptureTrial:
    """Frames in which the expression is edited against the speech."""

    kind: str  # e.g. "closed_smile"
    units: tuple[str, ...]  # keys of the action units that are edited
    start: int  # first frame
    end: int  # the frame after the last


@dataclass(frozen=True)
class CapturePassage:
    """Frames in which voice and, unless trials say otherwise, face play an emotion."""

    emotions: tuple[str, ...]  # e.g. ("anger",); several are blended
    strength: float  # 0–1
    start: int  # first frame
    end: int  # the frame after the last


@dataclass(frozen=True)
class CaptureInfo:
    """What capture.json says beside the list of pictures."""

    name: str
    fps: float
    frames: int  # length F of the performance
    duration_s: float
    size_px: tuple[int, int]  # width, height
    head_height_m: float
    target: tuple[float, float, float]  # metres, the point cameras look at
    parts: tuple[str, ...]  # names of the surface's parts
    landmarks: tuple[str, ...]  # names of the 2D landmarks
    identity: str
    licence: str
    provenance: str
    kind: str = ""  # of the performer's script, e.g. "conflict"
    trials: tuple[CaptureTrial, ...] = ()
    passages: tuple[CapturePassage, ...] = ()
    consent: Consent | None = None  # of the person who was filmed

    @property
    def portrait(self) -> bool:
        """Whether it was made of a real person's video."""
        return self.kind == PORTRAIT


@dataclass(frozen=True)
class Surface:
    """The neutral surface as P points, and its true motion as U modes mixed per frame."""

    points: Tensor  # (P, 3) metres, canonical neutral
    normals: Tensor  # (P, 3) unit
    colours: Tensor  # (P, 3) display sRGB in [0, 1]
    parts: Tensor  # (P,) int64 index into CaptureInfo.parts
    zones: Tensor  # (P,) int64 0 = Z_A, 1 = Z_E, 2 = Z_S
    skinning: Tensor  # (P, 4) torso, head, left eye, right eye; rows sum to 1
    spacing: Tensor  # (P,) metres, mean distance to neighbours
    modes: Tensor  # (U, P, 3) metres
    mode_weights: Tensor  # (F, U)
    pivots: Tensor  # (4, 3) metres
    mode_names: tuple[str, ...] = ()  # of the modes, where they are known

    def __len__(self) -> int:
        return int(self.points.shape[0])

    def displacement(self, frames: Tensor, modes: Tensor | None = None) -> Tensor:
        """True motion of surface points in the canonical pose.

        Args:
            frames: (S,) indices into the performance.
            modes: (U, M, 3) rows of `self.modes` to move (or what Gaussians inherited of them); all points if None.

        Returns:
            (S, M, 3) metres.
        """
        modes = self.modes if modes is None else modes
        return (self.mode_weights[frames] @ modes.reshape(modes.shape[0], -1)).view(len(frames), -1, 3)


@dataclass(frozen=True)
class Target:
    """One decoded picture as training wants it."""

    rgb: Tensor  # (H, W, 3) display sRGB premultiplied by alpha
    alpha: Tensor  # (H, W) coverage in [0, 1]

    def over(self, background: Tensor) -> Tensor:
        """(H, W, 3) the picture over `background` (3,)."""
        return self.rgb + (1.0 - self.alpha)[..., None] * background

    def extent(self, alpha: float = 0.5, margin: int = 0) -> Box | None:
        """The box of every pixel covered by at least `alpha`, widened by `margin` pixels; None if there is none."""
        covered = self.alpha >= alpha
        rows, columns = covered.any(1).nonzero()[:, 0], covered.any(0).nonzero()[:, 0]
        if not len(rows):
            return None
        height, width = covered.shape
        return Box(
            max(0, int(columns[0]) - margin),
            max(0, int(rows[0]) - margin),
            min(width, int(columns[-1]) + 1 + margin),
            min(height, int(rows[-1]) + 1 + margin),
        )


@dataclass(frozen=True)
class Capture:
    """A performance that has been recorded: see the module docstring.

    Window methods repeat the first and last action units at the ends; articulation beyond the ends is silence, as
    `SpeechFeatures.window` has it.
    """

    root: Path
    info: CaptureInfo
    images: tuple[CaptureImage, ...]
    cameras: tuple[Camera, ...]
    camera_names: tuple[str, ...]
    au: Tensor  # (F, 17) OpenFace intensities 0–5, as an avatar is given them
    articulators: Tensor | None  # (F, 10) true articulation, None where only the sound is known
    pose: Tensor  # (F, 5) degrees: yaw, pitch, roll, gaze yaw, gaze pitch
    landmarks: Tensor | None  # (I, L, 2) pixels per image
    surface: Surface | None
    au_clean: Tensor | None = None  # (F, 17) what the face truly did, where `au` is a noisy estimate of it
    tracking: Tracking | None = None  # of a real person: the fitted head
    cache_bytes: int = CACHE_BYTES
    _cache: OrderedDict[int, NDArray[np.uint8]] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def acted(self) -> Tensor:
        """(F, 17) intensities that the face truly shows: `au`, but for captures that know better."""
        return self.au if self.au_clean is None else self.au_clean

    @property
    def sound_file(self) -> Path:
        """The performance's speech: 16 kHz mono WAV of exactly F / fps seconds."""
        return self.root / "speech.wav"

    def indices(self, split: Split) -> list[int]:
        """Images of one split, in the capture's order."""
        return [i for i, image in enumerate(self.images) if image.split == split]

    def camera_of(self, index: int) -> Camera:
        """The camera that took image `index`."""
        return self.cameras[self.images[index].camera]

    def pose_at(self, frame: int) -> Pose:
        """Head pose and gaze of a frame, and of a real person where the torso is and how the eyes cross."""
        angles = self.pose[frame].tolist()
        if self.tracking is None:
            return Pose(*angles)
        yaw, pitch, roll, x, y, z = self.tracking.torso[frame].tolist()
        return replace(
            Pose(*angles),
            vergence_deg=float(self.tracking.vergence[frame]),
            torso_turn_deg=(yaw, pitch, roll),
            torso_shift_m=(x, y, z),
        )

    def au_windows(self, frames: Sequence[int] | Tensor, *, acted: bool = False) -> Tensor:
        """(S, 8, 17) action units at [t-4 … t+3] around each frame (S,), edges replicated; the true ones if `acted`."""
        return (self.acted if acted else self.au)[self._windows(frames).clamp(0, self.info.frames - 1)]

    def articulator_windows(self, frames: Sequence[int] | Tensor) -> Tensor:
        """(S, 8, 10) true articulation at [t-4 … t+3] around each frame (S,), silence beyond the ends.

        Raises:
            StudioError: if the capture does not know its articulation.
        """
        if self.articulators is None:
            raise StudioError(f"The capture {self.root} has no true articulation: record it with surface.safetensors.")
        at = self._windows(frames)
        inside = (at >= 0) & (at < self.info.frames)
        return self.articulators[at.clamp(0, self.info.frames - 1)] * inside[..., None]

    def controls(self, frame: int, speech: NDArray[np.float32] | None = None) -> Controls:
        """What drives `frame`; `speech` (8, 10) replaces the true articulation."""
        if speech is None:
            speech = self.articulator_windows([frame])[0].numpy()
        return Controls(au=self.au_windows([frame])[0].numpy(), speech=speech, pose=self.pose_at(frame))

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as (H, W, 4): RGB over `MATTE`, and coverage; read-only, from the cache when it is there.

        Raises:
            StudioError: if a file is missing, cut off or of another size.
        """
        found = self._cache.get(index)
        if found is not None:
            self._cache.move_to_end(index)
            return found
        image = self.images[index]
        rgb, mask = self._decode(image.file, "RGB"), self._decode(image.mask, "L")
        pixels = np.concatenate([rgb, mask[..., None]], axis=2)
        pixels.flags.writeable = False
        self._cache[index] = pixels
        while len(self._cache) > 1 and len(self._cache) * pixels.nbytes > self.cache_bytes:
            self._cache.popitem(last=False)
        return pixels

    def target(self, index: int, size_px: tuple[int, int] | None = None) -> Target:
        """Image `index` with premultiplied colour, area-averaged to `size_px` (width, height) if given."""
        picture = torch.from_numpy(self.pixels(index).astype(np.float32)).mul_(1 / 255)
        matte = (1.0 - picture[..., 3:]) * MATTE
        picture[..., :3].sub_(matte).clamp_min_(0.0)
        if size_px is not None and size_px != self.info.size_px:
            picture = _area_average(picture, size_px)
        return Target(picture[..., :3], picture[..., 3])

    def mouth_box(self, index: int, size_px: tuple[int, int]) -> Box | None:
        """The mouth in pixels of image `index` drawn at `size_px`; None without mouth landmarks inside the picture.

        The landmarks of lips and mouth, with a margin of a quarter of their width on every side.
        """
        chosen = [i for i, name in enumerate(self.info.landmarks) if "lip" in name.lower() or "mouth" in name.lower()]
        if self.landmarks is None or not chosen:
            return None
        marks = self.landmarks[index, chosen]
        low, high = marks.amin(0), marks.amax(0)
        margin = 0.25 * float(high[0] - low[0])
        scales = [size_px[axis] / self.info.size_px[axis] for axis in (0, 1)]
        left, top = (max(0, math.floor((float(low[a]) - margin) * scales[a])) for a in (0, 1))
        right, bottom = (min(size_px[a], math.ceil((float(high[a]) + margin) * scales[a])) for a in (0, 1))
        return Box(left, top, right, bottom) if right > left and bottom > top else None

    def _windows(self, frames: Sequence[int] | Tensor) -> Tensor:
        """(S, 8) frame indices, beyond the ends too."""
        centre = torch.as_tensor(frames, dtype=torch.int64)
        return centre[:, None] + torch.arange(WINDOW) - WINDOW_BACK

    def _decode(self, file: str, mode: str) -> NDArray[np.uint8]:
        path = self.root / file
        try:
            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert(mode))
        except FileNotFoundError:
            raise StudioError(f"The capture's picture {path} is missing: copy or record the capture again.") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise StudioError(
                f"The capture's picture {path} cannot be read ({error}): copy or record the capture again."
            ) from error
        width, height = self.info.size_px
        if pixels.shape[:2] != (height, width):
            raise StudioError(
                f"The capture's picture {path} is {pixels.shape[1]}x{pixels.shape[0]}, but capture.json says "
                f"{width}x{height}: record the capture again."
            )
        return np.asarray(pixels, dtype=np.uint8)


def _area_average(picture: Tensor, size_px: tuple[int, int]) -> Tensor:
    """(h, w, C) mean over each target pixel's area of `picture` (H, W, C)."""
    width, height = size_px
    channels_first = picture.permute(2, 0, 1)[None]
    return torch.nn.functional.adaptive_avg_pool2d(channels_first, (height, width))[0].permute(1, 2, 0).contiguous()
