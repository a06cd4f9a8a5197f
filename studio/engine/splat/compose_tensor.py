"""The last step of a frame that was drawn on a card: 8-bit RGBA there, so that a quarter of the bytes is fetched."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.engine.splat.base import Raster


def compose_tensor(raster: Raster, background: tuple[float, float, float] | NDArray[np.float32] | None) -> Tensor:
    """`compose_rgba8` in tensor operations, on the device of the picture: (H, W, 4) uint8."""
    rgb, alpha = raster.rgb.detach().float(), raster.alpha.detach().float()[..., None]
    if background is None:
        straight = torch.where(alpha > 0, rgb / alpha.clamp_min(torch.finfo(torch.float32).tiny), 0.0)
        picture = torch.cat([straight, alpha], -1)
    else:
        behind = torch.tensor(background, dtype=torch.float32, device=rgb.device)
        picture = torch.cat([rgb + (1.0 - alpha) * behind, torch.ones_like(alpha)], -1)
    return (picture.nan_to_num(0.0, 1.0, 0.0).clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
