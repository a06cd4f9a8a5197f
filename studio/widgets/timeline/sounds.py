"""The spoken sounds as arrays, so that looking for those in sight costs nothing however long the speech. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from studio.engine.speech.phonemes import Phoneme

Floats = NDArray[np.float64]

IPA: dict[str, str] = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "IH": "ɪ",
    "IY": "i", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "u", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "F": "f",
    "G": "ɡ", "HH": "h", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
"""The sign of the International Phonetic Alphabet for each class of sounds."""


@dataclass(frozen=True, eq=False)
class Sounds:
    """Sounds in the order of time, silences left out."""

    starts_s: Floats  # (n,)
    ends_s: Floats  # (n,)
    labels: tuple[str, ...]  # (n,) IPA

    @classmethod
    def of(cls, phonemes: tuple[Phoneme, ...] = ()) -> Sounds:
        """The sounds of a speech pass."""
        spoken = [phoneme for phoneme in phonemes if phoneme.label != "SIL"]
        return cls(
            np.array([phoneme.start_s for phoneme in spoken], np.float64),
            np.array([phoneme.end_s for phoneme in spoken], np.float64),
            tuple(IPA.get(phoneme.label, phoneme.label) for phoneme in spoken),
        )

    def __len__(self) -> int:
        return len(self.starts_s)

    @cached_property
    def edges_s(self) -> Floats:
        """Where sounds begin and end, increasing."""
        return np.unique(np.concatenate([self.starts_s, self.ends_s]))

    def between(self, first_s: float, past_s: float) -> range:
        """Indices of the sounds that touch a stretch of time."""
        first = int(np.searchsorted(self.ends_s, first_s, "left"))
        return range(first, max(first, int(np.searchsorted(self.starts_s, past_s, "right"))))

    def at(self, time_s: float) -> int | None:
        """Index of the sound at a moment."""
        i = int(np.searchsorted(self.ends_s, time_s, "right"))
        return i if i < len(self) and self.starts_s[i] <= time_s else None
