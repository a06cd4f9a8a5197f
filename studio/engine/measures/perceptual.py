"""ST-LPIPS: perceptual distance that forgives a shift of a pixel (Ghildyal and Liu, ECCV 2022).

The weights are those of the PyPI package stlpips-pytorch, which carries them in its wheel; nothing is downloaded. Only
its weight file is read: its code needs torchvision and holds parts under a licence that forbids commercial use, so the
network stands here anew, as the paper describes it: AlexNet whose strides are replaced by blurred ones.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from studio.engine.training.losses import Evidence
from studio.errors import StudioError

PACKAGE = "stlpips_pytorch"
WEIGHTS = "weights/vST0.0/alex_shift_tolerant.pth"
SHA256 = "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee"
"""Of the weights in stlpips-pytorch 0.0.2: figures of other weights would not compare."""

INSTALL = "install emozone-studio[research], which brings the weights (64 MB)"

MEASURED_PX = 256
"""Pictures are measured with their longer edge area-averaged to this: the network is then as fast as the drawing."""

_CONVOLUTIONS = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
_PADDING = (2, 2, 1, 1, 1)


def perceptual_weights() -> Path | None:
    """The file of weights, if the package is installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = [] if spec is None else [Path(place) / WEIGHTS for place in spec.submodule_search_locations or ()]
    return next((place for place in places if place.is_file()), None)


class PerceptualDistance:
    """ST-LPIPS with the AlexNet trunk.

    Args:
        weights: by name, as the package's file has them: five convolutions `net.slice….weight` and `.bias`, and five
            linear layers `lin….model.1.weight`.

    Raises:
        StudioError: if they are not those of this network.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        try:
            self._trunk = [(weights[f"net.{n}.weight"], weights[f"net.{n}.bias"]) for n in _CONVOLUTIONS]
            self._linear = [weights[f"lin{k}.model.1.weight"] for k in range(5)]
            self._shift, self._scale = weights["scaling_layer.shift"], weights["scaling_layer.scale"]
        except KeyError as error:
            raise StudioError(f"The weights of ST-LPIPS lack {error}: {INSTALL}.") from error

    @classmethod
    def installed(cls) -> PerceptualDistance:
        """The network with the package's weights.

        Raises:
            StudioError: if the package is missing or another version of it is installed.
        """
        path = perceptual_weights()
        if path is None:
            raise StudioError(f"ST-LPIPS is not installed: {INSTALL}.")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise StudioError(f"{path} holds other weights than ST-LPIPS 0.0.2: {INSTALL}.")
        return cls(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))

    def features(self, picture: Tensor) -> list[Tensor]:
        """Five maps (1, C, h, w) of unit length per place, of a picture (H, W, 3) in [0, 1], at least 32×32 pixels."""
        at = ((picture.permute(2, 0, 1)[None] * 2.0 - 1.0) - self._shift) / self._scale
        maps = []
        for layer, ((kernel, bias), padding) in enumerate(zip(self._trunk, _PADDING, strict=True)):
            if layer in (1, 2):
                at = _halved(functional.max_pool2d(at, 3, 1))
            at = functional.conv2d(at, kernel, bias, padding=padding)
            at = functional.relu(_halved(at) if layer == 0 else at)
            maps.append(at / (at.square().sum(1, keepdim=True).clamp_min(1e-20).sqrt() + 1e-10))
        return maps

    def between(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Scalar distance ≥ 0 of two pictures' features."""
        steps = [
            functional.conv2d((a - b).square(), linear).mean()
            for a, b, linear in zip(first, second, self._linear, strict=True)
        ]
        return torch.stack(steps).sum()

    @torch.no_grad()
    def measured(self, picture: Tensor) -> list[Tensor]:
        """Features of a picture (H, W, 3) at the size at which pictures are measured."""
        height, width = picture.shape[:2]
        scale = min(1.0, MEASURED_PX / max(height, width))
        size = (max(32, round(height * scale)), max(32, round(width * scale)))
        small = functional.adaptive_avg_pool2d(picture.permute(2, 0, 1)[None], size)[0].permute(1, 2, 0)
        return self.features(small)


class PerceptualJudge:
    """ST-LPIPS of the mouth's crop as a term of training's loss (see `losses.Judge`).

    The crop alone, because it is what a viewer looks at and because the whole picture would cost several times the
    rest of a training step on a CPU. Crops smaller than the network's reach are enlarged.

    Args:
        distance: the network.
        weight: of the term.
    """

    name = "st_lpips"

    def __init__(self, distance: PerceptualDistance, weight: float = 0.05) -> None:
        self._distance, self.weight = distance, weight

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        """Scalar ≥ 0; 0 without a mouth in sight."""
        box = evidence.mouth
        if box is None or box.right <= box.left or box.bottom <= box.top:
            return picture.new_zeros(())
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        crops = [_at_least(each[rows, columns], 64) for each in (picture, truth)]
        with torch.no_grad():
            wanted = self._distance.features(crops[1])
        return self._distance.between(self._distance.features(crops[0]), wanted)


def _at_least(picture: Tensor, edge_px: int) -> Tensor:
    """The picture (H, W, 3), enlarged so that its shorter edge has so many pixels."""
    height, width = picture.shape[:2]
    scale = edge_px / min(height, width)
    if scale <= 1:
        return picture
    size = (round(height * scale), round(width * scale))
    grown = functional.interpolate(picture.permute(2, 0, 1)[None], size, mode="bilinear", align_corners=False)
    return grown[0].permute(1, 2, 0)


def _halved(maps: Tensor) -> Tensor:
    """Every second place of maps (1, C, h, w) after a 1-2-1 blur in both directions, mirrored by two at the edges."""
    padded = functional.pad(maps, (2, 2, 2, 2), mode="reflect")
    for axis in (2, 3):
        n = padded.shape[axis]
        first, middle, last = (
            padded.narrow(axis, start, n - 2).index_select(axis, torch.arange(0, n - 2, 2)) for start in range(3)
        )
        padded = (first + 2.0 * middle + last) / 4.0
    return padded
