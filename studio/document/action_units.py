"""The 17 action units of the studio, in numeric order within upper and lower face.

Names, muscles and appearance follow the Facial Action Coding System (Ekman, Friesen, Hager 2002); intensities are
OpenFace's 0–5, where the FACS marks A (trace) to E (maximum) stand at 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Region = Literal["brows", "eyes", "nose_cheeks", "mouth"]
Face = Literal["upper", "lower"]
Zone = Literal["expression", "synergy", "mouth"]

MAX_INTENSITY = 5.0

REGIONS: tuple[tuple[Region, str], ...] = (
    ("brows", "Brows"),
    ("eyes", "Eyes"),
    ("nose_cheeks", "Nose and cheeks"),
    ("mouth", "Mouth"),
)
"""The groups of sliders and lanes, with their titles."""


@dataclass(frozen=True)
class ActionUnit:
    """One facial action unit.

    `zone` is where most of its motion lies: the expression zone of the upper face, the mouth that speech leads, or the
    synergy zone between them. `opposites` pull against it, `partners` often come with it.
    """

    number: int
    name: str
    muscles: str
    region: Region
    face: Face
    zone: Zone
    look: str
    opposites: tuple[int, ...] = ()
    partners: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The name used in files and on the command line: `AU12`."""
        return f"AU{self.number}"

    @property
    def openface_column(self) -> str:
        """The intensity column of OpenFace: `AU12_r`, two digits."""
        return f"AU{self.number:02d}_r"


ACTION_UNITS: tuple[ActionUnit, ...] = (
    ActionUnit(
        1,
        "Inner brow raiser",
        "Frontalis, medial part",
        "brows",
        "upper",
        "expression",
        "The inner ends of the brows rise and short wrinkles appear in the middle of the forehead.",
        opposites=(4,),
        partners=(2, 4, 15),
    ),
    ActionUnit(
        2,
        "Outer brow raiser",
        "Frontalis, lateral part",
        "brows",
        "upper",
        "expression",
        "The outer ends of the brows arch upwards and wrinkles appear above them.",
        opposites=(4,),
        partners=(1, 5),
    ),
    ActionUnit(
        4,
        "Brow lowerer",
        "Corrugator supercilii, depressor supercilii",
        "brows",
        "upper",
        "expression",
        "The brows sink and draw together; upright furrows stand between them.",
        opposites=(1, 2),
        partners=(7, 9),
    ),
    ActionUnit(
        5,
        "Upper lid raiser",
        "Levator palpebrae superioris",
        "eyes",
        "upper",
        "expression",
        "The upper lids rise and show more of the iris, at the strongest white above it.",
        opposites=(45, 7),
        partners=(1, 2),
    ),
    ActionUnit(
        6,
        "Cheek raiser",
        "Orbicularis oculi, orbital part",
        "nose_cheeks",
        "upper",
        "synergy",
        "The cheeks rise, the eyes narrow from below and crow's feet spread from their corners.",
        partners=(12, 7),
    ),
    ActionUnit(
        7,
        "Lid tightener",
        "Orbicularis oculi, palpebral part",
        "eyes",
        "upper",
        "expression",
        "The lids tighten; the lower one rises and straightens, as in squinting.",
        opposites=(5,),
        partners=(4, 6),
    ),
    ActionUnit(
        9,
        "Nose wrinkler",
        "Levator labii superioris alaeque nasi",
        "nose_cheeks",
        "upper",
        "synergy",
        "The skin beside the nose is pulled up and wrinkles over its root; the wings of the nose rise.",
        partners=(4, 10),
    ),
    ActionUnit(
        45,
        "Blink",
        "Relaxation of levator palpebrae; orbicularis oculi",
        "eyes",
        "upper",
        "expression",
        "The eyes close, at the strongest fully.",
        opposites=(5,),
    ),
    ActionUnit(
        10,
        "Upper lip raiser",
        "Levator labii superioris",
        "mouth",
        "lower",
        "synergy",
        "The upper lip rises, most beside its middle, and the folds from nose to mouth deepen.",
        partners=(9, 25),
    ),
    ActionUnit(
        12,
        "Lip corner puller",
        "Zygomaticus major",
        "mouth",
        "lower",
        "synergy",
        "The corners of the mouth go up and back: a smile.",
        opposites=(15,),
        partners=(6, 25),
    ),
    ActionUnit(
        14,
        "Dimpler",
        "Buccinator",
        "mouth",
        "lower",
        "synergy",
        "The corners of the mouth are drawn in tightly and dimple.",
        partners=(12,),
    ),
    ActionUnit(
        15,
        "Lip corner depressor",
        "Depressor anguli oris",
        "mouth",
        "lower",
        "synergy",
        "The corners of the mouth are pulled down.",
        opposites=(12,),
        partners=(1, 17),
    ),
    ActionUnit(
        17,
        "Chin raiser",
        "Mentalis",
        "mouth",
        "lower",
        "mouth",
        "The chin boss wrinkles and pushes the lower lip up.",
        opposites=(25, 26),
        partners=(15,),
    ),
    ActionUnit(
        20,
        "Lip stretcher",
        "Risorius with platysma",
        "mouth",
        "lower",
        "mouth",
        "The corners of the mouth are pulled straight to the sides and the lips flatten.",
        opposites=(23,),
        partners=(25, 26),
    ),
    ActionUnit(
        23,
        "Lip tightener",
        "Orbicularis oris",
        "mouth",
        "lower",
        "mouth",
        "The lips narrow and tighten.",
        opposites=(20, 25),
        partners=(4, 17),
    ),
    ActionUnit(
        25,
        "Lips part",
        "Depressor labii inferioris, relaxed mentalis",
        "mouth",
        "lower",
        "mouth",
        "The lips come apart and may show the teeth; the jaw need not move.",
        opposites=(17, 23),
        partners=(26, 12),
    ),
    ActionUnit(
        26,
        "Jaw drop",
        "Relaxed masseter; temporalis",
        "mouth",
        "lower",
        "mouth",
        "The jaw sinks and the teeth come apart.",
        opposites=(17,),
        partners=(25,),
    ),
)
"""Channel order of every AU array in the project: the 8 upper-face units, then the 9 lower-face ones."""

AU_KEYS: tuple[str, ...] = tuple(au.key for au in ACTION_UNITS)
AU_INDEX: dict[str, int] = {key: i for i, key in enumerate(AU_KEYS)}
UPPER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "upper")
LOWER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "lower")

FACS_MARKS: tuple[str, ...] = ("A", "B", "C", "D", "E")
FACS_WORDS: dict[str, str] = {"A": "trace", "B": "slight", "C": "marked", "D": "severe", "E": "maximum"}


def facs_mark(intensity: float) -> str:
    """The FACS mark nearest to an intensity 0–5: '' below a trace (0.5), then A to E.

    Raises ValueError for a number outside 0–5.
    """
    if not 0 <= intensity <= MAX_INTENSITY:
        raise ValueError(f"an intensity is {intensity}, expected 0 to {MAX_INTENSITY:g}")
    nearest = int(intensity + 0.5)
    return FACS_MARKS[nearest - 1] if nearest else ""


def intensity_of(mark: str) -> float:
    """The intensity 1–5 at which a FACS mark A–E stands. Raises ValueError for another mark."""
    if mark not in FACS_MARKS:
        raise ValueError(f"{mark!r} is no FACS mark, expected one of {', '.join(FACS_MARKS)}")
    return float(FACS_MARKS.index(mark) + 1)
