"""`emozone ablate`: train the same avatar with and without parts of the method, and tabulate what each part does."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.commands import values
from studio.commands.report import ProgressLine, tell, tell_json


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "ablate",
        help="measure what each part of the method does",
        description="Train one performer without and with parts of the method, measure each on captures of kind "
        "heldout, conflict and noise, and write ablation.json, ablation.md and ablation.svg. What is trained already "
        "is not trained again, so that a stopped command goes on, and more seeds can be added.",
    )
    parser.add_argument("captures", type=Path, nargs="+", metavar="CAPTURE", help="what to train on, then the tests")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument("--seeds", type=values.positive_int, default=2, metavar="N", help="runs of each (default 2)")
    parser.add_argument("--iterations", type=values.positive_int, metavar="N", help="of all stages of a run together")
    parser.add_argument("--only", type=values.names, default=(), metavar="NAMES", help="of A,B,C,D,full,literal")
    parser.add_argument(
        "--measure-only", action="store_true", help="train nothing, measure what lies in DIR anew, however trained"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=ablate)


def ablate(args: argparse.Namespace) -> int:
    """Run the ablation."""
    from studio.engine.training.ablation import ablate as run
    from studio.engine.training.ablation_report import markdown, write_report

    with ProgressLine() as line:
        found = run(
            args.captures,
            args.out,
            seeds=args.seeds,
            iterations=args.iterations,
            only=args.only,
            measure_only=args.measure_only,
            progress=lambda share, text: line.show(text, share),
        )
    write_report(found, args.out)
    if args.json:
        tell_json(found)
    else:
        tell(markdown(found))
    return 0
