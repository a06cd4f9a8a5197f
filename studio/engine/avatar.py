"""Avatars: one head that can be spoken and acted with, and the single file it lives in.

An avatar is its canonical Gaussians (the neutral face), a zone label per Gaussian, a rig and a trained deformer. The
file is one `.safetensors`: tensors that cannot carry code, plus JSON metadata. Positions and small networks are kept in
float32, what tolerates it in float16, so that 30,000 Gaussians stay below 15 MB.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from studio.engine.assets import assets_dir, own_avatars_dir
from studio.engine.camera import Camera, Subject, framing_distance_m, orbit_camera
from studio.engine.deform.deformer import Deformer, DeformerConfig
from studio.engine.deform.zones import ZONE_NAMES
from studio.engine.gaussians import Gaussians
from studio.engine.rig import JOINTS, Rig
from studio.engine.targets import write_file
from studio.errors import StudioError

FORMAT = "emozone-avatar"
FORMAT_VERSION = 1
SUFFIX = ".safetensors"
DEFAULT_AVATAR = "nora"
"""The shipped avatar that the studio opens with."""

_HALF = ("gaussians.quats", "gaussians.log_scales", "gaussians.opacity_logits", "gaussians.sh")
_HALF_DEFORMER = ("deformer.residual", "deformer.triplane.planes.")
"""Tensors kept in float16 on disk; the picture changes by less than an 8-bit step."""


@dataclass(frozen=True)
class AvatarInfo:
    """What an avatar's file says about it."""

    name: str
    recipe: str
    au_channels: tuple[str, ...]  # AU keys it was trained on, in the order of `AU_KEYS`
    speech_extractor: str  # name and version of the speech features it was trained with
    sh_degree: int
    head_height_m: float  # chin to crown
    target: tuple[float, float, float]  # the point that default cameras look at, metres
    licence: str
    provenance: str
    training: dict[str, Any] = field(default_factory=dict)  # measurements, e.g. held-out PSNR
    extra: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def seen_share(self, au_key: str) -> float:
        """Share of an action unit's range, 0 to 1, that was learned from pictures; the rest is a prior's guess.

        1 for avatars that say nothing: what they were trained on shows everything.
        """
        seen = self.extra.get("seen")
        share = seen.get(au_key, 1.0) if isinstance(seen, dict) else 1.0
        return min(max(float(share), 0.0), 1.0) if isinstance(share, (int, float)) else 1.0


@dataclass(frozen=True)
class Avatar:
    """One head.

    Raises:
        ValueError: if the parts disagree about the number of Gaussians.
    """

    gaussians: Gaussians  # canonical, neutral face
    zones: Tensor  # (N,) int64: 0 Z_A mouth, 1 Z_E upper face, 2 Z_S synergy
    rig: Rig
    deformer: Deformer
    info: AvatarInfo

    def __post_init__(self) -> None:
        n = len(self.gaussians)
        got = (tuple(self.zones.shape), tuple(self.rig.weights.shape), self.deformer.count)
        if got != ((n,), (n, len(JOINTS)), n):
            raise ValueError(f"an avatar of {n} Gaussians has zones, rig weights and deformer of shape {got}")

    def to(self, device: torch.device | str) -> Avatar:
        """The same avatar on another device; itself if it is there already. The original stays as it is."""
        if self.gaussians.means.device == torch.device(device):
            return self
        deformer = Deformer(self.deformer.config, self.deformer.count, self.deformer.triplane.aabb)
        deformer.load_state_dict(self.deformer.state_dict())
        return Avatar(
            self.gaussians.to(device),
            self.zones.to(device),
            Rig(self.rig.weights.to(device), self.rig.pivots.to(device)),
            deformer.to(device),
            self.info,
        )

    @property
    def subject(self) -> Subject:
        """What views of a document refer to."""
        return Subject(self.info.head_height_m, self.info.target)

    def camera(
        self,
        yaw_deg: float = 0.0,
        pitch_deg: float = 0.0,
        distance: float | None = None,
        width: int = 512,
        height: int = 512,
    ) -> Camera:
        """A camera that looks at the head; `distance` in head heights, None frames the head."""
        height_m = self.info.head_height_m
        distance_m = framing_distance_m(height_m) if distance is None else distance * height_m
        return orbit_camera(yaw_deg, pitch_deg, distance_m, target=self.info.target, width=width, height=height)


