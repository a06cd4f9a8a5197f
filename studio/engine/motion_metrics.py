"""What an avatar's surface does against what it should do: measures that need neither pictures nor learned judges.

A performer's capture knows the true motion of its surface. The avatar's Gaussians are bound to that surface once, at
rest; from then on every frame's offsets, as the deformer gives them in the canonical pose, stand against the true
displacement of the same places. Pose and colour play no part, and a frame costs milliseconds.

Intensities are read back from motion alike for avatar and truth. Let A_k be the true displacement of action unit k
alone at level E (5); a motion d then shows the intensities r that minimise ‖d − Σ r_k/5 · A_k‖ over the measured
Gaussians, weighted so. Speech that moves the jaw reads as AU26, as it does for a detector; because truth and avatar are
read by the same linear rule, a head that moves truly has no error at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import AU_KEYS, LOWER, MAX_INTENSITY, UPPER
from studio.engine.avatar import Avatar
from studio.engine.controls import WINDOW
from studio.engine.measures.binding import Attachment, Mover, attach, gaussian_normals
from studio.engine.measures.emotion import emotion_score
from studio.engine.measures.visibility import visible_area
from studio.engine.training.capture import Capture, Surface
from studio.errors import StudioError

LEVELS: tuple[float, ...] = tuple(0.5 * step for step in range(11))
"""Intensities at which the response of a unit is measured: 0 to 5 in halves."""

MOVABLE_M = 5e-4
"""Gaussians that some mode moves by half a millimetre are the movable face, which is what is measured."""

MEASURED = 4_000
"""At most this many Gaussians, evenly picked: means over more differ by less than a hundredth."""

ACTS, RESTS = 0.2, 0.01
"""Shares of a unit's largest true displacement above which it acts, and below which it does not."""

SEEN_M = 2e-5
"""Root mean square motion, over all that is seen, from which on a zone counts as moved at all."""

DIPS = 0.01
"""A response may fall by this share of the true displacement from one level to the next and still count as rising."""

PEAK = 3.0
"""True intensities from here on are the peaks that a filter has to keep."""

Speech = Callable[[Sequence[int]], Tensor]
"""Speech windows (S, 8, F) of frames."""


@dataclass(frozen=True)
class Bound:
    """An avatar's Gaussians on a capture's surface."""

    index: Tensor  # (M,) which Gaussians are measured
    modes: Tensor  # (U, M, 3) metres: the surface's modes where they lie
    distance_m: float  # median distance to the nearest surface point


def moves(surface: Surface) -> bool:
    """Whether the surface has a movable face."""
    return bool(surface.modes.numel()) and float(surface.modes.square().sum(2).amax()) > MOVABLE_M**2


def bind(avatar: Avatar, surface: Surface) -> Bound:
    """Find where on the surface Gaussians lie, and pick those of the movable face.

    Raises:
        StudioError: if the surface does not move anywhere near the avatar.
    """
    gaussians = avatar.gaussians
    lie = attach(gaussians.means.detach().cpu(), gaussian_normals(gaussians.quats.detach().cpu()), surface)
    reach = surface.modes.square().sum(2).amax(0).sqrt()
    movable = np.flatnonzero((reach[lie.rows] * lie.weight).sum(1).numpy() > MOVABLE_M)
    if not len(movable):
        raise StudioError(
            "The avatar has no Gaussian where the capture's face moves: choose a capture of its performer."
        )
    picked = movable[np.unique(np.linspace(0, len(movable) - 1, min(MEASURED, len(movable))).round().astype(int))]
    there = Attachment(lie.rows[picked], lie.weight[picked], lie.distance[picked])
    return Bound(torch.from_numpy(picked), there.modes(surface), float(np.median(there.distance)))


