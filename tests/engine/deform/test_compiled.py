import concurrent.futures
from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform import _network, _products, _tokens
from studio.engine.deform.compiled import CompiledDeformer, warm_up
from studio.engine.deform.deformer import Deformer, DeformerConfig
from studio.engine.deform.prepared import TensorDeformer
from studio.engine.gaussians import Gaussians
from studio.engine.metrics import psnr
from studio.engine.rig import Rig
from studio.engine.splat.cpu import CpuRasterizer
from tests.support import controls, toy_avatar

N = 131  # two whole blocks and a rest
TENSORS = ("means", "quats", "log_scales", "opacity_logits", "sh")
# This head is of noise and answers several times as loudly as an avatar does, whose pictures are compared below.
DISTANCE_M = 5e-5  # a tenth of a pixel of a head framed at 512
SHARE = 1e-3  # a quarter of an 8-bit step of opacity

angles = st.floats(-60, 60, width=32)
shifts = st.floats(-0.0625, 0.0625, width=32)
torsos = st.just({}) | st.fixed_dictionaries(
    {"torso_turn_deg": st.tuples(angles, angles, angles), "torso_shift_m": st.tuples(shifts, shifts, shifts)}
)
poses = st.one_of(
    st.just(Pose()),
    st.builds(lambda head, torso: Pose(*head, **torso), st.tuples(angles, angles, angles, angles, angles), torsos),
)
moments = st.builds(
    Controls,
    arrays(np.float32, (WINDOW, 17), elements=st.floats(0, 5, width=32) | st.just(0.0)),
    arrays(np.float32, (WINDOW, 10), elements=st.floats(0, 1, width=32) | st.just(0.0)),
    poses,
)


def _head(n=N, seed=5, degree=1, **config):
    """A deformer, its Gaussians, their labels, and a rig: a third of the Gaussians is held by two joints."""
    random = torch.Generator().manual_seed(seed)
    means, zones = torch.randn(n, 3, generator=random) * 0.08, torch.arange(n) % 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        deformer = Deformer.for_means(DeformerConfig(**{"resolutions": (8, 16), **config}), means)
        with torch.no_grad():
            for parameter in deformer.parameters():
                parameter += torch.randn_like(parameter) * 0.1
    deformer.moving[torch.arange(n) % 5 == 2] = 0
    deformer.eval().requires_grad_(False)
    gaussians = Gaussians(
        means,
        torch.randn(n, 4, generator=random),
        torch.randn(n, 3, generator=random) - 6,
        torch.randn(n, generator=random),
        torch.randn(n, (degree + 1) ** 2, 3, generator=random),
    )
    weights = torch.nn.functional.one_hot(torch.arange(n) % 4, 4).float()
    share = torch.rand(n, generator=random)[:, None]
    shared = torch.arange(n)[:, None] % 3 == 0
    weights = torch.where(shared, share * weights + (1 - share) * weights.roll(1, 1), weights)
    return deformer, gaussians, zones, Rig(weights, torch.randn(4, 3, generator=random) * 0.1)


def _both(deformer, gaussians, zones):
    return deformer.prepare(gaussians.means, zones), TensorDeformer(deformer, gaussians.means, zones)


def _same(got, expected):
    for name in TENSORS:
        a, b = getattr(got, name), getattr(expected, name)
        bound = DISTANCE_M if name == "means" else SHARE * max(1.0, float(b.abs().max()))
        assert a.shape == b.shape
        assert (a - b).abs().max() <= bound, name


HEAD = _head()
READY, REFERENCE = _both(*HEAD[:3])


@given(moments)
@settings(max_examples=60, deadline=None)
def test_equals_tensor_operations_for_any_controls(moment):
    gaussians, rig = HEAD[1], HEAD[3]
    _same(READY.posed(gaussians, rig, moment), REFERENCE.posed(gaussians, rig, moment))


