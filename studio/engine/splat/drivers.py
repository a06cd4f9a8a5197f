"""What draws: the user's word for it, and which OpenGL drivers are graphics cards.

Needs neither torch nor OpenGL, because the window asks before either is there.
"""

from __future__ import annotations

import os

BACKEND_VARIABLE = "EMOZONE_BACKEND"
"""Environment variable with the backend that `auto` stands for, for machines where the automatic choice is wrong."""

SOFTWARE_RENDERERS = (
    "llvmpipe",
    "lavapipe",
    "softpipe",
    "swrast",
    "software rasterizer",
    "swiftshader",
    "microsoft basic render",
    "gdi generic",
    "apple software",
)
"""Parts of GL_RENDERER that betray a driver which draws on the processor, several times slower than our own kernels."""


def is_graphics_card(renderer: str) -> bool:
    """Whether the driver that calls itself `renderer` draws with hardware."""
    return not any(part in renderer.lower() for part in SOFTWARE_RENDERERS)


def wanted_backend(name: str = "auto") -> str:
    """What a backend's name stands for here: `auto` is what the user's environment says, if it says anything."""
    return (os.environ.get(BACKEND_VARIABLE) or "auto") if name == "auto" else name