class MotionJudge:
    """Measures one avatar against one capture.

    Args:
        avatar: the head.
        capture: the truth; it must know its surface motion and its articulation.

    Raises:
        StudioError: if the capture lacks them, or shows another head.
    """

    def __init__(self, avatar: Avatar, capture: Capture) -> None:
        if capture.surface is None or capture.articulators is None:
            raise StudioError(f"{capture.root} does not know its surface motion; choose a capture of a performer.")
        self.avatar, self.capture = avatar, capture
        self._surface, self._articulators = capture.surface, capture.articulators
        self.bound = bind(avatar, capture.surface)
        self._law, self.law = motion_law(capture)
        self._mover = Mover(avatar, self.bound.index)
        area = visible_area(avatar)[self.bound.index].clamp_min(0.0)
        if not float(area.sum()) > 0:
            raise StudioError("Nothing of the avatar's movable face can be seen, so its motion cannot be measured.")
        self._weight = area / area.sum()
        full = self._truth(self._mixtures(torch.eye(len(AU_KEYS)) * MAX_INTENSITY))
        self._fields = full  # (17, M, 3) metres at level E
        size = full.norm(dim=2).amax(1)
        self.units = [k for k in range(len(AU_KEYS)) if float(size[k]) > max(RESTS * float(size.max()), 1e-6)]
        flat = full[self.units].flatten(1).double()
        weighted = (full[self.units] * self._weight[:, None]).flatten(1).double()
        self._reader = MAX_INTENSITY * torch.linalg.solve(weighted @ flat.T, weighted)  # (K, 3M)

    def read(self, motion: Tensor) -> Tensor:
        """(S, K) intensities of `units` that motions (S, M, 3) show; not clipped, so that errors keep their sign."""
        read: Tensor = motion.flatten(1).double() @ self._reader.T
        return read

    def true_motion(self, frames: Sequence[int]) -> Tensor:
        """(S, M, 3) metres: what the surface does where the Gaussians lie."""
        return self._truth(self._surface.mode_weights[torch.as_tensor(frames)])

    def shown_motion(self, au: Tensor, speech: Tensor, pose: Tensor | None = None) -> Tensor:
        """(S, M, 3) metres: what the avatar does.

        Args:
            au: (S, 8, 17) windows of intensities 0–5.
            speech: (S, 8, F) speech windows.
            pose: (S, 5) degrees; neutral when left out.
        """
        return self._mover.motion(au, speech, pose)

    def performance(self, frames: Sequence[int], speech: Speech) -> dict[str, Any]:
        """Errors over frames of the performance.

        Args:
            frames: which, rising; second differences are taken where three follow one another.
            speech: gives the speech windows.

        Returns:
            motion_error (root of summed squared error over root of summed squared true motion), motion_error_mm (root
            mean square over visible area and frames); aue_u and aue_l (mean squared error of the intensities read,
            summed over the units of the upper and the lower face); aue_per_au (its root per unit); au_jerk and
            au_jerk_truth (mean absolute second difference per frame of the intensities read); conflict_error
            (motion_error over the frames of trials) with conflict_per_kind, null without trials; noise, null without
            a clean truth (see `_noise`); and what `emotion_score` returns.
        """
        capture = self.capture
        au = capture.au_windows(frames)
        said, pose = speech(frames), capture.pose[torch.as_tensor(frames)]
        shown, true = self.shown_motion(au, said, pose), self.true_motion(frames)
        read, right = self.read(shown), self.read(true)
        squared = (read - right).square().mean(0)
        by_unit = {AU_KEYS[k]: float(squared[i]) for i, k in enumerate(self.units)}
        wrong, moved = self._power(shown - true), self._power(true)
        found: dict[str, Any] = {
            "motion_error": _share(wrong, moved),
            "motion_error_mm": 1e3 * float(wrong.mean().sqrt()),
            "aue_u": _summed(by_unit, UPPER),
            "aue_l": _summed(by_unit, LOWER),
            "aue_per_au": {key: value**0.5 for key, value in by_unit.items()},
        }
        runs = _consecutive(frames)
        found["au_jerk"], found["au_jerk_truth"] = _jerk(read, runs), _jerk(right, runs)
        found |= self._conflict(frames, wrong, moved)
        found["noise"] = self._noise(frames, said, pose, read, runs)
        keys, words = [AU_KEYS[k] for k in self.units], self.read(self._words(frames))
        return found | emotion_score(capture.info.passages, frames, keys, read - words, right - words)

    def responses(self) -> dict[str, dict[str, Any]]:
        """How every action unit answers alone, held, in silence, from 0 to 5.

        Returns:
            Per unit: response (at `LEVELS`: the avatar's motion projected on the true displacement at level E, over
            the Gaussians where the unit acts; 1 is the true displacement), truth (the same of the true motion),
            response_e (the last one), monotonic, nonlinearity (largest distance of the response from the truth's
            curve scaled to the same end; 0 is the same shape), leakage (mean motion at level E where the unit does not
            act over mean motion where it does, both of the avatar). A unit that the performer does not show is absent.
        """
        fields = self._fields
        found: dict[str, dict[str, Any]] = {}
        for k in self.units:
            au = torch.zeros(len(LEVELS), len(AU_KEYS))
            au[:, k] = torch.tensor(LEVELS)
            silence = torch.zeros(len(LEVELS), WINDOW, self.avatar.deformer.config.n_speech)
            shown = self.shown_motion(au[:, None].expand(-1, WINDOW, -1), silence)
            size = fields[k].norm(dim=1)
            acts, rests = size > ACTS * size.max(), size < RESTS * size.max()
            there = fields[k][acts] * self._weight[acts, None]
            curves = [
                torch.einsum("smc,mc->s", motion[:, acts], there) / (fields[k][acts] * there).sum()
                for motion in (shown, self._truth(self._mixtures(au)))
            ]
            response, truth = curves[0], curves[1]
            inside, outside = (self._mean(shown[-1].norm(dim=1), among) for among in (acts, rests))
            found[AU_KEYS[k]] = {
                "response": _rounded(response),
                "truth": _rounded(truth),
                "response_e": float(response[-1]),
                "monotonic": bool((response.diff() > -DIPS).all()),
                "nonlinearity": float((response - truth * response[-1]).abs().max()),
                "leakage": None if inside is None or outside is None else outside / max(inside, 1e-9),
            }
        return found

    def together(self, units: Sequence[int]) -> dict[str, float | None]:
        """Error of units held together at level E in silence, per zone of the face.

        Args:
            units: indices into the project's action units.

        Returns:
            By zone (mouth, upper, synergy): root of summed squared error over root of summed squared true motion;
            None where the units truly move nothing.
        """
        au = torch.zeros(1, len(AU_KEYS))
        au[0, list(units)] = MAX_INTENSITY
        silence = torch.zeros(1, WINDOW, self.avatar.deformer.config.n_speech)
        true = self._truth(self._mixtures(au))[0]
        wrong = self.shown_motion(au[:, None].expand(-1, WINDOW, -1), silence)[0] - true
        zones = self.avatar.zones[self.bound.index]
        found: dict[str, float | None] = {}
        for label, name in enumerate(("mouth", "upper", "synergy")):
            off, moved = (self._power(motion[None], zones == label).sqrt() for motion in (wrong, true))
            found[name] = float(off / moved) if float(moved) > SEEN_M else None
        return found

    def _power(self, motion: Tensor, among: Tensor | None = None) -> Tensor:
        """(S,) square metres: weighted sum over the Gaussians (or those in a mask) of motions (S, M, 3)."""
        power = motion.square().sum(2).double() * self._weight
        return (power if among is None else power[:, among]).sum(1)

    def _mean(self, values: Tensor, among: Tensor) -> float | None:
        """Weighted mean of values (M,) over the Gaussians in a mask; None if none of them is seen."""
        weight = self._weight[among]
        return float((values[among] * weight).sum() / weight.sum()) if float(weight.sum()) > 0 else None

    def _truth(self, weights: Tensor) -> Tensor:
        """(S, M, 3) metres of mode weights (S, U)."""
        modes = self.bound.modes
        moved: Tensor = (weights @ modes.flatten(1)).view(len(weights), -1, 3)
        return moved

    def _mixtures(self, au: Tensor, articulators: Tensor | None = None) -> Tensor:
        """(S, U) mode weights of intensities (S, 17), in silence when no articulation is given."""
        return self._law(
            au, torch.zeros(len(au), self._articulators.shape[1]) if articulators is None else articulators
        )

    def _words(self, frames: Sequence[int]) -> Tensor:
        """(S, M, 3) metres: what the words of frames move truly, on a face that shows nothing else."""
        spoken = self._articulators[torch.as_tensor(frames)]
        return self._truth(self._mixtures(torch.zeros(len(spoken), len(AU_KEYS)), spoken))

    def _conflict(self, frames: Sequence[int], wrong: Tensor, moved: Tensor) -> dict[str, Any]:
        """Errors in the frames of trials, and per kind of trial."""
        trials = self.capture.info.trials
        kinds = {
            kind: torch.tensor([any(t.start <= f < t.end and t.kind == kind for t in trials) for f in frames])
            for kind in sorted({t.kind for t in trials})
        }
        kinds = {kind: among for kind, among in kinds.items() if bool(among.any())}
        if not kinds:
            return {"conflict_error": None, "conflict_per_kind": None}
        every = torch.stack(list(kinds.values())).any(0)
        return {
            "conflict_error": _share(wrong[every], moved[every]),
            "conflict_per_kind": {kind: _share(wrong[among], moved[among]) for kind, among in kinds.items()},
        }

    def _noise(
        self, frames: Sequence[int], said: Tensor, pose: Tensor, read: Tensor, runs: Tensor
    ) -> dict[str, float | None] | None:
        """What becomes of a detector's jitter: only for captures with a clean truth.

        Jitter is the root mean square second difference of what noise adds to the intensities read: for the avatar
        driven with noisy and with clean units, and for a perfect face that shows both unfiltered.

        Returns:
            injected, kept (both in intensities per frame²), removed (1 − kept / injected), peak (mean over units of
            the avatar's reading over the truth's, over frames where the true unit is at `PEAK` or above).
        """
        capture = self.capture
        if capture.au_clean is None or not self.units or not len(runs):
            return None
        at = torch.as_tensor(frames)
        calm = self.read(self.shown_motion(capture.au_windows(frames, acted=True), said, pose))
        spoken = self._articulators[at]
        noisy, clean = (self.read(self._truth(self._mixtures(au[at], spoken))) for au in (capture.au, capture.au_clean))
        kept, injected = (_second(values, runs).square().mean().sqrt() for values in (read - calm, noisy - clean))
        asked = capture.au_clean[at][:, self.units] >= PEAK
        peaks = [
            float(read[among, i].mean() / clean[among, i].mean().clamp_min(1e-6))
            for i, among in enumerate(asked.T)
            if bool(among.any())
        ]
        return {
            "injected": float(injected),
            "kept": float(kept),
            "removed": float(1.0 - kept / injected) if float(injected) > 0 else None,
            "peak": sum(peaks) / len(peaks) if peaks else None,
        }


