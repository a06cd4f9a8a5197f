"""Training steps per second, on a capture that is given or on a small one made of the avatar itself.

The small capture is real in every respect that costs time: pictures with mattes on disk, a surface as fine as the
avatar, and its motion. Steps are those of a recipe, with its number of Gaussians.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from studio.document.action_units import ACTION_UNITS, AU_INDEX, AU_KEYS
from studio.engine.avatar import Avatar
from studio.engine.bench.figures import Figure, Findings
from studio.engine.bench.frames import BusyScene, Setting
from studio.engine.camera import Camera
from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform.zones import ZONE_NAMES
from studio.engine.gaussians import SH_C0
from studio.engine.renderer import Renderer
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import MATTE, Capture
from studio.engine.training.capture_files import FORMAT, VERSION, load_capture
from studio.engine.training.learner import Learner
from studio.engine.training.recipes import STAGES, Recipe, Stage, find_recipe
from studio.engine.training.steps import Steps, TrainingRasterizer
from studio.errors import StudioError

RECIPE = "studio"
SIZE_PX = 256
FRAMES, PICTURES = 40, 8
VIEWS = ((0.0, 0.0), (35.0, 5.0), (-35.0, -5.0), (70.0, 0.0))
BUDGET_S = 3.0
"""For each stage and size; the recipe's slowest step takes a fifth of a second on two cores."""

CYCLE: dict[Stage, int] = {"geometry": 4, "coarse": 4, "fine": 8}
"""Steps of a run at least: in the fine stage a whole cycle of teaching and rehearsing."""

RUNS = 3
"""At most; fewer where fewer are asked for."""

MOST_CYCLES = 4


def measure_training(setting: Setting, recipe: Recipe | None = None) -> Findings:
    """Steps per second of each stage, and how long the whole recipe takes at that pace.

    Raises:
        StudioError: if the given capture cannot be trained on.
    """
    recipe = find_recipe(RECIPE) if recipe is None else recipe
    with tempfile.TemporaryDirectory() as folder:
        root = setting.capture
        if root is None:
            setting.tell("a small capture", 0.0)
            root = write_small_capture(setting.avatar, Path(folder) / "capture", SIZE_PX)
        capture = load_capture(root)
        if capture.surface is None:
            raise StudioError(f"{root} has no surface.safetensors: the bench trains on captures with a surface.")
        return _measured(capture, recipe, setting)


