"""Judges by name, for training: the shipped ones, files trained by our commands, or a user's own class.

A judge is anything that meets `studio.engine.training.losses.Judge`: a `name`, a `weight`, and a `loss` that is
differentiable in the drawn picture. To plug one in, name it as `module:Class`; the class is called with the `Capture`
that is trained on and must give such an object. It is Python that runs with your rights: name only what you trust.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from studio.engine.judges.losses import SyncJudge, UnitJudge
from studio.engine.judges.nets import SyncNet, UnitNet, load_judge, read_info, shipped_path
from studio.engine.training.capture import Capture
from studio.engine.training.losses import Judge
from studio.errors import StudioError

SHIPPED = (SyncNet.kind, UnitNet.kind)


def find_judges(names: Sequence[str], capture: Capture) -> tuple[Judge, ...]:
    """Judges for a training run, frozen and ready.

    Args:
        names: each `sync`, `au`, the path of a `.safetensors` judge, or `module:Class`.
        capture: what is trained on.

    Raises:
        StudioError: if one cannot be had, or two have the same name.
    """
    judges = tuple(_find(name, capture) for name in names)
    for judge in judges:
        if sum(other.name == judge.name for other in judges) > 1:
            raise StudioError(f"Two judges are called {judge.name!r}: choose one of them.")
    return judges


def _find(name: str, capture: Capture) -> Judge:
    if name in SHIPPED:
        return _ours(shipped_path(name), capture)
    if name.endswith(".safetensors"):
        return _ours(Path(name).expanduser(), capture)
    if ":" in name:
        return _own(name, capture)
    raise StudioError(
        f"There is no judge {name!r}: choose {' or '.join(SHIPPED)}, a trained .safetensors file, or your own as "
        "module:Class."
    )


def _ours(path: Path, capture: Capture) -> Judge:
    if read_info(path)["kind"] == SyncNet.kind:
        return SyncJudge(load_judge(SyncNet, path), capture)
    return UnitJudge(load_judge(UnitNet, path), capture)


def _own(name: str, capture: Capture) -> Judge:
    module, _, attribute = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise StudioError(f"The judge {name!r} cannot be imported ({error}): give module:Class.") from error
    if not callable(made):
        raise StudioError(f"The judge {name!r} is not a class: it must be callable with the capture.")
    judge = made(capture)
    lacking = [part for part in ("name", "weight", "loss") if not hasattr(judge, part)]
    if lacking:
        raise StudioError(f"The judge {name!r} has no {', '.join(lacking)}: see the protocol Judge in training/losses.")
    found: Judge = judge
    return found
