"""`emozone info`: what a file holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.commands.report import tell, tell_facts, tell_json


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    info = commands.add_parser(
        "info", help="tell what a file holds", description="Tell what an avatar, a project or a capture holds."
    )
    info.add_argument("thing", metavar="AVATAR|PROJECT|CAPTURE", help="a file, a folder, or a shipped avatar's name")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=tell_about)


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
    consent = extra.pop("consent", None)
    zones = {zone: int((avatar.zones == index).sum()) for index, zone in enumerate(ZONE_NAMES)}
    return {
        "kind": "avatar",
        "path": str(path),
        "size_mb": round(path.stat().st_size / 1e6, 2),
        "gaussians": len(avatar.gaussians),
        **info,
        "zones": zones,
        "consent": consent,
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
        "consent": None if info.consent is None else info.consent.to_json(),
        "licence": info.licence,
        "provenance": info.provenance,
    }
