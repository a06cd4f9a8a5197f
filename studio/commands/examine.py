"""`emozone info` and `emozone bench`: what a file holds, and how fast this machine is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.commands import values
from studio.commands.report import ProgressLine, tell, tell_facts, tell_json


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommands."""
    info = commands.add_parser(
        "info", help="tell what a file holds", description="Tell what an avatar, a project or a capture holds."
    )
    info.add_argument("thing", metavar="AVATAR|PROJECT|CAPTURE", help="a file, a folder, or a shipped avatar's name")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=tell_about)

    bench = commands.add_parser(
        "bench",
        help="measure how fast this machine draws and exports",
        description="Measure deformation, drawing, latency, start-up, export and memory on this machine.",
    )
    bench.add_argument("--avatar", metavar="A", help="an avatar file, or a shipped avatar's name (default: shipped)")
    bench.add_argument("--sizes", type=values.sizes, default=(256, 512), metavar="PX,PX", help="default 256,512")
    bench.add_argument("--frames", type=values.positive_int, default=60, metavar="N", help="per median (default 60)")
    bench.add_argument("--backends", type=values.names, metavar="B,B", help="default: all that work here")
    bench.add_argument("--json", action="store_true", help="print JSON")
    bench.set_defaults(run=measure)


def tell_about(args: argparse.Namespace) -> int:
    """Tell what a file holds."""
    path = Path(args.thing).expanduser()
    if path.is_dir():
        facts = _capture(path)
    elif path.suffix.lower() == ".emozone":
        facts = _project(path)
    else:
        facts = _avatar(args.thing)
    if args.json:
        tell_json(facts)
        return 0
    rows = dict(facts)
    nested = {name: value for name, value in rows.items() if isinstance(value, dict)}
    tell_facts((name, _readable(value)) for name, value in rows.items() if name not in nested)
    for name, value in nested.items():
        if value:
            tell(f"\n{name}")
            tell_facts((f"  {key}", _readable(one)) for key, one in value.items())
    return 0


def _readable(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return " ".join(str(_readable(one)) for one in value) or "none"
    return value


def _avatar(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from studio.engine.avatar import find_avatar, load_avatar
    from studio.engine.deform.zones import ZONE_NAMES

    path = find_avatar(name)
    avatar = load_avatar(path)
    info = asdict(avatar.info)
    training, extra = info.pop("training"), info.pop("extra")
    zones = {zone: int((avatar.zones == index).sum()) for index, zone in enumerate(ZONE_NAMES)}
    return {
        "kind": "avatar",
        "path": str(path),
        "size_mb": round(path.stat().st_size / 1e6, 2),
        "gaussians": len(avatar.gaussians),
        **info,
        "zones": zones,
        "training": training,
        "extra": extra,
    }


def _project(path: Path) -> dict[str, Any]:
    from studio.document.media import check_media
    from studio.document.project import load_project

    project = load_project(path)
    media = {report.role: report for report in check_media(project)}
    lanes = project.performance.lanes
    return {
        "kind": "project",
        "path": str(path),
        "fps": project.fps,
        "avatar": None if project.avatar is None else project.avatar.path,
        "avatar_state": media["avatar"].state if "avatar" in media else None,
        "audio": None if project.audio is None else project.audio.path,
        "audio_state": media["audio"].state if "audio" in media else None,
        "in_s": project.in_s,
        "out_s": project.out_s,
        "lanes": [lane.id for lane in lanes],
        "keys": sum(len(lane.curve.keys) for lane in lanes),
        "expressions": [clip.preset for clip in project.performance.expressions.clips],
        "markers": len(project.markers),
        "bookmarks": [bookmark.name for bookmark in project.bookmarks],
        "export": f"{project.export.width_px}x{project.export.height_px}",
        "read_only": project.read_only,
    }


def _capture(path: Path) -> dict[str, Any]:
    from studio.engine.training.capture_files import load_capture

    capture = load_capture(path)
    info = capture.info
    return {
        "kind": "capture",
        "path": str(path),
        "name": info.name,
        "identity": info.identity,
        "fps": info.fps,
        "frames": info.frames,
        "duration_s": info.duration_s,
        "size": f"{info.size_px[0]}x{info.size_px[1]}",
        "cameras": len(capture.cameras),
        "images_train": len(capture.indices("train")),
        "images_test": len(capture.indices("test")),
        "surface_points": None if capture.surface is None else len(capture.surface.points),
        "landmarks": len(info.landmarks),
        "licence": info.licence,
        "provenance": info.provenance,
    }


def measure(args: argparse.Namespace) -> int:
    """Measure this machine."""
    from studio.commands.latency import window_figures
    from studio.engine.avatar import default_avatar, find_avatar
    from studio.engine.bench import bench

    path = default_avatar() if args.avatar is None else find_avatar(args.avatar)
    with ProgressLine() as line:
        line.show("the window", 0.0)
        window = window_figures(path)  # first, while nothing of this process competes
        result = (
            bench(path, sizes_px=args.sizes, backends=args.backends, frames=args.frames, progress=line.show) | window
        )
    if args.json:
        tell_json(result)
    else:
        for row in bench_table(result):
            tell(row)
    return 0


def bench_table(result: dict[str, Any]) -> list[str]:
    """The figures of `bench` for people."""
    rows = [
        f"{result['avatar']}, {result['gaussians']:,} Gaussians, on {result['machine']}",
        "",
        "backend  size   deform  static raster  whole frame      p95     fps",
    ]
    for one in result["results"]:
        rows.append(
            f"{one['backend']:<8} {one['size_px']:>4}²  {one['deform_ms']:>5.1f} ms  {one['raster_ms']:>10.1f} ms"
            f"  {one['frame_ms']:>8.1f} ms  {one['frame_p95_ms']:>4.1f} ms  {one['fps']:>6.1f}"
        )
    latency, startup = result["latency_ms"], result["startup_s"]
    where = "slider to screen" if result["latency_path"] == "window" else "slider to finished picture (no screen here)"
    rows += ["", f"{where}: median {latency['p50']:.0f} ms, 95th percentile {latency['p95']:.0f} ms"]
    if startup["window"] is not None:
        rows.append(f"start-up: window after {startup['window']:.1f} s, head after {startup['first_frame']:.1f} s")
    rows.append(f"export: {result['export_fps']:.1f} frames per second")
    if result["peak_rss_mb"] is not None:
        rows.append(f"memory at most: {result['peak_rss_mb']:.0f} MB")
    return rows
