"""Which rasterizer to draw with: the fastest one that this machine has, or the one that was asked for by name."""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
from pathlib import Path

import torch

from studio.engine.splat.base import Rasterizer
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat.drivers import wanted_backend
from studio.errors import StudioError

_log = logging.getLogger(__name__)

BACKENDS = ("auto", "cpu", "cuda", "opengl", "reference")
"""Names that `choose_rasterizer` understands."""


def choose_rasterizer(name: str = "auto", *, differentiable: bool = False) -> Rasterizer:
    """A rasterizer by name.

    `auto` takes what the environment variable EMOZONE_BACKEND names; without it, CUDA where there is an NVIDIA card and
    gsplat, else OpenGL on a real graphics card, else the CPU. The libraries of backends that are not chosen are not
    imported.

    Args:
        name: one of `BACKENDS`.
        differentiable: whether it must have a backward pass, as training needs; leaves OpenGL out.

    Raises:
        StudioError: if the name is unknown, or a backend asked for by name cannot work here.
    """
    wanted = wanted_backend(name)
    if name == "auto" and wanted == "opengl" and differentiable:
        wanted = "auto"  # the wish is about pictures; training goes on with what can be trained with
    return _fastest(differentiable) if wanted == "auto" else _named(wanted, differentiable)


def cuda_rasterizer() -> Rasterizer | None:
    """The CUDA rasterizer where it works; None elsewhere, after a warning if it might have."""
    if not _cuda_is_likely():
        return None
    try:
        return _named("cuda", differentiable=True)
    except StudioError as error:
        _log.warning("%s", error)
        return None


def _named(name: str, differentiable: bool) -> Rasterizer:
    if name == "cpu":
        return CpuRasterizer()
    if name == "cuda":
        from studio.engine.splat.cuda import CudaRasterizer

        return CudaRasterizer()
    if name == "opengl":
        if differentiable:
            raise StudioError("The opengl rasterizer cannot be trained with; choose the backend cpu, cuda or auto.")
        from studio.engine.splat.opengl import OpenGlRasterizer

        return OpenGlRasterizer()
    if name == "reference":
        from studio.engine.splat.reference import ReferenceRasterizer

        return ReferenceRasterizer()
    raise StudioError(f'There is no rasterizer "{name}"; choose one of {", ".join(BACKENDS)}.')


def available_backends() -> tuple[str, ...]:
    """Names of the rasterizers that work here, fastest first; `reference` always works and is not listed.

    CUDA is listed where a card and gsplat are found; whether gsplat can be compiled shows when it is chosen. OpenGL
    that a program imitates comes last.
    """
    names = ["cuda"] if _cuda_is_likely() else []
    hardware = _opengl_is_hardware()
    if hardware is None:
        return (*names, "cpu")
    return (*names, "opengl", "cpu") if hardware else (*names, "cpu", "opengl")


def _fastest(differentiable: bool) -> Rasterizer:
    cuda = cuda_rasterizer()
    if cuda is not None:
        return cuda
    if not differentiable and _may_have_graphics_card() and _opengl_is_hardware():
        return _named("opengl", differentiable)
    return CpuRasterizer()


def _cuda_is_likely() -> bool:
    """Whether there is an NVIDIA card and gsplat is installed; imports and compiles nothing."""
    return torch.cuda.is_available() and importlib.util.find_spec("gsplat") is not None


def _may_have_graphics_card() -> bool:
    """A look at the devices that spares machines without any the start of OpenGL."""
    if not sys.platform.startswith("linux"):
        return True
    return any(Path("/dev").glob("dri/renderD*")) or any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


@functools.cache
def _opengl_is_hardware() -> bool | None:
    """Whether OpenGL draws on a graphics card; None if there is no OpenGL at all."""
    from studio.engine.splat.opengl import OpenGlRasterizer

    try:
        return OpenGlRasterizer().is_hardware
    except StudioError:
        return None
