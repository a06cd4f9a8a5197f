"""How good an avatar's pictures are when errors of the test pictures' tracked poses are taken away.

Training corrects the poses of its own pictures; those for testing keep the tracker's, and half a pixel costs more than
a blurred face does. Here nine numbers per picture, a small turn of the head, one of the body and a shift, are fitted to
the test pictures while the avatar stays as it is. Both figures are told, because only the uncorrected one is blind.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from studio.engine.gaussians import Gaussians
from studio.engine.measures.pictures import BACKGROUND
from studio.engine.metrics import crop_psnr, psnr, ssim
from studio.engine.motion_metrics import Speech
from studio.engine.renderer import Renderer
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.alignment import USUAL, moved
from studio.engine.training.capture import Capture

STEPS = 12
RATE = 0.35
"""Of Adam, in usual corrections."""

HOLD = 1e-3
"""Weight of the corrections' size beside the pictures' difference."""

PICTURES = 60


class AlignedMeter:
    """Figures of pictures after their poses are fitted: `aligned_psnr_db`, `aligned_ssim`, `aligned_mouth_psnr_db`."""

    def measure(self, renderer: Renderer, capture: Capture, speech: Speech) -> Mapping[str, float | None]:
        """Means over pictures for testing.

        Args:
            renderer: holds the avatar.
            capture: a portrait.
            speech: gives the speech windows of frames.
        """
        avatar, draws = renderer.avatar, choose_rasterizer("auto", differentiable=True)
        prepared = avatar.deformer.prepare(avatar.gaussians.means, avatar.zones)
        behind = torch.tensor(BACKGROUND)
        found: dict[str, list[float]] = {"aligned_psnr_db": [], "aligned_ssim": [], "aligned_mouth_psnr_db": []}
        start = torch.zeros(9)
        for image in capture.indices("test")[:PICTURES]:
            frame, camera = capture.images[image].frame, capture.camera_of(image)
            controls = capture.controls(frame, speech([frame])[0].numpy())
            shaped = prepared.apply(avatar.gaussians, controls)
            posed = _plain(avatar.rig.apply(shaped, controls.pose))
            truth = capture.target(image).over(behind)

            def draw(row: Tensor, posed: Gaussians = posed, camera: object = camera) -> Tensor:
                turned = moved(posed, row * torch.tensor(USUAL), avatar.rig)
                return draws.render(turned, camera).over(behind)  # type: ignore[arg-type]

            row = start.clone().requires_grad_()
            optimizer = torch.optim.Adam([row], lr=RATE)
            for _ in range(STEPS):
                optimizer.zero_grad()
                loss = (draw(row) - truth).abs().mean() + HOLD * row.square().mean()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            start = row.detach()
            with torch.no_grad():
                picture = draw(start).clamp(0, 1)
            found["aligned_psnr_db"].append(psnr(picture, truth))
            found["aligned_ssim"].append(ssim(picture, truth))
            mouth = capture.mouth_box(image, capture.info.size_px)
            if mouth is not None:
                found["aligned_mouth_psnr_db"].append(crop_psnr(picture, truth, mouth))
        return {name: sum(values) / len(values) if values else None for name, values in found.items()}


def _plain(gaussians: Gaussians) -> Gaussians:
    """Copies that autograd may use."""
    return Gaussians(*(getattr(gaussians, n).clone() for n in ("means", "quats", "log_scales", "opacity_logits", "sh")))
