"""After warming up, nothing that a gesture needs is imported or compiled any more."""

from __future__ import annotations

import sys

import pytest

from studio.engine import avatar
from studio.engine.deform import _network
from studio.engine.splat import _project, _tiles, compose
from studio.errors import StudioError
from studio.warming import main, warm_up


def test_what_gestures_need_is_there() -> None:
    warm_up()
    assert {"studio.document.curve_fit", "studio.engine.export", "scipy.interpolate"} <= set(sys.modules)
    kernels = (compose._compose_over, compose._compose_over_image, compose._unpremultiply)
    compiled = [len(kernel.signatures) for kernel in kernels]  # type: ignore[attr-defined]
    assert min(compiled) > 0
    warm_up()
    assert [len(kernel.signatures) for kernel in kernels] == compiled  # type: ignore[attr-defined]


def test_a_set_up_compiles_what_the_first_picture_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main() == 0
    for kernel in (_network.deform, _project.project_splats, _tiles.sort_into_tiles, _tiles.draw):
        assert kernel.signatures  # type: ignore[attr-defined]

    def none() -> None:
        raise StudioError("There is no avatar.")

    monkeypatch.setattr(avatar, "default_avatar", none)
    assert main() == 1  # the set-up goes on without
