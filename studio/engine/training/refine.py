"""`refine`: an avatar file and captures of its performer become a file whose pictures are nearer to the truth.

On an avatar of 28,000 Gaussians the defaults take half an hour of one core. The same arguments give the same file,
whether the run was interrupted and resumed or not: its checkpoint holds everything, and lies beside it meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from studio.engine.avatar import Avatar, load_avatar, save_avatar
from studio.engine.targets import write_file
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.checkpoint import checkpoint_path
from studio.engine.training.progress import Cancelled, OnProgress, Progress, TrainingStopped
from studio.engine.training.refiner import Look, Refinement, Refiner
from studio.engine.training.trainer import figures, judged_by
from studio.errors import StudioError

FORMAT = "emozone-refinement"
VERSION = "1"

CHECKPOINT_S = 180.0
"""What an interruption may cost."""

REPORT_EVERY = 20
"""Steps between progress reports."""


def refine(
    avatar_path: Path | str,
    capture_paths: Sequence[Path | str],
    out_path: Path | str,
    settings: Refinement | None = None,
    *,
    resume: bool = False,
    progress: OnProgress | None = None,
    cancelled: Cancelled | None = None,
    judged: bool = True,
) -> Path:
    """Refine an avatar file with captures of the performer that it was trained on, and write it.

    Args:
        avatar_path: the avatar to start from.
        capture_paths: the captures, at least one; the first one's pictures for testing judge the result.
        out_path: the file to write; its checkpoint lies beside it until the run is complete.
        settings: how.
        resume: go on from the checkpoint if there is one.
        progress: hears a report every `REPORT_EVERY` steps.
        cancelled: asked every step; True writes a checkpoint and stops.
        judged: whether the avatar's file states how well it does on the capture's pictures for testing.

    Raises:
        StudioError: if a file cannot be used or written, a capture is a real person's or another performer's, or the
            loss stops being a number.
        TrainingStopped: if `cancelled` said so.
    """
    out = Path(out_path)
    if not out.parent.is_dir():
        raise StudioError(f"{out} cannot be written because {out.parent} is not a folder: create it first.")
    before, captures = load_avatar(avatar_path), [load_capture(path) for path in capture_paths]
    _check(Path(avatar_path), before, captures)
    run = _Run(before, captures, out, settings or Refinement(), progress, cancelled)
    if resume and run.checkpoint.exists():
        run.resume()
    return run.finish(judged)


def _check(path: Path, avatar: Avatar, captures: list[Capture]) -> None:
    for capture in captures:
        if capture.surface is None or capture.articulators is None:
            raise StudioError(f"{capture.root} is a capture of a real person: only performers' avatars can be refined.")
        if not capture.indices("train"):
            raise StudioError(f"{capture.root} has no pictures to learn from: it was made to test.")
        identity = avatar.info.training.get("identity")
        if identity not in (None, capture.info.identity):
            raise StudioError(
                f"{path} is an avatar of {identity}, but {capture.root} shows {capture.info.identity}: "
                "give captures of the same performer."
            )


class _Run:
    """One refinement from its first step, or its checkpoint, to the file."""

    def __init__(
        self,
        before: Avatar,
        captures: list[Capture],
        out: Path,
        settings: Refinement,
        progress: OnProgress | None,
        cancelled: Cancelled | None,
    ) -> None:
        self.before, self.captures, self.out, self.settings = before, captures, out, settings
        self.progress, self.cancelled = progress, cancelled
        self.checkpoint = checkpoint_path(out)
        self.refiner = Refiner(before, captures, settings)
        self.elapsed_s = 0.0
        self.recent: list[Look] = []

    def finish(self, judged: bool) -> Path:
        """Do the steps that are left, judge the result if it shall be `judged`, and write it."""
        refiner, settings = self.refiner, self.settings
        ticked_at = saved_at = perf_counter()
        while refiner.done < settings.steps:
            if self.cancelled is not None and self.cancelled():
                self._save()
                raise TrainingStopped(
                    f"Refining was stopped at step {refiner.done}: repeat the command with --resume to go on."
                )
            self.recent.append(refiner.step())
            now = perf_counter()
            self.elapsed_s += now - ticked_at
            ticked_at = now
            if refiner.done % REPORT_EVERY == 0 or refiner.done == settings.steps:
                self._report()
            if now - saved_at > CHECKPOINT_S:
                self._save()
                saved_at = perf_counter()
        avatar = refiner.avatar()
        if not all(bool(torch.isfinite(v).all()) for v in refiner.tensors().values() if v.is_floating_point()):
            raise StudioError("Refining failed: a parameter is no longer a number; check the capture's pictures.")
        found: dict[str, Any] = {}
        if judged and self.captures[0].indices("test"):
            self._save()  # judging may take minutes: what is learned is safe
            found = figures(judged_by(self.captures[0], avatar))
        facts = {
            "gaussians": len(refiner),
            "refined": {
                **settings.to_json(),
                "captures": [capture.info.name for capture in self.captures],
                "pictures": refiner.pictures,
                "minutes": round(self.elapsed_s / 60, 2),
            },
        }
        info = replace(self.before.info, name=self.out.stem, training={**self.before.info.training, **facts, **found})
        save_avatar(replace(avatar, info=info), self.out)
        self.checkpoint.unlink(missing_ok=True)
        return self.out

    def resume(self) -> None:
        """Go on where the checkpoint stands.

        Raises:
            StudioError: if it is damaged, or belongs to another run.
        """
        again = "repeat the command without --resume."
        try:
            with safe_open(self.checkpoint, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise StudioError(f"The checkpoint {self.checkpoint} cannot be read ({error}): {again}") from error
        if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
            raise StudioError(f"{self.checkpoint} is not a refinement's checkpoint of this program's version: {again}")
        state = json.loads(metadata["state"])
        if state["run"] != self._run():
            raise StudioError(
                f"The checkpoint {self.checkpoint} belongs to another avatar, other captures or another number of "
                f"steps: {again}"
            )
        try:
            self.refiner.restore(tensors)
        except (KeyError, ValueError, RuntimeError) as error:
            raise StudioError(f"The checkpoint {self.checkpoint} is damaged ({error}): {again}") from error
        self.elapsed_s = float(state["elapsed_s"])

    def _run(self) -> dict[str, Any]:
        """What makes this run the one that it is."""
        means = self.before.gaussians.means.contiguous().numpy().tobytes()
        return {
            "settings": self.settings.to_json(),
            "captures": [capture.info.name for capture in self.captures],
            "avatar": hashlib.sha256(means).hexdigest(),
        }

    def _save(self) -> None:
        state = {"run": self._run(), "elapsed_s": self.elapsed_s}
        tensors = {name: value.contiguous() for name, value in self.refiner.tensors().items()}
        write_file(self.checkpoint, save(tensors, {"format": FORMAT, "version": VERSION, "state": json.dumps(state)}))

    def _report(self) -> None:
        recent, done, steps = self.recent, self.refiner.done, self.settings.steps
        self.recent = []
        if self.progress is None or not recent:
            return
        error = sum(look.squared_error for look in recent) / len(recent)
        self.progress(
            Progress(
                stage="refine",
                iteration=done,
                iterations=steps,
                share=done / steps,
                loss=sum(look.loss for look in recent) / len(recent),
                psnr_db=-10 * math.log10(max(1e-10, error)),
                motion_mm=None,
                gaussians=len(self.refiner),
                elapsed_s=self.elapsed_s,
                left_s=self.elapsed_s / done * (steps - done),
            )
        )
