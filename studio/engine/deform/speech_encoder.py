"""The audio token: eight frames of speech features → one value that drives the mouth.

Soft attention over the window steadies the features, a small network turns them into a token. Silence, all zeros,
gives exactly a zero token: a silent head is a resting head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studio.engine.controls import WINDOW, WINDOW_BACK
from studio.engine.deform.au_encoder import CENTRE_LOGIT


class SpeechEncoder(nn.Module):
    """Window of speech features → audio token.

    Args:
        features: channels of the speech features, F.
        width: size of the token.
        hidden: units of the hidden layer.
    """

    def __init__(self, features: int, width: int = 64, hidden: int = 64) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(WINDOW))
        with torch.no_grad():
            self.prior[WINDOW_BACK] = CENTRE_LOGIT
        self.inner = nn.Conv1d(features, 16, 3, padding=1, padding_mode="replicate")
        self.outer = nn.Conv1d(16, 1, 3, padding=1, padding_mode="replicate", bias=False)
        nn.init.zeros_(self.outer.weight)
        self.hidden = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, width, bias=False)

    def attention(self, window: Tensor) -> Tensor:
        """(B, 8) weights over the frames of `window` (B, 8, F)."""
        logits = self.prior + self.outer(torch.tanh(self.inner(window.transpose(1, 2))))[:, 0]
        weights: Tensor = logits.softmax(-1)
        return weights

    def forward(self, window: Tensor) -> Tensor:
        """(B, width) audio token of `window` (B, 8, F)."""
        centre = window[:, WINDOW_BACK]
        pooled = centre + (self.attention(window)[..., None] * (window - centre[:, None])).sum(1)
        token: Tensor = self.out(self.hidden(pooled).relu() - self.hidden.bias.relu())
        return token
