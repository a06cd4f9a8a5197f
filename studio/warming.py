"""What a first recording, a first export or a picture of another kind would wait for, done ahead in the background.

Modules are imported and kernels compiled (or loaded) once the head is on the screen, so that no gesture stalls on them.
`python -m studio.warming` also draws a picture: a set-up that ends with it spares the first start half a minute.
"""

from __future__ import annotations

import logging
import sys

from studio.errors import StudioError

log = logging.getLogger(__name__)


def main() -> int:
    """Compile for this computer's processor what the first picture and the first gestures need."""
    from studio.document.performance import Performance
    from studio.engine.avatar import default_avatar, load_avatar
    from studio.engine.renderer import Renderer
    from studio.engine.scene import Scene

    try:
        renderer = Renderer(load_avatar(default_avatar()), backend="cpu")
    except StudioError as error:
        log.warning("%s", error)
        return 1
    camera = renderer.avatar.camera(width=256, height=256)
    moving = Scene(None, Performance.held({"AU1": 1.0}))
    renderer.frame(moving.controls(0.0), camera, background=(0.0, 0.0, 0.0))
    warm_up()
    return 0


def warm_up() -> None:
    """Do all of it: seconds the first time on a computer, half a second later; for a worker."""
    import numpy as np
    import torch

    # The first brings SciPy, for which the window would stand still at the first recorded movement.
    import studio.document.curve_fit
    import studio.engine.export  # noqa: F401
    from studio.engine.splat.base import Raster
    from studio.engine.splat.compose import compose_rgba8

    raster = Raster(torch.zeros(8, 8, 3), torch.zeros(8, 8))
    for background in (None, (0.0, 0.0, 0.0), np.zeros((8, 8, 3), np.float32)):
        compose_rgba8(raster, background)


if __name__ == "__main__":
    sys.exit(main())
