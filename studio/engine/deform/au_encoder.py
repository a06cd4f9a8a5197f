"""CIT-AE: the channel-independent temporal action-unit encoder.

EmoZone-Talker eqs. 8–9: a window of eight frames around the moment drawn becomes one refined intensity per action
unit. Each channel looks at itself alone (grouped convolutions), decides by soft attention which of its eight frames to
trust, and returns their weighted mean: a learned filter that calms jitter and cannot leave the range of its window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studio.engine.controls import WINDOW, WINDOW_BACK

CENTRE_LOGIT = 6.0
"""Head start of the window's centre frame: an untrained encoder gives it 98 % of the weight."""


class ActionUnitEncoder(nn.Module):
    """Window of intensities → refined intensities, channel by channel.

    Args:
        channels: number of action units, K.
        hidden: filters per channel.
    """

    def __init__(self, channels: int, hidden: int = 4) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(channels, WINDOW))
        with torch.no_grad():
            self.prior[:, WINDOW_BACK] = CENTRE_LOGIT
        self.inner = nn.Conv1d(channels, channels * hidden, 3, padding=1, groups=channels, padding_mode="replicate")
        self.outer = nn.Conv1d(
            channels * hidden, channels, 3, padding=1, groups=channels, padding_mode="replicate", bias=False
        )
        nn.init.zeros_(self.outer.weight)

    def attention(self, window: Tensor) -> Tensor:
        """(B, 8, K) weights over the frames of `window` (B, 8, K); they sum to 1 over the frames."""
        logits = self.prior + self.outer(torch.tanh(self.inner(window.transpose(1, 2))))
        weights: Tensor = logits.softmax(-1).transpose(1, 2)
        return weights

    def forward(self, window: Tensor) -> Tensor:
        """(B, K) refined intensities of `window` (B, 8, K); a constant window returns exactly its value."""
        centre = window[:, WINDOW_BACK]
        return centre + (self.attention(window) * (window - centre[:, None])).sum(1)
