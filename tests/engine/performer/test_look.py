"""What pictures of a performer must show, whoever it is: hair out of the face, lashes on the lids, a clean bust."""

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX
from studio.engine.camera import framing_distance_m, orbit_camera
from studio.engine.performer.hair import grow_hair
from studio.engine.performer.head import bust_height, lid_follow
from studio.engine.performer.identity import IDENTITIES
from studio.engine.performer.occlusion import smoothed, trace_occlusion
from studio.engine.performer.performer import Performer
from studio.engine.performer.render import DRAFT, PerformerRenderer
from studio.engine.performer.strands import brows, lashes

NO_AU, SILENT = np.zeros(17), np.zeros(10)


@pytest.fixture(scope="module")
def bob(nora: Performer) -> np.ndarray:
    return grow_hair(nora.head, nora.anatomy, np.random.default_rng(1)).offset


@pytest.fixture(scope="module")
def pictures(nora: Performer) -> list[np.ndarray]:
    """Front, above, and front with lowered gaze, 96 pixels."""
    renderer = PerformerRenderer(nora, size_px=96, quality=DRAFT)
    head = nora.head
    out = []
    for yaw, pitch, gaze in ((0, 0, 0), (-34, 32, 0), (0, 0, -18)):
        distance = framing_distance_m(head.height) * 0.62
        target = (0.0, -0.022 * head.scale, 0.0) if pitch == 0 else (0.0, head.bust_edge, -0.06)
        camera = orbit_camera(yaw, pitch, distance, target=target, width=96, height=96)
        out.append(renderer.render(nora.moment(NO_AU, SILENT, np.array([0, 0, 0, 0, gaze])), camera))
    renderer.release()
    return out


def test_a_bob_hangs_to_the_chin_and_not_into_the_face(nora, bob):
    assert np.isfinite(bob).all()
    tips = bob[:, -1, 1]
    assert abs(np.median(tips) - nora.head.chin[1]) < 0.02
    face = (np.abs(bob[..., 0]) < 0.045 * nora.head.scale) & (bob[..., 2] > 0.0) & (bob[..., 1] < 0.03)
    assert face.any(axis=1).mean() < 0.002


def test_a_bob_stays_close_to_the_head(nora, bob):
    away = np.hypot(bob[..., 0], bob[..., 2] + 0.072 * nora.head.scale)
    assert np.quantile(away, 0.995) < 0.135 * nora.head.scale


def test_strands_are_smooth(bob):
    step = np.diff(bob, axis=1)
    step /= np.maximum(np.linalg.norm(step, axis=2, keepdims=True), 1e-9)
    turn = (step[:, 1:] * step[:, :-1]).sum(axis=2)
    assert np.quantile(turn, 0.01) > np.cos(np.radians(60))


def test_lashes_stand_on_the_rims_of_the_lids_and_point_outwards(nora):
    strands = lashes(nora.head, np.random.default_rng(0))
    points = strands.points(nora.head.controls)
    rest = nora.anatomy.rest
    for i, eye in enumerate(nora.head.eyes):
        mine = points[np.sign(points[:, 0, 0]) == (1, -1)[i]]
        assert len(mine) > 100
        margin = nora.head.controls[nora.head.lid_margin[i]]
        assert np.abs(mine[:, 0, None, :2] - margin[None, :, :2]).max(axis=2).min(axis=1).max() < 0.004
        assert np.linalg.norm(mine - eye.centre, axis=2).min() > eye.radius
        assert (mine[:, -1, 2] > mine[:, 0, 2]).mean() > 0.95
    # Not buried: nearly all tips lie in front of the skin near them.
    free = []
    for tip in points[::8, -1]:
        near = rest[np.abs(rest[:, :2] - tip[:2]).max(axis=1) < 0.0012]
        free.append(tip[2] > near[:, 2].max() - 0.0005)
    assert np.mean(free) > 0.85


