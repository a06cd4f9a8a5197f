"""Which codecs a video file is made of, and whether this machine has them.

Being listed by FFmpeg says nothing (NVENC is listed without a card), so each encoder is opened before it is believed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import av

from studio.errors import StudioError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoder:
    """A video encoder and how to ask it for pictures without visible loss."""

    name: str
    options: dict[str, str] = field(default_factory=dict)
    bits_per_pixel: float | None = None  # for encoders that know no constant quality
    pixels: str = "yuv420p"  # FFmpeg's name; the alpha of yuva… is straight


@dataclass(frozen=True)
class Recipe:
    """What stands in a file of one ending, with or without transparency."""

    container: str  # FFmpeg's name
    encoders: tuple[Encoder, ...]  # in order of preference
    sound: str  # FFmpeg's name of the encoder
    missing: str  # one sentence for people without any of the encoders


H264 = (
    Encoder("libx264", {"preset": "fast", "crf": "14"}),
    Encoder("h264_videotoolbox", {}, 0.2),
    Encoder("h264_nvenc", {"preset": "p5", "rc": "vbr", "cq": "16"}),
    Encoder("h264_mf", {}, 0.2),
    Encoder("libopenh264", {}, 0.2),
    Encoder("libvpx-vp9", {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "5"}),
)
_VP9 = {"crf": "16", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
_REINSTALL = "reinstall the Python package “av”"

_NO_H264 = f"No video encoder works on this machine; {_REINSTALL}."

RECIPES: dict[tuple[str, bool], Recipe] = {
    (".mp4", False): Recipe("mp4", H264, "aac", _NO_H264),
    (".m4v", False): Recipe("mp4", H264, "aac", _NO_H264),
    (".mov", False): Recipe("mov", H264, "aac", _NO_H264),
    (".mov", True): Recipe(
        "mov",
        (Encoder("prores_ks", {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"}, None, "yuva444p10le"),),
        "pcm_s24le",
        f"This machine has no ProRes 4444 encoder for transparent MOV files; write PNG pictures, or {_REINSTALL}.",
    ),
    (".webm", False): Recipe(
        "webm",
        (Encoder("libvpx-vp9", _VP9),),
        "libopus",
        f"This machine has no VP9 encoder for WebM files; write an MP4, or {_REINSTALL}.",
    ),
    (".webm", True): Recipe(
        "webm",
        (Encoder("libvpx-vp9", _VP9, None, "yuva420p"),),
        "libopus",
        f"This machine has no VP9 encoder for transparent WebM files; write PNG pictures, or {_REINSTALL}.",
    ),
}
"""By ending and transparency."""

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm")
ALPHA_SUFFIXES = (".mov", ".webm")


def recipe(suffix: str, alpha: bool) -> Recipe:
    """What to write into a file of that ending.

    Raises:
        StudioError: if such a file keeps no transparency.
    """
    found = RECIPES.get((suffix.lower(), alpha))
    if found is None:
        raise StudioError(
            f"A {suffix.lstrip('.').upper()} file keeps no transparency; write {' or '.join(ALPHA_SUFFIXES)}, "
            "or PNG pictures."
        )
    return found


def find_encoder(wanted: Recipe) -> Encoder:
    """The first encoder of a recipe that really opens on this machine.

    Raises:
        StudioError: if none does.
    """
    for candidate in wanted.encoders:
        if _opens(candidate.name, candidate.pixels, tuple(candidate.options.items())):
            return candidate
    raise StudioError(wanted.missing)


def missing(suffix: str, alpha: bool) -> str | None:
    """Why a file of that ending cannot be written here; None when it can."""
    try:
        wanted = recipe(suffix, alpha)
        find_encoder(wanted)
    except StudioError as error:
        return str(error)
    return None if wanted.sound in av.codecs_available else wanted.missing


@lru_cache(maxsize=64)
def _opens(name: str, pixels: str, options: tuple[tuple[str, str], ...]) -> bool:
    try:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = 256, 256, pixels
        context.time_base = Fraction(1, 25)
        context.options = dict(options)
        context.open()
    except (ValueError, OSError, av.FFmpegError) as error:
        log.info("video encoder %s does not open: %s", name, error)
        return False
    log.info("video encoder: %s", name)
    return True
