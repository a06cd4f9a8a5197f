"""`emozone performer`, `capture`, `train`, `refine`, `evaluate`: from an actor to an avatar that has been measured."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from studio.commands import values
from studio.commands.lines import Lines, following
from studio.commands.report import ProgressLine, note, tell, tell_facts, tell_json
from studio.commands.scores import scores_table
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.engine.evaluate import Meter
    from studio.engine.training.progress import Progress

RECIPES = ("studio", "portrait", "paper", "quick")
KINDS = ("performance", "heldout", "neutral", "conflict", "noise")
PARTS = ("au", "szpab", "citae", "raar")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommands."""
    _add_performer(commands)
    _add_capture(commands)
    _add_train(commands)
    _add_refine(commands)
    _add_evaluate(commands)


def _add_performer(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "performer",
        help="let a synthetic actor perform for a capture",
        description="Let a synthetic actor speak and act before many cameras, and write a capture with exact truth.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the capture folder to make")
    parser.add_argument("--identity", metavar="NAME", help="who acts (default: the first performer)")
    parser.add_argument("--seconds", type=values.positive, default=60.0, metavar="S", help="length (default 60)")
    parser.add_argument("--size", type=values.positive_int, default=512, metavar="PX", help="edge of a picture")
    parser.add_argument("--views", type=values.positive_int, default=24, metavar="N", help="cameras (default 24)")
    parser.add_argument("--images", type=values.positive_int, default=1000, metavar="N", help="pictures (default 1000)")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="performance",
        help="heldout has sentences, a voice and expressions that no training has, conflict acts against what heldout "
        "says, noise adds a detector's jitter, neutral only speaks",
    )
    parser.add_argument(
        "--acting",
        type=values.share,
        default=0.5,
        metavar="SHARE",
        help="how much is acted, 0 to 1: there brows, lids, head and an emotion follow the voice, as people's do; "
        "elsewhere the face moves freely of what is said (default 0.5)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another one, another performance")
    parser.set_defaults(run=perform)


def _add_capture(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "capture",
        help="make a capture of a portrait video",
        description="Follow the face of a portrait video and write a capture for training, with a quality report. "
        "Ctrl+C keeps what is done; the same command goes on from there.",
    )
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video of one person who speaks to the camera")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="CAPTURE", help="the capture folder to make")
    parser.add_argument("--size", type=values.positive_int, metavar="PX", help="edge of a picture (default up to 512)")
    parser.add_argument("--start", type=values.seconds, default=0.0, metavar="S", help="begin here (default 0)")
    parser.add_argument("--end", type=values.seconds, metavar="S", help="end here (default: at the video's end)")
    parser.add_argument("--openface", type=Path, metavar="CSV", help="take action units from OpenFace's table")
    parser.add_argument(
        "--consent",
        default="",
        metavar="NAME",
        help="record in capture and avatar that NAME is the person in the video or has their permission",
    )
    _add_progress(parser)
    parser.add_argument("--json", action="store_true", help="print the quality report as JSON")
    parser.set_defaults(run=capture)


def _add_progress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress",
        choices=("line", "json"),
        default="line",
        help="json: for programs, an object per line on standard error; “stop” on standard input, or its end, stops",
    )


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train an avatar on a capture",
        description="Train an avatar on a capture. Ctrl+C saves a checkpoint; --resume goes on from it.",
    )
    parser.add_argument("capture", type=Path, metavar="CAPTURE", help="a capture folder")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="AVATAR", help="the avatar, *.safetensors")
    parser.add_argument("--recipe", choices=RECIPES, default="studio", help="what to train (default studio)")
    parser.add_argument("--iterations", type=values.positive_int, metavar="N", help="of all stages together")
    parser.add_argument("--minutes", type=values.positive, metavar="M", help="end each stage early to keep this bound")
    parser.add_argument("--without", type=values.names, default=(), metavar=",".join(PARTS), help="leave parts out")
    parser.add_argument(
        "--judges",
        type=values.names,
        default=(),
        metavar="J,J",
        help="losses by frozen networks: sync, au, a judge's .safetensors file, or your own as module:Class",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside AVATAR")
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="PNG",
        help="keep a picture of the avatar so far here",
    )
    _add_progress(parser)
    parser.set_defaults(run=train)


