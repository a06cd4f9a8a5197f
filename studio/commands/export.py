"""`emozone export`: a project, or an avatar with a sound, becomes a video."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from studio.commands import values
from studio.commands.report import ProgressLine, clock, note, tell, tell_json
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.document.performance import CameraView, Performance
    from studio.engine.avatar import Avatar
    from studio.engine.backdrop import Background
    from studio.engine.camera import Camera
    from studio.engine.export import ExportProgress, ExportReport
    from studio.engine.speech.audio import Audio

BACKENDS = ("auto", "cpu", "cuda", "opengl")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "export",
        help="make a video of a project, or of an avatar that speaks a sound",
        description="Make a video of a project, or of an avatar that speaks a sound.",
        epilog="Example: emozone export --avatar NAME --audio speech.wav --au AU12=2 -o smile.mp4 --camera=-30,5",
    )
    parser.add_argument("project", nargs="?", type=Path, metavar="PROJECT", help="a project, *.emozone")
    parser.add_argument(
        "--avatar", metavar="A", help="an avatar file, or a shipped avatar's name (default: the shipped one)"
    )
    parser.add_argument("--audio", type=Path, metavar="W", help="any sound file, or a video for its sound")
    parser.add_argument(
        "--au",
        action="append",
        default=[],
        type=values.au_value,
        metavar="AU12=3",
        help="hold an action unit at 0 to 5",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="the video, *.mp4")
    parser.add_argument("--size", type=values.size, metavar="PX", help="512, or 1280x720 (default 512)")
    parser.add_argument("--fps", type=values.rate, metavar="F", help="25, 29.97, 30000/1001, … (default 25)")
    parser.add_argument("--start", type=values.seconds, metavar="S", help="seconds (default 0)")
    parser.add_argument("--end", type=values.seconds, metavar="S", help="seconds (default: the end of the sound)")
    parser.add_argument(
        "--camera",
        type=values.camera_view,
        metavar="YAW,PITCH,DISTANCE",
        help="degrees, and head heights away (default: frames the head from the front)",
    )
    parser.add_argument("--background", type=values.colour, metavar="#RRGGBB", help="default: a neutral grey")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what draws (default auto)")
    parser.add_argument("--json", action="store_true", help="print a report as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Make the video."""
    from studio.engine.video import check_size, check_target, exact_rate

    project: bool = args.project is not None
    if project and (args.avatar is not None or args.audio is not None or args.au):
        args.parser.error("give either a PROJECT or --avatar, --audio and --au, not both")
    if not project and args.audio is None:
        args.parser.error("give a PROJECT, or a sound with --audio")
    check_target(args.out)
    if args.size is not None:
        check_size(*args.size)
    if args.fps is not None:
        exact_rate(args.fps)
    if args.start is not None and args.end is not None and args.end <= args.start:
        raise StudioError(f"The range {args.start:g} to {args.end:g} s is empty; let it end after its start.")
    report = _export(args, _project_job(args) if project else _sound_job(args))
    if args.json:
        tell_json(asdict(report) | {"path": str(report.path)})
    else:
        size = f"{report.width}×{report.height}"
        pace = report.frames / report.elapsed_s
        tell(
            f"{report.path}: {report.frames} frames, {report.duration_s:.2f} s, {size}, {report.fps:g} fps, "
            f"{report.size_bytes / 1e6:.1f} MB, made in {clock(report.elapsed_s)} ({pace:.1f} frames per second)"
        )
    return 0


@dataclass(frozen=True)
class _Job:
    """What shall be exported, before what was typed goes over it."""

    avatar: Path
    audio: Audio | None
    performance: Performance
    view: Callable[[float], CameraView]
    size: tuple[int, int] = (512, 512)
    fps: Fraction = Fraction(25)
    start_s: float = 0.0
    end_s: float | None = None
    background: Background = None


def _sound_job(args: argparse.Namespace) -> _Job:
    """An avatar that speaks a sound."""
    from studio.document.performance import CameraView, Performance
    from studio.engine.avatar import default_avatar, find_avatar
    from studio.engine.speech.audio import load_audio

    avatar = default_avatar() if args.avatar is None else find_avatar(args.avatar)
    audio = load_audio(args.audio)
    for option, moment_s, slack_s in (("--start", args.start, 0.0), ("--end", args.end, 1.0)):
        if moment_s is not None and moment_s > audio.duration_s + slack_s:
            end = f"{audio.duration_s:.2f} s"
            raise StudioError(f"{option} {moment_s:g} lies past the end of {args.audio.name}, which is {end} long.")
    return _Job(avatar, audio, Performance.held(dict(args.au)), lambda _: CameraView())


def _project_job(args: argparse.Namespace) -> _Job:
    """What a project says."""
    from studio.document.performance import CameraView
    from studio.document.project import load_project
    from studio.engine.avatar import default_avatar, find_avatar
    from studio.engine.backdrop import background_of
    from studio.engine.speech.audio import load_audio
    from studio.engine.video import exact_rate

    project = load_project(args.project)
    if project.read_only:
        note(f"{args.project.name}: {project.read_only}")
    wish = project.export
    ranged = wish.only_range and args.start is None and args.end is None
    if project.audio is None and args.end is None and project.out_s is None:
        raise StudioError(f"{args.project.name} has no sound, so its length is unknown; give --end.")
    return _Job(
        avatar=default_avatar() if project.avatar is None else find_avatar(project.avatar.location()),
        audio=None if project.audio is None else load_audio(project.audio.location()),
        performance=project.performance,
        view=lambda time_s: project.camera(time_s) or CameraView(),
        size=(wish.width_px, wish.height_px),
        fps=exact_rate(wish.fps or project.fps),
        start_s=project.in_s or 0.0 if ranged else 0.0,
        end_s=project.out_s if ranged or project.audio is None else None,
        background=args.background or background_of(project),
    )


def _export(args: argparse.Namespace, job: _Job) -> ExportReport:
    """Load, draw and write."""
    from studio.document.performance import CameraView
    from studio.engine.avatar import load_avatar
    from studio.engine.export import export_clip
    from studio.engine.renderer import Renderer
    from studio.engine.scene import Scene
    from studio.engine.speech.features import extract_features

    avatar = load_avatar(job.avatar)
    features = None if job.audio is None else extract_features(job.audio)
    view = job.view
    if args.camera:
        typed = CameraView(*args.camera)
        view = lambda _: typed  # noqa: E731 (typed above)
    with ProgressLine() as line:

        def progress(now: ExportProgress) -> None:
            left = "" if now.seconds_left is None else f", {clock(now.seconds_left)} left"
            line.show(f"frame {now.frames} of {now.total}{left}", now.frames / now.total)

        return export_clip(
            Renderer(avatar, backend=args.backend),
            Scene(features, job.performance),
            job.audio,
            args.out,
            fps=args.fps or job.fps,
            size=args.size or job.size,
            start_s=job.start_s if args.start is None else args.start,
            end_s=job.end_s if args.end is None else args.end,
            camera=_camera(avatar, view),
            background=args.background or job.background,
            progress=progress,
        )


def _camera(avatar: Avatar, view: Callable[[float], CameraView]) -> Callable[[float], Camera]:
    """The document's view as a camera, at any moment."""
    subject = avatar.subject
    return lambda time_s: subject.camera(view(time_s))
