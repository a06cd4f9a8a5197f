"""The deformer at work on a CPU: network and rig compiled into one pass over the Gaussians.

What does not change from frame to frame is computed once and laid out in blocks of Gaussians as the kernels of
`_network.py` read it. A frame costs one call of a kernel; that is several times as fast as the same products by a
tensor library, whose threads are woken for each of them and whose intermediate results leave the cache.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform import _network, _products, _tokens
from studio.engine.deform.config import DeformerConfig
from studio.engine.deform.deformer import POSE_SCALE_DEG, Deformer, Deltas
from studio.engine.deform.prepared import PreparedDeformer
from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.splat._crew import work_through

if TYPE_CHECKING:
    from studio.engine.deform._tokens import ActionUnitWeights, Floats, SpeechWeights, TokenRows

_LINE = 16
"""Floats per cache line, where blocks begin."""


class CompiledDeformer(PreparedDeformer):
    """Inference on the CPU for deformers with identity keys; immutable, for one thread at a time.

    Args:
        deformer: a trained (or untrained) deformer in float32 on the CPU; later changes are not seen.
        means: (N, 3) canonical positions.
        zones: (N,) labels.
    """

    @torch.no_grad()
    def __init__(self, deformer: Deformer, means: Tensor, zones: Tensor) -> None:
        super().__init__(deformer, means)
        rows = self._rows
        self._moving = _array(rows.int(), np.int32)
        self._still = _array((deformer.moving == 0).nonzero()[:, 0].int(), np.int32)
        features = deformer.features(means, rows)
        feed, heads = deformer.feed_in, deformer.head_in
        stepped = [
            _stepped(_blocks(part, _products.UNITS))
            for part in (feed(features), heads(features), deformer.gate(features))
        ]
        (feed_rest, feed_steps), (head_rest, head_steps), (gate, gate_steps) = stepped
        attention, attention_steps = _stepped(
            _blocks(deformer.attention.weights(features, deformer.identities, zones[rows]).flatten(1))
        )
        self._network: _network.Network = (
            attention,
            feed_rest,
            head_rest,
            gate,
            attention_steps,
            feed_steps,
            head_steps,
            _output_weights(_array((deformer.head_out.weight * deformer.scale[:, None]).T), head_steps * gate_steps),
            _padded(_array((heads.weight @ deformer.feed_out.weight).T)),
        )
        self._per_head = deformer.config.au_tokens + 3
        self._rows_of = _token_rows(deformer)
        self._au_weights, self._speech_weights = _encoder_weights(deformer)
        self._filtered = deformer.config.au and deformer.config.citae
        self._room = np.empty((self._network[0].shape[1], self._rows_of[0].shape[2]), np.float32)
        self._intensities = np.empty(deformer.config.au_tokens)
        self._speech = np.empty(deformer.speech_encoder.hidden.out_features)
        self._rig: Rig | None = None
        self._skin = self._held_by(Rig(torch.ones(len(means), 1), torch.zeros(1, 3)))

    @torch.inference_mode()
    def deltas(self, controls: Controls) -> Deltas:
        """As `PreparedDeformer` says."""
        n = len(self)
        zero = Gaussians(torch.zeros(n, 3), torch.zeros(n, 4), torch.zeros(n, 3), torch.zeros(n), torch.zeros(n, 1, 3))
        moved = self.apply(zero, controls)
        return Deltas(
            means=moved.means[None],
            log_scales=moved.log_scales[None],
            quats=moved.quats[None],
            opacity_logits=moved.opacity_logits[None],
            colours=moved.sh[None, :, 0],
        )

    def apply(self, gaussians: Gaussians, controls: Controls) -> Gaussians:
        """As `PreparedDeformer` says."""
        return self._deform(gaussians, controls, posed=False)

    def posed(self, gaussians: Gaussians, rig: Rig, controls: Controls) -> Gaussians:
        """As `PreparedDeformer` says."""
        if controls.pose == Pose():
            return self.apply(gaussians, controls)
        if rig is not self._rig:
            self._rig, self._skin = rig, self._held_by(rig)
        pose, pivots = controls.pose, _array(rig.pivots, np.float64)
        degrees = np.append(_degrees(pose), pose.vergence_deg)
        _tokens.joint_table(degrees, _torso(pose), pivots, self._skin[2])
        return self._deform(gaussians, controls, posed=True)

    def _deform(self, gaussians: Gaussians, controls: Controls, *, posed: bool) -> Gaussians:
        canonical = tuple(_array(part) for part in _parts(gaussians))
        out = tuple(np.empty_like(part) for part in canonical)
        active = self._active(controls)
        weights = _network.pack_weights(self._room, active, self._per_head, self._network)
        parts, target = cast("_network.Parts", canonical), cast("_network.Parts", out)
        work_through(
            lambda tickets: _network.deform(
                tickets, self._network, self._moving, self._still, weights, active, parts, self._skin, posed, target
            )
        )
        return Gaussians(*(torch.from_numpy(part) for part in out))

    def _held_by(self, rig: Rig) -> _network.Skin:
        """How a rig holds the Gaussians, before it takes a pose."""
        weights = rig.weights.detach()
        moving, still = (_blocks(weights[torch.from_numpy(rows)]) for rows in (self._moving, self._still))
        return moving, still, np.zeros((weights.shape[1], _tokens.JOINT_FIELDS), np.float32)

    def _active(self, controls: Controls) -> NDArray[np.int32]:
        """Fill the rows of the tokens that say something, and tell which rows of attention belong to them."""
        config = self._deformer.config
        au, speech = (np.ascontiguousarray(window, np.float32) for window in (controls.au, controls.speech))
        if au.shape[1] < config.au_tokens or speech.shape[1] != config.n_speech:
            raise ValueError(
                f"controls have au {au.shape} and speech {speech.shape}, expected {config.au_tokens} units and "
                f"{config.n_speech} channels of speech"
            )
        _tokens.refined_intensities(au, 1 / MAX_INTENSITY, self._au_weights, self._filtered, self._intensities)
        _tokens.speech_hidden(speech, self._speech_weights, self._speech)
        pose = _degrees(controls.pose) / POSE_SCALE_DEG
        return _tokens.token_rows(self._speech, self._intensities, pose, self._rows_of, self._room)


def warm_up() -> threading.Thread:
    """Compile the kernels, or load them from the cache, in a background thread.

    Returns:
        The running thread; join it to wait. Deforming meanwhile is safe.
    """

    def work() -> None:
        means = torch.eye(3)
        deformer = Deformer.for_means(DeformerConfig(resolutions=(2,)), means)
        blob = Gaussians(means, torch.ones(3, 4), means, means[0], torch.zeros(3, 1, 3))
        rig = Rig(torch.eye(4)[:3], torch.zeros(4, 3))
        windows = np.ones((WINDOW, deformer.config.n_au), np.float32), np.ones((WINDOW, N_ARTICULATORS), np.float32)
        deformer.prepare(means, torch.zeros(3, dtype=torch.long)).posed(blob, rig, Controls(*windows, Pose(1.0)))

    thread = threading.Thread(target=work, name="deform-warm-up", daemon=True)
    thread.start()
    return thread


def _parts(gaussians: Gaussians) -> tuple[Tensor, ...]:
    return gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh


def _degrees(pose: Pose) -> NDArray[np.float64]:
    return np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg, pose.gaze_yaw_deg, pose.gaze_pitch_deg])


def _torso(pose: Pose) -> NDArray[np.float64]:
    return np.array([*pose.torso_turn_deg, *pose.torso_shift_m])


def _array(tensor: Tensor, kind: type[np.generic] = np.float32) -> Any:
    """The tensor's values, contiguous; its own memory where it is so already."""
    return np.ascontiguousarray(tensor.detach().numpy(), dtype=kind)


