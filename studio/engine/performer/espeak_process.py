"""Speaks one text with the espeak-ng library, in a process of its own; run by path, needs the standard library alone.

The library goes on with the phase and the random jitter of what it spoke before, so that the same words sound otherwise
the second time. A fresh process has nothing before. Usage: `espeak_process.py VOICE RATE`, the text on standard input;
on standard output a line of JSON, {"rate_hz", "events": [[milliseconds, IPA name], …]}, and then 16-bit samples.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

LIBRARIES = ("libespeak-ng.so.1", "libespeak-ng.dylib", "libespeak-ng.dll")

NO_LIBRARY, NO_DATA, NO_VOICE, NO_SPEECH = 3, 4, 5, 6
"""Exit statuses of what can go wrong."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_EVENT_END, _EVENT_PHONEME = 0, 7
_SYNCHRONOUS, _PHONEME_EVENTS, _IPA_NAMES, _DO_NOT_EXIT = 2, 1, 2, 0x8000
_UTF8, _PARAMETER_RATE = 1, 1


def load_library() -> ctypes.CDLL | None:
    """The library, where it is installed."""
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def main(voice: str, rate: int, text: bytes) -> int:
    """Speaks; returns the exit status."""
    library = load_library()
    if library is None:
        return NO_LIBRARY
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _IPA_NAMES | _DO_NOT_EXIT)
    if rate_hz <= 0:
        return NO_DATA
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return NO_VOICE
    chunks: list[bytes] = []
    events: list[tuple[int, str]] = []

    def receive(samples: Any, n: int, found: Any) -> int:
        if n > 0:
            chunks.append(ctypes.string_at(samples, 2 * n))
        i = 0
        while found[i].type != _EVENT_END:
            if found[i].type == _EVENT_PHONEME:
                events.append((found[i].audio_position, bytes(found[i].id.string).decode("utf-8", errors="ignore")))
            i += 1
        return 0

    callback = _CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(_PARAMETER_RATE, rate, 0)
    if library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != 0 or not chunks:
        return NO_SPEECH
    sys.stdout.buffer.write(json.dumps({"rate_hz": rate_hz, "events": events}).encode() + b"\n" + b"".join(chunks))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()))
