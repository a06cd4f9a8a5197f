"""Training recipes: every number that training depends on, with its reason.

A recipe is a value: it travels in checkpoints and into the avatar. Three stages follow one another:

- geometry teaches the deformer the true motion of the surface, without pictures;
- coarse learns the appearance of the canonical Gaussians while the true motion moves them;
- fine learns everything together: pictures drawn through the deformer, with the motion as an anchor.

"GT" below is GaussianTalker's published configuration, the lineage of EmoZone-Talker.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from studio.engine.deform.deformer import ABLATIONS, DeformerConfig
from studio.engine.training.losses import LossWeights
from studio.errors import StudioError

Stage = Literal["geometry", "coarse", "fine"]
STAGES: tuple[Stage, ...] = ("geometry", "coarse", "fine")


@dataclass(frozen=True)
class LearningRate:
    """A rate that falls exponentially over its stage, after an optional pause at the start value."""

    start: float
    end: float
    hold: float = 0.0  # share of the stage spent at `start`

    def at(self, progress: float) -> float:
        """The rate at `progress` in [0, 1] of the stage."""
        fall = max(0.0, progress - self.hold) / max(1e-9, 1.0 - self.hold)
        return float(self.start * (self.end / self.start) ** min(1.0, fall))


@dataclass(frozen=True)
class Density:
    """When Gaussians are added and removed (Kerbl et al. 2023, with GT's schedule)."""

    every: int = 100  # iterations between changes; GT
    start: int = 1_000  # counted over coarse and fine together: moments and colours must have settled first; GT
    stop: int = 7_000  # later changes would not be learned any more; GT
    gradient: float = (
        2.5e-4  # mean screen gradient (share of half the width) that asks for more Gaussians; 3DGS has 2e-4
    )
    grow: float = 0.02  # at most this share of new Gaussians per change, so that a CPU run stays predictable
    split_over: float = 2.0  # Gaussians wider than this many surface spacings are split, smaller ones cloned
    prune_opacity: float = 0.005  # fainter ones are removed; 3DGS and GT


@dataclass(frozen=True)
class Recipe:
    """How an avatar is trained; the defaults are recipe `studio`."""

    name: str = "studio"
    prior: str = ""  # a shipped performer to start from, for captures of real people; none: start from nothing
    prior_points: int = 20_000  # scattered over the performer's surface, to choose the initial Gaussians from
    prior_extra: int = 5_000  # at most so many points of hair and clothes beyond the performer's bare head
    n_au: int = 17  # action units that condition the face: all; the paper's 8 upper ones in recipe `paper`
    without: tuple[str, ...] = ()  # parts left out: au, szpab, citae, raar (the paper's ablations)
    literal_keys: bool = False  # intensity inside the keys too, the paper's literal reading; for comparison
    seed: int = 0  # every random draw follows from it

    geometry_iterations: int = 4_000  # three minutes on two cores; the motion error falls little after that
    coarse_iterations: int = 3_500  # appearance settles in about four passes over the pictures
    fine_iterations: int = 7_500  # the longest stage, because here pictures and motion meet
    coarse_half: float = 0.6  # first share of the coarse stage drawn at half size: a quarter of the pixels
    fine_half: float = 0.4  # same of the fine stage
    batch: int = 1  # pictures whose gradients are averaged into one move; times the processes of torchrun
    max_minutes: float | None = None  # end each stage early to keep this bound (then not reproducible); None: no bound

    initial_gaussians: int = 24_000  # placed on the surface; the rest of the budget goes where pictures ask for it
    max_gaussians: int = 28_000  # real-time drawing on a CPU and a small file; the shipped avatar's limit is 30,000
    plane_resolutions: tuple[int, ...] = (64, 128)  # texels along a side of the tri-planes; GT
    sh_degree: int = 1  # colour over viewing direction; soft light needs little, and degree 1 cannot overfit views
    initial_opacity: float = 0.9  # surface points are known to be there
    initial_extent: float = 0.7  # standard deviation along the surface in spacings: neighbours just overlap
    initial_stretch: float = 1.0  # disks where expressions pull the surface apart are wider by at most this factor
    initial_thickness: float = 0.15  # standard deviation across the surface in spacings: a disk
    density: Density = Density()

    geometry_frames: int = 16  # frames of one geometry step …
    geometry_points: int = 1_024  # … and Gaussians of each: 24 steps a second on two cores
    geometry_moving: float = 0.6  # share of those drawn from Gaussians that move at all; the rest must learn to rest
    moving_m: float = 1e-4  # a Gaussian that never moves further than 0.1 mm rests
    motion_scale_m: float = 1e-3  # displacement error that counts as 1: a millimetre is visible on a face
    held_share: float = 0.5  # share of geometry samples that show expressions the performance lacks, where known; with
    # 0.2 a unit that words weaken (AU23) answered with .67 of its motion on a silent face
    au_noise: float = 1.0  # highest noise on action units, truth unchanged; 1 is a detector's jitter (training/jitter)
    au_noise_share: float = 0.7  # share of geometry samples with such noise
    filter_frames: int = 64  # windows per geometry step that teach CIT-AE by their true intensities alone
    filter_weight: float = 1.0  # of that term: intensities of 0–5 that err by 1 count as a millimetre does
    planes: LearningRate = LearningRate(1e-2, 2e-4, hold=0.3)  # tri-planes and residuals in geometry; measured
    networks: LearningRate = LearningRate(2e-3, 4e-5, hold=0.3)  # everything else of the deformer in that stage
    filters: LearningRate = LearningRate(1e-2, 2e-4, hold=0.3)  # CIT-AE in that stage; later it rests, see `Learner`
    fine_residual: LearningRate = LearningRate(1e-3, 1e-4)  # residuals in the fine stage: each sees its own pixels only
    fine_networks: LearningRate = LearningRate(3e-4, 3e-5)  # GT has 1e-4 → 1e-5 over a longer stage

    means: LearningRate = LearningRate(1.6e-4, 1.6e-6)  # times head height in metres; 3DGS and GT
    quats: float = 1e-3  # 3DGS and GT
    log_scales: float = 5e-3  # 3DGS and GT
    opacity: float = 2.5e-2  # half of GT's: the surface is known, opacity has little to search for
    colour: LearningRate = LearningRate(5e-3, 1e-3)  # zeroth harmonic; 3DGS has 2.5e-3 over four times the iterations
    harmonics: float = 2.5e-4  # higher harmonics, a twentieth; 3DGS
    fine_share: float = 0.5  # in the fine stage the rates of the Gaussians are this share of the above

    weights: LossWeights = field(default_factory=LossWeights)  # of the image terms
    motion_weight: float = 0.02  # geometry loss beside the pictures: an anchor, not a leash
    teach_every: int = 2  # of so many fine steps one teaches the deformer, for twice the price of one that does not
    rehearse_every: int = 2  # teaching steps between small geometry steps: frames without pictures stay learned
    rehearse_weight: float = 0.1  # of those steps; as light as the anchor, pictures soon undo what silence was taught
    appearance_weight: float = 0.01  # keeps extent, opacity and colour changes for what motion cannot explain
    raar_weight: float = 0.01  # EmoZone-Talker
    solid_every: int = 0  # steps between looks from the sides, where the head must stay as opaque as it began; 0: none
    solid_weight: float = 0.3  # of that term
    parting_every: int = 0  # steps between looks at parted lips and closed lids, which must stay as they began; 0: none
    parting_weight: float = 1.0  # of that term
    smear_weight: float = 0.5  # of skin's colours in these expressions
    inside_weight: float = 0.0  # of how far the mouth's inside has left the colours that it began with
    surface_weight: float = 0.0  # of what keeps Gaussians on the surface they started on where pictures do not object
    patch_weight: float = 0.0  # of colours that differ from those around them where the clip's camera sees edge-on
    align_weight: float = 0.0  # of small corrections to each picture's tracked pose; 0: poses are taken as they are
    align_rate: float = 0.15  # their learning rate, in usual corrections per visit
    judges: tuple[str, ...] = ()  # frozen networks whose losses are added to the fine stage (see engine/judges/choose)
    scale_weight: float = 1.0  # of the cap on extents and flatness
    scale_cap: float = 3.0  # extents above this many spacings are penalised

    checkpoint_minutes: float = 3.0  # what an interruption may cost
    report_every: int = 50  # iterations between progress reports

    def iterations(self, stage: Stage) -> int:
        """Length of a stage."""
        return {
            "geometry": self.geometry_iterations,
            "coarse": self.coarse_iterations,
            "fine": self.fine_iterations,
        }[stage]

    @property
    def total_iterations(self) -> int:
        """Length of all stages."""
        return sum(self.iterations(stage) for stage in STAGES)

    def with_iterations(self, total: int) -> Recipe:
        """This recipe with `total` iterations, split among the stages and density control as before.

        Raises:
            StudioError: if there is not at least one iteration per stage.
        """
        if total < len(STAGES):
            raise StudioError(f"Training cannot run {total} iterations: give at least {len(STAGES)}.")
        share = total / self.total_iterations
        geometry = min(total - 2, max(1, round(self.geometry_iterations * share)))
        coarse = min(total - geometry - 1, max(1, round(self.coarse_iterations * share)))
        density = replace(self.density, start=round(self.density.start * share), stop=round(self.density.stop * share))
        return replace(
            self,
            geometry_iterations=geometry,
            coarse_iterations=coarse,
            fine_iterations=total - geometry - coarse,
            density=density,
        )

    def leaving_out(self, parts: tuple[str, ...]) -> Recipe:
        """This recipe without some parts of the method.

        Raises:
            StudioError: on an unknown part.
        """
        for part in parts:
            if part not in ABLATIONS:
                raise StudioError(f"Training cannot leave out {part!r}: choose among {', '.join(ABLATIONS)}.")
        return replace(self, without=tuple(sorted({*self.without, *parts})))

    def deformer_config(self) -> DeformerConfig:
        """What the deformer is made of."""
        return DeformerConfig.without(
            self.without, n_au=self.n_au, resolutions=self.plane_resolutions, literal_keys=self.literal_keys
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for files."""
        return asdict(self)


RECIPES: dict[str, Recipe] = {
    "studio": Recipe(),
    "paper": Recipe(name="paper", n_au=8),
    "portrait": Recipe(
        name="portrait",
        prior="nora",
        geometry_iterations=1_200,  # the performer's network knows her motion; the person's own is learned
        coarse_iterations=600,
        fine_iterations=5_000,  # on 20 s of speech the last 1,600 of 4,800 brought 0.5 dB, the 1,600 before 0.8
        coarse_half=0.0,  # pictures are small: half of their size saves a third of the time and loses the detail
        fine_half=0.0,
        teach_every=3,
        initial_gaussians=11_000,  # pictures of 256 pixels show no more
        max_gaussians=15_000,
        initial_extent=0.9,
        initial_stretch=2.0,  # lids that no picture shows closed would close with gaps
        density=Density(every=100, start=400, stop=3_400, gradient=3e-4),
        geometry_frames=12,
        au_noise=0.0,  # a real clip's action units are noisy as they are
        filter_weight=0.0,
        planes=LearningRate(2e-3, 2e-4),
        networks=LearningRate(3e-4, 3e-5),
        prior_points=40_000,  # chosen from fewer, Gaussians clump and leave holes
        surface_weight=0.05,
        solid_every=3,
        parting_every=3,
        inside_weight=0.06,  # lips that let a hundredth of it through would dye it; pictures of an open mouth may
        patch_weight=0.3,
        align_weight=1e-3,
        opacity=1.2e-2,
        harmonics=2.5e-5,  # one side of the head says nothing of how colours change around it
        colour=LearningRate(1e-2, 1e-3),  # few steps: twice the rate of a long training
        motion_weight=0.01,  # the person's law is not the performer's: pictures may overrule it …
        rehearse_every=2,  # … but what the clip never shows stays the performer's,
        rehearse_weight=0.3,  # and stays as strong: with 0.1, mouths opened half as far after training
        checkpoint_minutes=2.0,
        report_every=20,
    ),
    "quick": Recipe(
        name="quick",
        geometry_iterations=150,
        coarse_iterations=100,
        fine_iterations=150,
        geometry_points=256,
        plane_resolutions=(16, 32),
        initial_gaussians=2_000,
        max_gaussians=2_500,
        density=Density(every=40, start=60, stop=200),
        checkpoint_minutes=60.0,
        report_every=10,
    ),
}
"""`studio` for performers, `portrait` for real people, `paper` to compare with EmoZone-Talker, `quick` to see within a
minute that all works."""


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        StudioError: if there is none.
    """
    if name not in RECIPES:
        raise StudioError(f"There is no recipe {name!r}: choose among {', '.join(RECIPES)}.")
    return RECIPES[name]


def differing_field(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """The first field in which two recipes' JSON forms differ, if any."""
    return next((f.name for f in fields(Recipe) if one.get(f.name) != other.get(f.name)), None)
