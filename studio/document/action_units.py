"""The 17 action units of the studio, in numeric order within upper and lower face.

Names and regions follow the Facial Action Coding System; intensities are OpenFace's 0–5, where FACS marks
A (trace) to E (maximum) stand at 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Region = Literal["brows", "eyes", "nose_cheeks", "mouth"]
Face = Literal["upper", "lower"]

MAX_INTENSITY = 5.0


@dataclass(frozen=True)
class ActionUnit:
    """One facial action unit."""

    number: int
    name: str
    muscles: str
    region: Region
    face: Face

    @property
    def key(self) -> str:
        """The name used in files and on the command line: `AU12`."""
        return f"AU{self.number}"


ACTION_UNITS: tuple[ActionUnit, ...] = (
    ActionUnit(1, "Inner brow raiser", "Frontalis, medial part", "brows", "upper"),
    ActionUnit(2, "Outer brow raiser", "Frontalis, lateral part", "brows", "upper"),
    ActionUnit(4, "Brow lowerer", "Corrugator supercilii, depressor supercilii", "brows", "upper"),
    ActionUnit(5, "Upper lid raiser", "Levator palpebrae superioris", "eyes", "upper"),
    ActionUnit(6, "Cheek raiser", "Orbicularis oculi, orbital part", "nose_cheeks", "upper"),
    ActionUnit(7, "Lid tightener", "Orbicularis oculi, palpebral part", "eyes", "upper"),
    ActionUnit(9, "Nose wrinkler", "Levator labii superioris alaeque nasi", "nose_cheeks", "upper"),
    ActionUnit(45, "Blink", "Relaxation of levator palpebrae; orbicularis oculi", "eyes", "upper"),
    ActionUnit(10, "Upper lip raiser", "Levator labii superioris", "mouth", "lower"),
    ActionUnit(12, "Lip corner puller", "Zygomaticus major", "mouth", "lower"),
    ActionUnit(14, "Dimpler", "Buccinator", "mouth", "lower"),
    ActionUnit(15, "Lip corner depressor", "Depressor anguli oris", "mouth", "lower"),
    ActionUnit(17, "Chin raiser", "Mentalis", "mouth", "lower"),
    ActionUnit(20, "Lip stretcher", "Risorius with platysma", "mouth", "lower"),
    ActionUnit(23, "Lip tightener", "Orbicularis oris", "mouth", "lower"),
    ActionUnit(25, "Lips part", "Depressor labii inferioris, relaxed mentalis", "mouth", "lower"),
    ActionUnit(26, "Jaw drop", "Relaxed masseter; temporalis", "mouth", "lower"),
)
"""Channel order of every AU array in the project: the 8 upper-face units, then the 9 lower-face ones."""

AU_KEYS: tuple[str, ...] = tuple(au.key for au in ACTION_UNITS)
AU_INDEX: dict[str, int] = {key: i for i, key in enumerate(AU_KEYS)}
UPPER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "upper")
LOWER: tuple[int, ...] = tuple(i for i, au in enumerate(ACTION_UNITS) if au.face == "lower")
