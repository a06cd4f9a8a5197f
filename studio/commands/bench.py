"""`emozone bench`: how fast this machine draws, plays, exports and trains, and whether that has changed."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import __version__
from studio.commands import values
from studio.commands.report import ProgressLine, note, tell, tell_json
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.engine.bench.figures import Findings
    from studio.engine.bench.frames import Setting

PARTS = {
    "frame": "deform, raster and whole frames, per backend and size",
    "latency": "from a slider to the screen, in the real window",
    "startup": "until the window and the head are seen",
    "playback": "frames dropped while it plays in the real window",
    "memory": "what the window holds, at rest and while it plays",
    "export": "a film with sound",
    "encoder": "the pass over a speech",
    "present": "finished pixels to the screen, per size",
    "cold": "start-up with nothing compiled and empty caches",
    "training": "steps of the recipe studio",
    "timeline": "repaints of half an hour with 20,000 keys",
    "gaussians": "cost over the number of Gaussians",
    "pixels": "cost over the size",
    "units": "cost over the number of action units",
    "length": "cost over the length of the clip",
}
"""What can be measured, in this order, and what that is."""

QUICK = ("frame", "latency", "startup", "playback", "memory", "export", "encoder")
SCALING = ("gaussians", "pixels", "units", "length")
FULL_SIZES = (256, 512, 1024, 2048)
WINDOW_PARTS = ("startup", "cold", "latency", "present", "playback", "memory")
PICTURES = (".svg", ".png")
TIMELINE_TIMEOUT_S = 300.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    parts = "\n".join(f"  {name:<10} {what}" for name, what in PARTS.items())
    bench = commands.add_parser(
        "bench",
        help="measure how fast this machine draws, plays, exports and trains",
        description="Measure this machine; without options what matters most, in a minute on two cores.",
        epilog=f"parts:\n{parts}\n  {'scaling':<10} the last four",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument("--avatar", metavar="A", help="an avatar file, or a shipped avatar's name (default: shipped)")
    what = bench.add_mutually_exclusive_group()
    what.add_argument("--full", action="store_true", help="all parts, sizes 256 to 2048")
    what.add_argument("--parts", type=_parts, metavar="P,P", help="these parts, see below")
    what.add_argument("--soak", type=values.positive, metavar="MINUTES", help="play and edit for so long, watch memory")
    what.add_argument(
        "--read", type=Path, nargs="+", metavar="JSON", help="results of before, joined; measures nothing"
    )
    bench.add_argument("--sizes", type=values.sizes, metavar="PX,PX", help="default 256,512")
    bench.add_argument("--backends", type=values.names, metavar="B,B", help="default: all that work here")
    bench.add_argument("--frames", type=values.positive_int, default=60, metavar="N", help="per median (default 60)")
    bench.add_argument("--runs", type=values.positive_int, default=5, metavar="N", help="that these are split into")
    bench.add_argument("--seconds", type=values.positive, default=6.0, metavar="S", help="of playback (default 6)")
    bench.add_argument("--capture", type=Path, metavar="C", help="to train on (default: a small one made meanwhile)")
    bench.add_argument("--compare", type=Path, metavar="JSON", help="with a result of before")
    bench.add_argument("--plot", type=_picture, metavar="FILE", help="draw how cost grows, .svg or .png; adds scaling")
    bench.add_argument("--json", action="store_true", help="print JSON")
    bench.set_defaults(run=measure)


def measure(args: argparse.Namespace) -> int:
    """Measure, compare and draw as asked.

    Raises:
        StudioError: if something cannot be measured, or a file is unusable; the old result is read before measuring.
    """
    from studio.commands.bench_report import bench_table, compare_table
    from studio.engine.bench.compare import compare
    from studio.engine.bench.figures import read_findings

    old = None if args.compare is None else read_findings(args.compare)
    if args.plot is not None and not args.plot.parent.is_dir():
        raise StudioError(f"{args.plot} cannot be written because {args.plot.parent} is not a folder: create it first.")
    if args.read:
        found = read_findings(args.read[0])
        for path in args.read[1:]:
            found.add(_same_avatar(found, read_findings(path), path))
    else:
        found = _measured(args, old)
    if args.plot is not None:
        _draw(found, args.plot)
    comparison = None if old is None else compare(old, found)
    if args.json:
        tell_json(found.to_json())
        for row in () if comparison is None else compare_table(comparison):
            note(row)
        return 0
    for row in bench_table(found) if comparison is None else compare_table(comparison):
        tell(row)
    return 0


def _measured(args: argparse.Namespace, old: Findings | None) -> Findings:
    from studio.commands.bench_window import measure_window, soak
    from studio.engine.avatar import default_avatar, find_avatar
    from studio.engine.bench.figures import Findings
    from studio.engine.bench.frames import Setting
    from studio.engine.bench.machine import machine
    from studio.engine.bench.memory import peak_rss_mb

    path = default_avatar() if args.avatar is None else find_avatar(args.avatar)
    parts = () if args.soak else chosen(args.parts, full=args.full, plot=args.plot is not None)
    sizes = args.sizes or (FULL_SIZES if args.full else (256, 512))
    found = Findings()
    with ProgressLine() as line:
        setting = Setting(path, sizes, args.backends, args.runs, args.frames, imitated=args.full, capture=args.capture)
        setting.avatar  # noqa: B018 (an unusable file is told of before anything is measured)
        found.facts = {"program": __version__, "machine": machine(), "avatar": setting.avatar.info.name}
        found.facts |= {"gaussians": len(setting.avatar.gaussians), "parts": list(parts) or ["soak"]}
        _refuse_other(old, found)
        if args.soak:
            line.show(f"playing and editing for {args.soak:g} minutes", 0.0)
            soaked, drift = soak(path, args.soak)
            found.add(soaked)
            found.remarks.append(f"Soak: {drift.sentence()}." if drift else "Soak: too short to tell a slope.")
            return found
        steps = _steps(parts, setting, args.seconds, measure_window)
        for number, (name, step) in enumerate(steps):
            setting.tell = _teller(line, number, len(steps))
            setting.tell(name, 0.0)
            found.add(step())
            setting.yardstick.measure()
        line.show("done", 1.0)
    found.figures.append(setting.yardstick.figure)
    found.facts["peak_rss_mb"] = peak_rss_mb()
    return found


def _steps(
    parts: tuple[str, ...], setting: Setting, seconds: float, window: Callable[..., Findings]
) -> list[tuple[str, Callable[[], Findings]]]:
    """What is to be done, the window first, while nothing of this process competes."""
    from studio.engine.bench import frames, scaling, training, work

    steps: list[tuple[str, Callable[[], Findings]]] = []
    shown = [part for part in parts if part in WINDOW_PARTS]
    if shown:
        steps.append(("the window", lambda: window(setting, shown, seconds)))
    engine: dict[str, Callable[[Setting], Findings]] = {
        "frame": frames.measure_frames,
        "export": work.measure_export,
        "encoder": work.measure_encoder,
        "training": training.measure_training,
        "timeline": lambda _: timeline(),
        "gaussians": scaling.measure_gaussians,
        "pixels": scaling.measure_pixels,
        "units": scaling.measure_units,
        "length": scaling.measure_length,
    }
    return steps + [(part, lambda part=part: engine[part](setting)) for part in parts if part in engine]


def chosen(parts: tuple[str, ...] | None, *, full: bool, plot: bool) -> tuple[str, ...]:
    """The parts to measure, in the order of `PARTS`."""
    wanted = set(PARTS if full else QUICK if parts is None else parts)
    if plot and not wanted & set(SCALING):
        wanted |= set(SCALING)
    return tuple(part for part in PARTS if part in wanted)


def timeline() -> Findings:
    """Repaints of a long timeline, in a process of its own.

    Raises:
        StudioError: if it fails.
    """
    from studio.engine.bench.figures import Figure, Findings

    try:
        done = subprocess.run(
            [sys.executable, "-m", "studio.widgets.timeline.bench"],
            capture_output=True, text=True, timeout=TIMELINE_TIMEOUT_S, check=False,
        )  # fmt: skip
        told: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise StudioError(
            "The timeline could not be measured; python -m studio.widgets.timeline.bench says why."
        ) from error
    figures = []
    for sight, found in ((key, value) for key, value in told.items() if key.endswith("_s_in_sight")):
        seconds = sight.removesuffix("_s_in_sight")
        for change, row in found.items():
            title = f"timeline, {change.removesuffix('_ms')} with {seconds} s in sight"
            figures.append(Figure(f"timeline.{seconds}.{change}", title, "ms", float(row["median"])))
    return Findings({"timeline": told}, figures)


def _parts(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for name in values.names(text):
        if name != "scaling" and name not in PARTS:
            raise argparse.ArgumentTypeError(f"{name!r} is no part, choose from {', '.join([*PARTS, 'scaling'])}")
        found += SCALING if name == "scaling" else (name,)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names no part, choose from {', '.join([*PARTS, 'scaling'])}")
    return tuple(found)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(f"{text!r} is no picture that can be drawn, end it in .svg or .png")
    return path


def _teller(line: ProgressLine, done: int, steps: int) -> Callable[[str, float], None]:
    return lambda text, share: line.show(text, min((done + share) / steps, 0.999))


def _same_avatar(found: Findings, other: Findings, path: Path) -> Findings:
    for key in ("avatar", "gaussians"):
        if found.facts.get(key) != other.facts.get(key):
            raise StudioError(
                f"{path} measured {other.facts.get(key)}, the results before it {found.facts.get(key)}: "
                "join results of one avatar."
            )
    return replace(
        other, facts={**other.facts, "parts": [*found.facts.get("parts", ()), *other.facts.get("parts", ())]}
    )


def _refuse_other(old: Findings | None, found: Findings) -> None:
    """Before minutes are spent: the old result must be of the same avatar."""
    if old is None:
        return
    for key in ("avatar", "gaussians"):
        before, now = old.facts.get(key), found.facts[key]
        if before is not None and before != now:
            words = (
                f"{before:,} Gaussians, this avatar has {now:,}" if key == "gaussians" else f"{before}, this is {now}"
            )
            raise StudioError(f"The older result is of {words}: choose the avatar with --avatar, or measure it anew.")


def _draw(found: Findings, path: Path) -> None:
    from studio.engine.bench.plot import picture

    text = picture(found)
    part = path.with_name(path.name + ".part")
    try:
        if path.suffix.lower() == ".svg":
            part.write_text(text + "\n", encoding="utf-8")
        else:
            part.write_bytes(_png(text))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StudioError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def _png(svg: str, scale: float = 2.0) -> bytes:
    """The picture in pixels, drawn by Qt without a screen."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QImage, QImageWriter, QPainter
    from PySide6.QtSvg import QSvgRenderer
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication(["bench", "-platform", "offscreen"])
    drawing = QSvgRenderer(QByteArray(svg.encode()))
    image = QImage(drawing.defaultSize() * scale, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    drawing.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    del app
    return bytes(buffer.data().data())
