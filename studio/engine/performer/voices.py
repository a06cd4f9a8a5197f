"""Text to speech with exact phoneme times, from free synthesisers: flite, espeak-ng and Festival.

Only the performer and the training of the speech encoder speak; the studio itself never needs these programs.
flite and Festival print the end of every segment, espeak-ng reports phoneme events through its library
(`espeak_process`).
"""

from __future__ import annotations

import functools
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer import espeak_process
from studio.engine.speech.audio import resample
from studio.engine.speech.phonemes import SILENCE, Phoneme, from_arpabet, from_ipa
from studio.errors import StudioError

Engine = Literal["flite", "espeak", "festival"]

VOICE_RATE_HZ = 16_000
_TIMEOUT_S = 120.0
_PACKAGE: dict[Engine, str] = {"flite": "flite", "espeak": "libespeak-ng1", "festival": "festival"}

_FESTIVAL_LANGUAGES: dict[str, str] = {
    "kal_diphone": "en",
    "ked_diphone": "en",
    "cmu_us_slt_arctic_hts": "en",
    "lp_diphone": "it",
    "pc_diphone": "it",
    "czech_dita": "cs",
    "czech_krb": "cs",
    "czech_machac": "cs",
    "czech_ph": "cs",
    "suo_fi_lj_diphone": "fi",
    "hy_fi_mv_diphone": "fi",
    "upc_ca_ona_hts": "ca",
    "msu_ru_nsh_clunits": "ru",
}
_FESTIVAL_ENCODING: dict[str, str] = {"it": "latin-1", "cs": "iso-8859-2", "fi": "latin-1", "ca": "latin-1"}

