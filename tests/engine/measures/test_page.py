"""What the page shows: the conflict that is edited most of each kind, errors in colour, and figures against aims."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.engine.measures.goals import FIGURES, OF_THE_HEAD
from studio.engine.measures.page import ERROR_FULL, conflict_pictures, heat
from studio.engine.training.capture import Capture, CaptureTrial


def test_each_kind_of_conflict_is_shown_where_the_edit_is_strongest(egg: Capture) -> None:
    trials = (
        CaptureTrial("brow_raise", ("AU4",), 0, 25),
        CaptureTrial("brow_raise", ("AU4",), 25, 50),
        CaptureTrial("pair", ("AU12",), 0, 50),
        CaptureTrial("unseen", ("AU12",), 49, 50),
    )
    acted = replace(egg, info=replace(egg.info, trials=trials))
    images = [i for i, image in enumerate(acted.images) if image.frame != 49]
    shown = conflict_pictures(acted, images)
    assert [trial.kind for trial, _ in shown] == ["brow_raise", "pair", "brow_raise"]
    for trial, index in shown:
        frame = acted.images[index].frame
        assert trial.start <= frame < trial.end
    _, smile = shown[1]
    strongest = max(float(acted.au[acted.images[i].frame, 9]) for i in images)
    assert float(acted.au[acted.images[smile].frame, 9]) == pytest.approx(strongest)
    assert conflict_pictures(egg, images) == []


def test_errors_darken() -> None:
    levels = heat(torch.linspace(0, 1, 41)[None])[0]
    assert levels[0].tolist() == [255, 255, 255]
    assert bool((np.diff(levels.astype(int).sum(1)) <= 0).all())
    full = round(40 * ERROR_FULL)
    assert levels[full].tolist() == levels[-1].tolist()


def test_aims_are_judged() -> None:
    found = {"psnr_db": 32.9, "ssim": 0.96, "noise": {"removed": 0.7, "peak": 1.2}, "monotonic": 1.0}
    judged = {f.key: f.reached(v) for f in (*FIGURES, *OF_THE_HEAD) if f.reached and (v := f.value(found)) is not None}
    assert judged == {"psnr_db": False, "ssim": True, "noise.removed": True, "noise.peak": False, "monotonic": True}
    assert all(bool(figure.goal) == (figure.reached is not None) for figure in (*FIGURES, *OF_THE_HEAD))
    texts = {figure.key: figure.text(found) for figure in FIGURES}
    assert texts["noise.removed"] == "70.0"
    assert texts["st_lpips"] == "-"
