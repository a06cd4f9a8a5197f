"""Who the performer can be: shape, skin, eyes and hair of each identity."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.errors import StudioError

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class SkinLook:
    """Colours are display sRGB in [0, 1]; amounts are 0 for none, 1 for a lot."""

    base: Rgb
    blush: Rgb  # colour that cheeks, nose and ears lean towards
    lips: Rgb
    lids: Rgb  # colour around the eyes
    freckles: float = 0.2
    stubble: float = 0.0
    gloss: float = 0.5
    age: float = 0.2  # strength of resting lines


@dataclass(frozen=True)
class HairLook:
    """A hair style of `hair.py` and its colours."""

    style: str  # "bob", "swept", "short" or "cropped"
    root: Rgb
    tip: Rgb
    curl: float = 0.1  # 0 straight, 1 tight curls
    strands: int = 9500


@dataclass(frozen=True)
class Identity:
    """Everything that tells one performer from another."""

    name: str
    shape: dict[str, float]  # kit target → weight
    skin: SkinLook
    hair: HairLook
    iris: Rgb
    iris_rim: Rgb
    brow: str  # eyebrow proxy of the kit
    brow_colour: Rgb
    brow_density: float = 1.0
    lash_length: float = 1.0
    garment: Rgb = (0.09, 0.1, 0.12)
    rest: dict[str, float] = field(default_factory=dict)  # facial units added so that the neutral face is neutral


def _macros(sex: str, old: float = 0.0, **origins: float) -> dict[str, float]:
    """Weights of the macro targets: a mix of origins (summing to 1) and a share of age."""
    weights = {f"macrodetails/{origin}-{sex}-young": w * (1 - old) for origin, w in origins.items()}
    weights |= {f"macrodetails/{origin}-{sex}-old": w * old for origin, w in origins.items() if old}
    weights[f"macrodetails/universal-{sex}-young-averagemuscle-averageweight"] = 1.0 - old
    if old:
        weights[f"macrodetails/universal-{sex}-old-averagemuscle-averageweight"] = old
    return weights


IDENTITIES: dict[str, Identity] = {
    identity.name: identity
    for identity in (
        Identity(
            name="nora",
            shape=_macros("female", caucasian=0.8, asian=0.2)
            | {
                "eyes/eye-scale-incr": 1.05,
                "eyes/eye-trans-in": 0.35,
                "eyebrows/eyebrows-trans-up": 1.0,
                "eyebrows/eyebrows-angle-down": -0.42,
                "eyes/eye-corner2-up": 0.3,
                "head/head-oval": 0.35,
                "nose/nose-scale-horiz-decr": 0.25,
                "nose/nose-width3-decr": 0.3,
                "nose/nose-point-up": 0.2,
                "chin/chin-width-decr": 0.5,
                "chin/chin-bones-decr": 0.35,
                "chin/chin-triangle": 0.2,
                "cheek/cheek-bones-incr": 0.25,
                "cheek/cheek-volume-incr": 0.15,
                "mouth/mouth-cupidsbow-incr": 0.4,
                "mouth/mouth-upperlip-volume-incr": 0.25,
                "mouth/mouth-lowerlip-volume-incr": 0.25,
                "mouth/mouth-philtrum-volume-incr": 0.3,
                "mouth/mouth-scale-horiz-decr": 0.1,
                "mouth/mouth-angles-up": 0.45,
                "neck/neck-scale-horiz-decr": 0.25,
            },
            skin=SkinLook(
                (0.85, 0.70, 0.62), (0.80, 0.52, 0.46), (0.73, 0.43, 0.41), (0.70, 0.52, 0.47), freckles=0.55
            ),
            hair=HairLook("bob", (0.20, 0.125, 0.085), (0.43, 0.285, 0.185), strands=8400),
            iris=(0.30, 0.37, 0.36),
            iris_rim=(0.12, 0.17, 0.19),
            brow="eyebrow004",
            brow_colour=(0.33, 0.235, 0.17),
            brow_density=0.75,
            rest={"eyeBlink": 0.14, "mouthSmile": 0.08, "browInnerUp": 0.14},
        ),
        Identity(
            name="adam",
            shape=_macros("male", 0.12, caucasian=0.9, african=0.1)
            | {
                "eyes/eye-scale-incr": 0.8,
                "eyes/eye-trans-in": 0.3,
                "eyebrows/eyebrows-trans-up": 0.4,
                "eyebrows/eyebrows-angle-down": -0.12,
                "mouth/mouth-lowerlip-height-incr": 0.35,
                "mouth/mouth-upperlip-height-incr": 0.35,
                "mouth/mouth-angles-up": 0.2,
                "head/head-rectangular": 0.15,
                "chin/chin-prominent-incr": 0.2,
                "nose/nose-scale-vert-decr": 0.2,
            },
            skin=SkinLook(
                (0.80, 0.64, 0.55),
                (0.74, 0.48, 0.41),
                (0.67, 0.42, 0.38),
                (0.65, 0.46, 0.40),
                freckles=0.2,
                stubble=0.85,
                age=0.4,
            ),
            hair=HairLook("short", (0.09, 0.06, 0.045), (0.20, 0.13, 0.09), strands=15000),
            iris=(0.30, 0.20, 0.11),
            iris_rim=(0.10, 0.06, 0.04),
            brow="eyebrow012",
            brow_colour=(0.13, 0.09, 0.06),
            lash_length=0.62,
            rest={"eyeBlink": 0.13, "mouthSmile": 0.07, "browInnerUp": 0.10},
            garment=(0.10, 0.13, 0.17),
        ),
        Identity(
            name="amara",
            shape=_macros("female", african=0.85, caucasian=0.15)
            | {
                "eyes/eye-scale-incr": 1.15,
                "eyes/eye-trans-in": 0.3,
                "eyes/eye-corner2-up": 0.35,
                "eyebrows/eyebrows-trans-up": 0.9,
                "eyebrows/eyebrows-angle-down": -0.40,
                "head/head-oval": 0.7,
                "head/head-scale-horiz-decr": 0.10,
                "cheek/cheek-bones-incr": 0.55,
                "mouth/mouth-angles-up": 0.35,
                "mouth/mouth-scale-horiz-decr": 0.15,
                "chin/chin-width-decr": 0.75,
                "chin/chin-bones-decr": 0.7,
                "chin/chin-triangle": 0.35,
                "chin/chin-height-decr": 0.2,
                "cheek/cheek-volume-incr": 0.10,
                "nose/nose-scale-horiz-decr": 0.5,
                "nose/nose-width2-decr": 0.3,
                "nose/nose-point-up": 0.15,
                "mouth/mouth-cupidsbow-incr": 0.5,
                "neck/neck-scale-horiz-decr": 0.45,
            },
            skin=SkinLook(
                (0.555, 0.385, 0.295),
                (0.55, 0.30, 0.24),
                (0.55, 0.255, 0.255),
                (0.31, 0.185, 0.15),
                freckles=0.1,
                gloss=0.40,
                age=0.05,
            ),
            hair=HairLook("cropped", (0.05, 0.034, 0.028), (0.12, 0.078, 0.058), curl=1.0, strands=14000),
            iris=(0.20, 0.12, 0.07),
            iris_rim=(0.06, 0.04, 0.03),
            brow="eyebrow001",
            brow_colour=(0.075, 0.055, 0.047),
            brow_density=0.45,
            lash_length=1.45,
            rest={"eyeBlink": 0.18, "mouthSmile": 0.08, "browInnerUp": 0.10},
            garment=(0.16, 0.07, 0.07),
        ),
    )
}
"""Every shipped identity by name."""

DEFAULT_IDENTITY = "nora"


def find_identity(name: str) -> Identity:
    """The identity of that name.

    Raises:
        StudioError: there is none.
    """
    if name not in IDENTITIES:
        raise StudioError(f"There is no performer called “{name}”: choose one of {', '.join(sorted(IDENTITIES))}.")
    return IDENTITIES[name]