def _add_refine(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "refine",
        help="bring a performer's trained avatar nearer to its pictures",
        description="Move Gaussians that pictures hardly show to where structure is missing, such as hair, and let "
        "colours settle; the face moves as before. Ctrl+C saves a checkpoint; --resume goes on from it.",
    )
    parser.add_argument("avatar", metavar="AVATAR", help="a trained avatar's file, or a shipped avatar's name")
    parser.add_argument("captures", type=Path, nargs="+", metavar="CAPTURE", help="captures of the same performer")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="the new avatar, *.safetensors")
    parser.add_argument("--steps", type=values.positive_int, metavar="N", help="pictures to learn from")
    parser.add_argument("--settle", action="store_true", help="what is there settles; no Gaussian goes elsewhere")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside OUT")
    _add_progress(parser)
    parser.set_defaults(run=refine)


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure an avatar against a capture",
        description="Draw held-out pictures of a capture with an avatar and compare; where the capture knows the true "
        "motion of the face, compare that too.",
    )
    parser.add_argument("avatar", metavar="AVATAR", help="an avatar file, or a shipped avatar's name")
    parser.add_argument("capture", type=Path, metavar="CAPTURE", help="a capture folder")
    parser.add_argument("--speech", choices=("sound", "truth"), default="sound", help="what drives the mouth")
    parser.add_argument(
        "--split",
        choices=("test", "train", "all"),
        help="which pictures (default: those that training does not use; captures made to test are measured whole)",
    )
    parser.add_argument("--motion", action="store_true", help="compare motion alone, without drawing pictures")
    parser.add_argument("--page", type=Path, metavar="PNG", help="also draw one A4 page with curves, views and frames")
    parser.add_argument("--json", action="store_true", help="print JSON; what cannot be measured is null")
    parser.set_defaults(run=evaluate)


def perform(args: argparse.Namespace) -> int:
    """Write a synthetic capture."""
    from studio.engine.performer.identity import DEFAULT_IDENTITY
    from studio.engine.performer.writer import make_capture

    with ProgressLine() as line:
        make_capture(
            args.out,
            identity=args.identity or DEFAULT_IDENTITY,
            seconds=args.seconds,
            size_px=args.size,
            views=args.views,
            seed=args.seed,
            images=args.images,
            kind=args.kind,
            acting=args.acting,
            progress=lambda share, what: line.show(f"{100 * share:3.0f} % {what}", share),
        )
    tell(f"{args.out}: a capture of {args.seconds:g} s by {args.identity or DEFAULT_IDENTITY}")
    return 0


def capture(args: argparse.Namespace) -> int:
    """Make a capture of a portrait video."""
    from studio.engine.capture.portrait import Options, make_portrait
    from studio.engine.portrait_report import figures, in_words

    if args.end is not None and args.end <= args.start:
        raise StudioError(f"--end {args.end:g} does not lie after --start {args.start:g}; give seconds of the video.")
    with _followed(args, "Stopping after this picture") as (stop, lines, line):

        def progress(share: float, what: str) -> None:
            if lines is None:
                line.show(f"{100 * share:3.0f} % {what}", share)
            else:
                lines.tell("progress", share=share, what=what)

        report = make_portrait(
            args.video,
            args.out,
            Options(args.size, args.start, args.end, args.openface, args.consent),
            progress=progress,
            cancelled=stop.is_set,
            tell=note,
        )
    if not args.consent:
        note("No consent is recorded; --consent NAME says that NAME is this person or has their permission.")
    if args.json:
        tell_json(report)
        return 0
    tell(f"{args.out}: {in_words(report)}")
    for limit in report["limits"]:
        tell(f"  – {limit}")
    tell_facts(figures(report))
    tell(f"The whole report: {args.out / 'report.html'}")
    return 0


