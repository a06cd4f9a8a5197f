"""Things tests are made of: a small but complete avatar and a little speech."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.avatar import Avatar, AvatarInfo
from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform.deformer import Deformer, DeformerConfig
from studio.engine.deform.zones import ZONE_MOUTH, ZONE_SYNERGY, ZONE_UPPER
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.rig import Rig
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS

TOY_HEIGHT_M = 0.23
_RADII = torch.tensor([0.075, 0.115, 0.095])
_CENTRE = torch.tensor([0.0, 0.0, -0.09])
_EYES = torch.tensor([[0.031, 0.0, 0.0], [-0.031, 0.0, 0.0]])
_MOUTH_Y = -0.062


def controls(
    au: dict[str, float] | None = None, articulators: dict[str, float] | None = None, pose: Pose | None = None
) -> Controls:
    """Controls that hold action units (0–5), articulators (0–1) and a pose."""
    window, speech = np.zeros((WINDOW, len(AU_KEYS)), np.float32), np.zeros((WINDOW, N_ARTICULATORS), np.float32)
    for key, value in (au or {}).items():
        window[:, AU_INDEX[key]] = value
    for name, value in (articulators or {}).items():
        speech[:, ARTICULATORS.index(name)] = value
    return Controls(window, speech, pose or Pose())


def toy_avatar(n: int = 2000, seed: int = 0) -> Avatar:
    """An egg-shaped head with hair, eyes and a mouth, on a neck; action units and speech move the right places."""
    random = torch.Generator().manual_seed(seed)
    eye, neck = n // 20, n // 10
    skin = n - 2 * eye - neck
    i = torch.arange(skin) + 0.5
    polar, turn = torch.acos(1 - 2 * i / skin), torch.pi * (1 + 5**0.5) * i
    ball = torch.stack([polar.sin() * turn.cos(), polar.cos(), polar.sin() * turn.sin()], 1)
    egg = ball * _RADII + _CENTRE
    for centre in _EYES:
        egg[:, 2] -= 0.018 * torch.exp(-((((egg - centre) / torch.tensor([0.014, 0.009, 0.05])) ** 2).sum(1) ** 2))
    means, normals = [egg], [ball / _RADII]
    for centre in _EYES:
        angle, radius = torch.rand(eye, generator=random) * 2 * torch.pi, torch.rand(eye, generator=random).sqrt()
        x, y = radius * angle.cos() * 0.014, radius * angle.sin() * 0.007
        means.append(centre + torch.stack([x, y, -0.002 - 6 * (x**2 + y**2)], 1))
        normals.append(torch.tensor([0.0, 0.0, 1.0]).expand(eye, 3))
    angle, down = torch.rand(neck, generator=random) * 2 * torch.pi, torch.rand(neck, generator=random)
    ring = torch.stack([angle.cos(), torch.zeros(neck), angle.sin()], 1)
    means.append(ring * 0.045 + torch.stack([torch.zeros(neck), -0.08 - 0.06 * down, torch.full((neck,), -0.1)], 1))
    normals.append(ring)
    points, normal = torch.cat(means), torch.nn.functional.normalize(torch.cat(normals), dim=1)
    part = torch.cat([torch.zeros(skin), torch.ones(eye), torch.full((eye,), 2), torch.full((neck,), 3)]).long()
    spacing = 0.0135 * (2000 / n) ** 0.5
    size = torch.where(part[:, None] % 3 > 0, spacing * 0.22, spacing * 0.55)
    gaussians = Gaussians(
        points,
        _facing(normal),
        (size * torch.tensor([1.0, 1.0, 0.3])).log(),
        torch.full((n,), 4.0),
        ((_colours(points, part) - 0.5) / SH_C0)[:, None].contiguous(),
    )
    front = (points[:, 2] > -0.08) & (part < 3)
    zones = torch.full((n,), ZONE_SYNERGY)
    zones[front & (points[:, 1] > -0.02)] = ZONE_UPPER
    zones[front & (points[:, 1] < -0.045)] = ZONE_MOUTH
    weights = torch.zeros(n, 4)
    weights[torch.arange(n), torch.tensor([1, 2, 3, 0])[part]] = 1.0
    pivots = torch.cat([torch.tensor([[0.0, -0.2, -0.1], [0.0, -0.08, -0.1]]), _EYES - torch.tensor([0.0, 0.0, 0.012])])
    info = AvatarInfo(
        name="Toy",
        recipe="toy",
        au_channels=AU_KEYS,
        speech_extractor="emozone-articulators/1",
        sh_degree=0,
        head_height_m=TOY_HEIGHT_M,
        target=(0.0, -0.01, -0.09),
        licence="Apache-2.0",
        provenance="made by tests/support.py",
    )
    return Avatar(gaussians, zones, Rig(weights, pivots), _toy_deformer(points, zones, part, seed), info)


def toy_speech(seconds: float) -> NDArray[np.float32]:
    """(seconds · 16000,) a hummed syllable three times a second, with pauses between, in [-1, 1]."""
    time = np.arange(round(seconds * 16000)) / 16000
    voice = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    loud = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    return np.asarray(0.2 * voice * loud, dtype=np.float32)


def toy_motion(points: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """True displacement at full intensity of action units (17, N, 3) and articulators (10, N, 3), metres."""

    def bump(x: float, y: float, width: float) -> Tensor:
        near = ((points[:, 0].abs() - x) ** 2 + (points[:, 1] - y) ** 2) / width**2
        return torch.exp(-near) * (points[:, 2] > -0.09) * (part < 3)

    def move(where: Tensor, x: float, y: float, z: float = 0.0) -> Tensor:
        side = torch.sign(points[:, 0])
        return torch.stack([where * x * side, where * y, where * z], 1)

    lips = bump(0.0, _MOUTH_Y, 0.02)
    lower = torch.sigmoid((_MOUTH_Y - points[:, 1]) / 0.002)
    lid = bump(0.031, 0.006, 0.01)
    squash = bump(0.031, 0.0, 0.02) * points[:, 1]  # a blink flattens the eye
    au = {
        "AU1": move(bump(0.012, 0.03, 0.014), 0, 0.008), "AU2": move(bump(0.045, 0.03, 0.014), 0, 0.008),
        "AU4": move(bump(0.015, 0.026, 0.016), -0.003, -0.007), "AU5": move(lid, 0, 0.003),
        "AU6": move(bump(0.04, -0.02, 0.015), 0, 0.005, 0.003), "AU7": move(lid, 0, -0.002),
        "AU9": move(bump(0.01, -0.015, 0.014), 0, 0.005), "AU45": move(squash, 0, -0.9),
        "AU10": move(lips * (1 - lower), 0, 0.005), "AU12": move(bump(0.025, _MOUTH_Y, 0.016), 0.006, 0.008),
        "AU14": move(bump(0.027, _MOUTH_Y, 0.014), 0.003, 0, -0.003),
        "AU15": move(bump(0.025, _MOUTH_Y, 0.014), 0, -0.006),
        "AU17": move(bump(0.0, -0.085, 0.018), 0, 0.005), "AU20": move(bump(0.025, _MOUTH_Y, 0.018), 0.008, -0.001),
        "AU23": move(lips, -0.003, 0), "AU25": move(lips * lower, 0, -0.006),
        "AU26": move(bump(0.0, -0.085, 0.035) * lower, 0, -0.014),
    }  # fmt: skip
    jaw = au["AU26"] * 1.2
    speech = {
        "jaw_open": jaw, "lips_part": au["AU25"] + au["AU10"], "lips_close": move(lips * lower, 0, 0.003),
        "lips_round": move(lips, -0.005, 0, 0.006), "lips_funnel": move(lips, -0.004, 0, 0.009),
        "lips_spread": au["AU20"] * 0.8, "lip_tuck": move(lips * lower, 0, 0.003, -0.004),
    }  # fmt: skip
    still = torch.zeros_like(points)
    return torch.stack([au[key] for key in AU_KEYS]), torch.stack([speech.get(name, still) for name in ARTICULATORS])


def _toy_deformer(points: Tensor, zones: Tensor, part: Tensor, seed: int) -> Deformer:
    """A deformer that follows `toy_motion`, solved in closed form; nothing in it is trained."""
    au, speech = toy_motion(points, part)
    config = DeformerConfig(resolutions=(8, 16), hidden_heads=3 * (len(au) + len(speech)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        deformer = Deformer.for_means(config, points)
    with torch.no_grad():
        _solve(deformer, points, zones, au, speech)
    return deformer.eval().requires_grad_(False)


def _solve(deformer: Deformer, points: Tensor, zones: Tensor, au: Tensor, speech: Tensor) -> None:
    """Give each (control, axis) one hidden unit of the heads and let its gate be the control's field of motion.

    The static features are bumps over the front of the face; attention is spread evenly but for the region bias; the
    hidden unit of a control answers to that control alone and stays in the linear range.
    """
    controls_n, frames = len(au) + len(speech), torch.arange(len(au) + len(speech))
    grid = torch.cartesian_prod(torch.linspace(-0.055, 0.055, 7), torch.linspace(-0.1, 0.05, 7))
    lips = torch.cartesian_prod(torch.linspace(-0.035, 0.035, 13), torch.tensor([_MOUTH_Y]))
    near = torch.exp(-((points[:, None, :2] - torch.cat([grid, lips])) ** 2).sum(-1) / (2 * 0.013**2))
    near[:, len(grid) :] *= torch.sigmoid((_MOUTH_Y - points[:, 1:2]) / 0.002)
    # Two large opposite features keep the layer norm from rescaling the bumps.
    deformer.residual[:, 0], deformer.residual[:, 1] = 100.0, -100.0
    deformer.residual[:, 2:] = near * (points[:, 2:] > -0.09) * 10
    for layer in (deformer.attention.query, deformer.head_pose, deformer.feed_out, *deformer.triplane.planes):
        (layer.weight if isinstance(layer, torch.nn.Linear) else layer).zero_()
    deformer.attention.query.bias.zero_()
    deformer.speech_encoder.hidden.bias.fill_(4.0)

    window, heard = torch.zeros(controls_n, WINDOW, len(au)), torch.zeros(controls_n, WINDOW, len(speech))
    window[frames[: len(au)], :, frames[: len(au)]] = 5.0
    heard[frames[len(au) :], :, frames[: len(speech)]] = 1.0
    keys, values = deformer.tokens(window, heard, torch.zeros(controls_n, 5))
    features = deformer.features(points)
    weights = deformer.attention.weights(features, keys, zones)
    added = deformer.attention.mix(weights, deformer.attention.contributions(values))  # (controls, N, 64)
    free = added[:, zones == ZONE_SYNERGY][:, 0]  # (controls, 64)
    deformer.head_in.weight[:] = torch.linalg.pinv(free).T.repeat_interleave(3, 0)
    deformer.head_in.bias[:] = 4 - (features @ deformer.head_in.weight.T).amin(0)

    answer = torch.einsum("cnd,cd->cn", added, torch.linalg.pinv(free).T)  # 1 where the bias suppresses nothing
    field = (torch.cat([au, speech]) / deformer.scale[:3]).permute(0, 2, 1)  # (controls, 3, N)
    basis = torch.cat([features, torch.ones(len(points), 1)], 1)
    gates = torch.cat([_ridge(basis * answer[c, :, None], field[c].T) for c in frames.tolist()], 1)
    deformer.gate.weight[:], deformer.gate.bias[:] = gates[:-1].T, gates[-1]
    deformer.head_out.weight[:3] = torch.eye(3).repeat(1, controls_n)


def _ridge(basis: Tensor, target: Tensor) -> Tensor:
    """Coefficients of `basis` (N, F) that best give `target` (N, D)."""
    gram = basis.double().T @ basis.double()
    gram += 1e-7 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.solve(gram, basis.double().T @ target.double()).float()


def _colours(points: Tensor, part: Tensor) -> Tensor:
    """(N, 3) display sRGB: skin, hair above and behind, brows, lips, white eyes with a brown iris."""
    x, y, z = points.unbind(1)
    colour = torch.tensor([0.82, 0.62, 0.52]).repeat(len(points), 1)
    colour[(part == 0) & ((y > 0.055) | ((z < -0.1) & (y > -0.05)))] = torch.tensor([0.22, 0.14, 0.1])
    front = (part == 0) & (z > -0.08)
    colour[front & ((y - 0.026).abs() < 0.005) & ((x.abs() - 0.03).abs() < 0.018)] = torch.tensor([0.3, 0.2, 0.15])
    colour[front & ((y - _MOUTH_Y).abs() < 0.009) & (x.abs() < 0.026)] = torch.tensor([0.7, 0.32, 0.33])
    eye = (part == 1) | (part == 2)
    centre = torch.where(part[:, None] == 1, _EYES[0], _EYES[1])
    ring = (points - centre)[:, :2].norm(dim=1)
    colour[eye] = torch.tensor([0.95, 0.95, 0.95])
    colour[eye & (ring < 0.006)] = torch.tensor([0.35, 0.22, 0.12])
    colour[eye & (ring < 0.0028)] = torch.tensor([0.05, 0.05, 0.05])
    return colour


def _facing(normals: Tensor) -> Tensor:
    """(N, 4) shortest rotations wxyz that turn +z to unit normals (N, 3)."""
    x, y, z = normals.unbind(1)
    quats = torch.stack([1 + z, -y, x, torch.zeros_like(x)], 1)
    quats[z < -0.9999] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    return torch.nn.functional.normalize(quats, dim=1)