def _aligned(shape: tuple[int, ...]) -> Floats:
    """Zeros that begin with a cache line."""
    size = int(np.prod(shape))
    room = np.zeros(size + _LINE, np.float32)
    start = -room.ctypes.data // room.itemsize % _LINE
    return room[start : start + size].reshape(shape)


def _up(count: int, step: int) -> int:
    """`count` rounded up to a multiple of `step`."""
    return -(-count // step) * step


def _blocks(rows: Tensor, step: int = 1) -> Floats:
    """(blocks, R, BLOCK) of (M, R): Gaussians side by side; R is rounded up to `step`, what is added is 0."""
    count, width = rows.shape
    blocks = _up(count, _products.BLOCK) // _products.BLOCK
    whole = np.zeros((blocks * _products.BLOCK, _up(width, step)), np.float32)
    whole[:count, :width] = _array(rows)
    out = _aligned((blocks, whole.shape[1], _products.BLOCK))
    out[:] = whole.reshape(blocks, _products.BLOCK, whole.shape[1]).transpose(0, 2, 1)
    return out


def _stepped(blocks: Floats) -> tuple[_network.Shorts, Floats]:
    """Blocks in whole steps, and the size of a step per row, 2⁻¹⁶ of what the row spans: half the memory to read."""
    sizes = np.abs(blocks).max((0, 2), initial=0.0) / np.iinfo(np.int16).max
    sizes = np.maximum(sizes, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(blocks / sizes[:, None]).astype(np.int16), sizes


def _padded(matrix: Floats) -> Floats:
    """A matrix whose sides are rounded up to tiles."""
    out = _aligned((_up(matrix.shape[0], _products.UNITS), _up(matrix.shape[1], _products.UNITS)))
    out[: matrix.shape[0], : matrix.shape[1]] = matrix
    return out


def _output_weights(matrix: Floats, steps: Floats) -> Floats:
    """(OUTPUTS · H,) head units → outputs as tiles read them, of (H, 14) and the sizes of the units' steps (≥ H,)."""
    whole = np.zeros((_up(matrix.shape[0], _products.UNITS), _network.OUTPUTS), np.float32)
    whole[: matrix.shape[0], : matrix.shape[1]] = matrix * steps[: len(matrix), None]
    out = _aligned((whole.size,))
    out[:] = whole.reshape(len(whole), -1, _products.UNITS).transpose(1, 0, 2).reshape(-1)
    return out


def _token_rows(deformer: Deformer) -> TokenRows:
    """What hidden units of the speech encoder, action units and pose add to the network's inputs, per head."""
    attention, config = deformer.attention, deformer.config
    feed, heads = _array(deformer.feed_in.weight.T), _array(deformer.head_in.weight.T)
    into = torch.from_numpy(np.concatenate([_padded(feed), _padded(heads)], 1))  # rows, 64, need no padding

    def through(values: Tensor) -> Floats:
        """(T, heads, F + H) of token values (T, 64)."""
        carried: Floats = _array(attention.contributions(values[None])[0] @ into)
        return carried

    units = deformer.identities[1 : 1 + config.au_tokens]
    return through(deformer.speech_encoder.out.weight.T), through(units), through(deformer.head_pose.weight.T)


def _encoder_weights(deformer: Deformer) -> tuple[ActionUnitWeights, SpeechWeights]:
    speech = deformer.speech_encoder
    by_speech = (
        _array(speech.prior),
        _array(speech.inner.weight),
        _array(speech.inner.get_parameter("bias")),
        _array(speech.outer.weight[0]),
        _array(speech.hidden.weight),
        _array(speech.hidden.bias),
    )
    if not (deformer.config.au and deformer.config.citae):
        none = np.zeros((1, 1), np.float32)
        return (none, none, none[0], none[None]), by_speech
    units = deformer.au_encoder
    by_unit = (
        _array(units.prior),
        _array(units.inner.weight[:, 0]),
        _array(units.inner.get_parameter("bias")),
        _array(units.outer.weight),
    )
    return by_unit, by_speech
