"""`emozone capture`: a portrait video becomes a capture folder with a quality report.

The work goes on in `NAME.part` beside the target: what the video shows (in blocks), then its pictures, one file each.
Stopped or out of space, the same call goes on from there, also when the video has moved meanwhile: it is known by its
SHA-256. The folder takes its name when it is whole.
"""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.spatial import Delaunay

from studio.document.action_units import AU_KEYS
from studio.document.interchange.openface import export_openface
from studio.document.takes import Take
from studio.engine import targets
from studio.engine.capture.analysis import Clip, analyse
from studio.engine.capture.filming import (
    Background,
    Window,
    camera_of,
    cut_out,
    find_background,
    finish,
    window_of,
    written,
)
from studio.engine.capture.head import refine_head
from studio.engine.capture.mesh import EYE_LEFT, EYE_RIGHT, LIPS_INNER, LIPS_OUTER, MESH_POINTS, POINTS
from studio.engine.capture.models import load_models
from studio.engine.capture.observing import observe
from studio.engine.capture.page import write_page
from studio.engine.capture.quality import assess
from studio.engine.capture.reading import read_again
from studio.engine.capture.torso import Torso, follow_torso
from studio.engine.consent import Consent, give_consent, read_consent, sha256_of
from studio.engine.footage import RATE, Footage, open_footage
from studio.engine.portrait_report import PAGE, REPORT, UNUSABLE, in_words
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.audio import Audio, load_audio
from studio.engine.speech.features import extract_features, silence
from studio.engine.training.capture import PORTRAIT
from studio.engine.training.capture_files import FORMAT, VERSION
from studio.engine.training.tracking_files import FILE as TRACKING
from studio.errors import StudioError

Progress = Callable[[float, str], None]
"""Called with the share done (0–1) and what is being done."""

SPEECH_HZ = 16_000
TEST_SHARE = 1 / 11
"""The last eleventh of a clip is for testing, as the portrait-avatar field has it."""

MIN_SIZE_PX, MAX_SIZE_PX = 64, 1024
_BYTES_PER_PIXEL = 2.2
"""On disk, of a capture's picture with everything that goes with it."""

_STATE = "work.json"


class StoppedError(StudioError):
    """The capture was asked to stop; the sentence says how to go on."""


class UnusableError(StudioError):
    """The video is no material for an avatar; report and contact sheet in the work folder say why."""


@dataclass(frozen=True)
class Options:
    """What can be chosen."""

    size_px: int | None = None  # edge of the pictures; None: 512, or less where the video has less
    start_s: float = 0.0
    end_s: float | None = None
    openface: Path | None = None  # CSV whose action units are taken
    consent: str = ""  # who confirms consent.STATEMENT; empty: nothing is recorded


