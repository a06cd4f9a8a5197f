import json
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX
from studio.engine.controls import WINDOW
from studio.engine.deform import zones as zn
from studio.engine.deform.deformer import ABLATIONS, Deformer, DeformerConfig
from studio.engine.gaussians import Gaussians
from tests.support import toy_avatar

N = 120
TENSORS = ("means", "log_scales", "quats", "opacity_logits", "colours")


def _points(n=N):
    generator = torch.Generator().manual_seed(8)
    return torch.randn(n, 3, generator=generator) * 0.08, torch.arange(n) % 3


def _deformer(trained=True, n=N, **settings):
    """A deformer; `trained` gives every parameter a random value, so that nothing is zero by initialisation."""
    torch.manual_seed(5)
    deformer = Deformer.for_means(DeformerConfig(**{"resolutions": (8, 16), **settings}), _points(n)[0])
    if trained:
        with torch.no_grad():
            for parameter in deformer.parameters():
                parameter += torch.randn_like(parameter) * 0.1
    return deformer


def _batch(frames=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    return (
        torch.rand(frames, WINDOW, 17, generator=random) * 5,
        torch.rand(frames, WINDOW, 10, generator=random),
        torch.rand(frames, 5, generator=random) * 20 - 10,
    )


def _rest(frames=2):
    return torch.zeros(frames, WINDOW, 17), torch.zeros(frames, WINDOW, 10), torch.zeros(frames, 5)


@pytest.mark.parametrize("settings", [{}, {"literal_keys": True}, {"n_au": 8}, {"au": False}])
def test_untrained_is_the_identity(settings):
    deltas = _deformer(trained=False, **settings)(*_points(), *_batch())
    assert not any(getattr(deltas, name).any() for name in TENSORS)


@pytest.mark.parametrize("settings", [{}, {"n_au": 8}, {"au": False}, {"szpab": False}, {"citae": False}])
def test_controls_at_rest_give_exactly_zero_however_it_was_trained(settings):
    deformer = _deformer(**settings)
    deltas = deformer(*_points(), *_rest())
    assert not any(getattr(deltas, name).any() for name in TENSORS)
    assert deformer(*_points(), *_batch()).means.abs().max() > 1e-5


def test_literal_keys_rest_too():
    deformer = _deformer(literal_keys=True)
    at_rest = deformer(*_points(), *_rest()).means.abs().max()
    assert at_rest < 1e-5 * deformer(*_points(), *_batch()).means.abs().max()


def test_subset_and_single_frames_equal_the_whole():
    deformer, batch = _deformer(), _batch(4)
    whole = deformer(*_points(), *batch)
    index = torch.tensor([7, 3, 99, 3])
    some = deformer(*_points(), *(part[2:3] for part in batch), index)
    for name in TENSORS:
        assert torch.allclose(getattr(some, name)[0], getattr(whole, name)[2, index], atol=1e-6), name


def test_every_parameter_learns():
    deformer = _deformer()
    deltas = deformer(*_points(), *_batch())
    loss = sum(getattr(deltas, name).square().sum() for name in TENSORS) + deformer.raar(deltas, _points()[1])
    loss.backward()
    for name, parameter in deformer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_gradients_match_finite_differences():
    deformer = _deformer(n=3, hidden_heads=4, hidden_feedforward=4).double()
    means, zones = _points(3)
    batch = [part.double() for part in _batch(1)]

    def output(residual, gate, hidden, bias):
        state = {"residual": residual, "gate.weight": gate, "feed_in.weight": hidden, "attention.bias": bias}
        deltas = torch.func.functional_call(deformer, state, (means.double(), zones, *batch))
        return deltas.means * 100, deltas.colours

    leaves = [
        value.detach().clone().requires_grad_()
        for value in (deformer.residual, deformer.gate.weight, deformer.feed_in.weight, deformer.attention.bias - 1)
    ]
    assert torch.autograd.gradcheck(output, leaves, eps=1e-6, atol=1e-5, fast_mode=True)


def test_positions_are_looked_up_and_not_learned_through():
    means, zones = _points()
    means.requires_grad_()
    _deformer()(means, zones, *_batch()).means.sum().backward()
    assert means.grad is None


def test_attention_is_the_same_in_every_frame():
    deformer = _deformer()
    a = deformer(*_points(), *_batch(seed=1)).attention
    b = deformer(*_points(), *_batch(seed=2)).attention
    assert torch.equal(a, b)
    assert a.shape == (N, 2, 20)


def test_literal_keys_let_loud_units_silence_quiet_ones():
    deformer = _deformer(literal_keys=True)
    quiet = deformer(*_points(), *_rest(1)).attention
    loud = deformer(*_points(), *_batch(1)).attention
    assert quiet.shape == (1, N, 2, 20)
    assert not torch.allclose(quiet, loud, atol=1e-3)


def test_without_au_nothing_answers_to_action_units():
    deformer = _deformer(au=False)
    au, speech, pose = _batch()
    assert torch.equal(deformer(*_points(), au, speech, pose).means, deformer(*_points(), au * 0, speech, pose).means)
    assert deformer.attention.modalities.tolist() == [zn.AUDIO, zn.HEAD, zn.NULL]


def test_paper_recipe_ignores_lower_face_units():
    deformer = _deformer(n_au=8)
    au, speech, pose = _batch()
    changed = au.clone()
    changed[..., 8:] = 0
    assert torch.equal(deformer(*_points(), au, speech, pose).means, deformer(*_points(), changed, speech, pose).means)


def test_without_citae_only_the_centre_frame_counts():
    au, _, _ = _batch()
    outer = au.clone()
    outer[:, 0] = 5
    assert torch.equal(_deformer(citae=False).intensities(au), _deformer(citae=False).intensities(outer))
    assert not torch.allclose(_deformer().intensities(au), _deformer().intensities(outer), atol=1e-4)


def test_without_szpab_zones_do_not_matter():
    means, zones = _points()
    free, bound = _deformer(szpab=False), _deformer()
    assert torch.equal(free(means, zones, *_batch()).means, free(means, zones.roll(1), *_batch()).means)
    assert not torch.equal(bound(means, zones, *_batch()).means, bound(means, zones.roll(1), *_batch()).means)


def test_without_raar_the_regulariser_is_zero():
    zones = _points()[1]
    deformer = _deformer(szpab=False)
    assert deformer.raar(deformer(*_points(), *_batch()), zones) > 0
    deformer = _deformer(szpab=False, raar=False)
    assert deformer.raar(deformer(*_points(), *_batch()), zones) == 0


def test_intensities_are_fifths():
    au = torch.full((1, WINDOW, 17), 5.0)
    assert torch.equal(_deformer().intensities(au), torch.ones(1, 17))


def test_children_inherit_and_then_act_like_their_parents():
    deformer, (means, zones) = _deformer(), _points()
    before = deformer(means, zones, *_batch()).means
    family = torch.tensor([0, 5, 5, 70])
    deformer.inherit(family)
    assert deformer.count == 4
    assert isinstance(deformer.residual, torch.nn.Parameter)
    after = deformer(means[family], zones[family], *_batch()).means
    assert torch.allclose(after, before[:, family], atol=1e-6)


@given(st.sampled_from(sorted(AU_INDEX)), st.floats(0.1, 4.5))
@settings(max_examples=30, deadline=None)
def test_more_intensity_moves_further(key, intensity):
    avatar = toy_avatar(400)
    au, speech, pose = _rest(2)
    au[0, :, AU_INDEX[key]], au[1, :, AU_INDEX[key]] = intensity, intensity + 0.5
    moved = avatar.deformer(avatar.gaussians.means, avatar.zones, au, speech, pose).means.norm(dim=2).sum(1)
    assert 0 < moved[0] < moved[1]


def test_deltas_apply_in_optimiser_space():
    n = 5
    torch.manual_seed(0)
    gaussians = Gaussians(torch.randn(n, 3), torch.randn(n, 4), torch.randn(n, 3), torch.randn(n), torch.randn(n, 4, 3))
    deformer = _deformer(n=n)
    deltas = deformer(gaussians.means, torch.zeros(n, dtype=torch.int64), *_batch(2))
    moved = deltas.apply(gaussians, 1)
    assert torch.equal(moved.means, gaussians.means + deltas.means[1])
    assert torch.equal(moved.quats, gaussians.quats + deltas.quats[1])
    assert torch.equal(moved.log_scales, gaussians.log_scales + deltas.log_scales[1])
    assert torch.equal(moved.opacity_logits, gaussians.opacity_logits + deltas.opacity_logits[1])
    assert torch.equal(moved.sh[:, 0], gaussians.sh[:, 0] + deltas.colours[1])
    assert torch.equal(moved.sh[:, 1:], gaussians.sh[:, 1:])


@pytest.mark.parametrize("part", ABLATIONS)
def test_ablations_leave_out_their_part(part):
    config = DeformerConfig.without((part,), n_au=8)
    left_out = [f.name for f in fields(config) if f.name in ABLATIONS and not getattr(config, f.name)]
    assert left_out == [part]
    assert DeformerConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"n_au": 12}, "n_au"),
        ({"n_au": True}, "n_au"),
        ({"resolutions": [64.5]}, "resolutions"),
        ({"resolutions": [1, 2]}, "resolutions"),
        ({"colour": 1}, "colour"),
        ({"hidden_heads": 0}, "sizes"),
        ({"attention_heads": 3}, "heads"),
    ],
)
def test_configurations_out_of_range_are_refused(values, word):
    with pytest.raises(ValueError, match=word):
        DeformerConfig.from_json(values)


def test_unknown_ablation_is_refused():
    with pytest.raises(ValueError, match="sound"):
        DeformerConfig.without(("sound",))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_shapes_that_do_not_fit_are_quoted(wrong):
    batch = list(_batch())
    batch[wrong] = batch[wrong][:, :4]
    with pytest.raises(ValueError, match=r"4"):
        _deformer()(*_points(), *batch)
