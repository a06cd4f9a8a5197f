"""A person who is a recoloured, larger Nora, filmed like a portrait: one camera, tracked landmarks, no surface."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from studio.document.action_units import ACTION_UNITS, AU_INDEX, AU_KEYS
from studio.engine.avatar import Avatar, default_avatar, load_avatar
from studio.engine.camera import orbit_camera
from studio.engine.controls import Pose
from studio.engine.rig import Rig
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.training.capture import MATTE
from studio.engine.training.prior import load_prior
from studio.engine.training.recipes import RECIPES
from studio.engine.training.warp import fit_similarity

GROWN = 1.12
"""How much larger than Nora the person is."""

TINT = torch.tensor([0.75, 0.95, 1.25])


def write_portrait(root: Path, *, frames: int = 24, size_px: int = 64) -> Path:
    """Write the capture; the last eleventh of its pictures is for testing."""
    recipe = RECIPES["portrait"]
    prior = load_prior(recipe.prior, 3_000)
    nora: Avatar = load_avatar(default_avatar())
    time = np.arange(frames)[:, None] / 25.0
    au, said, pose = np.zeros((frames, len(AU_KEYS))), np.zeros((frames, N_ARTICULATORS)), np.zeros((frames, 5))
    au[:, AU_INDEX["AU12"]], au[:, AU_INDEX["AU4"]] = (2.5 + 2.5 * np.sin(time * w)[:, 0] for w in (7, 5))
    said[:, ARTICULATORS.index("jaw_open")] = 0.5 - 0.5 * np.cos(time[:, 0] * 9)
    pose[:, 0], pose[:, 1] = 6 * np.sin(time[:, 0] * 4), 3 * np.cos(time[:, 0] * 3)
    pivots = nora.rig.pivots * GROWN
    rig = Rig(nora.rig.weights, pivots)
    camera = orbit_camera(0, 0, 0.75, target=(0.0, -0.01, -0.04), width=size_px, height=size_px)
    for folder in ("frames", "masks"):
        (root / folder).mkdir(parents=True)
    draw, entries, cameras = CpuRasterizer(), [], []
    sh = nora.gaussians.sh[:, :1] * TINT
    for i in range(frames):
        window = torch.tensor(au[i], dtype=torch.float32).expand(1, 8, -1)
        speech = torch.tensor(said[i], dtype=torch.float32).expand(1, 8, -1)
        with torch.inference_mode():
            deltas = nora.deformer(nora.gaussians.means, nora.zones, window, speech, torch.zeros(1, 5))
            shaped = deltas.apply(nora.gaussians.replace(sh=sh))
            grown = shaped.replace(means=shaped.means * GROWN, log_scales=shaped.log_scales + float(np.log(GROWN)))
            raster = draw.render(rig.apply(grown, Pose(*(float(v) for v in pose[i]))), camera)
        name = f"{i:06d}.png"
        colour = raster.over(torch.full((3,), MATTE)).clamp(0, 1).numpy()
        Image.fromarray((colour * 255 + 0.5).astype(np.uint8)).save(root / "frames" / name)
        Image.fromarray((raster.alpha.clamp(0, 1).numpy() * 255 + 0.5).astype(np.uint8)).save(root / "masks" / name)
        split = "test" if i >= frames - max(1, round(frames / 11)) else "train"
        entries.append({"file": f"frames/{name}", "mask": f"masks/{name}", "frame": i, "camera": i, "split": split})
        lens = {key: getattr(camera, key) for key in ("width", "height", "fx", "fy", "cx", "cy")}
        cameras.append({"name": name, **lens, "world_to_camera": camera.world_to_camera.tolist()})
    rotation, scale, shift = fit_similarity(prior.seen, prior.marks)
    head = torch.from_numpy((scale * prior.seen @ rotation.T + shift) * GROWN).float()
    tracking = {
        "pose": torch.tensor(pose, dtype=torch.float32),
        "articulators": torch.tensor(said, dtype=torch.float32),
        "pivots": pivots.clone(),
        "head": head,
        "head_triangles": torch.zeros(0, 3, dtype=torch.int64),
        "landmarks_3d": head.expand(frames, -1, -1).contiguous(),
        "used": torch.ones(frames, dtype=torch.uint8),
    }
    save_file(tracking, root / "tracking.safetensors")
    with (root / "au.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"AU{unit.number:02d}_r" for unit in ACTION_UNITS])
        writer.writerows(au.tolist())
    (root / "cameras.json").write_text(json.dumps(cameras))
    data = {
        "format": "emozone-capture", "version": 1, "name": "portrait", "fps": 25.0, "frames": frames,
        "size_px": [size_px, size_px], "head_height_m": 0.236, "target": [0.0, -0.01, -0.04], "images": entries,
        "kind": "portrait",
    }  # fmt: skip
    (root / "capture.json").write_text(json.dumps(data))
    return root