def _measured(capture: Capture, recipe: Recipe, setting: Setting) -> Findings:
    rasterizer = cast(TrainingRasterizer, choose_rasterizer("auto", differentiable=True))
    device = torch.device("cuda" if rasterizer.name == "cuda" else "cpu")
    assert capture.surface is not None
    learner = Learner(capture.surface, recipe, device)
    steps = Steps(capture, recipe, learner, rasterizer)
    random = torch.Generator()
    images = capture.indices("train")
    width, height = capture.info.size_px
    full, half = (width, height), (max(1, width // 2), max(1, height // 2))

    def geometry(_: int) -> None:
        steps.geometry(random)

    def coarse(i: int, size: tuple[int, int]) -> None:
        steps.coarse(images[i % len(images)], size, random)

    def fine(i: int, size: tuple[int, int]) -> None:
        teach = i % recipe.teach_every == 0
        rehearse = i % (recipe.teach_every * recipe.rehearse_every) == 0
        steps.fine(images[i % len(images)], size, random, teach=teach, rehearse=rehearse)

    work: dict[Stage, list[tuple[float, Callable[[int], None]]]] = {
        "geometry": [(1.0, geometry)],
        "coarse": [
            (recipe.coarse_half, lambda i: coarse(i, half)), (1 - recipe.coarse_half, lambda i: coarse(i, full))
        ],
        "fine": [(recipe.fine_half, lambda i: fine(i, half)), (1 - recipe.fine_half, lambda i: fine(i, full))],
    }  # fmt: skip
    figures, facts, total_s = [], {}, 0.0
    for number, stage in enumerate(STAGES):
        setting.tell(f"training, {stage} stage", number / len(STAGES))
        setting.yardstick.measure()
        learner.set_rates(stage, 0.5, capture.info.head_height_m)
        if stage == "fine":
            learner.refresh()
        random.manual_seed(number)
        runs = [_seconds(step, CYCLE[stage], min(RUNS, setting.runs)) for _, step in work[stage]]
        shares = [share for share, _ in work[stage]]
        mixed = [sum(share * run for share, run in zip(shares, each, strict=True)) for each in zip(*runs, strict=True)]
        figure = Figure.of(
            f"training.{stage}",
            f"training, {stage} stage at {width}²",
            "/s",
            [1 / one for one in mixed],
            better="higher",
        )
        figures.append(figure)
        facts[stage] = round(figure.value, 2)
        total_s += recipe.iterations(stage) / figure.value
    minutes = Figure("training.minutes", f"recipe {recipe.name}, all steps at that pace", "min", total_s / 60)
    told = {"recipe": recipe.name, "size_px": [width, height], "gaussians": len(learner), "steps_per_s": facts}
    told |= {"recipe_minutes": round(minutes.value, 1), "capture": capture.info.name}
    return Findings({"training": told}, [*figures, minutes])


def _seconds(step: Callable[[int], None], cycle: int, runs: int) -> list[float]:
    """Seconds per step of each run; a run is a whole cycle of steps, or several."""
    step(0)
    began = perf_counter()
    step(0)
    cycles = int(BUDGET_S / (runs * cycle * max(perf_counter() - began, 1e-6)))
    count = cycle * min(max(cycles, 1), MOST_CYCLES)
    taken = []
    for _ in range(runs):
        began = perf_counter()
        for i in range(count):
            step(i)
        taken.append((perf_counter() - began) / count)
    return taken


def write_small_capture(avatar: Avatar, root: Path, size_px: int) -> Path:
    """A capture of the avatar itself: `PICTURES` pictures of `FRAMES` busy frames from four sides."""
    renderer, scene = Renderer(avatar, backend="cpu"), BusyScene()
    for folder in ("frames", "masks"):
        (root / folder).mkdir(parents=True)
    moments = [scene.controls(frame / 25) for frame in range(FRAMES)]
    cameras = [avatar.camera(yaw, pitch, width=size_px, height=size_px) for yaw, pitch in VIEWS]
    images = []
    for i in range(PICTURES):
        frame, camera = i * FRAMES // PICTURES, i % len(cameras)
        raster = renderer.raster(moments[frame], cameras[camera])
        name = f"{i:06d}.png"
        _save(raster.over(torch.full((3,), MATTE)), root / "frames" / name)
        _save(raster.alpha, root / "masks" / name)
        images.append(
            {"file": f"frames/{name}", "mask": f"masks/{name}", "frame": frame, "camera": camera, "split": "train"}
        )
    au = np.stack([moment.au[WINDOW // 2] for moment in moments])
    speech = np.stack([moment.speech[WINDOW // 2] for moment in moments])
    surface = _surface(renderer, au, speech, [moment.pose for moment in moments])
    save_file(surface, str(root / "surface.safetensors"))
    _write_tables(avatar, root, au, cameras, images, size_px)
    return root


def _write_tables(
    avatar: Avatar,
    root: Path,
    au: NDArray[np.float32],
    cameras: Sequence[Camera],
    images: Sequence[dict[str, Any]],
    size_px: int,
) -> None:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": f"{avatar.info.name} by itself",
        "fps": 25,
        "frames": FRAMES,
        "duration_s": FRAMES / 25,
        "size_px": [size_px, size_px],
        "head_height_m": avatar.info.head_height_m,
        "target": list(avatar.info.target),
        "au_channels": list(AU_KEYS),
        "articulators": list(ARTICULATORS),
        "parts": ["head"],
        "landmarks": [],
        "identity": avatar.info.name,
        "seed": 0,
        "licence": avatar.info.licence,
        "provenance": "pictures of an avatar, made to time training",
        "zones": list(ZONE_NAMES),
        "images": list(images),
    }
    (root / "capture.json").write_text(json.dumps(header), encoding="utf-8")
    told = [{**asdict(camera), "world_to_camera": camera.world_to_camera.tolist()} for camera in cameras]
    (root / "cameras.json").write_text(json.dumps(told), encoding="utf-8")
    numbers = sorted(unit.number for unit in ACTION_UNITS)
    with (root / "au.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frame", " timestamp", " confidence", " success", *(f" AU{n:02d}_r" for n in numbers)])
        for frame, row in enumerate(au):
            values = (f"{row[AU_INDEX[f'AU{n}']]:.4f}" for n in numbers)
            table.writerow([frame + 1, frame / 25, 1, 1, *values])


def _surface(
    renderer: Renderer, au: NDArray[np.float32], speech: NDArray[np.float32], poses: Sequence[Pose]
) -> dict[str, Tensor]:
    """The avatar's Gaussians as surface points; every action unit and articulator is a mode of their motion."""
    gaussians, count = renderer.avatar.gaussians, len(renderer.avatar.gaussians)
    still = renderer.deformed(_held(None, None)).means
    held = [_held(unit, None) for unit in range(len(AU_KEYS))] + [_held(None, one) for one in range(len(ARTICULATORS))]
    modes = torch.stack([renderer.deformed(controls).means - still for controls in held])
    extents, order = gaussians.log_scales.exp().sort(1)
    return {
        "points": gaussians.means.contiguous(),
        "normals": _axes(gaussians.quats)[torch.arange(count), :, order[:, 0]].contiguous(),
        "colours": (gaussians.sh[:, 0] * SH_C0 + 0.5).clamp(0, 1).contiguous(),
        "parts": torch.zeros(count, dtype=torch.uint8),
        "zones": renderer.avatar.zones.to(torch.uint8),
        "skinning": renderer.avatar.rig.weights.contiguous(),
        "spacing": (extents[:, 1:].mean(1) / 0.7).contiguous(),
        "pivots": renderer.avatar.rig.pivots.contiguous(),
        "modes": modes.half(),
        "mode_weights": torch.from_numpy(np.concatenate([au / 5, speech], 1)).float(),
        "pose": torch.tensor([[p.yaw_deg, p.pitch_deg, p.roll_deg, p.gaze_yaw_deg, p.gaze_pitch_deg] for p in poses]),
        "articulators": torch.from_numpy(speech).float(),
    }


def _held(unit: int | None, articulator: int | None) -> Controls:
    """One control at full strength, the others at rest."""
    au, speech = np.zeros((WINDOW, len(AU_KEYS)), np.float32), np.zeros((WINDOW, len(ARTICULATORS)), np.float32)
    if unit is not None:
        au[:, unit] = 5.0
    if articulator is not None:
        speech[:, articulator] = 1.0
    return Controls(au, speech, Pose())


def _axes(quats: Tensor) -> Tensor:
    """(N, 3, 3) rotation matrices of quaternions wxyz; columns are the axes of the Gaussians."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=1).unbind(1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, 1).view(-1, 3, 3)


def _save(picture: Tensor, path: Path) -> None:
    Image.fromarray((picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy()).save(path)