@pytest.mark.parametrize(
    "config",
    [
        {"n_au": 8},
        {"au": False},
        {"szpab": False},
        {"citae": False},
        {"raar": False},
        {"au": False, "citae": False, "szpab": False},
        {"attention_heads": 1},
        {"attention_heads": 4, "hidden_feedforward": 37, "hidden_heads": 81},
        {"hidden_feedforward": 1, "hidden_heads": 1},
        {"resolutions": (16,)},
    ],
)
@pytest.mark.parametrize("degree", [0, 1])
def test_equals_tensor_operations_for_every_configuration(config, degree):
    deformer, gaussians, zones, rig = _head(degree=degree, **config)
    ready, reference = _both(deformer, gaussians, zones)
    assert isinstance(ready, CompiledDeformer)
    smile = controls({"AU1": 2.0, "AU6": 4.0, "AU12": 5.0}, {"jaw_open": 0.6, "lips_round": 0.3}, Pose(12, -7, 3, 9, 4))
    still = controls({"AU4": 1.5})
    for moment in (smile, still):
        _same(ready.posed(gaussians, rig, moment), reference.posed(gaussians, rig, moment))
        _same(ready.apply(gaussians, moment), reference.apply(gaussians, moment))
        got, expected = ready.deltas(moment), reference.deltas(moment)
        assert (got.means - expected.means).abs().max() <= DISTANCE_M
        assert (got.colours - expected.colours).abs().max() <= SHARE
        assert got.opacity_logits.shape == expected.opacity_logits.shape


@pytest.mark.parametrize("n", [1, 47, 48, 49, 96])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_any_number_of_gaussians(n, share):
    deformer, gaussians, zones, rig = _head(n)
    deformer.moving.fill_(share)
    ready, reference = _both(deformer, gaussians, zones)
    moment = controls({"AU12": 3.0}, pose=Pose(20, 5, 2, 10, -5))
    _same(ready.posed(gaussians, rig, moment), reference.posed(gaussians, rig, moment))


