"""The deformer at work: static parts computed once per avatar, a small product per frame.

With identity keys the attention weights of a Gaussian never change, so the sum over tokens and heads folds into a
product of a static (Gaussians, heads · tokens) matrix with a small one that the frame's controls give, already carried
through the input weights of the feed-forward part and of the heads. Tokens without intensity drop out, Gaussians that
are marked to rest (`Deformer.moving`) are not visited. On a CPU `compiled.py` does this in one pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.engine.controls import Controls
from studio.engine.deform.deformer import HEADS, N_OUTPUTS, Deltas, split_outputs
from studio.engine.gaussians import Gaussians

if TYPE_CHECKING:
    from studio.engine.deform.deformer import Deformer
    from studio.engine.rig import Rig

BLOCK = 2048
"""Gaussians per block on the CPU: their hidden activations (2 MB) stay in the second-level cache."""


class PreparedDeformer(ABC):
    """Inference for one deformer and one set of canonical Gaussians; immutable, for one thread at a time.

    Args:
        deformer: a trained (or untrained) deformer; later changes to its parameters are not seen.
        means: (N, 3) canonical positions.
    """

    def __init__(self, deformer: Deformer, means: Tensor) -> None:
        self._deformer = deformer
        self._count = int(means.shape[0])
        self._rows = deformer.moving.nonzero()[:, 0]  # (M,) the Gaussians that move

    def __len__(self) -> int:
        return self._count

    @abstractmethod
    def deltas(self, controls: Controls) -> Deltas:
        """Offsets of all N Gaussians for one frame (B = 1), without attention."""

    @abstractmethod
    def apply(self, gaussians: Gaussians, controls: Controls) -> Gaussians:
        """The canonical `gaussians`, which were prepared, as `controls` shape them; still in the canonical pose."""

    @abstractmethod
    def posed(self, gaussians: Gaussians, rig: Rig, controls: Controls) -> Gaussians:
        """`apply`, and then carried to the pose of `controls` by `rig`."""


class TensorDeformer(PreparedDeformer):
    """Inference in tensor operations: for graphics cards, for keys that change, and to compare with.

    Args:
        deformer: a trained (or untrained) deformer; later changes to its parameters are not seen.
        means: (N, 3) canonical positions.
        zones: (N,) labels.
    """

    @torch.no_grad()
    def __init__(self, deformer: Deformer, means: Tensor, zones: Tensor) -> None:
        super().__init__(deformer, means)
        self._features = features = deformer.features(means, self._rows)
        self._zones = zones = zones[self._rows]
        feed, heads = deformer.feed_in, deformer.head_in
        self._feed_rest, self._heads_rest = feed(features), heads(features)
        self._feed_relu, self._heads_relu = self._feed_rest.relu(), self._heads_rest.relu()
        self._gate = deformer.gate(features)
        self._into = torch.cat([feed.weight, heads.weight]).T.contiguous()  # (64, F + H)
        self._through = (heads.weight @ deformer.feed_out.weight).T.contiguous()  # (F, H)
        self._out = (deformer.head_out.weight * deformer.scale[:, None]).T.contiguous()  # (H, 14)
        self._weights: Tensor | None = None
        if not deformer.config.literal_keys:
            weights = deformer.attention.weights(features, deformer.identities, zones)
            self._weights = weights.flatten(1).T.contiguous()  # (heads · tokens, M)

    @torch.inference_mode()
    def deltas(self, controls: Controls) -> Deltas:
        """As `PreparedDeformer` says."""
        out = self._outputs(controls)
        return split_outputs(out.new_zeros(1, self._count, N_OUTPUTS).index_copy_(1, self._rows, out[None]))

    @torch.inference_mode()
    def apply(self, gaussians: Gaussians, controls: Controls) -> Gaussians:
        """As `PreparedDeformer` says."""
        out = self._outputs(controls)
        sh = gaussians.sh.clone()
        sh[:, 0].index_add_(0, self._rows, out[:, HEADS["colours"]])
        return Gaussians(
            gaussians.means.index_add(0, self._rows, out[:, HEADS["means"]]),
            gaussians.quats.index_add(0, self._rows, out[:, HEADS["quats"]]),
            gaussians.log_scales.index_add(0, self._rows, out[:, HEADS["log_scales"]]),
            gaussians.opacity_logits.index_add(0, self._rows, out[:, 10]),
            sh,
        )

    @torch.inference_mode()
    def posed(self, gaussians: Gaussians, rig: Rig, controls: Controls) -> Gaussians:
        """As `PreparedDeformer` says."""
        return rig.apply(self.apply(gaussians, controls), controls.pose)

    def _outputs(self, controls: Controls) -> Tensor:
        """(M, 14) outputs of the heads for one frame, of the Gaussians that move."""
        deformer, like = self._deformer, self._features
        au = torch.as_tensor(controls.au, dtype=like.dtype, device=like.device)[None]
        speech = torch.as_tensor(controls.speech, dtype=like.dtype, device=like.device)[None]
        pose = controls.pose
        degrees = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg, pose.gaze_yaw_deg, pose.gaze_pitch_deg]
        turn = torch.tensor([degrees], dtype=like.dtype, device=like.device)
        if self._weights is None:
            return deformer.evaluate(self._features, self._zones, au, speech, turn)[0][0]
        _, values = deformer.tokens(au, speech, turn)
        contributions = deformer.attention.contributions(values)[0]  # (tokens, heads, 64)
        flat = contributions.transpose(0, 1).flatten(0, 1)  # (heads · tokens, 64)
        active = (flat != 0).any(1).nonzero()[:, 0]
        out = like.new_zeros(len(self._rows), N_OUTPUTS)
        if len(active):
            self._evaluate(self._weights[active], flat[active] @ self._into, out)
        return out

    def _evaluate(self, weights: Tensor, tokens: Tensor, out: Tensor) -> None:
        """Fill `out` (M, 14) from weights (A, M) and tokens (A, F + H) carried through the input layers."""
        split = self._feed_rest.shape[1]
        block = BLOCK if out.device.type == "cpu" else max(1, len(out))
        for low in range(0, len(out), block):
            rows = slice(low, min(low + block, len(out)))
            step = weights[:, rows].T @ tokens
            feed = step[:, :split].add_(self._feed_rest[rows]).relu_().sub_(self._feed_relu[rows])
            hidden = step[:, split:].add_(self._heads_rest[rows]).addmm_(feed, self._through)
            hidden.relu_().sub_(self._heads_relu[rows]).mul_(self._gate[rows])
            torch.mm(hidden, self._out, out=out[rows])