def motion_law(capture: Capture) -> tuple[Callable[[Tensor, Tensor], Tensor], str]:
    """Mode weights of units (S, 17) and articulation (S, 10), and how they are known.

    The performer's own law where it yields the weights that the capture states ("performer"), otherwise the linear
    one that fits them best ("linear").
    """
    from studio.engine.performer.mapping import MODES, mode_weights

    surface, articulators = capture.surface, capture.articulators
    assert surface is not None
    assert articulators is not None

    def performer(au: Tensor, spoken: Tensor) -> Tensor:
        return torch.from_numpy(mode_weights(au.double().numpy(), spoken.double().numpy())).float()

    if surface.mode_names == MODES:
        stated = surface.mode_weights
        if float((performer(capture.acted, articulators) - stated).abs().max()) < 5e-3:
            return performer, "performer"
    controls = torch.cat([capture.acted / MAX_INTENSITY, articulators], 1).double()
    mixture = torch.linalg.lstsq(controls, surface.mode_weights.double(), driver="gelsd").solution.float()

    def linear(au: Tensor, spoken: Tensor) -> Tensor:
        weights: Tensor = torch.cat([au / MAX_INTENSITY, spoken], 1) @ mixture
        return weights

    return linear, "linear"


def measured_frames(capture: Capture, held: Sequence[int], limit: int = 1_500) -> NDArray[np.int64]:
    """Whole seconds of the performance to measure, rising.

    Captures made to test (their kind is neither empty nor a performance) are measured everywhere, others in the
    seconds that hold the frames `held`; evenly thinned to at most `limit` frames.
    """
    per_second = max(1, round(capture.info.fps))
    seconds = np.unique(np.asarray(held, dtype=np.int64) // per_second)
    if capture.info.kind not in ("", "performance", "neutral"):
        seconds = np.arange(-(-capture.info.frames // per_second))
    most = max(1, limit // per_second)
    if len(seconds) > most:
        seconds = seconds[np.linspace(0, len(seconds) - 1, most).round().astype(int)]
    frames = (seconds[:, None] * per_second + np.arange(per_second)).ravel()
    return frames[frames < capture.info.frames]


def _consecutive(frames: Sequence[int]) -> Tensor:
    """(T,) positions whose two successors are the next two frames."""
    at = torch.as_tensor(frames)
    return ((at[2:] - at[:-2]) == 2).nonzero()[:, 0]


def _second(values: Tensor, runs: Tensor) -> Tensor:
    """(T, K) second differences."""
    second: Tensor = values[runs + 2] - 2 * values[runs + 1] + values[runs]
    return second


def _jerk(values: Tensor, runs: Tensor) -> float | None:
    return float(_second(values, runs).abs().mean()) if len(runs) and values.shape[1] else None


def _summed(by_unit: dict[str, float], among: Sequence[int]) -> float | None:
    """Sum over the units of one half of the face; None if the performer shows none of them."""
    known = [by_unit[AU_KEYS[k]] for k in among if AU_KEYS[k] in by_unit]
    return sum(known) if known else None


def _share(wrong: Tensor, moved: Tensor) -> float:
    """Root of summed squared error over root of summed squared motion."""
    return float((wrong.sum() / moved.sum().clamp_min(1e-18)).sqrt())


def _rounded(values: Tensor) -> list[float]:
    return [round(float(value), 4) for value in values]
