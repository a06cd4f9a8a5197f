"""The quality report as one page that needs nothing else: verdict, figures, contact sheet, curves."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import GREY, Window
from studio.engine.capture.mesh import EYE_LEFT, EYE_RIGHT, FACE_OVAL, LIPS_INNER, LIPS_OUTER
from studio.engine.footage import RATE
from studio.engine.portrait_report import GOOD, SHEET, UNUSABLE, figures, in_words

U8 = NDArray[np.uint8]

TILES, TILE_PX = 10, 216
_COLOURS = {
    "torso": (70, 110, 190),
    "neck": (230, 170, 120),
    "hair": (120, 80, 160),
    "face": (240, 200, 170),
    "lips": (220, 70, 90),
    "eyes": (80, 190, 190),
    "mouth": (110, 20, 30),
    "teeth": (250, 250, 250),
}

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2127; --soft: #5c6672; --paper: #ffffff; --card: #f3f5f7; --line: #d9dee4;
  --a: #2b6cb0; --b: #b7791f; --c: #2f855a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa5b1; --paper: #16191d; --card: #20252b;
  --line: #343b44; --a: #63a9ee; --b: #e0b050; --c: #68c391; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1120px; padding: 28px 24px 60px; }
h1 { font-size: 22px; margin: 0 0 2px; } h2 { font-size: 16px; margin: 30px 0 8px; }
p.sub, td.soft, figcaption { color: var(--soft); } p { margin: 4px 0; } figure { margin: 0; }
.verdict { border-left: 5px solid var(--v); background: var(--card); padding: 12px 16px; margin: 18px 0;
  border-radius: 4px; }
.verdict b { font-size: 17px; } .verdict ul { margin: 6px 0 0; padding-left: 18px; }
img { width: 100%; border-radius: 4px; display: block; } table { border-collapse: collapse; width: 100%; }
td { padding: 3px 12px 3px 0; vertical-align: top; border-bottom: 1px solid var(--line); }
td:first-child { width: 210px; } svg text { fill: var(--soft); font-size: 11px; }
svg { width: 100%; height: auto; background: var(--card); border-radius: 4px; }
.cols { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 18px; }
@media (max-width: 760px) { .cols { display: block; } }
"""