def train(args: argparse.Namespace) -> int:
    """Train an avatar."""
    _check_name(args.out)
    from studio.engine.training.capture_files import load_capture
    from studio.engine.training.preview import Preview
    from studio.engine.training.recipes import find_recipe
    from studio.engine.training.trainer import train as run_training

    recipe = replace(find_recipe(args.recipe), judges=args.judges)
    if args.minutes is not None:
        recipe = replace(recipe, max_minutes=args.minutes)
    preview = None if args.preview is None else Preview(load_capture(args.capture), args.preview)
    with _followed(args, "Stopping after this iteration") as (stop, lines, line):
        path = run_training(
            args.capture,
            args.out,
            recipe,
            iterations=args.iterations,
            without=args.without,
            resume=args.resume,
            progress=_teller(lines, line),
            cancelled=stop.is_set,
            preview=preview,
        )
    tell(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def refine(args: argparse.Namespace) -> int:
    """Refine an avatar."""
    _check_name(args.out)
    from studio.engine.avatar import find_avatar
    from studio.engine.training.refine import refine as run_refining
    from studio.engine.training.refiner import Refinement

    settings = Refinement()
    settings = replace(
        settings,
        steps=settings.steps if args.steps is None else args.steps,
        rounds=0 if args.settle else settings.rounds,
    )
    with _followed(args, "Stopping after this step") as (stop, lines, line):
        path = run_refining(
            find_avatar(args.avatar),
            args.captures,
            args.out,
            settings,
            resume=args.resume,
            progress=_teller(lines, line),
            cancelled=stop.is_set,
        )
    tell(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def _check_name(out: Path) -> None:
    if out.suffix.lower() != ".safetensors":
        raise StudioError(f"“{out.name}” does not end in .safetensors; choose such a name for the avatar.")


def _teller(lines: Lines | None, line: ProgressLine) -> Callable[[Progress], None]:
    """Tells of progress to programs or people."""

    def tell_of(now: Progress) -> None:
        if lines is None:
            line.show(now.line, now.share)
        else:
            lines.tell("progress", always=True, **asdict(now))

    return tell_of


def evaluate(args: argparse.Namespace) -> int:
    """Measure an avatar."""
    if args.page is not None and args.motion:
        raise StudioError("A page shows pictures, which --motion leaves out: ask for one of the two.")
    if args.page is not None and args.page.suffix.lower() != ".png":
        raise StudioError(f"“{args.page.name}” does not end in .png; choose such a name for the page.")
    from studio.engine.avatar import find_avatar, load_avatar
    from studio.engine.evaluate import evaluate as measure
    from studio.engine.judges.meters import shipped_meters
    from studio.engine.training.capture_files import load_capture

    avatar, truth = load_avatar(find_avatar(args.avatar)), load_capture(args.capture)
    meters: list[Meter] = [*shipped_meters()]
    if truth.surface is None and truth.tracking is not None:
        meters += _portrait_meters()
    with ProgressLine() as line:
        found = measure(
            avatar,
            truth,
            split=args.split,
            speech=args.speech,
            pictures=not args.motion,
            meters=meters,
            progress=lambda done, total: line.show(f"picture {done} of {total}", done / total),
        )
    if args.page is not None:
        from studio.engine.measures.page import write_page

        write_page(args.page, avatar, truth, found)
        note(f"{args.page}: one page, A4")
    if args.json:
        tell_json(found)
    else:
        for row in scores_table(found):
            tell(row)
    return 0


def _portrait_meters() -> list[Meter]:
    """What is measured of real people beside the usual: poses fitted, and what the landmarker says."""
    from studio.engine.capture.meter import FaceMeter
    from studio.engine.measures.aligned import AlignedMeter

    meters: list[Meter] = [AlignedMeter()]
    try:
        meters.append(FaceMeter())
    except StudioError as error:
        note(f"LMD and action units are not measured: {error}")
    return meters


@contextmanager
def _followed(args: argparse.Namespace, what: str) -> Iterator[tuple[threading.Event, Lines | None, ProgressLine]]:
    """What asks to stop, who hears of progress as JSON (None: nobody), and the line for people."""
    if args.progress == "json":
        with following() as lines, ProgressLine() as line:
            yield lines.stop, lines, line
    else:
        with _interrupt_asks(what) as stop, ProgressLine() as line:
            yield stop, None, line


@contextmanager
def _interrupt_asks(what: str) -> Iterator[threading.Event]:
    """Within, Ctrl+C asks to stop by setting the event; pressed again, it interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        note(f"\n{what}; press Ctrl+C again to stop at once.")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
