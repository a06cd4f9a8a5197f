"""From posed Gaussians to what a graphics card draws: the processor's whole share of an OpenGL picture."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat import _instances
from studio.engine.splat._crew import work_through
from studio.engine.splat._project import Parameters
from studio.engine.splat.drawing import INSTANCE_FIELDS, Instances


def instances_of(gaussians: Gaussians, camera: Camera) -> Instances:
    """Leave out what cannot be seen, look up colours, sort by depth and pack.

    Args:
        gaussians: on any device; other types than float32 are converted.
        camera: any size.
    """
    tensors = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    parameters = cast(Parameters, tuple(t.detach().to("cpu", torch.float32).contiguous().numpy() for t in tensors))
    depths, colours = np.empty(len(gaussians), np.float32), np.empty((len(gaussians), 3), np.float32)
    view = np.ascontiguousarray(camera.world_to_camera, dtype=np.float64)
    eye = np.ascontiguousarray(camera.position, dtype=np.float64)
    work_through(lambda tickets: _instances.see(tickets, parameters, view, eye, depths, colours))
    order = _instances.farthest_first(depths)
    rows = np.empty((len(order), INSTANCE_FIELDS), np.float32)
    _instances.pack(parameters, colours, order, rows)
    return Instances(rows, camera)
