"""The deformer and the rig at work on a graphics card: a fixed sequence of kernels, recorded once and replayed.

The frame's two hundred small operations take the card less time than Python needs to ask for them. All shapes are fixed
here (tokens without intensity take part with zeros), the frame's controls are one short vector that is copied to the
card, and the rest is a CUDA graph. The large products may be taken in half precision: their results are offsets of a
neutral face, so that half floats hold them to a hundredth of a millimetre; `half_is_enough` measures that per avatar.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from studio.document.action_units import AU_KEYS, MAX_INTENSITY
from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform.deformer import HEADS
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.rig import Rig, rotation_quats

if TYPE_CHECKING:
    from studio.engine.deform.prepared import TensorDeformer

Replay = Callable[[], Gaussians]
"""Does the work again, on what the inputs are by then; the result is overwritten by the next call."""

WARM_UPS = 3
"""Runs before recording, in which libraries choose their kernels and allocate."""

FURTHEST_M, FURTHEST_COLOUR = 2e-5, 1.0 / 510.0
"""Half precision may move a Gaussian by a fiftieth of a millimetre and change a colour by half a step of 8 bits."""


CHECKED = 24
"""Moments at which half precision is compared."""

WORTH_IT = 0.9
"""Half precision must take at most this share of the time."""


def record_graph(work: Replay) -> Replay:
    """Record what `work` asks of the current card, for replaying."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()

    def replay() -> Gaussians:
        graph.replay()
        return result

    return replay


class GraphedDeformer:
    """Poses one avatar's Gaussians on the device where they are; for one thread at a time.

    Args:
        prepared: the static parts, of a deformer with identity keys.
        gaussians: the canonical ones that were prepared.
        rig: carries them to the pose.
        half: take the large products in half precision.
        record: makes a replay of the work; a test on the CPU works anew instead.
    """

    @torch.inference_mode()
    def __init__(
        self,
        prepared: TensorDeformer,
        gaussians: Gaussians,
        rig: Rig,
        *,
        half: bool = False,
        record: Callable[[Replay], Replay] = record_graph,
    ) -> None:
        if prepared._weights is None:
            raise ValueError("attention that depends on the frame cannot be recorded")
        self._prepared, self._gaussians, self._rig = prepared, gaussians, rig
        self._host_rig = Rig(rig.weights[:0].cpu(), rig.pivots.cpu())
        self._type = torch.float16 if half else torch.float32
        self._weights = prepared._weights.T.to(self._type).contiguous()  # (M, heads · tokens)
        self._through, self._out = prepared._through.to(self._type), prepared._out.to(self._type)
        config = prepared._deformer.config
        self._shapes = ((1, WINDOW, len(AU_KEYS)), (1, WINDOW, config.n_speech), (1, 5), (4, 3, 3), (4, 3), (4, 4))
        self._inputs = torch.zeros(sum(math.prod(shape) for shape in self._shapes), device=gaussians.means.device)
        self._feed(Controls(np.zeros(self._shapes[0][1:], np.float32), np.zeros(self._shapes[1][1:], np.float32)))
        self._replay = record(self._work)

    @torch.inference_mode()
    def posed(self, controls: Controls) -> Gaussians:
        """The avatar's Gaussians as `controls` shape and pose them; the caller's own."""
        self._feed(controls)
        shaped = self._replay()
        return Gaussians(*(getattr(shaped, field.name).clone() for field in fields(shaped)))

    def _feed(self, controls: Controls) -> None:
        """Copy what the frame depends on to where the recorded work reads it, in one go."""
        pose = controls.pose
        rotations, shifts = self._host_rig.transforms(pose)
        degrees = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg, pose.gaze_yaw_deg, pose.gaze_pitch_deg]
        parts = [controls.au, controls.speech, np.array(degrees), rotations.numpy(), shifts.numpy()]
        flat = [np.asarray(part, np.float32).ravel() for part in (*parts, rotation_quats(rotations).numpy())]
        self._inputs.copy_(torch.from_numpy(np.concatenate(flat)))

    def _work(self) -> Gaussians:
        """The whole way from the inputs to posed Gaussians, in tensor operations whose shapes never change."""
        sizes = [math.prod(shape) for shape in self._shapes]
        au, speech, turn, rotations, shifts, turns = (
            part.view(shape) for part, shape in zip(torch.split(self._inputs, sizes), self._shapes, strict=True)
        )
        out = self._outputs(au, speech, turn)
        rows, rest = self._prepared._rows, self._gaussians
        sh = rest.sh.clone()
        sh[:, 0].index_add_(0, rows, out[:, HEADS["colours"]])
        shaped = Gaussians(
            rest.means.index_add(0, rows, out[:, HEADS["means"]]),
            rest.quats.index_add(0, rows, out[:, HEADS["quats"]]),
            rest.log_scales.index_add(0, rows, out[:, HEADS["log_scales"]]),
            rest.opacity_logits.index_add(0, rows, out[:, 10]),
            sh,
        )
        return self._rig.carry(shaped, rotations, shifts, turns)

    def _outputs(self, au: Tensor, speech: Tensor, turn: Tensor) -> Tensor:
        """(M, 14) outputs of the heads."""
        prepared, deformer, kind = self._prepared, self._prepared._deformer, self._type
        _, values = deformer.tokens(au, speech, turn)
        contributions = deformer.attention.contributions(values)[0]  # (tokens, heads, 64)
        tokens = contributions.transpose(0, 1).flatten(0, 1) @ prepared._into  # (heads · tokens, F + H)
        step = (self._weights @ tokens.to(kind)).float()
        split = prepared._feed_rest.shape[1]
        feed = (step[:, :split] + prepared._feed_rest).relu() - prepared._feed_relu
        hidden = step[:, split:] + prepared._heads_rest + (feed.to(kind) @ self._through).float()
        hidden = (hidden.relu() - prepared._heads_relu) * prepared._gate
        out: Tensor = (hidden.to(kind) @ self._out).float()
        return out


