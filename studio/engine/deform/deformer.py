"""The deformer: canonical Gaussians and control signals in, offsets of every Gaussian out.

Public API:

- `DeformerConfig` says which controls and which parts of the method are used; it travels with the avatar as JSON.
- `Deformer` is the network. `deformer(means, zones, au_window, speech_window, pose, index)` is the training path:
  a batch of frames times a subset of Gaussians, differentiable, with the attention weights for RAAR.
- `deformer.prepare(means, zones)` is the inference path: everything that does not change from frame to frame is
  computed once (see `prepared.py`); both paths agree to rounding.
- `Deltas` are offsets in optimiser space, added before activation.

Two properties hold by construction, trained or not. An untrained deformer is the identity, because the last layer
starts at zero. Controls at rest (no intensity, silence, neutral pose) give exactly zero, because every layer is
written relative to rest: with f the static feature of a Gaussian and Δ what the tokens add to it, a layer contributes
relu(W(f + Δ) + b) − relu(W f + b), which vanishes with Δ. Hence the canonical Gaussians are the neutral face.

Action units arrive as OpenFace intensities 0–5 and are divided by 5 inside; all of them, AU45 too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from studio.document.action_units import MAX_INTENSITY
from studio.engine.controls import WINDOW, WINDOW_BACK
from studio.engine.deform.attention import BiasedAttention, raar_loss
from studio.engine.deform.au_encoder import ActionUnitEncoder
from studio.engine.deform.config import ABLATIONS, WIDTH, DeformerConfig
from studio.engine.deform.speech_encoder import SpeechEncoder
from studio.engine.deform.triplane import TriPlane
from studio.engine.deform.zones import token_modalities
from studio.engine.gaussians import Gaussians

if TYPE_CHECKING:
    from studio.engine.deform.prepared import PreparedDeformer

__all__ = ["ABLATIONS", "Deformer", "DeformerConfig", "Deltas", "relu_from_rest", "split_outputs"]

POSE_SCALE_DEG = 30.0
"""Degrees of head or gaze rotation that count as 1 inside the network."""

HEADS: dict[str, slice] = {
    "means": slice(0, 3),
    "log_scales": slice(3, 6),
    "quats": slice(6, 10),
    "opacity_logits": slice(10, 11),
    "colours": slice(11, 14),
}
"""Columns of the output layer by what they move."""

N_OUTPUTS = 14

OUTPUT_SCALE: tuple[float, ...] = (*[0.01] * 3, *[0.1] * 3, *[0.1] * 4, 1.0, *[0.1] * 3)
"""What one unit of network output means: a centimetre, 0.1 of log scale, quaternion and colour, 1 of opacity logit."""


@dataclass(frozen=True)
class Deltas:
    """Offsets of P Gaussians over B frames, in optimiser space (before activation)."""

    means: Tensor  # (B, P, 3) metres
    log_scales: Tensor  # (B, P, 3)
    quats: Tensor  # (B, P, 4) added to the quaternion, which the rasterizer normalises
    opacity_logits: Tensor  # (B, P)
    colours: Tensor  # (B, P, 3) added to the zeroth spherical harmonic
    attention: Tensor | None = None  # (P, heads, M), or (B, P, heads, M) with literal keys

    def apply(self, gaussians: Gaussians, frame: int = 0) -> Gaussians:
        """`gaussians` (P of them) as frame number `frame` of the batch shows them."""
        sh = torch.cat([gaussians.sh[:, :1] + self.colours[frame][:, None], gaussians.sh[:, 1:]], 1)
        return Gaussians(
            gaussians.means + self.means[frame],
            gaussians.quats + self.quats[frame],
            gaussians.log_scales + self.log_scales[frame],
            gaussians.opacity_logits + self.opacity_logits[frame],
            sh,
        )


def split_outputs(out: Tensor, attention: Tensor | None = None) -> Deltas:
    """`Deltas` of the heads' outputs (B, P, 14)."""
    parts = torch.split(out, [where.stop - where.start for where in HEADS.values()], -1)
    columns = dict(zip(HEADS, parts, strict=True))
    columns["opacity_logits"] = columns["opacity_logits"][..., 0]
    return Deltas(**columns, attention=attention)


class _ReluFromRest(torch.autograd.Function):
    """relu(rest + step) − relu(rest), with fewer passes over memory than the formula written out."""

    @staticmethod
    def forward(ctx: Any, rest: Tensor, step: Tensor) -> Tensor:
        passed = (rest + step).relu_()
        ctx.save_for_backward(rest, passed)
        return passed - rest.relu()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        rest, passed = ctx.saved_tensors
        (grad,) = grads
        on_step: Tensor = torch.ops.aten.threshold_backward(grad, passed, 0)
        at_rest, total = (grad[0], on_step[0]) if len(grad) == 1 else (grad.sum(0), on_step.sum(0))
        on_rest: Tensor = total - torch.ops.aten.threshold_backward(at_rest, rest, 0)
        return on_rest, on_step


