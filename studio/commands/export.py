"""`emozone export`: a project, or an avatar with a sound, becomes a video, pictures or Gaussians."""

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
    from studio.engine.formats import Format
    from studio.engine.speech.audio import Audio

BACKENDS = ("auto", "cpu", "cuda", "opengl")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "export",
        help="make a video, pictures or Gaussians of a project, or of an avatar that speaks a sound",
        description="Make a video, pictures or Gaussians of a project, or of an avatar that speaks a sound.",
        epilog="Examples: emozone export --avatar NAME --audio speech.wav --au AU12=2 -o smile.mp4 --camera=-30,5 · "
        "emozone export film.emozone -o film.mov --alpha · emozone export film.emozone -o frames --png · "
        "emozone export film.emozone --frame 1.2 -o frame.ply",
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
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="OUT",
        help="the video, *.mp4, *.mov or *.webm; with --png or --ply a folder; with --frame a *.png or *.ply",
    )
    parser.add_argument("--png", action="store_true", help="numbered PNG pictures with straight alpha, in a folder")
    parser.add_argument("--ply", action="store_true", help="the Gaussians as numbered PLY files, in a folder")
    parser.add_argument("--frame", type=values.seconds, metavar="S", help="only this moment, as one PNG or PLY")
    parser.add_argument(
        "--alpha",
        action=argparse.BooleanOptionalAction,
        help="leave the background transparent: MOV (ProRes 4444), WebM (VP9) and PNG (there by default)",
    )
    parser.add_argument("--size", type=values.size, metavar="PX", help="512, or 1280x720 (default 512)")
    parser.add_argument("--fps", type=values.rate, metavar="F", help="25, 29.97, 30000/1001, … (default 25)")
    parser.add_argument("--start", type=values.seconds, metavar="S", help="seconds (default 0)")
    parser.add_argument("--end", type=values.seconds, metavar="S", help="seconds (default: the end of the sound)")
    parser.add_argument(
        "--camera",
        type=values.camera_view,
        metavar="YAW,PITCH,DISTANCE",
        help="degrees, and head heights away (default: frames the head from the front); "
        "DISTANCE,X,Y,Z also moves the point looked at, by metres, and DISTANCE may then be “auto”",
    )
    parser.add_argument("--bookmark", metavar="NAME", help="the project's camera of that name")
    parser.add_argument("--background", type=values.colour, metavar="#RRGGBB", help="default: a neutral grey")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what draws (default auto)")
    parser.add_argument("--json", action="store_true", help="print a report as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Make the export."""
    from studio.engine.formats import check_format
    from studio.engine.video import exact_rate

    project: bool = args.project is not None
    if project and (args.avatar is not None or args.audio is not None or args.au):
        args.parser.error("give either a PROJECT or --avatar, --audio and --au, not both")
    if not project and args.audio is None:
        args.parser.error("give a PROJECT, or a sound with --audio")
    form = _form(args)
    alpha = _alpha(args, form)
    check_format(form, args.out, args.size or (512, 512), alpha=alpha)
    if args.fps is not None:
        exact_rate(args.fps)
    if args.start is not None and args.end is not None and args.end <= args.start:
        raise StudioError(f"The range {args.start:g} to {args.end:g} s is empty; let it end after its start.")
    backed = form.content != "splats" and not alpha
    report = _export(args, _project_job(args, backed) if project else _sound_job(args), form, alpha)
    if args.json:
        tell_json(asdict(report) | {"path": str(report.path)})
    else:
        tell(f"{report.path}: {_told(report)}, made in {clock(report.elapsed_s)}{_pace(report)}")
    return 0


def _form(args: argparse.Namespace) -> Format:
    """What the options ask for; wrong usage ends the command."""
    from studio.engine.formats import BY_ID, video_format

    suffix = args.out.suffix.lower()
    if args.png and args.ply:
        args.parser.error("give either --png or --ply, not both")
    if args.bookmark is not None and (args.project is None or args.camera is not None):
        args.parser.error("--bookmark names a camera of a PROJECT, and stands in place of --camera")
    if args.frame is not None:
        if args.start is not None or args.end is not None:
            args.parser.error("--frame is one moment, it goes without --start and --end")
        kind = "png" if args.png else "ply" if args.ply else suffix.lstrip(".")
        if kind not in ("png", "ply"):
            args.parser.error("--frame makes one picture or one set of Gaussians, write a .png or a .ply file")
        form = BY_ID[kind]
    elif args.png or args.ply:
        form = BY_ID["png-frames" if args.png else "ply-frames"]
    elif suffix in (".png", ".ply"):
        args.parser.error(f"a {suffix} file holds one frame, add --frame S, or write a folder with --{suffix[1:]}")
    else:
        form = video_format(args.out)
    if form.content == "splats":
        useless = ("size", "camera", "bookmark", "background", "alpha")
        for name in useless:
            if getattr(args, name) is not None:
                args.parser.error(f"Gaussians have no picture, leave --{name} out")
    return form


def _alpha(args: argparse.Namespace, form: Format) -> bool:
    """Whether the background stays transparent: pictures without a background of their own do."""
    if args.alpha and args.background is not None:
        args.parser.error("give either --alpha or --background, not both")
    if args.alpha is None:
        return form.content == "pictures" and args.background is None
    return bool(args.alpha)


def _told(report: ExportReport) -> str:
    """What was made, in words."""
    size = () if report.format.startswith("ply") else (f"{report.width}×{report.height}",)
    megabytes = f"{report.size_bytes / 1e6:.1f} MB"
    if report.format in ("png", "ply"):
        return ", ".join(("one frame", *size, megabytes))
    return ", ".join((f"{report.frames} frames", f"{report.duration_s:.2f} s", *size, f"{report.fps:g} fps", megabytes))


def _pace(report: ExportReport) -> str:
    return f" ({report.frames / report.elapsed_s:.1f} frames per second)" if report.frames > 1 else ""


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
    for option, moment_s, slack_s in (
        ("--start", args.start, 0.0),
        ("--end", args.end, 1.0),
        ("--frame", args.frame, 0.0),
    ):
        if moment_s is not None and moment_s > audio.duration_s + slack_s:
            end = f"{audio.duration_s:.2f} s"
            raise StudioError(f"{option} {moment_s:g} lies past the end of {args.audio.name}, which is {end} long.")
    return _Job(avatar, audio, Performance.held(dict(args.au)), lambda _: CameraView())


def _project_job(args: argparse.Namespace, backed: bool) -> _Job:
    """What a project says; its background only where it will be seen (`backed`)."""
    from studio.document.performance import CameraView
    from studio.document.project import load_project
    from studio.engine.avatar import default_avatar, find_avatar
    from studio.engine.backdrop import background_of
    from studio.engine.speech.project_sound import project_audio
    from studio.engine.video import exact_rate

    project = load_project(args.project)
    if project.read_only:
        note(f"{args.project.name}: {project.read_only}")
    wish = project.export
    ranged = wish.only_range and args.start is None and args.end is None
    if project.audio is None and args.end is None and project.out_s is None and args.frame is None:
        raise StudioError(f"{args.project.name} has no sound, so its length is unknown; give --end.")
    view: Callable[[float], CameraView] = lambda time_s: project.camera(time_s) or CameraView()  # noqa: E731
    if args.bookmark is not None:
        marked = {bookmark.name: bookmark.view for bookmark in project.bookmarks}
        if args.bookmark not in marked:
            names = f"choose from {', '.join(marked)}" if marked else "it has none"
            raise StudioError(f"{args.project.name} has no camera “{args.bookmark}”; {names}.")
        view = lambda _: marked[args.bookmark]  # noqa: E731
    return _Job(
        avatar=default_avatar() if project.avatar is None else find_avatar(project.avatar.location()),
        audio=project_audio(project),
        performance=project.performance,
        view=view,
        size=(wish.width_px, wish.height_px),
        fps=exact_rate(wish.fps or project.fps),
        start_s=project.in_s or 0.0 if ranged else 0.0,
        end_s=project.out_s if ranged or project.audio is None else None,
        background=args.background or (background_of(project) if backed else None),
    )


def _export(args: argparse.Namespace, job: _Job, form: Format, alpha: bool) -> ExportReport:
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
        yaw, pitch, distance, offset = args.camera
        typed = CameraView(yaw, pitch, distance, offset)
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
            form=form,
            fps=args.fps or job.fps,
            size=args.size or job.size,
            start_s=next(time_s for time_s in (args.frame, args.start, job.start_s) if time_s is not None),
            end_s=job.end_s if args.end is None else args.end,
            camera=_camera(avatar, view),
            background=args.background or job.background,
            alpha=alpha,
            progress=progress,
        )


def _camera(avatar: Avatar, view: Callable[[float], CameraView]) -> Callable[[float], Camera]:
    """The document's view as a camera, at any moment."""
    subject = avatar.subject
    return lambda time_s: subject.camera(view(time_s))
