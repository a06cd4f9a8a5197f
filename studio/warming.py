"""What a first recording, a first export or a picture of another kind would wait for, done ahead in the background.

Modules are imported and kernels compiled (or loaded) once the head is on the screen, so that no gesture stalls on them.
"""

from __future__ import annotations


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