def half_is_enough(whole: GraphedDeformer, half: GraphedDeformer, moments: Sequence[Controls]) -> bool:
    """Whether half precision shows nobody a difference, at moments in which everything moves."""
    for controls in moments:
        a, b = whole.posed(controls), half.posed(controls)
        moved = float((a.means - b.means).abs().max())
        coloured = float((a.sh[:, 0] - b.sh[:, 0]).abs().max()) * SH_C0
        faded = float((a.opacity_logits.sigmoid() - b.opacity_logits.sigmoid()).abs().max())
        if not (moved <= FURTHEST_M and max(coloured, faded) <= FURTHEST_COLOUR):
            return False
    return True


def quickest(prepared: TensorDeformer, gaussians: Gaussians, rig: Rig) -> GraphedDeformer:
    """Records on the current card; in half precision if that shows nobody a difference and saves a tenth at least."""
    whole, half = (GraphedDeformer(prepared, gaussians, rig, half=half) for half in (False, True))
    random, n_speech = np.random.default_rng(0), prepared._deformer.config.n_speech
    moments = [
        Controls(
            (MAX_INTENSITY * random.random((WINDOW, len(AU_KEYS)))).astype(np.float32),
            random.random((WINDOW, n_speech)).astype(np.float32),
            Pose(*(random.uniform(-20.0, 20.0, 5).tolist())),
        )
        for _ in range(CHECKED)
    ]
    if half_is_enough(whole, half, moments) and _seconds(half, moments) < WORTH_IT * _seconds(whole, moments):
        return half
    return whole


def _seconds(graphed: GraphedDeformer, moments: Sequence[Controls]) -> float:
    """What a frame takes on the current card."""
    torch.cuda.synchronize()
    began = perf_counter()
    for controls in moments:
        graphed.posed(controls)
    torch.cuda.synchronize()
    return (perf_counter() - began) / len(moments)
