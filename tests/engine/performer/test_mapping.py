import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.document.action_units import AU_KEYS
from studio.engine.performer.mapping import MODES, fold_weights, mode_weights
from studio.engine.performer.materials import FOLDS

faces = st.lists(st.floats(-1, 7), min_size=17, max_size=17)
mouths = st.lists(st.floats(-0.5, 1.5), min_size=10, max_size=10)

REGIONS = {  # a landmark that must move by more than 1.5 mm, and the least it must move relative to the mouth corner
    "AU1": "brow_0_left", "AU2": "brow_3_left", "AU4": "brow_0_left", "AU5": "eye_upper_left", "AU6": "cheek_left",
    "AU7": "eye_lower_left", "AU9": "nose_wing_left", "AU45": "eye_upper_left", "AU10": "lip_outer_upper_5",
    "AU12": "mouth_corner_left", "AU14": "mouth_corner_left", "AU15": "mouth_corner_left", "AU17": "chin_front",
    "AU20": "mouth_corner_left", "AU23": "lip_outer_lower_5", "AU25": "lip_inner_lower_5", "AU26": "chin",
}  # fmt: skip


def test_silence_and_no_expression_leave_the_head_at_rest():
    assert np.allclose(mode_weights(np.zeros((2, 17)), np.zeros((2, 10))), 0.0)
    assert np.allclose(fold_weights(np.zeros((2, 17))), 0.0)


def test_the_brows_inner_and_outer_raisers_fold_their_own_part_of_the_forehead():
    au = np.zeros((2, 17))
    au[0, AU_KEYS.index("AU1")] = au[1, AU_KEYS.index("AU2")] = 5
    folds = fold_weights(au)
    inner, outer = (folds[:, FOLDS.index(f"{part}_forehead")] for part in ("inner", "outer"))
    assert inner[0] > 3 * outer[0]
    assert outer[1] > 3 * inner[1]
    assert folds.shape == (2, len(FOLDS))


@settings(deadline=None, max_examples=200)
@given(faces, mouths)
def test_weights_stay_sane_for_any_combination(au, articulators):
    weights = mode_weights(np.array([au]), np.array([articulators]))
    assert weights.shape == (1, len(MODES))
    assert weights.min() >= -1e-9
    assert weights.max() <= 1 + 1e-9


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 5), st.integers(0, 15))
def test_a_single_unit_grows_in_proportion(level, channel):
    au = np.zeros((2, 17))
    au[:, channel] = [level, 5.0]
    name = AU_KEYS[channel]
    weights = mode_weights(au, np.zeros((2, 10)))[:, MODES.index(name)]
    assert weights[0] == pytest.approx(level / 5 * weights[1], abs=1e-9)


@pytest.mark.parametrize("au", AU_KEYS)
def test_each_unit_moves_its_own_region(nora, controls, au):
    at = nora.landmarks.index(REGIONS[au])
    moved = nora.landmarks.points(controls(**{au: 5.0})) - nora.landmarks.points(nora.head.controls)
    assert np.linalg.norm(moved[at]) > 0.0015


@pytest.mark.parametrize("au", ["AU1", "AU2", "AU4", "AU5", "AU7", "AU45"])
def test_units_of_brows_and_lids_leave_the_mouth_alone(nora, controls, au):
    moved = nora.landmarks.points(controls(**{au: 5.0})) - nora.landmarks.points(nora.head.controls)
    mouth = [i for i, name in enumerate(nora.landmarks.names) if name.startswith(("lip_", "mouth_", "chin"))]
    assert np.linalg.norm(moved[mouth], axis=1).max() < 0.0008


@pytest.mark.parametrize(("au", "landmark", "axis", "sign"), [
    ("AU1", "brow_0_left", 1, 1), ("AU2", "brow_3_left", 1, 1), ("AU4", "brow_0_left", 1, -1),
    ("AU4", "brow_0_left", 0, -1),
    ("AU6", "cheek_left", 1, 1), ("AU9", "nose_wing_left", 1, 1), ("AU12", "mouth_corner_left", 1, 1),
    ("AU12", "mouth_corner_left", 0, 1), ("AU15", "mouth_corner_left", 1, -1), ("AU26", "chin", 1, -1),
])  # fmt: skip
def test_units_move_in_the_direction_that_facs_says(nora, controls, au, landmark, axis, sign):
    at = nora.landmarks.index(landmark)
    moved = nora.landmarks.points(controls(**{au: 5.0}))[at] - nora.landmarks.points(nora.head.controls)[at]
    assert moved[axis] * sign > 0.001


def test_the_rest_face_has_closed_lips_and_open_eyes(nora):
    assert nora.lip_gap(nora.head.controls) < 0.0005
    assert nora.lid_gap(nora.head.controls) > 0.006


def test_a_full_blink_closes_the_lids_and_a_stare_opens_them(nora, controls):
    rest = nora.lid_gap(nora.head.controls)
    assert nora.lid_gap(controls(AU45=5.0)) < 0.0003
    assert nora.lid_gap(controls(AU45=5.0, AU5=5.0)) < 0.0003
    assert nora.lid_gap(controls(AU5=5.0)) > rest + 0.001
    assert nora.lid_gap(controls(AU7=5.0)) < rest - 0.001


@pytest.mark.parametrize("level", [0.0, 1.5, 2.5, 4.0, 5.0])
def test_lids_stay_outside_the_eyeball_through_a_blink(nora, controls, level):
    moved = controls(AU45=level)
    for eye, margin in zip(nora.head.eyes, nora.head.lid_margin, strict=True):
        assert np.linalg.norm(moved[margin] - eye.centre, axis=1).min() > eye.radius


@pytest.mark.parametrize("jaw", [0.0, 0.3, 0.6, 1.0])
def test_closing_articulator_closes_the_lips_whatever_the_jaw_does(nora, controls, jaw):
    assert nora.lip_gap(controls(jaw_open=jaw, lips_close=1.0)) < 0.0008
    assert nora.lip_gap(controls(jaw_open=jaw, lips_close=1.0, lips_part=1.0, AU25=5.0, AU26=4.0)) < 0.0012


def test_jaw_and_parting_open_the_lips(nora, controls):
    gaps = [nora.lip_gap(controls(jaw_open=j)) for j in (0.0, 0.5, 1.0)]
    assert gaps[0] < 0.0005 < 0.005 < gaps[1] < gaps[2]
    assert nora.lip_gap(controls(lips_part=1.0)) > 0.004


@pytest.mark.parametrize("au", ["AU12", "AU14", "AU15", "AU17", "AU20", "AU23"])
def test_units_that_do_not_part_the_lips_keep_them_closed(nora, controls, au):
    assert nora.lip_gap(controls(**{au: 5.0})) < 0.0015


def test_rounding_narrows_and_spreading_widens_the_mouth(nora, controls):
    def width(moved):
        left, right = (nora.landmarks.index(f"mouth_corner_{side}") for side in ("left", "right"))
        points = nora.landmarks.points(moved)
        return points[left, 0] - points[right, 0]

    rest = width(nora.head.controls)
    assert width(controls(lips_round=1.0)) < rest - 0.004
    assert width(controls(lips_spread=1.0)) > rest + 0.002
