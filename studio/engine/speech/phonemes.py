"""Phonemes: the inventory that the speech encoder recognises, and the mapping of other notations to it.

The inventory is the 39 ARPAbet classes of General American plus silence. Sounds of other languages map to the
class whose lips, jaw and tongue look most like theirs (German "ü" to UW, French "gn" to N): the studio shows
mouths, it does not transcribe.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SILENCE = "SIL"

PHONEMES: tuple[str, ...] = (
    SILENCE,
    *("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"),
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH"),
    *("V", "W", "Y", "Z", "ZH"),
)
"""Every label, silence first; the order of the encoder's phoneme outputs."""

PHONEME_INDEX: dict[str, int] = {label: i for i, label in enumerate(PHONEMES)}
N_PHONEMES = len(PHONEMES)
VOWELS: frozenset[str] = frozenset(PHONEMES[1:16])
BILABIALS: frozenset[str] = frozenset({"P", "B", "M"})

_SAMPA_LIKE: dict[str, str] = {
    # Names that occur in Festival's and flite's phone sets besides ARPAbet's own.
    "PAU": SILENCE,
    "H#": SILENCE,
    "BRTH": SILENCE,
    "#": SILENCE,
    "_": SILENCE,
    "SSIL": SILENCE,
    "AX": "AH",
    "AXR": "ER",
    "IX": "IH",
    "EL": "L",
    "EM": "M",
    "EN": "N",
    "DX": "D",
    "NX": "N",
    "HV": "HH",
}

_IPA: dict[str, str] = {
    "a": "AA",
    "ɑ": "AA",
    "ɒ": "AO",
    "ɐ": "AH",
    "æ": "AE",
    "ʌ": "AH",
    "ə": "AH",
    "ɜ": "ER",
    "ɚ": "ER",
    "ɝ": "ER",
    "ɘ": "AH",
    "ɵ": "UH",
    "ɤ": "AH",
    "e": "EY",
    "ɛ": "EH",
    "i": "IY",
    "ɪ": "IH",
    "ɨ": "IH",
    "ɿ": "IH",
    "ʅ": "IH",
    "o": "OW",
    "ɔ": "AO",
    "u": "UW",
    "ʊ": "UH",
    "ɯ": "UH",
    "ʉ": "UW",
    "y": "UW",
    "ʏ": "UH",
    "ø": "UH",
    "œ": "UH",
    "ɶ": "AO",
    "p": "P",
    "b": "B",
    "ɓ": "B",
    "m": "M",
    "ɱ": "M",
    "t": "T",
    "ʈ": "T",
    "d": "D",
    "ɖ": "D",
    "ɗ": "D",
    "n": "N",
    "ɳ": "N",
    "ɲ": "N",
    "ŋ": "NG",
    "ɴ": "NG",
    "k": "K",
    "c": "K",
    "q": "K",
    "ɡ": "G",
    "g": "G",
    "ɟ": "G",
    "ʔ": "",
    "f": "F",
    "ɸ": "F",
    "v": "V",
    "ʋ": "V",
    "β": "V",
    "ⱱ": "V",
    "θ": "TH",
    "ð": "DH",
    "s": "S",
    "z": "Z",
    "ʃ": "SH",
    "ʒ": "ZH",
    "ɕ": "SH",
    "ʑ": "ZH",
    "ʂ": "SH",
    "ʐ": "ZH",
    "ç": "HH",
    "ʝ": "Y",
    "x": "K",
    "χ": "K",
    "ɣ": "G",
    "ʁ": "G",
    "ʀ": "G",
    "h": "HH",
    "ɦ": "HH",
    "ħ": "HH",
    "ʕ": "AA",
    "l": "L",
    "ɫ": "L",
    "ɭ": "L",
    "ʎ": "Y",
    "ʟ": "L",
    "ɬ": "L",
    "ɮ": "L",
    "ɹ": "R",
    "ɻ": "R",
    "r": "D",
    "ɾ": "D",
    "ɽ": "D",
    "j": "Y",
    "ɥ": "W",
    "w": "W",
    "ʍ": "W",
}

_IPA_GROUPS: dict[str, str] = {
    "tʃ": "CH",
    "ʧ": "CH",
    "tɕ": "CH",
    "ʨ": "CH",
    "tʂ": "CH",
    "ꭧ": "CH",
    "dʒ": "JH",
    "ʤ": "JH",
    "dʑ": "JH",
    "dʐ": "JH",
    "ts": "S",
    "ʦ": "S",
    "dz": "Z",
    "pf": "F",
    "aɪ": "AY",
    "aʊ": "AW",
    "ɔɪ": "OY",
    "ɔø": "OY",
    "ɔʏ": "OY",
    "eɪ": "EY",
    "oʊ": "OW",
    "əʊ": "OW",
}


@dataclass(frozen=True)
class Phoneme:
    """One spoken sound in time."""

    label: str  # one of PHONEMES
    start_s: float
    end_s: float
    stress: float = 1.0  # 1 as spoken on average; > 1 stressed, < 1 reduced; scales how far a vowel opens

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.end_s - self.start_s


def from_arpabet(name: str) -> str:
    """The class of an ARPAbet-like phone name as flite and Festival print it (`ax`, `pau`, `AH0`, `h#`).

    Args:
        name: Any capitalisation, a stress digit allowed.

    Returns:
        A label of PHONEMES; unknown names count as silence's neighbour, the neutral vowel AH.
    """
    key = name.upper().rstrip("0123456789")
    if key in PHONEME_INDEX:
        return key
    return _SAMPA_LIKE.get(key or name.upper(), "AH")


def from_ipa(symbols: str) -> tuple[str, ...]:
    """The classes of one IPA phoneme as espeak-ng names it: usually one, several for `ɔːɹ` or `jʊ`, none for marks.

    Length marks, stress marks, tones, nasality and other diacritics are dropped.
    """
    plain = "".join(
        c for c in unicodedata.normalize("NFD", symbols.replace("ç", "\ue000")) if not unicodedata.combining(c)
    ).replace("\ue000", "ç")
    plain = "".join(c for c in plain if c in _IPA or any(c in group for group in _IPA_GROUPS))
    labels: list[str] = []
    i = 0
    while i < len(plain):
        if plain[i : i + 2] in _IPA_GROUPS:
            labels.append(_IPA_GROUPS[plain[i : i + 2]])
            i += 2
        else:
            label = _IPA_GROUPS.get(plain[i]) or _IPA.get(plain[i], "")
            if label:
                labels.append(label)
            i += 1
    return tuple(labels)