_FESTIVAL_PHONES: dict[str, dict[str, str]] = {
    # Phone names of voices that do not use ARPAbet, where they are not plain IPA letters already.
    "it": {
        "a1": "a", "e1": "e", "E1": "ɛ", "i1": "i", "o1": "o", "O1": "ɔ", "u1": "u", "E": "ɛ", "O": "ɔ", "tS": "tʃ",
        "dZ": "dʒ", "S": "ʃ", "L": "ʎ", "J": "ɲ", "ts": "ts", "dz": "dz", "ng": "ŋ", "nf": "ɱ", "g": "ɡ", "r": "ɾ",
        "w": "w", "j": "j", "ll": "l", "mm": "m", "SS": "ʃ",
    },
    "cs": {
        "a:": "a", "e:": "ɛ", "i:": "i", "o:": "o", "u:": "u", "e": "ɛ", "i": "ɪ", "c": "ts", "c~": "tʃ", "s~": "ʃ",
        "z~": "ʒ", "r~": "ʒ", "n~": "ɲ", "t~": "c", "d~": "ɟ", "ch": "x", "dz": "dz", "dz~": "dʒ", "n*": "ŋ",
        "h": "h", "r~*": "ʃ", "@": "ə", "?": "",
    },
    "fi": {"@": "ø", "{": "æ", "y": "y", "N": "ŋ", "v": "v", "d": "d", "a": "a", "e": "e", "2": "ø", "S": "ʃ"},
    "ca": {
        "ax": "ə", "E": "ɛ", "O": "ɔ", "S": "ʃ", "Z": "ʒ", "L": "ʎ", "J": "ɲ", "N": "ŋ", "ts": "ts", "tS": "tʃ",
        "dZ": "dʒ", "dz": "dz", "rr": "r", "B": "β", "D": "ð", "G": "ɣ", "y": "j", "uw": "w", "iy": "j",
    },
    "ru": {
        "aa": "a", "ae": "a", "ii": "i", "ee": "e", "oo": "o", "uu": "u", "yy": "ɨ", "ay": "ə", "ur": "u", "ux": "u",
        "ch": "tʃ", "sh": "ʃ", "zh": "ʒ", "sch": "ʃ", "c": "ts", "h": "x", "hh": "x", "y": "ɨ", "ja": "a",
        "bb": "b", "dd": "d", "ff": "f", "gg": "ɡ", "kk": "k", "ll": "l", "mm": "m", "nn": "n", "pp": "p",
        "rr": "r", "ss": "s", "tt": "t", "vv": "v", "zz": "z", "j": "j",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Voice:
    """A synthetic speaker."""

    engine: Engine
    name: str  # as the engine names it; espeak-ng: language+variant
    language: str  # "en", "de", … as the text must be written


@dataclass(frozen=True)
class Utterance:
    """Spoken text with its sounds in time."""

    text: str
    voice: Voice
    samples: NDArray[np.float32]  # (n,) 16 kHz mono in [-1, 1]
    phonemes: tuple[Phoneme, ...]  # gapless from 0 to the end, silences included

    @property
    def duration_s(self) -> float:
        """Seconds of sound."""
        return len(self.samples) / VOICE_RATE_HZ


def speak(text: str, voice: Voice, *, tempo: float = 1.0) -> Utterance:
    """Speaks one sentence.

    Args:
        text: In the voice's language.
        voice: One of `available_voices()`.
        tempo: 1 as the voice likes, 2 twice as fast.

    Raises:
        StudioError: The synthesiser or the voice is not installed, or it failed on this text.
    """
    if not text.strip():
        raise ValueError("nothing to say")
    if voice.engine == "flite":
        samples, segments = _flite(text, voice, tempo)
    elif voice.engine == "espeak":
        samples, segments = _espeak(text, voice, tempo)
    else:
        samples, segments = _festival(text, voice, tempo)
    duration_s = len(samples) / VOICE_RATE_HZ
    return Utterance(text, voice, samples, _gapless(segments, duration_s))


def available_voices(*engines: Engine) -> tuple[Voice, ...]:
    """Installed voices of the given engines (all by default), in a fixed order; no engine is not an error."""
    wanted = engines or ("flite", "festival", "espeak")
    found: list[Voice] = []
    if "flite" in wanted and shutil.which("flite"):
        listed = _run(["flite", "-lv"], "flite").stdout.decode().partition(":")[2].split()
        found += [Voice("flite", name, "en") for name in sorted(listed) if name != "awb_time"]
    if "festival" in wanted and shutil.which("festival"):
        for root in (Path("/usr/share/festival/voices"), Path("/usr/lib/festival/voices")):
            installed = {path.name for path in root.glob("*/*")}
            found += [
                Voice("festival", v, _FESTIVAL_LANGUAGES[v]) for v in sorted(installed & set(_FESTIVAL_LANGUAGES))
            ]
    if "espeak" in wanted and _has_espeak():
        found += [Voice("espeak", v, v.split("+")[0]) for v in ESPEAK_VOICES]
    return tuple(found)


_ESPEAK_LANGUAGES = (
    "en-us", "en-gb-x-rp", "en-gb-scotland", "de", "fr", "es", "it", "pt-br", "nl", "sv", "pl", "cs", "ru", "tr", "el",
    "hu", "fi", "cmn-latn-pinyin", "ja", "hi", "id", "vi", "sw",
)  # fmt: skip
_ESPEAK_VARIANTS = ("", "+f2", "+m3", "+f4", "+m7", "+Andrea", "+max", "+Annie", "+Denis", "+linda")
ESPEAK_VOICES: tuple[str, ...] = tuple(
    language + variant for language in _ESPEAK_LANGUAGES for variant in _ESPEAK_VARIANTS
)
"""Formant voices: every language with several larynxes."""


def _missing(engine: Engine) -> StudioError:
    return StudioError(
        f"Speech synthesis needs {engine}, which is not installed; install the Debian package {_PACKAGE[engine]}."
    )


def _run(command: list[str], engine: Engine, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        done = subprocess.run(command, input=text, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise _missing(engine) from error
    except subprocess.TimeoutExpired as error:
        raise StudioError(f"{engine} did not finish within {_TIMEOUT_S:.0f} s; use a shorter text.") from error
    return done


def _read_wave(data: bytes) -> NDArray[np.float32]:
    with wave.open(io.BytesIO(data)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return resample(raw.mean(axis=1).astype(np.float32) / 32768.0, file.getframerate(), VOICE_RATE_HZ)


def _flite(text: str, voice: Voice, tempo: float) -> tuple[NDArray[np.float32], list[tuple[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        stretch = f"duration_stretch={1.0 / tempo:.4f}"
        command = ["flite", "-voice", voice.name, "-psdur", "--setf", stretch, "-t", text, "-o", str(out)]
        done = _run(command, "flite")
        if done.returncode != 0 or not out.exists():
            raise StudioError(f"flite could not speak with the voice {voice.name}; choose one of `flite -lv`.")
        samples = _read_wave(out.read_bytes())
    segments = [item.rsplit(":", 1) for item in done.stdout.decode().split() if ":" in item]
    return samples, [(from_arpabet(name), float(end)) for name, end in segments]


def _festival(text: str, voice: Voice, tempo: float) -> tuple[NDArray[np.float32], list[tuple[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        out, script = Path(folder) / "speech.wav", Path(folder) / "say.scm"
        quoted = text.replace("\\", " ").replace('"', " ")
        program = (
            f"(voice_{voice.name})\n(Parameter.set 'Duration_Stretch {1.0 / tempo:.4f})\n"
            f'(set! u (utt.synth (Utterance Text "{quoted}")))\n(utt.save.wave u "{out}" \'riff)\n'
            '(mapcar (lambda (s) (format t "SEG %s %f\\n" (item.name s) (item.feat s \'end)))'
            " (utt.relation.items u 'Segment))\n"
        )
        script.write_bytes(program.encode(_FESTIVAL_ENCODING.get(voice.language, "utf-8"), errors="replace"))
        done = _run(["festival", "-b", str(script)], "festival")
        if not out.exists():
            raise StudioError(f"Festival could not speak with the voice {voice.name}; install its festvox package.")
        samples = _read_wave(out.read_bytes())
    segments: list[tuple[str, float]] = []
    for name, end in re.findall(r"^SEG (\S+) ([\d.]+)$", done.stdout.decode(errors="replace"), re.MULTILINE):
        for label, share in _shares(_festival_labels(name, voice.language)):
            start = segments[-1][1] if segments else 0.0
            segments.append((label, start + (float(end) - start) * share))
    return samples, segments


def _festival_labels(name: str, language: str) -> tuple[str, ...]:
    if name in ("#", "_", "pau", "##", "h#", "ssil"):
        return (SILENCE,)
    if language == "en":
        return (from_arpabet(name),)
    table = _FESTIVAL_PHONES[language]
    ipa = table.get(name) or table.get(name.rstrip("1:")) or name.rstrip("0123456789:")
    return from_ipa(ipa)


def _shares(labels: tuple[str, ...]) -> Iterable[tuple[str, float]]:
    """Label and the share of the remaining time that makes equal parts: `(end - start) * share` each in turn."""
    for i, label in enumerate(labels):
        yield label, 1.0 / (len(labels) - i)


def _gapless(segments: list[tuple[str, float]], duration_s: float) -> tuple[Phoneme, ...]:
    """Segments given by their ends as phonemes from 0 to the end of the sound; equal silences are joined."""
    out: list[Phoneme] = []
    start = 0.0
    for label, end in [*segments, (SILENCE, duration_s)]:
        end = min(end, duration_s)
        if end - start < 1e-4:
            continue
        if out and label == SILENCE and out[-1].label == SILENCE:
            out[-1] = Phoneme(SILENCE, out[-1].start_s, end)
        else:
            out.append(Phoneme(label, start, end))
        start = end
    return tuple(out)


_WORDS_PER_MINUTE = 165


def _espeak(text: str, voice: Voice, tempo: float) -> tuple[NDArray[np.float32], list[tuple[str, float]]]:
    """Samples and (label, end) pairs; a phoneme lasts until the next one's event."""
    if not _has_espeak():
        raise _missing("espeak")
    rate = int(np.clip(round(_WORDS_PER_MINUTE * tempo), 80, 450))
    command = [sys.executable, "-I", "-S", espeak_process.__file__, voice.name, str(rate)]
    done = _run(command, "espeak", text.encode("utf-8"))
    if done.returncode == espeak_process.NO_DATA:
        raise StudioError("espeak-ng finds no voice data; install the Debian package espeak-ng-data.")
    if done.returncode == espeak_process.NO_VOICE:
        raise StudioError(f"espeak-ng has no voice {voice.name}; choose one of `espeak-ng --voices`.")
    if done.returncode != 0:
        raise StudioError(f"espeak-ng could not speak {text[:40]!r} with the voice {voice.name}; try another text.")
    header, _, raw = done.stdout.partition(b"\n")
    told = json.loads(header)
    sound = np.frombuffer(raw, np.int16).astype(np.float32) / 32768.0
    events = [(milliseconds / 1000.0, name) for milliseconds, name in told["events"]]
    ends = [time for time, _ in events[1:]] + [len(sound) / told["rate_hz"]]
    segments: list[tuple[str, float]] = [(SILENCE, events[0][0])] if events else []
    for (start, name), end in zip(events, ends, strict=True):
        # A bracket is a change of language, not a sound.
        labels: tuple[str, ...] = (SILENCE,) if name.startswith("(") else from_ipa(name) or (SILENCE,)
        at = start
        for label, share in _shares(labels):
            at += (end - at) * share
            segments.append((label, at))
    return resample(sound, told["rate_hz"], VOICE_RATE_HZ), segments


@functools.cache
def _has_espeak() -> bool:
    return espeak_process.load_library() is not None
