"""The judges as training losses: the pictured mouth against the speech, the pictured face against the true one.

Both compare what the frozen network makes of the drawn picture with what it makes of the true one, because a network's
error on a new face is the same on both. Pictures in which the face is turned away are passed over (zero).

A lip-sync judge wants five frames, and training draws one picture. Its single-frame heads judge that one against the
speech heard around it: weaker evidence than a window, but honest, and without drawing five pictures for one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.judges.framing import FACE_PX, MOUTH_PX, Face, cut, find_face
from studio.engine.judges.nets import MEL_BACK, MEL_STEP, SyncNet, UnitNet
from studio.engine.speech.audio import load_audio
from studio.engine.speech.mel import SAMPLE_RATE_HZ, mel_energies, normalise
from studio.engine.training.capture import Capture
from studio.engine.training.losses import Evidence

SYNC_WEIGHT = 0.1
"""λ of L_sync in EmoZone-Talker."""

AU_WEIGHT = 0.05
"""λ of L_AU in EmoZone-Talker."""

FPS = 25.0
"""Rate of the frames that the lip-sync judge knows."""


class FaceFinder:
    """Where the face is in the pictures of a capture, by the camera and the head's pose."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        height = capture.info.head_height_m
        lower = torch.tensor([0.0, -0.4 * height, -0.4 * height])  # about where a neck turns
        guess = torch.stack([torch.zeros(3), lower, torch.zeros(3), torch.zeros(3)])
        self._pivots = guess if capture.surface is None else capture.surface.pivots

    def __call__(self, image: int, height_px: int) -> Face | None:
        """The face in image `image` drawn `height_px` high; None if it is turned away."""
        capture = self._capture
        camera, pose = capture.camera_of(image), capture.pose_at(capture.images[image].frame)
        found = find_face(camera, pose, capture.info.head_height_m, self._pivots)
        return None if found is None else found.scaled(height_px / camera.height)


class SyncJudge:
    """L_sync: by how much the drawn mouth fits the speech of its moment worse than the true mouth does.

    The loss is max(0, cos(true mouth, speech) - cos(drawn mouth, speech)), 0 … 2: to fit better than the truth is no
    fault, and no gain.

    Args:
        net: the frozen judge.
        capture: at 25 frames per second.
        weight: λ.

    Raises:
        StudioError: if the capture's sound cannot be read.
    """

    name = "sync"

    def __init__(self, net: SyncNet, capture: Capture, weight: float = SYNC_WEIGHT) -> None:
        self.weight = weight
        self._net = net
        self._frames = [image.frame for image in capture.images]
        self._find: Callable[[int, int], Face | None] = FaceFinder(capture)
        mel = torch.from_numpy(normalise(mel_energies(load_audio(capture.sound_file).mono(SAMPLE_RATE_HZ))))
        middles = (torch.arange(capture.info.frames) * (MEL_STEP * FPS / capture.info.fps)).round().long()
        around = middles[:, None] + torch.arange(-MEL_BACK, MEL_BACK + 1)
        with torch.no_grad():
            self._speech = torch.cat(
                [net.speech(mel[rows])[1][:, 0] for rows in torch.split(around.clamp(0, len(mel) - 1), 512)]
            )

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        """See `Judge`."""
        face = self._find(evidence.image, picture.shape[0])
        if face is None:
            return picture.new_zeros(())
        net, speech = self._net.to(picture.device), self._speech[self._frames[evidence.image]].to(picture.device)
        drawn = net.glances(net.mouths(cut(picture, face.mouth, MOUTH_PX)[None]))[0] @ speech
        with torch.no_grad():
            true = net.glances(net.mouths(cut(truth, face.mouth, MOUTH_PX)[None]))[0] @ speech
        return (true - drawn).clamp_min(0.0)


class UnitJudge:
    """L_AU: mean absolute difference of the intensities that the judge reads from both pictures, of 1.

    Args:
        net: the frozen judge.
        capture: what is learned.
        weight: λ.
    """

    name = "au"

    def __init__(self, net: UnitNet, capture: Capture, weight: float = AU_WEIGHT) -> None:
        self.weight = weight
        self._net = net
        self._find: Callable[[int, int], Face | None] = FaceFinder(capture)

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        """See `Judge`."""
        face = self._find(evidence.image, picture.shape[0])
        if face is None:
            return picture.new_zeros(())
        net = self._net.to(picture.device)
        drawn = net(cut(picture, face.face, FACE_PX)[None])
        with torch.no_grad():
            true = net(cut(truth, face.face, FACE_PX)[None])
        off: Tensor = (drawn - true).abs().mean() / MAX_INTENSITY
        return off
