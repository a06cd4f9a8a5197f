"""An evaluation on one page of A4: figures beside their aims, responses, views, and the frames that went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar
from studio.engine.evaluate import driver_of, measured_images
from studio.engine.measures import charts
from studio.engine.measures.pictures import PictureJudge, turned_deg
from studio.engine.measures.sheet import HAIRLINE, MUTED, Sheet
from studio.engine.metrics import Box
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture, CaptureTrial

MARGIN = 12.0
HALF = (Sheet.WIDTH_MM - 2 * MARGIN - 6.0) / 2
ROWS = 4
"""Frames of each kind."""

GAP, CAPTION = 1.2, 15.0
"""Millimetres between pictures, and for the words beside them."""

ERROR_FULL = 0.25
"""Mean error of a pixel's channels that the error map shows darkest."""

SEEN_DEG = 70.0
"""Conflicts are shown in pictures in which the face is not turned away further than this."""

_HEAT = np.array([[255, 255, 255], [253, 219, 170], [240, 130, 60], [176, 28, 34], [60, 4, 28]], dtype=np.float64)


@dataclass(frozen=True)
class _Strip:
    """One moment: three pictures side by side, and what they are."""

    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    caption: tuple[str, ...]  # lines


def write_page(
    path: Path, avatar: Avatar, capture: Capture, found: Mapping[str, Any], *, backend: str = "auto"
) -> None:
    """Draw the page.

    Args:
        path: the PNG to write.
        avatar: the head that was measured.
        capture: what it was measured against.
        found: what `evaluate` returned for them, with pictures.
        backend: of the renderer.

    Raises:
        StudioError: if the file cannot be written.
    """
    judge = PictureJudge(Renderer(avatar, backend=backend), capture)
    sheet = Sheet()
    x, y, whole = MARGIN, 18.0, Sheet.WIDTH_MM - 2 * MARGIN
    sheet.text(x, y, avatar.info.name, 17)
    named = f"measured against the capture {capture.info.name}"
    sheet.text(x + sheet.width(avatar.info.name, 17) + 3.0, y, named, charts.TITLE, MUTED)
    width, height = capture.info.size_px
    facts = [
        f"{found['pictures']} pictures of {width} x {height} ({found['split']})",
        f"{found['frames']} frames of motion" if "frames" in found else "",
        f"{len(avatar.gaussians):,} Gaussians",
        f"identity {capture.info.identity}" if capture.info.identity else "",
        capture.info.kind,
    ]
    sheet.text(x, y + 5.2, "    ".join(fact for fact in facts if fact), charts.PLAIN, MUTED)
    sheet.line([(x, y + 8.0), (x + whole, y + 8.0)], HAIRLINE, 0.25)
    y += 15.0
    left = 76.0
    charts.title(sheet, x, y, "Figures", "full dot: aim reached; ring: not")
    end = charts.figures(sheet, x, y + 5.5, left, found)
    right, rest = x + left + 8.0, whole - left - 8.0
    if found.get("per_au"):
        charts.title(sheet, right, y, "Response to 0-5", "share of the true displacement at 5; grey is the truth")
        below = charts.responses(sheet, right, y + 3.0, rest, found["per_au"])
        end = max(end, below)
    y = max(end, y + 60.0) + 9.0
    _bars(sheet, x, y, found)
    y += 35.0
    edge = min((HALF - CAPTION) / 3 - GAP, (Sheet.HEIGHT_MM - MARGIN - y - 3.0) / ROWS - GAP)
    worst = _worst(judge, capture, found)
    charts.title(sheet, x, y, "Least faithful frames", f"truth | avatar | error, darkest at {100 * ERROR_FULL:.0f} %")
    _strips(sheet, x, y + 3.0, edge, worst)
    across = x + HALF + 6.0
    conflicts = _conflicts(judge, capture, found)
    charts.title(sheet, across, y, "Face against words", "truth | avatar | without the edit")
    _strips(sheet, across, y + 3.0, edge, conflicts)
    if not conflicts:
        sheet.text(across, y + 7.0, "This capture has no pictures of a face that acts against its words;", 6.8, MUTED)
        sheet.text(across, y + 10.4, "emozone performer --kind conflict makes one that has.", 6.8, MUTED)
    sheet.save(path)


def _bars(sheet: Sheet, x: float, y: float, found: Mapping[str, Any]) -> None:
    views = found.get("views") or {}
    told = [
        (f"{angle} deg", view["psnr_db"], f"{view['pictures']} pictures")
        for angle, view in views.items()
        if view["psnr_db"] is not None
    ]
    if told:
        base = max(0.0, float(round(min(value for _, value, _ in told))) - 6.0)
        charts.title(sheet, x, y, "PSNR by view", f"dB above {base:.0f}, by how far the face is turned away")
        charts.bars(sheet, x, y + 2.0, HALF, 26.0, told, base=base)
    across = x + HALF + 6.0
    kinds = found.get("conflict_per_kind") or {}
    errors = found.get("aue_per_au") or {}
    if kinds:
        charts.title(sheet, across, y, "Conflict error", "% of the true motion, by kind of conflict")
        told = [(kind.replace("_", " "), 100 * value, "") for kind, value in kinds.items()]
        charts.bars(sheet, across, y + 2.0, HALF, 26.0, told)
    elif errors:
        charts.title(sheet, across, y, "Error of the intensity read", "root mean square per unit, of 5")
        told = [(key.removeprefix("AU"), value, "") for key, value in errors.items()]
        charts.bars(sheet, across, y + 2.0, HALF, 26.0, told, places=2)


