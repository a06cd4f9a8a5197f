"""A toy performer: an egg whose mouth opens with speech and whose brow and corners move with action units.

It writes captures in the format of the real performer, with exact motion truth, small enough to train on in seconds.
"""

from __future__ import annotations

import csv
import json
import wave
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from studio.document.action_units import ACTION_UNITS, AU_INDEX, AU_KEYS
from studio.engine.camera import Camera, orbit_camera
from studio.engine.controls import Pose
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.rig import Rig
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import MATTE
from studio.engine.training.recipes import RECIPES, Density, Recipe

AXES = np.array([0.07, 0.10, 0.085])
LANDMARKS = ("mouth_left", "mouth_right", "lip_upper", "lip_lower", "brow")

TINY: Recipe = replace(
    RECIPES["quick"],
    geometry_iterations=12,
    coarse_iterations=12,
    fine_iterations=12,
    geometry_points=64,
    geometry_frames=4,
    density=Density(every=5, start=5, stop=20, gradient=1e-5),
    max_gaussians=340,
    report_every=6,
)
"""A training of seconds."""


def egg(points: int) -> dict[str, Tensor]:
    """Surface tensors of an egg with `points` points and four modes: jaw, round lips, AU4 brow, AU12 corners."""
    k = np.arange(points) + 0.5
    polar, turn = np.arccos(1 - 2 * k / points), np.pi * (1 + 5**0.5) * k
    unit = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], 1)
    xyz = unit * AXES
    normals = unit / AXES
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    front = unit[:, 2] > 0.1
    zones = np.where(front & (unit[:, 1] < -0.2), 0, np.where(front & (unit[:, 1] > 0.2), 1, 2))

    def bump(centre: tuple[float, float], radius: float) -> np.ndarray:
        distance = np.linalg.norm(unit[:, :2] - np.array(centre), axis=1)
        return np.exp(-((distance / radius) ** 2)) * np.clip(unit[:, 2], 0, 1)

    jaw = bump((0, -0.5), 0.3)[:, None] * np.array([0, -0.02, 0.0])
    pucker = bump((0, -0.45), 0.25)[:, None] * np.array([0, 0, 0.012])
    brow = bump((0, 0.45), 0.3)[:, None] * np.array([0, -0.012, 0.004])
    corners = sum(bump((s * 0.35, -0.4), 0.2)[:, None] * np.array([s * 0.008, 0.008, 0]) for s in (-1, 1))
    stripes = 0.5 + 0.3 * np.sin(unit * np.array([9.0, 14.0, 6.0]))
    skinning = np.zeros((points, 4))
    head = np.clip((unit[:, 1] + 0.9) / 0.3, 0, 1)
    skinning[:, 0], skinning[:, 1] = 1 - head, head
    as_f32 = {
        "points": xyz,
        "normals": normals,
        "colours": np.clip(stripes * np.array([0.95, 0.75, 0.65]), 0, 1),
        "skinning": skinning,
        "spacing": np.full(points, float(np.sqrt(4 * np.pi * (AXES**2).mean() / points))),
        "pivots": np.array([[0, -0.1, 0], [0, -0.06, -0.02], [0.03, 0.02, 0.05], [-0.03, 0.02, 0.05]]),
    }
    tensors = {name: torch.tensor(value, dtype=torch.float32) for name, value in as_f32.items()}
    tensors["modes"] = torch.tensor(np.stack([jaw, pucker, brow, corners]), dtype=torch.float16)
    tensors["zones"] = torch.tensor(zones, dtype=torch.uint8)
    tensors["parts"] = torch.zeros(points, dtype=torch.uint8)
    return tensors