def write_page(path: Path, report: dict[str, Any], clip: Clip, window: Window, folder: Path) -> None:
    """Writes the page, and its contact sheet beside it.

    Args:
        path: the HTML file.
        report: by `quality.assess`.
        clip: what it is about.
        window: of the capture's pictures.
        folder: the capture's folder with its pictures.

    Raises:
        OSError: the disk refuses.
    """
    verdict = str(report["verdict"])
    colour = {GOOD: "var(--c)", UNUSABLE: "#c53030"}.get(verdict, "var(--b)")
    limits = "".join(f"<li>{escape(str(limit))}</li>" for limit in report["limits"])
    limits = f"<ul>{limits}</ul>" if limits else ""
    rows = "".join(f"<tr><td class=soft>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in figures(report))
    picture = contact_sheet(clip, window, folder)
    sheet = base64.b64encode(picture).decode()
    pose = [("yaw", clip.pose[:, 0]), ("pitch", clip.pose[:, 1]), ("roll", clip.pose[:, 2])]
    au = clip.actions.au
    plots = "".join(
        f"<figure><figcaption>{key}</figcaption>{_plot([(key, au[:, AU_INDEX[key]])], clip, (0, 5), 64)}</figure>"
        for key in AU_KEYS
    )
    reach = max(5.0, float(np.percentile(np.abs(clip.pose[clip.sifted.used, :3]), 99)) * 1.15)
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(str(report["video"]))}: capture report</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>
<h1>{escape(str(report["video"]))}</h1><p class=sub>Capture report by EmoZone Studio</p>
<div class=verdict style="--v:{colour}"><b>{escape(in_words(report))}</b>{limits}</div>
<h2>Pictures</h2><img alt="Contact sheet: the video with the landmarks, the person cut out, regions" \
src="data:image/jpeg;base64,{sheet}">
<p class=sub>Above: landmarks and head axes on the video. Middle: the person cut out. Below: regions.</p>
<h2>Figures</h2><table>{rows}</table>
<h2>Head, degrees</h2>{_plot(pose, clip, (-reach, reach), 150)}
<p class=sub>Yaw blue, pitch amber, roll green; grey stretches are left out.</p>
<h2>Action units, 0 to 5</h2><div class=cols>{plots}</div>
</body></html>
"""
    for name, data in ((SHEET, picture), (path.name, text.encode())):
        part = path.with_name(name + ".part")
        part.write_bytes(data)
        part.replace(path.with_name(name))


def contact_sheet(clip: Clip, window: Window, folder: Path) -> bytes:
    """A JPEG: moments from all over the clip with landmarks and axes, cut out, and as regions."""
    from studio.engine.capture.matte import REGIONS

    have = [i for i in np.flatnonzero(clip.sifted.used) if (folder / "regions" / f"{i:06d}.png").exists()]
    chosen = [have[i] for i in np.linspace(0, len(have) - 1, min(TILES, len(have))).astype(int)]
    palette = np.array([_COLOURS.get(name, (GREY, GREY, GREY)) for name in REGIONS], np.uint8)
    columns = []
    for frame in chosen:
        with Image.open(folder / "pictures" / f"{frame:06d}.jpg") as image:
            seen = overlay(image.convert("RGB"), clip, window, int(frame))
        with Image.open(folder / "frames" / f"{frame:06d}.png") as image:
            person = image.convert("RGB").resize((TILE_PX, TILE_PX), Image.Resampling.BOX)
        with Image.open(folder / "regions" / f"{frame:06d}.png") as image:
            parts = Image.fromarray(palette[np.asarray(image)]).resize((TILE_PX, TILE_PX), Image.Resampling.BOX)
        columns.append(np.vstack([np.asarray(seen), np.asarray(person), np.asarray(parts)]))
    out = io.BytesIO()
    Image.fromarray(np.hstack(columns)).save(out, "JPEG", quality=86)
    return out.getvalue()


def overlay(image: Image.Image, clip: Clip, window: Window, frame: int) -> Image.Image:
    """A tile with the landmarks' outlines and the head's axes."""
    scale = TILE_PX / window.edge
    tile = image.resize((TILE_PX, TILE_PX), Image.Resampling.BOX)
    draw = ImageDraw.Draw(tile)
    points = window.points(clip.seen.points[frame]) * scale
    for ring in (FACE_OVAL, LIPS_OUTER, LIPS_INNER, EYE_LEFT, EYE_RIGHT):
        draw.line([tuple(points[i]) for i in (*ring, ring[0])], fill=(90, 230, 140), width=1)
    ends = np.array([[0, 0, 0.02], [0.06, 0, 0.02], [0, 0.06, 0.02], [0, 0, 0.09]])
    seen = ends @ clip.track.rotation[frame].T + clip.track.translation[frame]
    flat = seen[:, :2] / seen[:, 2:] * clip.track.focal + np.array(clip.track.centre)
    flat = window.points(flat) * scale
    for end, colour in zip(flat[1:], ((255, 90, 90), (110, 220, 90), (90, 150, 255)), strict=True):
        draw.line([tuple(flat[0]), tuple(end)], fill=colour, width=2)
    draw.text((5, 3), f"{frame / RATE:.1f} s", fill=(255, 255, 255), stroke_width=1, stroke_fill=(0, 0, 0))
    return tile


def _plot(curves: list[tuple[str, NDArray[np.float64]]], clip: Clip, limits: tuple[float, float], height: int) -> str:
    """Curves over time as SVG."""
    n, width = len(clip.seen), 1080 if height > 100 else 530
    low, high = limits
    x = np.linspace(34, width - 6, max(n, 2))

    def y(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(6 + (height - 12) * (1 - (np.clip(values, low, high) - low) / (high - low)))

    parts = [f'<svg viewBox="0 0 {width} {height}">']
    for span in clip.sifted.spans():
        a, b = x[int(str(span["start"]))], x[min(int(str(span["end"])), n - 1)]
        parts.append(
            f'<rect x="{a:.0f}" y="0" width="{max(1.0, b - a):.0f}" height="{height}" fill="gray" opacity=".25"/>'
        )
    for value in (low, (low + high) / 2, high) if height > 100 else (low, high):
        at = float(y(np.array([value]))[0])
        parts.append(f'<line x1="34" x2="{width}" y1="{at:.1f}" y2="{at:.1f}" stroke="gray" opacity=".3"/>')
        parts.append(f'<text x="30" y="{at + 4:.1f}" text-anchor="end">{value:.0f}</text>')
    step = max(1, n // 1500)
    for (_, values), colour in zip(curves, ("--a", "--b", "--c"), strict=False):
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in zip(x[::step], y(values)[::step], strict=True))
        parts.append(f'<polyline points="{line}" fill="none" stroke="var({colour})" stroke-width="1.4"/>')
    return "".join([*parts, "</svg>"])