@pytest.mark.parametrize("gated", [True, False])
def test_processors_without_products_of_pairs_find_the_same(gated):
    random = np.random.default_rng(3)
    units, pairs, block = _products.UNITS, 7, _products.BLOCK
    words = [random.integers(-(2**15), 2**15, 2 * size, np.int16) for size in (units * pairs, pairs * block)]
    weights, inputs = (word.astype(np.int16).view(np.int32) for word in (words[0] // 8, words[1] // 8))
    rest, gate = (random.integers(-(2**15), 2**15, units * block, np.int16) for _ in range(2))
    ratios, amounts = (random.random(units, np.float32) * 1e-3 for _ in range(2))
    factors = gate if gated else amounts
    drawn = []
    for plain in (False, True):
        tile = _products.pair_tile(gated=gated, plain=plain)

        @numba.njit
        def work(out, tile=tile):
            tile(weights, 0, inputs, 0, rest, 0, ratios, 0, factors, 0, out, 0, pairs)

        drawn.append(np.zeros(units * block, np.float32 if gated else np.int32))
        work(drawn[-1])
    assert drawn[0].any()
    assert np.array_equal(*drawn)


def test_rest_is_exact_with_and_without_pose():
    deformer, gaussians, zones, rig = _head()
    with torch.no_grad():
        deformer.head_pose.weight.zero_()
    ready = deformer.prepare(gaussians.means, zones)
    assert all(
        torch.equal(getattr(ready.posed(gaussians, rig, controls()), name), getattr(gaussians, name))
        for name in TENSORS
    )
    turned, expected = ready.posed(gaussians, rig, controls(pose=Pose(15))), rig.apply(gaussians, Pose(15))
    assert torch.equal(turned.sh, gaussians.sh)
    assert torch.equal(turned.log_scales, gaussians.log_scales)
    assert (turned.means - expected.means).abs().max() < 1e-6


def test_answers_do_not_share_memory():
    gaussians, rig = HEAD[1], HEAD[3]
    first = READY.posed(gaussians, rig, controls({"AU12": 5.0}))
    kept = first.means.clone()
    READY.posed(gaussians, rig, controls({"AU4": 5.0}, pose=Pose(30)))
    assert torch.equal(first.means, kept)
    assert gaussians.means.data_ptr() != first.means.data_ptr()


def test_another_rig_is_heard():
    gaussians, rig, turn = HEAD[1], HEAD[3], controls(pose=Pose(25))
    other = Rig(rig.weights.roll(1, 1), rig.pivots + 0.05)
    for each in (rig, other, rig):
        _same(READY.posed(gaussians, each, turn), REFERENCE.posed(gaussians, each, turn))


def test_pictures_agree_to_75_db():
    avatar = toy_avatar(1500)
    ready, reference = _both(avatar.deformer, avatar.gaussians, avatar.zones)
    camera = avatar.camera(15, width=128, height=128)
    for moment in (
        controls({"AU12": 5.0, "AU1": 3.0}, {"jaw_open": 0.8}, Pose(10, 5)),
        controls({"AU45": 5.0}, {"lips_round": 1.0}),
    ):
        a, b = (
            CpuRasterizer().render(each.posed(avatar.gaussians, avatar.rig, moment), camera)
            for each in (ready, reference)
        )
        assert psnr(a.rgb, b.rgb) >= 75
        assert (a.alpha - b.alpha).abs().max() < 1e-3


@given(arrays(np.float32, (WINDOW, 17), elements=st.floats(0, 5, width=32)), st.booleans())
@settings(max_examples=30, deadline=None)
def test_intensities_are_those_of_the_encoder(window, filtered):
    deformer = HEAD[0]
    out = np.empty(17)
    _tokens.refined_intensities(window, 0.2, READY._au_weights, filtered, out)
    expected = deformer.au_encoder(torch.from_numpy(window)[None] / 5)[0].numpy() if filtered else window[4] / 5
    assert np.abs(out - expected).max() < 1e-5


@given(arrays(np.float32, (WINDOW, 10), elements=st.floats(0, 1, width=32)))
@settings(max_examples=30, deadline=None)
def test_speech_is_that_of_the_encoder(window):
    encoder = HEAD[0].speech_encoder
    out = np.empty(encoder.hidden.out_features)
    _tokens.speech_hidden(window, READY._speech_weights, out)
    assert np.abs(encoder.out.weight.numpy() @ out - encoder(torch.from_numpy(window)[None])[0].numpy()).max() < 1e-5


@given(poses, st.sampled_from([0.0, 12.0]))
@settings(max_examples=40, deadline=None)
def test_joints_are_those_of_the_rig(pose, inward):
    rig = Rig(torch.zeros(0, 4, dtype=torch.float64), HEAD[3].pivots.double())
    table = np.empty((4, _tokens.JOINT_FIELDS), np.float32)
    pose = replace(pose, vergence_deg=inward)
    degrees = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg, pose.gaze_yaw_deg, pose.gaze_pitch_deg, inward]
    torso = [*pose.torso_turn_deg, *pose.torso_shift_m]
    _tokens.joint_table(np.array(degrees), np.array(torso), rig.pivots.numpy(), table)
    rotations, shifts = rig.transforms(pose)
    assert np.abs(table[:, :9].reshape(4, 3, 3) - rotations.numpy()).max() < 1e-6
    assert np.abs(table[:, 9:12] - shifts.numpy()).max() < 1e-6
    w, x, y, z = (torch.from_numpy(table[:, 12:]).double()).unbind(1)
    assert torch.allclose(1 - 2 * (y * y + z * z), rotations[:, 0, 0], atol=1e-5)
    assert torch.allclose(2 * (x * y + w * z), rotations[:, 1, 0], atol=1e-5)
    assert torch.allclose(2 * (x * z - w * y), rotations[:, 2, 0], atol=1e-5)


def test_tensor_operations_where_nothing_is_compiled():
    deformer, gaussians, zones, _ = _head(literal_keys=True)
    assert isinstance(deformer.prepare(gaussians.means, zones), TensorDeformer)
    deformer, gaussians, zones, _ = _head()
    assert isinstance(deformer.double().prepare(gaussians.means.double(), zones), TensorDeformer)


def test_kernels_are_warm_before_the_first_frame():
    warm_up().join()
    known = len(_network.deform.signatures), len(_tokens.token_rows.signatures)
    READY.posed(HEAD[1], HEAD[3], controls({"AU12": 1.0}, {"jaw_open": 1.0}, Pose(5)))
    assert known == (len(_network.deform.signatures), len(_tokens.token_rows.signatures))
    assert min(known) > 0


def test_several_threads_at_once():
    moments = [controls({"AU12": float(k)}, pose=Pose(4.0 * k)) for k in range(1, 5)]
    expected = [READY.posed(HEAD[1], HEAD[3], moment).means for moment in moments]

    def draw(k):
        own = HEAD[0].prepare(HEAD[1].means, HEAD[2])
        return [torch.equal(own.posed(HEAD[1], HEAD[3], moments[k]).means, expected[k]) for _ in range(10)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(all(same) for same in pool.map(draw, range(4)))


@pytest.mark.parametrize(("units", "channels"), [(5, 10), (17, 9)])
def test_controls_of_the_wrong_size_are_refused(units, channels):
    wrong = Controls(np.zeros((WINDOW, units), np.float32), np.zeros((WINDOW, channels), np.float32))
    with pytest.raises(ValueError, match="expected 17 units and 10 channels"):
        READY.apply(HEAD[1], wrong)