def write_toy_capture(
    root: Path,
    *,
    frames: int = 80,
    images: int = 60,
    size_px: int = 64,
    points: int = 700,
    seed: int = 0,
    sound: bool = True,
) -> Path:
    """Write a toy capture whose pictures are splats of its own surface; the last eighth of them is for testing.

    Without `sound` there is no speech.wav, and what is trained on it is judged by the true articulation alone.
    """
    random = np.random.default_rng(seed)
    surface = egg(points)
    times = np.arange(frames)[:, None] / 25.0
    waves = 0.5 + 0.5 * np.sin(times * random.uniform(3, 9, 4) + random.uniform(0, 6, 4))
    au, articulators = np.zeros((frames, len(AU_KEYS))), np.zeros((frames, N_ARTICULATORS))
    articulators[:, ARTICULATORS.index("jaw_open")] = waves[:, 0]
    articulators[:, ARTICULATORS.index("lips_round")] = waves[:, 1]
    au[:, AU_INDEX["AU4"]], au[:, AU_INDEX["AU12"]] = 5 * waves[:, 2], 5 * waves[:, 3]
    pose = np.zeros((frames, 5))
    pose[:, 0] = 8 * np.sin(times[:, 0] * 2)
    surface["mode_weights"] = torch.tensor(waves, dtype=torch.float32)
    surface["pose"] = torch.tensor(pose, dtype=torch.float32)
    surface["articulators"] = torch.tensor(articulators, dtype=torch.float32)

    cameras = [
        orbit_camera(yaw, pitch, 0.8, width=size_px, height=size_px) for yaw, pitch in ((0, 0), (30, 10), (-35, -5))
    ]
    for folder in ("frames", "masks"):
        (root / folder).mkdir(parents=True)
    draw = choose_rasterizer("cpu")
    truth = torch.einsum("fu,upc->fpc", surface["mode_weights"], surface["modes"].float())
    rig = Rig(surface["skinning"], surface["pivots"])
    entries, marks = [], []
    for i in range(images):
        frame, camera = int(random.integers(frames)), int(random.integers(len(cameras)))
        moved = rig.apply(_splats(surface, truth[frame]), Pose(*(float(v) for v in pose[frame])))
        raster = draw.render(moved, cameras[camera])
        alpha = raster.alpha.clamp(0, 1).numpy()
        colour = raster.over(torch.full((3,), MATTE)).numpy()
        name = f"{i:06d}.png"
        Image.fromarray((colour.clip(0, 1) * 255 + 0.5).astype(np.uint8)).save(root / "frames" / name)
        Image.fromarray((alpha * 255 + 0.5).astype(np.uint8)).save(root / "masks" / name)
        split = "train" if i < images * 7 // 8 else "test"
        entries.append(
            {"file": f"frames/{name}", "mask": f"masks/{name}", "frame": frame, "camera": camera, "split": split}
        )
        marks.append(_landmarks(moved.means.numpy(), surface, cameras[camera]))
    header = {
        "format": "emozone-capture",
        "version": 1,
        "name": "egg",
        "fps": 25,
        "frames": frames,
        "duration_s": frames / 25,
        "size_px": [size_px, size_px],
        "head_height_m": 0.2,
        "target": [0.0, 0.0, 0.0],
        "au_channels": list(AU_KEYS),
        "articulators": list(ARTICULATORS),
        "parts": ["skin"],
        "landmarks": list(LANDMARKS),
        "identity": "egg",
        "seed": seed,
        "licence": "CC0-1.0",
        "provenance": "toy",
        "images": entries,
    }
    (root / "capture.json").write_text(json.dumps(header))
    described = [{**asdict(camera), "world_to_camera": camera.world_to_camera.tolist()} for camera in cameras]
    (root / "cameras.json").write_text(json.dumps(described))
    numbers = sorted(unit.number for unit in ACTION_UNITS)
    with (root / "au.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["frame", " timestamp", " confidence", " success", *(f" AU{n:02d}_r" for n in numbers)])
        for f in range(frames):
            table.writerow([f + 1, f / 25, 1, 1, *(f"{au[f, AU_INDEX[f'AU{n}']]:.4f}" for n in numbers)])
    save_file({"landmarks": torch.tensor(np.stack(marks), dtype=torch.float32)}, str(root / "landmarks.safetensors"))
    save_file(surface, str(root / "surface.safetensors"))
    if sound:
        _write_sound(root / "speech.wav", waves[:, 0])
    return root


def _write_sound(path: Path, loudness: np.ndarray) -> None:
    """A hum whose loudness (F,) follows the jaw, 16 kHz mono."""
    samples = 640 * len(loudness)
    hum = 0.2 * np.repeat(loudness, 640) * np.sin(np.arange(samples) * 0.08)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((hum * 32767).astype(np.int16).tobytes())


def _splats(surface: dict[str, Tensor], motion: Tensor) -> Gaussians:
    n = len(surface["points"])
    size = surface["spacing"] * 0.6
    return Gaussians(
        means=surface["points"] + motion,
        quats=torch.tensor([[1.0, 0, 0, 0]]).repeat(n, 1),
        log_scales=size.log()[:, None].repeat(1, 3),
        opacity_logits=torch.full((n,), 3.0),
        sh=((surface["colours"] - 0.5) / SH_C0)[:, None],
    )


def _landmarks(means: np.ndarray, surface: dict[str, Tensor], camera: Camera) -> np.ndarray:
    """(5, 2) pixels: the surface points nearest to five places of the egg, seen by the camera."""
    places = np.array([[-0.35, -0.45], [0.35, -0.45], [0, -0.35], [0, -0.6], [0, 0.45]]) * AXES[:2]
    rest = surface["points"].numpy()
    front = np.nonzero(rest[:, 2] > 0)[0]
    nearest = [front[np.argmin(np.linalg.norm(rest[front, :2] - place, axis=1))] for place in places]
    seen = means[nearest] @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    return np.asarray(seen[:, :2] / seen[:, 2:] * camera.fx + camera.cx)