def relu_from_rest(rest: Tensor, step: Tensor) -> Tensor:
    """(B, P, H) relu(rest + step) − relu(rest): exactly 0 where step is, for rest (P, H) and step (B, P, H)."""
    out: Tensor = _ReluFromRest.apply(rest, step)  # type: ignore[no-untyped-call]
    return out


class Deformer(nn.Module):
    """Region-biased attention between the Gaussians of one head and its controls.

    Args:
        config: what it is made of.
        count: number of Gaussians, N.
        aabb: (2, 3) metres, the box that the tri-planes cover.
    """

    scale: Tensor
    moving: Tensor  # (N,) uint8, 0 marks Gaussians that rest whatever the controls say; in training mode all move

    def __init__(self, config: DeformerConfig, count: int, aabb: Tensor) -> None:
        super().__init__()
        self.config = config
        self.triplane = TriPlane(aabb, WIDTH // len(config.resolutions), config.resolutions)
        self.residual = nn.Parameter(torch.zeros(count, WIDTH))
        self.norm = nn.LayerNorm(WIDTH)
        modalities = token_modalities(config.au_tokens)
        self.attention = BiasedAttention(modalities, WIDTH, config.attention_heads, biased=config.szpab)
        self.identities = nn.Parameter(torch.randn(len(modalities), WIDTH) * 0.3)
        if config.au and config.citae:
            self.au_encoder = ActionUnitEncoder(config.n_au)
        if config.literal_keys:
            self.au_token = nn.Sequential(nn.Linear(WIDTH + 1, 64), nn.ReLU(), nn.Linear(64, WIDTH))
        self.speech_encoder = SpeechEncoder(config.n_speech, WIDTH)
        self.head_pose = nn.Linear(5, WIDTH, bias=False)
        self.feed_in = nn.Linear(WIDTH, config.hidden_feedforward)
        self.feed_out = nn.Linear(config.hidden_feedforward, WIDTH, bias=False)
        self.head_in = nn.Linear(WIDTH, config.hidden_heads)
        self.gate = nn.Linear(WIDTH, config.hidden_heads)
        self.head_out = nn.Linear(config.hidden_heads, N_OUTPUTS, bias=False)
        for layer in (self.gate, self.head_out):
            nn.init.zeros_(layer.weight)
        nn.init.ones_(self.gate.bias)
        self.register_buffer("moving", torch.ones(count, dtype=torch.uint8))
        self.register_buffer("scale", torch.tensor(OUTPUT_SCALE), persistent=False)

    @classmethod
    def for_means(cls, config: DeformerConfig, means: Tensor) -> Deformer:
        """A deformer for Gaussians at `means` (N, 3), its box 5 % wider than they reach."""
        low, high = means.detach().amin(0), means.detach().amax(0)
        margin = ((high - low) * 0.05).clamp_min(1e-3)
        return cls(config, int(means.shape[0]), torch.stack([low - margin, high + margin]))

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return int(self.residual.shape[0])

    def features(self, means: Tensor, index: Tensor | None = None) -> Tensor:
        """(P, 64) static features of all Gaussians at `means` (N, 3), or of those at `index` (P,).

        Positions are looked up, not learned through: gradients do not reach `means` on this way.
        """
        if means.shape != (self.count, 3):
            raise ValueError(f"means have shape {tuple(means.shape)}, expected ({self.count}, 3)")
        residual: Tensor = self.residual
        if index is not None:
            means, residual = means[index], residual[index]
        features: Tensor = self.norm(self.triplane(means.detach()) + residual)
        return features

    def intensities(self, au_window: Tensor) -> Tensor:
        """(B, n_au) refined intensities in [0, 1] of windows (B, 8, K) of OpenFace intensities 0–5."""
        window = au_window[..., : self.config.n_au] / MAX_INTENSITY
        if self.config.citae:
            refined: Tensor = self.au_encoder(window)
            return refined
        return window[:, WINDOW_BACK]

    def tokens(self, au_window: Tensor, speech_window: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (M, 64), or (B, M, 64) with literal keys, and values (B, M, 64); order audio, AUs, head, null.

        Args:
            au_window: (B, 8, ≥ n_au) OpenFace intensities 0–5, the 8 upper-face units first.
            speech_window: (B, 8, F) speech features, zeros are silence.
            pose: (B, 5) degrees: yaw, pitch, roll, gaze yaw, gaze pitch.
        """
        self._check(au_window, speech_window, pose)
        n_au, keys = self.config.au_tokens, self.identities
        speech = self.speech_encoder(speech_window)[:, None]
        head = self.head_pose(pose / POSE_SCALE_DEG)[:, None]
        null = torch.zeros_like(head)
        if not n_au:
            return keys, torch.cat([speech, head, null], 1)
        identity = keys[1 : 1 + n_au]
        intensity = self.intensities(au_window)[..., None]
        if not self.config.literal_keys:
            return keys, torch.cat([speech, intensity * identity, head, null], 1)
        au = self.au_token(torch.cat([identity.expand(len(intensity), -1, -1), intensity], -1))
        values = torch.cat([speech, au, head, null], 1)
        return torch.cat([speech + keys[:1], au, (keys[-2:]).expand(len(au), -1, -1)], 1), values

    def forward(
        self,
        means: Tensor,
        zones: Tensor,
        au_window: Tensor,
        speech_window: Tensor,
        pose: Tensor,
        index: Tensor | None = None,
    ) -> Deltas:
        """Offsets over a batch of frames, differentiable in the parameters.

        Args:
            means: (N, 3) canonical positions of all Gaussians, metres.
            zones: (N,) int64 labels of all Gaussians.
            au_window: (B, 8, ≥ n_au) OpenFace intensities 0–5.
            speech_window: (B, 8, F) speech features.
            pose: (B, 5) degrees.
            index: (P,) which Gaussians; None takes all.

        Returns:
            `Deltas` with `attention`.
        """
        features = self.features(means, index)
        labels = zones if index is None else zones[index]
        out, weights = self.evaluate(features, labels, au_window, speech_window, pose)
        if not self.training:
            out = out * (self.moving if index is None else self.moving[index])[:, None]
        return split_outputs(out, weights)

    def evaluate(
        self, features: Tensor, zones: Tensor, au_window: Tensor, speech_window: Tensor, pose: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Outputs (B, P, 14) and attention weights of Gaussians with static features (P, 64) and labels (P,)."""
        keys, values = self.tokens(au_window, speech_window, pose)
        weights = self.attention.weights(features, keys, zones)
        added = self.attention.mix(weights, self.attention.contributions(values))
        if self.config.literal_keys:
            added = added - self._rest(features, zones)
        return nn.functional.linear(self.hidden(features, added), self.head_out.weight * self.scale[:, None]), weights

    def raar(self, deltas: Deltas, zones: Tensor, index: Tensor | None = None) -> Tensor:
        """The attention regulariser (`attention.raar_loss`) of a forward pass; 0 where the config leaves it out."""
        if not self.config.raar or not self.config.au or deltas.attention is None:
            return self.residual.new_zeros(())
        labels = zones if index is None else zones[index]
        return raar_loss(deltas.attention, labels, self.attention.modalities)

    def prepare(self, means: Tensor, zones: Tensor) -> PreparedDeformer:
        """The fast inference path for Gaussians at `means` (N, 3) with labels `zones` (N,)."""
        if means.is_cuda or self.residual.dtype != torch.float32 or self.config.literal_keys:
            from studio.engine.deform.prepared import TensorDeformer

            return TensorDeformer(self, means, zones)
        from studio.engine.deform.compiled import CompiledDeformer

        return CompiledDeformer(self, means, zones)

    @torch.no_grad()
    def inherit(self, index: Tensor) -> None:
        """After density control: Gaussian i of the new set descends from `index[i]` of the old one, and acts like it.

        `residual` becomes a new Parameter; an optimizer has to be told.
        """
        self.residual = nn.Parameter(self.residual[index].clone())
        self.moving = self.moving[index].clone()

    def hidden(self, features: Tensor, added: Tensor) -> Tensor:
        """(B, P, H) hidden units of the heads, of static features (P, 64) and what tokens add to them (B, P, 64)."""
        step = nn.functional.linear(added, self.feed_in.weight)
        added = added + self.feed_out(relu_from_rest(self.feed_in(features), step))
        step = nn.functional.linear(added, self.head_in.weight)
        hidden: Tensor = relu_from_rest(self.head_in(features), step) * self.gate(features)
        return hidden

    def _rest(self, features: Tensor, zones: Tensor) -> Tensor:
        """(1, P, 64) what the tokens add at rest; not zero only with literal keys."""
        like, config = self.residual, self.config
        keys, values = self.tokens(
            like.new_zeros(1, WINDOW, config.n_au), like.new_zeros(1, WINDOW, config.n_speech), like.new_zeros(1, 5)
        )
        weights = self.attention.weights(features, keys, zones)
        return self.attention.mix(weights, self.attention.contributions(values))

    def _check(self, au_window: Tensor, speech_window: Tensor, pose: Tensor) -> None:
        frames, config = au_window.shape[0], self.config
        if au_window.ndim != 3 or au_window.shape[1] != WINDOW or au_window.shape[2] < config.au_tokens:
            raise ValueError(f"au_window has shape {tuple(au_window.shape)}, expected (B, {WINDOW}, {config.n_au})")
        if speech_window.shape != (frames, WINDOW, config.n_speech):
            raise ValueError(
                f"speech_window has shape {tuple(speech_window.shape)}, expected {(frames, WINDOW, config.n_speech)}"
            )
        if pose.shape != (frames, 5):
            raise ValueError(f"pose has shape {tuple(pose.shape)}, expected ({frames}, 5)")
