"""SZ-PAB: cross-attention from Gaussians to control tokens with a learnable bias per zone and modality.

EmoZone-Talker eq. 4: Attn(Q, K, V) = softmax(Q Kᵀ / √d + B) V. Queries are Gaussians, tokens are control signals. B is
one number per (zone, modality, head), never positive: a zone can be told to listen less to a modality, not more.
Because keys are identities, the weights of a Gaussian do not depend on the frame.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from studio.engine.deform import zones as zn

RAAR_MARGIN = 0.2
"""By how much the right modality's mean attention must exceed the wrong one's."""


class _AtMostZero(torch.autograd.Function):
    """min(x, 0), whose gradient passes at and beyond the bound only where descent leads back inside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(max=0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,), (grad,) = ctx.saved_tensors, grads
        return grad.where((x < 0) | (grad > 0), torch.zeros_like(grad))


class BiasedAttention(nn.Module):
    """One layer of multi-head attention with region bias.

    Args:
        modalities: modality of every token (`zones.token_modalities`).
        width: features of queries and tokens, d.
        heads: number of heads; divides `width`.
        biased: False drops B (the ablation without SZ-PAB).
    """

    modalities: Tensor

    def __init__(self, modalities: tuple[int, ...], width: int = 64, heads: int = 2, *, biased: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.width, self.heads, self.biased = width, heads, biased
        self.register_buffer("modalities", torch.tensor(modalities), persistent=False)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        with torch.no_grad():  # a token is one of M: undo the softmax's division, or small motions take long to learn
            for layer in (self.value, self.out):
                layer.weight *= (2 * len(modalities)) ** 0.5
        bias = torch.zeros(len(zn.ZONE_NAMES), len(zn.MODALITY_NAMES), heads)
        for zone, modality in zn.SUPPRESSED:
            bias[zone, modality] = zn.SUPPRESSION
        self.bias = nn.Parameter(bias, requires_grad=biased)

    def region_bias(self) -> Tensor:
        """B (zone, modality, head), ≤ 0; entries at the bound can still learn to fall."""
        bound: Tensor = _AtMostZero.apply(self.bias)  # type: ignore[no-untyped-call]
        return bound

    def weights(self, queries: Tensor, keys: Tensor, zones: Tensor) -> Tensor:
        """Attention weights; the last axis sums to 1.

        Args:
            queries: (P, width) features of Gaussians.
            keys: (M, width) identities of tokens, or (B, M, width) where they change from frame to frame.
            zones: (P,) labels.

        Returns:
            (P, heads, M), or (B, P, heads, M).
        """
        size = self.width // self.heads
        q = self.query(queries).view(-1, self.heads, size)
        k = self.key(keys).view(*keys.shape[:-1], self.heads, size)
        logits = torch.einsum("phd,...mhd->...phm", q, k) / size**0.5
        if self.biased:
            table = self.region_bias()[:, self.modalities]  # (zone, M, heads)
            logits = logits + table.transpose(1, 2)[zones]
        weights: Tensor = logits.softmax(-1)
        return weights

    def contributions(self, values: Tensor) -> Tensor:
        """(B, M, heads, width): what each token adds through each head at full attention, of values (B, M, width)."""
        size = self.width // self.heads
        v = self.value(values).view(*values.shape[:-1], self.heads, size)
        out = self.out.weight.view(self.width, self.heads, size)
        return torch.einsum("bmhs,dhs->bmhd", v, out)

    @staticmethod
    def mix(weights: Tensor, contributions: Tensor) -> Tensor:
        """(B, P, width): contributions (B, M, heads, width) summed with weights (P, heads, M) or (B, P, heads, M)."""
        frames, tokens, heads, width = contributions.shape
        flat = contributions.transpose(1, 2).reshape(frames, heads * tokens, width)
        return weights.flatten(-2) @ flat


def raar_loss(weights: Tensor, zones: Tensor, modalities: Tensor, margin: float = RAAR_MARGIN) -> Tensor:
    """Region-aware attention regularisation, EmoZone-Talker eqs. 5–6: the right modality must lead in each zone.

    max(0, m + ᾱ_audio − ᾱ_AU) over the upper face plus max(0, m + ᾱ_AU − ᾱ_audio) over the mouth, where ᾱ is the mean
    over the zone's Gaussians and heads of the attention summed over a modality's tokens. AU here means the upper-face
    units: lower-face ones are meant to act on the mouth. A zone without Gaussians adds nothing.

    Args:
        weights: (P, heads, M) or (B, P, heads, M) attention.
        zones: (P,) labels.
        modalities: (M,) modality of each token.
        margin: m.

    Returns:
        Scalar ≥ 0.
    """
    if weights.ndim == 4:
        weights = weights.mean(0)
    mean = weights.mean(1)  # (P, M)
    audio = mean[:, modalities == zn.AUDIO].sum(1)
    au = mean[:, modalities == zn.AU_UPPER].sum(1)
    loss = weights.new_zeros(())
    for zone, wrong, right in ((zn.ZONE_UPPER, audio, au), (zn.ZONE_MOUTH, au, audio)):
        here = zones == zone
        if bool(here.any()):
            loss = loss + (margin + wrong[here].mean() - right[here].mean()).clamp_min(0)
    return loss
