"""People that judges learn from: random performers, none of whom is an identity that avatars are made of.

Shape, age, skin, eyes and hair are drawn independently, so that a judge cannot lean on any of them.
"""

from __future__ import annotations

import numpy as np

from studio.engine.performer.identity import HairLook, Identity, Rgb, SkinLook
from studio.engine.performer.kit import load_kit

STYLES = ("bob", "swept", "short", "cropped")
BROWS = ("eyebrow001", "eyebrow004", "eyebrow008", "eyebrow011", "eyebrow012")

_REGIONS = ("cheek", "chin", "eyebrows", "eyes", "forehead", "head", "mouth", "nose")
"""Groups of shape targets that are varied."""

_OPPOSITES = (("-incr", "-decr"), ("-up", "-down"), ("-in", "-out"), ("-convex", "-concave"))

_LIGHT, _DARK = np.array([0.87, 0.72, 0.64]), np.array([0.36, 0.24, 0.18])
"""Display sRGB of the fairest and the darkest skin."""

_IRISES = ((0.30, 0.37, 0.36), (0.30, 0.20, 0.11), (0.20, 0.12, 0.07), (0.33, 0.40, 0.48), (0.36, 0.33, 0.18))


def random_person(seed: int) -> Identity:
    """A performer drawn from `seed`; the same seed gives the same person, another seed another one."""
    rng = np.random.default_rng([seed, 41])
    dark = float(rng.beta(1.1, 1.3))
    base = _LIGHT + dark * (_DARK - _LIGHT) + rng.normal(0, 0.02) + rng.normal(0, 0.008, 3)
    hair = np.array([0.05, 0.034, 0.028]) + (1 - dark) * rng.random() * np.array([0.32, 0.22, 0.13])
    sex = "female" if rng.random() < 0.5 else "male"
    return Identity(
        name=f"person-{seed}",
        shape=_shape(rng, sex),
        skin=SkinLook(
            base=_colour(base),
            blush=_colour(base * rng.uniform((0.88, 0.70, 0.66), (1.0, 0.82, 0.80))),
            lips=_colour(
                base * (rng.uniform(0.72, 1.0) * np.array([1.0, rng.uniform(0.62, 0.80), rng.uniform(0.64, 0.86)]))
            ),
            lids=_colour(base * rng.uniform(0.66, 0.92) * np.array([1.0, 0.9, 0.9])),
            freckles=float(rng.random() * 0.6),
            stubble=float(rng.random()) if sex == "male" and rng.random() < 0.6 else 0.0,
            gloss=float(rng.uniform(0.3, 0.7)),
            age=float(rng.uniform(0.1, 0.6)),
        ),
        hair=HairLook(
            STYLES[int(rng.integers(len(STYLES)))],
            _colour(hair),
            _colour(hair * rng.uniform(1.5, 2.4)),
            curl=float(rng.random()),
            strands=2_500,
        ),
        iris=_IRISES[int(rng.integers(len(_IRISES)))],
        iris_rim=(0.08, 0.07, 0.06),
        brow=BROWS[int(rng.integers(len(BROWS)))],
        brow_colour=_colour(hair * rng.uniform(0.8, 1.5)),
        brow_density=float(rng.uniform(0.6, 1.0)),
        lash_length=float(rng.uniform(0.6, 1.1)),
        garment=_colour(rng.random(3) * 0.6),
        rest={"eyeBlink": float(rng.uniform(0.05, 0.18)), "mouthSmile": 0.07, "browInnerUp": 0.10},
    )


def _shape(rng: np.random.Generator, sex: str) -> dict[str, float]:
    """Weights of shape targets: a mix of origins and ages, and about a third of all details a little each."""
    old = float(rng.uniform(0.0, 0.6))
    shape = {}
    for origin, share in zip(("african", "asian", "caucasian"), rng.dirichlet((0.6, 0.6, 0.6)), strict=True):
        shape[f"macrodetails/{origin}-{sex}-young"] = float(share) * (1 - old)
        shape[f"macrodetails/{origin}-{sex}-old"] = float(share) * old
    shape[f"macrodetails/universal-{sex}-young-averagemuscle-averageweight"] = 1 - old
    shape[f"macrodetails/universal-{sex}-old-averagemuscle-averageweight"] = old
    for name in sorted(load_kit().targets):
        region = name.partition("/")[0]
        if region not in _REGIONS or rng.random() > 0.35 or any(other in shape for other in _contrary(name)):
            continue
        shape[name] = float(rng.uniform(0.05, 0.5 if region in ("mouth", "nose") else 0.7))
    return shape


def _contrary(name: str) -> list[str]:
    """Names of targets that would undo this one."""
    pairs = [*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)]
    return [name.removesuffix(one) + other for one, other in pairs if name.endswith(one)]


def _colour(rgb: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Rgb:
    red, green, blue = np.clip(rgb, 0.02, 0.98)
    return float(red), float(green), float(blue)