def _strips(sheet: Sheet, x: float, y: float, edge: float, strips: Sequence[_Strip]) -> None:
    for strip in strips:
        for i, picture in enumerate(strip.pictures):
            sheet.picture(x + i * (edge + GAP), y, edge, picture)
        for i, words in enumerate(strip.caption):
            sheet.text(x + 3 * (edge + GAP) + 0.8, y + 2.0 + 2.9 * i, words, charts.SMALL, MUTED)
        y += edge + GAP


def _worst(judge: PictureJudge, capture: Capture, found: Mapping[str, Any]) -> list[_Strip]:
    driver = driver_of(capture, found["speech"])
    strips = []
    for one in found["worst"][:ROWS]:
        index = one["image"]
        truth = judge.truth(index)
        shown, _ = judge.draw(index, driver(one["frame"]))
        box = _square(truth.head, capture.info.size_px)
        error = heat((shown - truth.picture).abs().mean(2))
        mouth = one.get("mouth_psnr_db")
        caption: tuple[str, ...] = (
            f"frame {one['frame']}",
            f"{turned_deg(capture, index):.0f} deg",
            f"{one['psnr_db']:.1f} dB",
        )
        caption += () if mouth is None else (f"mouth {mouth:.1f} dB",)
        inside = error[box.top : box.bottom, box.left : box.right]
        strips.append(_Strip((_cut(truth.picture, box), _cut(shown, box), inside), tuple(caption)))
    return strips


def _conflicts(judge: PictureJudge, capture: Capture, found: Mapping[str, Any]) -> list[_Strip]:
    driver = driver_of(capture, found["speech"])
    strips = []
    for trial, index in conflict_pictures(capture, measured_images(capture, found["split"])):
        frame = capture.images[index].frame
        truth = judge.truth(index)
        edited, _ = judge.draw(index, driver(frame))
        au = capture.au_windows([frame])[0].numpy().copy()
        au[:, [AU_KEYS.index(unit) for unit in trial.units]] = 0.0
        without, _ = judge.draw(index, driver(frame), au)
        box = _square(truth.head, capture.info.size_px)
        levels = [f"{unit} at {float(capture.au[frame, AU_KEYS.index(unit)]):.1f}" for unit in trial.units]
        cut = (_cut(truth.picture, box), _cut(edited, box), _cut(without, box))
        strips.append(_Strip(cut, (trial.kind.replace("_", " "), *levels, f"frame {frame}")))
    return strips


def conflict_pictures(capture: Capture, images: Sequence[int]) -> list[tuple[CaptureTrial, int]]:
    """For up to `ROWS` conflicts, of as many kinds as there are, the picture that shows the edit most."""
    best: dict[str, list[tuple[float, CaptureTrial, int]]] = {}
    for trial in capture.info.trials:
        columns = [AU_KEYS.index(unit) for unit in trial.units if unit in AU_KEYS]
        inside = [
            i
            for i in images
            if trial.start <= capture.images[i].frame < trial.end and turned_deg(capture, i) < SEEN_DEG
        ]
        if inside and columns:
            edit = {i: float(capture.au[capture.images[i].frame, columns].sum()) for i in inside}
            chosen = max(inside, key=lambda i: (edit[i], -turned_deg(capture, i)))
            best.setdefault(trial.kind, []).append((edit[chosen], trial, chosen))
    ranked = [sorted(kind, key=lambda one: -one[0]) for kind in best.values()]
    depth = max((len(kind) for kind in ranked), default=0)
    turns = [kind[turn] for turn in range(depth) for kind in ranked if turn < len(kind)]
    return [(trial, index) for _, trial, index in turns[:ROWS]]


def heat(error: Tensor) -> NDArray[np.uint8]:
    """(H, W, 3) a map of errors (H, W) in [0, 1]: white is none, the darkest `ERROR_FULL` or more."""
    at = (error / ERROR_FULL).clamp(0, 1).numpy() * (len(_HEAT) - 1)
    low = np.minimum(at.astype(int), len(_HEAT) - 2)
    part = (at - low)[..., None]
    return np.asarray(_HEAT[low] * (1 - part) + _HEAT[low + 1] * part + 0.5, dtype=np.uint8)


def _cut(picture: Tensor, box: Box) -> NDArray[np.uint8]:
    inside = picture[box.top : box.bottom, box.left : box.right]
    return np.asarray((inside.clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy())


def _square(head: Box | None, size_px: tuple[int, int]) -> Box:
    """The largest square of the picture that is centred across on the head and begins at its top."""
    width, height = size_px
    edge = min(width, height)
    if head is None:
        return Box(0, 0, edge, edge)
    edge = min(edge, max(head.right - head.left, round(0.75 * (head.bottom - head.top))))
    left = min(max(0, (head.left + head.right - edge) // 2), width - edge)
    top = min(max(0, head.top), height - edge)
    return Box(left, top, left + edge, top + edge)
