"""The 17 action units of the studio, in numeric order within upper and lower face.

Names, muscles and appearance follow the Facial Action Coding System (Ekman, Friesen, Hager 2002); intensities are
OpenFace's 0–5, where the FACS marks A (trace) to E (maximum) stand at 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Region = Literal["brows", "eyes", "nose_cheeks", "mouth"]
Face = Literal["upper", "lower"]

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

    `effect` says what it does and what it is seen in. `opposites` pull against it, `partners` often come with it.
    """

    number: int
    name: str
    muscles: str
    region: Region
    face: Face
    effect: str
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
        "Lifts the inner ends of the brows; the forehead wrinkles in its middle. Worry, sadness.",
        opposites=(4,),
        partners=(2, 4, 15),
    ),
    ActionUnit(
        2,
        "Outer brow raiser",
        "Frontalis, lateral part",
        "brows",
        "upper",
        "Lifts the outer ends of the brows into an arch. With AU1 it is surprise.",
        opposites=(4,),
        partners=(1, 5),
    ),
    ActionUnit(
        4,
        "Brow lowerer",
        "Corrugator supercilii, depressor supercilii",
        "brows",
        "upper",
        "Draws the brows down and together, with furrows between them. Anger, effort, thought.",
        opposites=(1, 2),
        partners=(7, 9),
    ),
    ActionUnit(
        5,
        "Upper lid raiser",
        "Levator palpebrae superioris",
        "eyes",
        "upper",
        "Lifts the upper lids, so that more of the eyes' white shows. Surprise, fear, a stare.",
        opposites=(45, 7),
        partners=(1, 2),
    ),
    ActionUnit(
        6,
        "Cheek raiser",
        "Orbicularis oculi, orbital part",
        "nose_cheeks",
        "upper",
        "Lifts the cheeks and gathers crow's feet: what makes a smile look felt.",
        partners=(12, 7),
    ),
    ActionUnit(
        7,
        "Lid tightener",
        "Orbicularis oculi, palpebral part",
        "eyes",
        "upper",
        "Tightens the lids, the lower one above all. A narrowed, searching eye.",
        opposites=(5,),
        partners=(4, 6),
    ),
    ActionUnit(
        9,
        "Nose wrinkler",
        "Levator labii superioris alaeque nasi",
        "nose_cheeks",
        "upper",
        "Wrinkles the nose and pulls the inner brows down. Disgust.",
        partners=(4, 10),
    ),
    ActionUnit(
        45,
        "Blink",
        "Relaxation of levator palpebrae; orbicularis oculi",
        "eyes",
        "upper",
        "Closes the eyes.",
        opposites=(5,),
    ),
    ActionUnit(
        10,
        "Upper lip raiser",
        "Levator labii superioris",
        "mouth",
        "lower",
        "Lifts the middle of the upper lip and deepens the fold beside the nose. Contempt, disgust.",
        partners=(9, 25),
    ),
    ActionUnit(
        12,
        "Lip corner puller",
        "Zygomaticus major",
        "mouth",
        "lower",
        "Pulls the corners of the lips up and back. The smile.",
        opposites=(15,),
        partners=(6, 25),
    ),
    ActionUnit(
        14,
        "Dimpler",
        "Buccinator",
        "mouth",
        "lower",
        "Pulls the corners inwards and makes dimples. Contempt when on one side.",
        partners=(12,),
    ),
    ActionUnit(
        15,
        "Lip corner depressor",
        "Depressor anguli oris",
        "mouth",
        "lower",
        "Pulls the corners of the lips down. Sadness.",
        opposites=(12,),
        partners=(1, 17),
    ),
    ActionUnit(
        17,
        "Chin raiser",
        "Mentalis",
        "mouth",
        "lower",
        "Pushes the chin and lower lip up. Doubt, a pout.",
        opposites=(25, 26),
        partners=(15,),
    ),
    ActionUnit(
        20,
        "Lip stretcher",
        "Risorius with platysma",
        "mouth",
        "lower",
        "Stretches the lips sideways towards the ears. Fear.",
        opposites=(23,),
        partners=(25, 26),
    ),
    ActionUnit(
        23,
        "Lip tightener",
        "Orbicularis oris",
        "mouth",
        "lower",
        "Tightens the lips and makes them narrow. Restrained anger.",
        opposites=(20, 25),
        partners=(4, 17),
    ),
    ActionUnit(
        25,
        "Lips part",
        "Depressor labii inferioris, relaxed mentalis",
        "mouth",
        "lower",
        "Parts the lips while the teeth may stay closed.",
        opposites=(17, 23),
        partners=(26, 12),
    ),
    ActionUnit(
        26,
        "Jaw drop",
        "Relaxed masseter; temporalis",
        "mouth",
        "lower",
        "Lets the jaw drop, so that the teeth part.",
        opposites=(17,),
        partners=(25,),
    ),
)
"""Channel order of every AU array in the project: the 8 upper-face units, then the 9 lower-face ones."""

AU_KEYS: tuple[str, ...] = tuple(au.key for au in ACTION_UNITS)
AU_INDEX: dict[str, int] = {key: i for i, key in enumerate(AU_KEYS)}
UPPER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "upper")
LOWER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "lower")

FACS_MARKS: dict[str, str] = {"A": "trace", "B": "slight", "C": "marked", "D": "severe", "E": "maximum"}
"""FACS' marks of intensity and what they are called; they stand at 1 to 5."""
