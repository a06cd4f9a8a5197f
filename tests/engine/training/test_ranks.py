"""Two processes that average their gradients do what one does with two pictures per step."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from studio.engine.training.recipes import Recipe
from studio.engine.training.trainer import train
from tests.engine.training.toy import TINY, write_toy_capture

TOGETHER: Recipe = replace(
    TINY,
    geometry_iterations=4,
    coarse_iterations=6,
    fine_iterations=6,
    density=replace(TINY.density, stop=9),
    initial_gaussians=280,
    max_gaussians=300,
)

PROGRAM = """
import sys
from studio.engine.training.trainer import train
from tests.engine.training.test_ranks import TOGETHER
train(sys.argv[1], sys.argv[2], TOGETHER, judged=False)
"""


@pytest.mark.timeout(600)  # seconds of work, which a crowded machine stretches manifold
def test_two_processes_equal_one_with_two_pictures(tmp_path: Path) -> None:
    capture = write_toy_capture(tmp_path / "egg", frames=16, images=12, size_px=32, points=300, sound=False)
    alone = train(capture, tmp_path / "alone.safetensors", replace(TOGETHER, batch=2), judged=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = tmp_path / "both.safetensors"
    common = os.environ | {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(capture), str(both)],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
        )
        for rank in (0, 1)
    ]
    told = [process.communicate(timeout=500)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told

    one, two = load_file(alone), load_file(both)
    assert one.keys() == two.keys()
    start = load_file(train(capture, tmp_path / "start.safetensors", replace(TOGETHER, geometry_iterations=1,
                            coarse_iterations=1, fine_iterations=1), judged=False))  # fmt: skip
    for name in ("gaussians.means", "gaussians.sh", "gaussians.log_scales", "deformer.head_out.weight"):
        apart = (one[name].float() - two[name].float()).abs()
        assert one[name].shape == two[name].shape, name
        scale = one[name].float().std()
        assert float(apart.quantile(0.98)) < 1e-3 * float(scale), name
    moved = (one["deformer.head_out.weight"] - start["deformer.head_out.weight"]).abs().max()
    assert float(moved) > 1e-4  # something was learned at all
    assert torch.equal(one["zones"], two["zones"])