def make_portrait(
    video: Path,
    out: Path,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Makes a capture of a portrait video.

    Args:
        video: any file with pictures that FFmpeg reads.
        out: folder to make; must not exist.
        options: see `Options`.
        progress: see `Progress`.
        cancelled: asked often; True stops.
        tell: hears remarks, one sentence each.

    Returns:
        The report, as in report.json.

    Raises:
        StoppedError: it was cancelled.
        StudioError: the video cannot be used, or the folder cannot be written; the work done is kept.
    """
    options = options or Options()
    targets.check_new_folder(out)
    if options.size_px is not None and not MIN_SIZE_PX <= options.size_px <= MAX_SIZE_PX:
        raise StudioError(
            f"Pictures of {options.size_px} pixels cannot be captured; choose {MIN_SIZE_PX} to {MAX_SIZE_PX}."
        )
    footage = open_footage(video, start_s=options.start_s, end_s=options.end_s)
    folder = out.with_name(out.name + ".part")
    asked = cancelled or (lambda: False)

    def report(begin: float, share: float, what: str) -> Callable[[int, int], None]:
        def now(done: int, of: int) -> None:
            if asked():
                raise StoppedError(f"Stopped; run the same command again to go on ({what} {done} of {of}).")
            if progress is not None:
                progress(begin + share * min(done / max(of, 1), 1.0), f"{what} {done} of {of}")

        return now

    try:
        return _make(footage, out, folder, options, report, tell)
    except OSError as error:
        raise targets.writing_failed(error, out) from error


_Reporter = Callable[[float, float, str], Callable[[int, int], None]]


def _make(
    footage: Footage, out: Path, folder: Path, options: Options, report: _Reporter, tell: Callable[[str], None] | None
) -> dict[str, Any]:
    edge = options.size_px or 512
    consent = _begin(folder, footage, options)
    targets.check_space(out, int(footage.frames * edge**2 * _BYTES_PER_PIXEL) - _size(folder))
    models = load_models(tell)
    sound = _sound(footage)
    speech = extract_features(sound) if sound is not None else silence(footage.duration_s)
    seen, size = observe(footage, models, folder / "seen", report=report(0.0, 0.45, "looking at picture"))
    if len(seen) == 0:
        raise StudioError(f"{footage.path} holds no pictures from {footage.start_s:g} s on; lower --start.")
    report(0.45, 0.0, "fitting the head to picture")(0, len(seen))
    clip = analyse(footage.path.name, seen, size, models, speech, options.openface)
    if options.size_px is None:
        edge = int(np.clip(clip.crop.edge * footage.width / size[0] // 64 * 64, 128, 512))
    window = window_of(clip, footage, edge)
    cut_out(footage, clip, window, folder, models, report(0.48, 0.3, "cutting out picture"))
    report(0.78, 0.0, "finding the background in picture")(0, len(seen))
    background = find_background(clip, folder)
    frames = [int(i) for i in written(clip, folder)]
    train = sorted(set(frames) - held_out(frames))
    clip, outline = refine_head(clip, window, frames, train, folder, report(0.8, 0.05, "following the head in picture"))
    clip = read_again(clip, train, units=options.openface is None)
    steadied = None if outline is None else outline.steadied
    finish(clip, window, background, folder, report(0.85, 0.1, "finishing picture"), steadied)
    torso = follow_torso(clip, window, frames, train, folder, report(0.95, 0.04, "following the shoulders in picture"))
    result = assess(footage, clip, background, torso, speech, edge)
    if result["verdict"] == UNUSABLE:
        _report(folder, result, clip, window)
        raise UnusableError(f"{footage.path.name} cannot be used. {in_words(result)}")
    _write(folder, out.name, footage, clip, window, background, torso, frames, sound, result, consent)
    _report(folder, result, clip, window)
    for leftover in ("seen", "mattes"):
        shutil.rmtree(folder / leftover)
    (folder / _STATE).unlink()
    folder.replace(out)
    report(1.0, 0.0, "done, picture")(len(frames), len(frames))
    return result


def _begin(folder: Path, footage: Footage, options: Options) -> Consent | None:
    """Goes on with what is in the work folder if it is of the same video and wishes, else begins anew.

    Returns:
        The consent, as it was given first.
    """
    video = sha256_of(footage.path)
    mine = {"video": video, "options": [options.size_px, options.start_s, options.end_s], "version": VERSION}
    consent = give_consent(options.consent, footage.path, video) if options.consent else None
    try:
        kept = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if {key: kept.get(key) for key in mine} == mine:
            given = read_consent(kept.get("consent"))
            if given is not None and (consent is None or given.name == consent.name):
                return given
            targets.write_file(folder / _STATE, json.dumps(mine | _said(consent)).encode())
            return consent
    except (OSError, ValueError, AttributeError):
        pass
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    targets.write_file(folder / _STATE, json.dumps(mine | _said(consent)).encode())
    return consent


def _said(consent: Consent | None) -> dict[str, Any]:
    return {} if consent is None else {"consent": consent.to_json()}


def _report(folder: Path, result: dict[str, Any], clip: Clip, window: Window) -> None:
    targets.write_file(folder / REPORT, json.dumps(result, indent=1, allow_nan=False).encode())
    write_page(folder / PAGE, result, clip, window, folder)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _sound(footage: Footage) -> Audio | None:
    """The wanted part of the sound, 16 kHz mono; None for a silent video."""
    if not footage.has_sound:
        return None
    samples = load_audio(footage.path).mono(SPEECH_HZ)
    begin = round(footage.start_s * SPEECH_HZ)
    part = samples[begin : begin + round(footage.duration_s * SPEECH_HZ)]
    return Audio(np.ascontiguousarray(part[:, None]), SPEECH_HZ) if len(part) >= SPEECH_HZ else None


def _write(
    folder: Path,
    name: str,
    footage: Footage,
    clip: Clip,
    window: Window,
    background: Background,
    torso: Torso,
    frames: list[int],
    sound: Audio | None,
    result: dict[str, Any],
    consent: Consent | None,
) -> None:
    """Everything but the pictures and the report."""
    from PIL import Image

    count = len(clip.seen)
    _write_speech(folder / "speech.wav", sound, count, clip.offset.correction_s)
    _write_au(folder / "au.csv", clip)
    cameras = [{"name": f"frame_{i:06d}", **_camera(clip, window, i)} for i in frames]
    targets.write_file(folder / "cameras.json", json.dumps(cameras).encode())
    marks = window.points(clip.seen.points[frames]).astype(np.float32)
    save_file({"landmarks": np.ascontiguousarray(marks)}, folder / "landmarks.safetensors")
    head = np.median(clip.points[clip.sifted.used][_quietest(clip)], axis=0)
    triangles = Delaunay(head[:MESH_POINTS, :2]).simplices
    save_file(
        {
            "pose": clip.pose.astype(np.float32),
            "torso": torso.motion.astype(np.float32),
            "articulators": clip.articulators.astype(np.float32),
            "pivots": clip.pivots.astype(np.float32),
            "head": head.astype(np.float32),
            "head_triangles": triangles.astype(np.int64),
            "landmarks_3d": clip.points.astype(np.float32),
            "used": clip.sifted.used.astype(np.uint8),
        },
        folder / TRACKING,
    )
    with (folder / "background.png.part").open("wb") as file:
        Image.fromarray(background.plate).save(file, "PNG")
    (folder / "background.png.part").replace(folder / "background.png")
    chin, top = head[152], head[10]
    tested = held_out(frames)
    data = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "fps": RATE,
        "frames": count,
        "duration_s": count / RATE,
        "size_px": [window.edge, window.edge],
        "head_height_m": round(float(np.linalg.norm(top - chin)) * 1.28, 4),
        "target": [0.0, round(float((top[1] + chin[1]) / 2 + 0.02), 4), -0.04],
        "au_channels": list(AU_KEYS),
        "articulators": list(ARTICULATORS),
        "parts": [],
        "landmarks": landmark_names(),
        "identity": name,
        "kind": PORTRAIT,
        "trials": [],
        "licence": "",
        "provenance": f"A capture of the video {footage.path.name}.",
        **_said(consent),
        "video": {"file": footage.path.name, "start_s": footage.start_s, "offset_ms": result["offset"]["corrected_ms"]},
        "speech_heard": clip.speech_heard,
        "left_out": clip.sifted.spans(),
        "background": "background.png",
        "images": [
            {
                "file": f"frames/{frame:06d}.png",
                "mask": f"masks/{frame:06d}.png",
                "frame": frame,
                "camera": i,
                "split": "test" if frame in tested else "train",
                "picture": f"pictures/{frame:06d}.jpg",
                "regions": f"regions/{frame:06d}.png",
            }
            for i, frame in enumerate(frames)
        ],
    }
    targets.write_file(folder / "capture.json", json.dumps(data, indent=1).encode())


def held_out(frames: list[int]) -> set[int]:
    """The frames for testing: the clip's last eleventh."""
    return set(frames[len(frames) - max(1, round(len(frames) * TEST_SHARE)) :])


def landmark_names() -> list[str]:
    """Names of the 478 landmarks: lip_…, eye_…, iris_… and face_… with the mesh's number."""
    kinds = dict.fromkeys(range(POINTS), "face")
    kinds |= dict.fromkeys(range(MESH_POINTS, POINTS), "iris")
    kinds |= dict.fromkeys((*EYE_LEFT, *EYE_RIGHT), "eye") | dict.fromkeys((*LIPS_OUTER, *LIPS_INNER), "lip")
    return [f"{kinds[i]}_{i}" for i in range(POINTS)]


def _quietest(clip: Clip) -> NDArray[np.int64]:
    """Used pictures with the least action, a twentieth of them."""
    total = clip.actions.au[clip.sifted.used].sum(1)
    return np.argsort(total)[: max(5, len(total) // 20)]


def _camera(clip: Clip, window: Window, frame: int) -> dict[str, Any]:
    camera = camera_of(clip, window, frame)
    return {
        "width": camera.width,
        "height": camera.height,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "world_to_camera": camera.world_to_camera.tolist(),
    }


def _write_au(path: Path, clip: Clip) -> None:
    take = Take(path.stem, float(RATE), clip.actions.au.astype(np.float32), clip.pose.astype(np.float32))
    export_openface(take, path)


def _write_speech(path: Path, sound: Audio | None, frames: int, late_s: float) -> None:
    """The sound, drawn forward by `late_s`, as long as the pictures."""
    n = round(frames / RATE * SPEECH_HZ)
    out = np.zeros(n, np.float32)
    if sound is not None:
        shift = round(late_s * SPEECH_HZ)
        source = sound.samples[:, 0]
        begin, skip = max(0, -shift), max(0, shift)
        part = source[skip : skip + n - begin]
        out[begin : begin + len(part)] = part
    part_path = path.with_suffix(".part")
    with part_path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_HZ)
        file.writeframes(np.round(np.clip(out, -1, 1) * 32767).astype("<i2").tobytes())
    part_path.replace(path)
