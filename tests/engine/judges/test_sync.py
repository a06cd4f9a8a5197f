"""The arithmetic of sync: confidence, distance and offset of vectors whose truth is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.judges.nets import FRAMES
from studio.engine.judges.sync import (
    MAX_OFFSET,
    Embedded,
    figures_of,
    offset_distances,
    offset_shares,
    sync_figures,
)
from studio.engine.judges.train_sync import contrast
from studio.engine.speech.audio import Audio


def walk(frames: int, seed: int = 0) -> torch.Tensor:
    """(frames, 64) unit vectors that wander."""
    steps = torch.randn(frames, 64, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.avg_pool1d(steps.T[None], 3, 1, 1)[0].T
    return torch.nn.functional.normalize(smooth, dim=1)


@settings(max_examples=15, deadline=None)
@given(st.integers(-10, 10))
def test_the_offset_is_found_and_has_the_promised_sign(late: int) -> None:
    lips = walk(120)
    speech = torch.roll(lips, late, 0)  # what is heard at i + late was seen at i
    found = figures_of(offset_distances(lips[15:105], speech, 15).nanmean(1))
    assert found.offset_ms == pytest.approx(40.0 * late, abs=2.0)
    assert found.distance < 0.01
    assert found.confidence > 1.0


def test_unrelated_speech_has_no_confidence() -> None:
    found = figures_of(offset_distances(walk(400)[15:385], walk(400, 1), 15).nanmean(1))
    assert found.confidence < 0.1


def test_a_share_of_right_offsets_counts_moments() -> None:
    vectors = walk(120)
    shares = offset_shares(Embedded(vectors[2:-2], vectors, vectors, vectors))
    assert set(shares.values()) == {1.0}
    late = torch.roll(vectors, 4, 0)
    assert max(offset_shares(Embedded(vectors[2:-2], late, vectors, late)).values()) < 0.1


def test_contrast_is_smallest_where_moments_belong_together() -> None:
    vectors = walk(30)[None]
    heat = torch.tensor(20.0)
    assert float(contrast(vectors, vectors, heat)) < 0.5 * float(contrast(vectors, torch.roll(vectors, 5, 1), heat))


def test_a_shot_must_be_long_enough() -> None:
    sound = Audio(np.zeros((16_000, 1), np.float32), 16_000)
    with pytest.raises(ValueError, match="too short"):
        sync_figures(torch.zeros(2 * MAX_OFFSET + FRAMES, 3, 48, 48), sound)
