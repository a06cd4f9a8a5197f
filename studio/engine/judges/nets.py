"""The two judges' networks, and their files.

`SyncNet` follows Chung and Zisserman (2016), "Out of time": five frames of a mouth and the 0.2 s of speech heard
meanwhile become vectors that lie near each other where they belong together. A second pair of heads does the same for
a single frame, because training draws single pictures. `UnitNet` has the purpose of JAA-Net (Shao et al. 2018): from
a face to the intensity of each action unit. Both are plain convolutions of a quarter of a million parameters; crops
are standardised first, so that skin, light and exposure matter little.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from studio.document.action_units import AU_KEYS, MAX_INTENSITY
from studio.engine.assets import assets_dir
from studio.engine.judges.framing import FACE_PX, MOUTH_PX
from studio.engine.speech.mel import N_BANDS
from studio.errors import StudioError

VERSION = 1

FRAMES = 5
"""Pictures in a window of lips: 0.2 s at 25 fps."""

MEL_BACK = 10
"""Mel frames heard before and after the middle of a window: 0.21 s in all."""

MEL_STEP = 4
"""Mel frames from one picture to the next: 100 Hz over 25 fps."""

_MEL = N_BANDS + 1
_WIDTH, _EMBEDDING = 96, 64


class _Stage(nn.Module):
    """Halves the picture."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, after) if before > 3 else nn.Identity()  # the first sees standardised pixels

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        return functional.gelu(self.norm(self.mix(x)))


def _standardised(crops: Tensor) -> Tensor:
    """(B, 3, H, W) crops without their mean colour, at a common contrast."""
    centred = crops - crops.mean((2, 3), keepdim=True)
    return centred * torch.rsqrt(centred.square().mean((1, 2, 3), keepdim=True) + 1e-3)


class SyncNet(nn.Module):
    """Mouths and speech to unit vectors of 64 numbers; those of one moment lie near each other.

    Frames and mel are valid windows, nothing is padded: F + 4 frames and 4·(F - 1) + 21 mel frames make F vectors.
    """

    kind = "sync"

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Sequential(_Stage(3, 16), _Stage(16, 32), _Stage(32, 48), _Stage(48, 64), nn.Flatten())
        self.face = nn.Linear(64 * (-(-MOUTH_PX // 16)) ** 2, _WIDTH)
        self.follow = nn.Sequential(nn.Conv1d(_WIDTH, _WIDTH, 3), nn.GELU(), nn.Conv1d(_WIDTH, _EMBEDDING, 3))
        self.still = nn.Sequential(nn.GELU(), nn.Linear(_WIDTH, _EMBEDDING))
        self.listen = nn.Sequential(
            nn.Conv1d(_MEL, 64, 5, stride=2), nn.GELU(), nn.Conv1d(64, _WIDTH, 5, stride=2), nn.GELU(),
            nn.Conv1d(_WIDTH, _WIDTH, 3), nn.GELU(),
        )  # fmt: skip
        self.heard = nn.Conv1d(_WIDTH, _EMBEDDING, 1)
        self.heard_still = nn.Conv1d(_WIDTH, _EMBEDDING, 1)

    def mouths(self, crops: Tensor) -> Tensor:
        """(F, 96) features of single mouth crops (F, 3, 48, 48), display sRGB in [0, 1]."""
        features: Tensor = self.face(self.see(_standardised(crops)))
        return features

    def windows(self, features: Tensor) -> Tensor:
        """(…, F, 64) vectors of windows of five frames from features (…, F + 4, 96)."""
        flat = features.reshape(-1, *features.shape[-2:]).transpose(1, 2)
        out = functional.normalize(self.follow(flat).transpose(1, 2), dim=-1)
        return out.reshape(*features.shape[:-2], *out.shape[1:])

    def glances(self, features: Tensor) -> Tensor:
        """(…, 64) vectors of single frames from features (…, 96)."""
        return functional.normalize(self.still(features), dim=-1)

    def speech(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of the speech around F frames, for windows and for single frames, (…, F, 64) each.

        Args:
            mel: (…, 4·(F - 1) + 21, 41) normalised mel energies (`mel.normalise`), the first frame's middle at row 10.
        """
        flat = mel.reshape(-1, *mel.shape[-2:]).transpose(1, 2)
        x = self.listen(flat)
        found = []
        for head in (self.heard, self.heard_still):
            out = functional.normalize(head(x).transpose(1, 2), dim=-1)
            found.append(out.reshape(*mel.shape[:-2], *out.shape[1:]))
        return found[0], found[1]


class UnitNet(nn.Module):
    """Face crops to intensities of the 17 action units, up to an offset that belongs to the person.

    Compare pictures of one person, or take off what is read from that person's neutral face.
    """

    kind = "au"

    def __init__(self) -> None:
        super().__init__()
        stages = [_Stage(a, b) for a, b in ((3, 16), (16, 32), (32, 48), (48, 64), (64, 80))]
        self.see = nn.Sequential(*stages, nn.Flatten())
        self.read = nn.Sequential(
            nn.Linear(80 * (-(-FACE_PX // 32)) ** 2, 128), nn.GELU(), nn.Linear(128, len(AU_KEYS))
        )

    def forward(self, crops: Tensor) -> Tensor:
        """(F, 17) intensities of 5, offset and not clipped, of crops (F, 3, 80, 80), display sRGB in [0, 1]."""
        out: Tensor = MAX_INTENSITY * self.read(self.see(_standardised(crops)))
        return out


Net = TypeVar("Net", SyncNet, UnitNet)


def save_judge(net: SyncNet | UnitNet, info: Mapping[str, Any], path: Path) -> None:
    """Write a judge: half-precision weights and what is known of it, whole or not at all."""
    tensors = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, part, metadata={"judge": json.dumps({"kind": net.kind, "version": VERSION, **info})})
    os.replace(part, path)


def read_info(path: Path) -> dict[str, Any]:
    """What a judge's file says of itself: kind, version, command and held-out figures.

    Raises:
        StudioError: if the file cannot be read or is no judge.
    """
    try:
        with safe_open(path, framework="pt") as file:
            info = json.loads((file.metadata() or {})["judge"])
        known = info["kind"] in (SyncNet.kind, UnitNet.kind) and info["version"] == VERSION
    except FileNotFoundError:
        raise StudioError(f"There is no judge {path}: give the path of a trained one.") from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StudioError(
            f"{path} is not a judge: train one with python -m studio.engine.judges.train_sync."
        ) from error
    if not known:
        raise StudioError(f"The judge {path} belongs to another version of the studio: train it again.")
    return dict(info)


def load_judge(net: type[Net], path: Path) -> Net:
    """Read a judge of a kind, frozen.

    Raises:
        StudioError: if the file is no such judge or damaged.
    """
    info = read_info(path)
    if info["kind"] != net.kind:
        raise StudioError(f"The judge {path} is of the kind {info['kind']!r}, not {net.kind!r}: choose another file.")
    made = net()
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (no mapping)
        made.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise StudioError(f"The judge {path} is damaged: copy or train it again.") from error
    return made.eval().requires_grad_(False)


def shipped_path(kind: str) -> Path:
    """The shipped judge of a kind, `sync` or `au`."""
    return assets_dir() / "judges" / f"{kind}.safetensors"


@cache
def shipped_sync() -> SyncNet:
    """The shipped lip-sync judge, loaded once."""
    return load_judge(SyncNet, shipped_path(SyncNet.kind))


@cache
def shipped_units() -> UnitNet:
    """The shipped action-unit judge, loaded once."""
    return load_judge(UnitNet, shipped_path(UnitNet.kind))