def test_lids_follow_a_lowered_gaze_and_corners_do_not(nora):
    at = nora.landmarks.index
    share = nora.landmarks.lid_follow
    assert share[at("eye_upper_left"), 0] > 0.3 > share[at("eye_lower_left"), 0] > 0.05
    assert share[at("eye_upper_left"), 1] == 0 < share[at("eye_upper_right"), 1]
    assert share[[at("eye_inner_left"), at("eye_outer_left"), at("chin")], 0].max() < 0.05
    assert lid_follow(nora.head, np.array([[0.0, -0.06, 0.03]])).sum() == 0


def test_a_lowered_gaze_shows_in_the_lids(pictures, nora):
    front, _, down = (p.astype(float) for p in pictures)
    changed = np.abs(front - down)[..., :3].max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    assert 10 < changed.sum() < 900
    assert rows.max() - rows.min() < 30
    assert columns.max() - columns.min() < 60


def test_the_bust_ends_in_a_clean_line(pictures):
    alpha = pictures[1][..., 3]
    assert ((alpha > 8) & (alpha < 247)).mean() < 0.07


def test_brows_are_as_wide_as_their_eyes(nora):
    points = brows(nora.head, np.random.default_rng(0)).points(nora.head.controls)[:, 0]
    left = points[points[:, 0] > 0, 0]
    assert np.ptp(left) > 2.2 * nora.head.eyes[0].radius


@pytest.mark.parametrize("name", sorted(IDENTITIES))
def test_upper_teeth_show_first_when_the_jaw_drops(name):
    performer = Performer(IDENTITIES[name], steps=2)
    teeth = performer.head.teeth.points(performer.head.controls)
    front = teeth[(teeth[:, 2] > teeth[:, 2].max() - 0.006) & (np.abs(teeth[:, 0]) < 0.006)]
    assert front[:, 1].max() > performer.anatomy.mouth[1] > front[:, 1].min()
    assert teeth[:, 2].max() < performer.anatomy.mouth[2] - 0.003
    assert performer.lip_gap(performer.head.controls) < 0.0005
    assert bust_height(performer.head, performer.anatomy.rest).min() < 0


def test_occlusion_of_an_open_plane_is_none_and_of_a_covered_one_is_much():
    points = {"skin": np.zeros((1, 3)), "teeth": np.zeros((1, 3)), "tongue": np.zeros((1, 3))}
    normals = {name: np.array([[0.0, 0.0, 1.0]]) for name in points}
    hair = np.zeros((1, 2, 3))

    def sky(cover: float):
        def depth_from(direction):
            return np.eye(4), np.full((4, 4), cover, dtype=np.float32)

        return trace_occlusion(depth_from, points, normals, hair, key_light=np.array([0, 0, 1.0]), directions=12)

    assert sky(1.0).meshes["skin"][0] == pytest.approx(1.0)
    assert sky(0.0).meshes["skin"][0] == pytest.approx(0.08)
    assert sky(1.0).hair_key.max() == pytest.approx(1.0)
    assert sky(0.0).hair_key.max() == 0


def test_smoothing_keeps_a_constant():
    triangles = np.array([[0, 1, 2], [1, 2, 3]])
    assert np.allclose(smoothed(np.full(4, 0.3), triangles), 0.3)
    assert np.ptp(smoothed(np.array([0.0, 1.0, 0.0, 0.0]), triangles)) < 0.5


def test_parted_lips_open_like_a_lens(nora):
    au = np.zeros((2, 17))
    au[1, AU_INDEX["AU25"]] = 5
    gaps = []
    for weights in nora.weights(au, np.zeros((2, 10))):
        skin = nora.head.skin.points(nora.controls(weights))
        upper, lower = (skin[nora.anatomy.contours[f"inner_{lip}"]] for lip in ("upper", "lower"))
        gaps.append(upper[:, 1] - lower[:, 1])
    opened = gaps[1] - gaps[0]
    across = np.abs(nora.anatomy.rest[nora.anatomy.contours["inner_upper"], 0]) / nora.anatomy.corner[0]
    order = np.argsort(across)
    assert np.diff(opened[order]).max() < 1e-4
    assert opened[order[0]] > 0.005 > 2 * opened[order[-1]]