def save_avatar(avatar: Avatar, path: Path | str) -> None:
    """Write an avatar: beside its place first, then moved there, so that no half-written file is ever seen.

    Raises:
        StudioError: if the avatar holds NaN or infinity, or the file cannot be written.
    """
    path = Path(path)
    tensors = {f"gaussians.{f.name}": getattr(avatar.gaussians, f.name) for f in fields(Gaussians)}
    tensors |= {"zones": avatar.zones.to(torch.uint8), "rig.weights": avatar.rig.weights}
    tensors |= {"rig.pivots": avatar.rig.pivots}
    tensors |= {f"deformer.{name}": value for name, value in avatar.deformer.state_dict().items()}
    tensors = {name: _stored(name, value) for name, value in tensors.items()}
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise StudioError(f"{path} was not written because the avatar's {name} is not finite; train it again.")
    info = {**asdict(avatar.info), "format_version": FORMAT_VERSION}
    document = {"info": info, "deformer": avatar.deformer.config.to_json()}
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), "avatar": json.dumps(document)}
    write_file(path, safetensors_bytes(tensors, metadata))


def load_avatar(path: Path | str) -> Avatar:
    """Read an avatar on the CPU.

    Raises:
        StudioError: one sentence if the file is missing, unreadable, truncated, no avatar, of a newer format, or holds
            tensors of the wrong shape or values that are not finite.
    """
    path = Path(path)
    if path.is_dir():
        raise StudioError(f"{path} is a folder; choose an avatar file (*{SUFFIX}).")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    except FileNotFoundError as error:
        raise StudioError(f"{path} does not exist; check the path of the avatar.") from error
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({error.strerror or error}); check the file.") from error
    except SafetensorError as error:
        raise StudioError(f"{path} is damaged or not an avatar; train it or copy it again.") from error
    try:
        return _assemble(tensors, json.loads(metadata["avatar"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise StudioError(f"{path} is a damaged avatar ({reason}); train it or copy it again.") from error


def list_avatars() -> list[Path]:
    """The shipped avatars, by name."""
    return sorted((assets_dir() / "avatars").glob(f"*{SUFFIX}"))


def find_avatar(name_or_path: str | Path) -> Path:
    """The file of an avatar: a path, or the name of a shipped one or of one that was made on this computer.

    Raises:
        StudioError: if there is neither.
    """
    path = Path(name_or_path)
    if path.exists():
        return path
    named = {file.stem: file for file in (*sorted(own_avatars_dir().glob(f"*{SUFFIX}")), *list_avatars())}
    if str(name_or_path) in named:
        return named[str(name_or_path)]
    if path.suffix or len(path.parts) != 1:
        raise StudioError(f"{name_or_path} does not exist; check the path of the avatar.")
    names = ", ".join(sorted(named)) or "none"
    raise StudioError(f"No avatar is called {name_or_path!r}; there are: {names}, or give the path of a file.")


def default_avatar() -> Path:
    """The shipped avatar that the studio opens with.

    Raises:
        StudioError: if none is shipped.
    """
    shipped = list_avatars()
    if not shipped:
        raise StudioError(f"There is no avatar in {assets_dir() / 'avatars'}; install EmoZone Studio again.")
    return next((file for file in shipped if file.stem == DEFAULT_AVATAR), shipped[0])


def _stored(name: str, value: Tensor) -> Tensor:
    """A tensor as the file holds it."""
    value = value.detach().cpu()
    if name in _HALF or name.startswith(_HALF_DEFORMER):
        value = value.to(torch.float16)
    elif value.is_floating_point():
        value = value.to(torch.float32)
    return value.contiguous()


def _check_format(path: Path, metadata: dict[str, str]) -> None:
    if metadata.get("format") != FORMAT or "avatar" not in metadata:
        raise StudioError(f"{path} is not an EmoZone avatar; choose a file made by `emozone train`.")
    version = metadata.get("format_version", "")
    if not version.isdecimal():
        raise StudioError(f"{path} is a damaged avatar (format version {version!r}); train it or copy it again.")
    if int(version) > FORMAT_VERSION:
        raise StudioError(
            f"{path} has avatar format {version}, this studio reads up to {FORMAT_VERSION}; update EmoZone Studio."
        )


def _assemble(tensors: dict[str, Tensor], document: dict[str, Any]) -> Avatar:
    """The avatar of a file's tensors and metadata; ValueError, KeyError or TypeError where they do not fit."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ValueError(f"{name} holds NaN or infinity")
        if value.dtype not in (torch.float32, torch.float16, torch.uint8):
            raise ValueError(f"{name} has type {value.dtype}")
    labels = ("zones", "deformer.moving")
    for name in labels:
        if tensors[name].dtype != torch.uint8:
            raise ValueError(f"{name} has type {tensors[name].dtype}")
    floats = {name: value if name in labels else value.float() for name, value in tensors.items()}
    gaussians = Gaussians(**{f.name: floats[f"gaussians.{f.name}"] for f in fields(Gaussians)})
    n = len(gaussians)
    zones, weights, pivots = tensors["zones"].long(), floats["rig.weights"], floats["rig.pivots"]
    expected = {"zones": (zones, (n,)), "rig.weights": (weights, (n, len(JOINTS))), "rig.pivots": (pivots, (4, 3))}
    for name, (value, shape) in expected.items():
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(value.shape)}, expected {shape}")
    if n == 0:
        raise ValueError("it has no Gaussians")
    if bool((zones >= len(ZONE_NAMES)).any()):
        raise ValueError(f"zones go up to {int(zones.max())}, expected at most {len(ZONE_NAMES) - 1}")
    config = DeformerConfig.from_json(document["deformer"])
    deformer = Deformer(config, n, floats["deformer.triplane.aabb"])
    state = {name.removeprefix("deformer."): v for name, v in floats.items() if name.startswith("deformer.")}
    for name, value in deformer.state_dict().items():
        if name not in state or state[name].shape != value.shape:
            got = tuple(state[name].shape) if name in state else "nothing"
            raise ValueError(f"deformer.{name} has shape {got}, expected {tuple(value.shape)}")
    deformer.load_state_dict({name: state[name] for name in deformer.state_dict()})
    deformer.eval().requires_grad_(False)
    info = _parse_info(document["info"])
    return Avatar(gaussians, zones, Rig(weights, pivots), deformer, replace(info, sh_degree=gaussians.sh_degree))


def _parse_info(values: dict[str, Any]) -> AvatarInfo:
    """`AvatarInfo` of JSON values; ValueError, KeyError or TypeError where they do not fit."""
    texts = {name: values[name] for name in ("name", "recipe", "speech_extractor", "licence", "provenance")}
    channels, target, height = values["au_channels"], values["target"], values["head_height_m"]
    if not all(isinstance(text, str) for text in (*texts.values(), *channels)):
        raise ValueError("its description holds something that is not text")
    if len(target) != 3 or not all(isinstance(v, (int, float)) and abs(v) < 1e3 for v in (*target, height)):
        raise ValueError(f"head height {height!r} and target {target!r} are not metres")
    if height <= 0:
        raise ValueError(f"head height is {height} m")
    return AvatarInfo(
        **texts,
        au_channels=tuple(channels),
        sh_degree=int(values["sh_degree"]),
        head_height_m=float(height),
        target=(float(target[0]), float(target[1]), float(target[2])),
        training=dict(values["training"]),
        extra=dict(values["extra"]),
    )
