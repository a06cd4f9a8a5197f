"""After warming up, nothing that a gesture needs is imported or compiled any more."""

from __future__ import annotations

import sys

from studio.engine.splat import compose
from studio.warming import warm_up


def test_what_gestures_need_is_there() -> None:
    warm_up()
    assert {"studio.document.curve_fit", "studio.engine.export", "scipy.interpolate"} <= set(sys.modules)
    kernels = (compose._compose_over, compose._compose_over_image, compose._unpremultiply)
    compiled = [len(kernel.signatures) for kernel in kernels]  # type: ignore[attr-defined]
    assert min(compiled) > 0
    warm_up()
    assert [len(kernel.signatures) for kernel in kernels] == compiled  # type: ignore[attr-defined]
