import json

import pytest
import torch

from studio.engine.deform import experiment
from studio.engine.deform.deformer import Deformer, DeformerConfig
from studio.engine.deform.experiment import Motion, learn, measure, motion_of, random_controls
from studio.engine.training.capture_files import load_capture
from tests.engine.training.toy import write_toy_capture
from tests.support import toy_avatar, toy_motion


@pytest.fixture(scope="module")
def motion():
    avatar = toy_avatar(300)
    part = avatar.rig.weights.argmax(1).add(3) % 4  # head 0, eyes 1 and 2, neck 3
    return Motion(avatar.gaussians.means, avatar.zones, *toy_motion(avatar.gaussians.means, part))


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    return write_toy_capture(tmp_path_factory.mktemp("capture"), frames=60, images=2, size_px=16, points=300)


def test_a_short_training_learns_to_move(motion):
    config = DeformerConfig(resolutions=(16, 32))
    result = learn(motion, config, 0, steps=40)
    assert result.steps == 40
    assert result.relative_error < 0.6
    assert result.response_mean > 0.4
    assert result.leakage_mean < 0.2


def test_training_is_reproducible(motion):
    config = DeformerConfig(resolutions=(8, 16))
    assert learn(motion, config, 0, steps=3).relative_error == learn(motion, config, 0, steps=3).relative_error


def test_standing_still_measures_as_no_response(motion):
    result = measure(Deformer.for_means(DeformerConfig(), motion.points), motion)
    assert result.relative_error == pytest.approx(1.0)
    assert result.response_min == result.leakage_max == 0.0


def test_truth_measures_as_perfect(motion, monkeypatch):
    monkeypatch.setattr(
        experiment, "predict", lambda _, motion, au, speech, index=None: motion.displacement(au, speech)
    )
    result = measure(Deformer.for_means(DeformerConfig(), motion.points), motion)
    assert result.relative_error == 0.0
    assert result.response_min == pytest.approx(1.0)
    assert result.leakage_max < 0.01


def test_mixtures_hold_few_units_and_often_speech():
    au, speech = random_controls(500, 17, 10, torch.Generator().manual_seed(1))
    active = (au > 0).sum(1)
    assert active.max() == 6
    assert 0.05 < (active == 0).float().mean() < 0.15
    assert 0.65 < (speech.sum(1) > 0).float().mean() < 0.85
    assert speech.sum(1).max() <= 1.0


def test_a_captures_motion_is_split_into_its_controls(capture):
    known = load_capture(capture)
    motion = motion_of(known)
    truth = known.surface.displacement(torch.arange(20))
    rebuilt = motion.displacement(known.au[:20] / 5, known.articulators[:20])
    assert (rebuilt - truth).norm() < 0.02 * truth.norm()
    assert motion.au[0].abs().max() < 1e-6  # AU1 never acts there


def test_command_prints_what_it_measured(capture, capsys):
    assert experiment.main([str(capture), "--steps", "2", "--without", "szpab,citae"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["without"] == ["szpab", "citae"]
    assert printed["steps"] == 2


def test_command_refuses_in_one_sentence(tmp_path, capture, capsys):
    assert experiment.main([str(tmp_path / "none")]) == 1
    assert experiment.main([str(capture), "--without", "sound"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
