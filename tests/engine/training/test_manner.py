"""A person's own way of moving: learned where it is seen, the performer's elsewhere; intensities follow from it."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.training.capture_files import load_capture
from studio.engine.training.manner import (
    AROUND,
    CHIN,
    LOWER,
    UPPER,
    Manner,
    law_of,
    manner_of,
    modes_at,
    personal_modes,
    read_units,
    sides_of,
    unchanged,
    with_manner,
)
from studio.engine.training.person import _bent
from studio.engine.training.prior import MESH_MARKS, Prior, load_prior
from tests.engine.training.portrait_toy import write_portrait

F64 = NDArray[np.float64]

FRAMES = 400


@pytest.fixture(scope="module")
def prior() -> Prior:
    return load_prior("nora", 3_000)


@pytest.fixture(scope="module")
def performer(prior: Prior) -> F64:
    return modes_at(prior, prior.seen)


def acted(seed: int, share: float = 0.3) -> F64:
    """(F, 17) intensities, some units at a time."""
    rng = np.random.default_rng(seed)
    return np.asarray(MAX_INTENSITY * rng.random((FRAMES, 17)) * (rng.random((FRAMES, 17)) < share))


def silent() -> F64:
    return np.zeros((FRAMES, N_ARTICULATORS))


def lively(performer: F64, prior: Prior) -> Manner:
    """Brows rise half as far again, and smiles pull up more."""
    modes, names = performer.copy(), prior.bare.mode_names
    modes[names.index("AU1")] *= 1.5
    smile = names.index("AU12")
    modes[smile, :, 1] += 0.3 * np.linalg.norm(performer[smile], axis=1)
    return Manner(modes, modes - performer, np.zeros(performer.shape[1:]))


def test_motion_is_learned_where_it_is_seen(prior: Prior, performer: F64) -> None:
    names, person = prior.bare.mode_names, lively(performer, prior)
    au = acted(1)
    au[:, AU_INDEX["AU9"]] = 0.0
    weights = law_of(prior)(au, silent())
    found = manner_of(person.carried(weights) + np.array([0.0, 0.001, 0.0]), weights, performer, names, sides_of(prior))
    for name in ("AU1", "AU12"):
        i = names.index(name)
        missed = np.abs(found.modes[i] - person.modes[i])[:, :2].max()
        assert missed < 0.35 * np.abs(person.changes[i])[:, :2].max(), name
    never = names.index("AU9")
    np.testing.assert_allclose(found.modes[never], performer[never], atol=1e-4)
    assert not found.changes[..., 2].any()
    np.testing.assert_allclose(found.usual, np.tile([0.0, 0.001, 0.0], (MESH_MARKS, 1)), atol=6e-4)


def test_brows_that_rise_whenever_the_mouth_twists_do_not_twist_it(prior: Prior, performer: F64) -> None:
    names = prior.bare.mode_names
    weights = law_of(prior)(acted(8), silent())
    seen = unchanged(performer).carried(weights)
    seen[:, [*UPPER, *LOWER, *AROUND, *CHIN], 0] += 0.01 * weights[:, [names.index("AU2")]]
    found = manner_of(seen, weights, performer, names, sides_of(prior))
    lips = [*UPPER, *LOWER, *AROUND, *CHIN]
    assert np.abs(found.changes[names.index("AU2")][lips]).max() < 1e-3
    sides = sides_of(prior)
    np.testing.assert_array_equal(sides[sides][list(UPPER)], UPPER)
    mirrored = found.changes[:, sides] * [-1.0, 1.0, 1.0]
    np.testing.assert_allclose(mirrored[:, lips], found.changes[:, lips], atol=2e-4)


def test_a_unit_that_is_read_without_acting_keeps_most_of_its_motion(prior: Prior, performer: F64) -> None:
    names = prior.bare.mode_names
    weights = law_of(prior)(acted(2), silent())
    weights[:, names.index("AU6")] = np.random.default_rng(3).random(FRAMES)
    still = weights.copy()
    still[:, names.index("AU6")] = 0.0
    found = manner_of(unchanged(performer).carried(still), weights, performer, names, sides_of(prior))
    six = performer[names.index("AU6")]
    kept = float((found.modes[names.index("AU6")] * six)[:, :2].sum() / (six[:, :2] ** 2).sum())
    assert kept == pytest.approx(0.75, abs=0.02)


def test_lids_and_lips_that_meet_go_on_meeting(prior: Prior, performer: F64) -> None:
    names, rng = prior.bare.mode_names, np.random.default_rng(4)
    said = rng.random((FRAMES, N_ARTICULATORS))
    weights = law_of(prior)(acted(5), said)
    seen = 1.4 * unchanged(performer).carried(weights)
    found = manner_of(seen, weights, performer, names, sides_of(prior))
    for name in ("AU45", "press"):
        assert not found.changes[names.index(name)].any()
    assert np.abs(found.changes[names.index("jaw")]).max() > 1e-3
    lips = [*UPPER, *LOWER, *AROUND]
    both = found.changes[names.index("jaw")] + found.changes[names.index("jaw_sealed")]
    assert not both[lips].any()


def test_intensities_follow_from_where_landmarks_go(prior: Prior, performer: F64) -> None:
    """Features that say too little, and of wrong muscles, are put right, in pictures that nothing was learned from."""
    person, law = lively(performer, prior), law_of(prior)
    true, rng = acted(6), np.random.default_rng(7)
    suggested = np.clip(true + rng.normal(0.0, 1.0, (FRAMES, 17)), 0, MAX_INTENSITY)
    marks = prior.seen[:MESH_MARKS] + person.carried(law(true, silent()))
    learn = np.arange(FRAMES) < 300
    found = read_units(prior, prior.seen, marks, learn, suggested, silent())
    assert found.shape == (FRAMES, len(AU_KEYS))
    assert found.min() >= 0.0
    assert found.max() <= MAX_INTENSITY
    wide = [AU_INDEX[key] for key in ("AU26", "AU12", "AU25")]  # units that move much are seen well
    wrong, left = (np.abs(au - true)[~learn][:, wide].mean() for au in (suggested, found))
    assert left < 0.8 * wrong
    shown = unchanged(performer).carried(law(suggested, silent()))
    again = manner_of((marks - prior.seen[:MESH_MARKS])[learn], law(found, silent())[learn], performer,
                      prior.bare.mode_names, sides_of(prior)).carried(law(found, silent()))  # fmt: skip
    seen = marks - prior.seen[:MESH_MARKS]
    before, after = (float(np.sqrt(((m - seen)[~learn, :, :2] ** 2).mean())) for m in (shown, again))
    assert after < 0.6 * before


def test_touching_lips_take_their_own_changes(prior: Prior, performer: F64) -> None:
    names = prior.bare.mode_names
    changes = np.zeros_like(performer)
    jaw = names.index("jaw")
    below = (375, 321, 405, 314, 17, 84, 181, 91, 146)  # of the outline
    changes[jaw, [*LOWER, *below, *CHIN], 1] = -0.005
    manner = Manner(performer + changes, changes, np.zeros(performer.shape[1:]))
    found, _ = _bent(prior, prior.seen, prior.bare.pivots)
    modes = personal_modes(prior, prior.seen, manner, found.points, found.modes)
    more = modes[jaw, :, 1] - found.modes[jaw, :, 1]
    lips = prior.bare.of("lips")
    drop = np.linalg.norm(found.modes[jaw], axis=1)
    lower, upper = lips & (drop > 0.7 * drop[lips].max()), lips & (drop < 0.15 * drop[lips].max())
    assert lower.any()
    assert upper.any()
    assert np.median(more[lower]) < -0.0025
    assert np.abs(more[upper]).max() < 0.001
    assert not (modes - found.modes)[:, prior.bare.of("eye_left", "eye_right")].any()
    teeth = prior.bare.of("teeth") & (drop > 0.5 * drop[lips].max())
    assert teeth.any()
    assert (more[teeth] < 0).all()  # lower teeth go with the chin


def test_a_capture_without_the_mesh_moves_as_the_performer(
    prior: Prior, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from dataclasses import replace

    portrait = load_capture(write_portrait(tmp_path_factory.mktemp("portrait") / "her", frames=6))
    assert portrait.tracking is not None
    bare = replace(portrait.tracking, used=torch.zeros_like(portrait.tracking.used))
    capture, manner = with_manner(replace(portrait, tracking=bare), prior)
    assert not manner.changes.any()
    assert capture.tracking is not None
    torch.testing.assert_close(capture.tracking.head, portrait.tracking.head)
