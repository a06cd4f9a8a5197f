from __future__ import annotations

import itertools
import shutil
import subprocess

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX, AU_KEYS, UPPER
from studio.engine.performer.emotions import BLENDS, EMOTIONS, RESERVED, blended
from studio.engine.performer.script import POSE_LIMITS_DEG, Script, write_script
from studio.engine.performer.sentences import ENGLISH, FOREIGN, HELD_OUT
from studio.engine.performer.talking import FPS, HELD_OUT_VOICES, TRAINING_VOICES, voices_for
from studio.engine.performer.trials import conflicts
from studio.engine.performer.voices import available_voices
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.phonemes import BILABIALS, VOWELS, from_arpabet

pytestmark = pytest.mark.skipif(
    not available_voices("flite", "espeak"), reason="neither flite nor espeak-ng is installed"
)


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(60.0, seed=4, acting=0.3)


@pytest.fixture(scope="module")
def acted() -> Script:
    return write_script(50.0, seed=8, acting=1.0)


@pytest.fixture(scope="module")
def heldout() -> Script:
    return write_script(60.0, seed=3, kind="heldout")


def test_shapes_and_ranges(script: Script) -> None:
    n = 1500
    assert script.fps == 25
    assert script.duration_s == 60.0
    assert script.au.shape == (n, 17)
    assert script.articulators.shape == (n, 10)
    assert script.pose.shape == (n, 5)
    assert script.speech.shape == (n * 640,)
    for array in (script.au, script.articulators, script.pose, script.speech):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert script.au.min() >= 0.0
    assert script.au.max() <= 5.0
    assert (np.abs(script.pose).max(axis=0) <= POSE_LIMITS_DEG).all()
    assert np.abs(script.speech).max() <= 1.0
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(script.phonemes))


def test_the_same_seed_gives_the_same_performance() -> None:
    one, again, other = (write_script(6.0, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(again.au, one.au)
    assert np.array_equal(again.articulators, one.articulators)
    assert np.array_equal(again.pose, one.pose)
    assert np.array_equal(again.speech, one.speech)
    assert again.sentences == one.sentences
    assert not np.array_equal(other.au, one.au)
    assert not np.array_equal(other.speech, one.speech)


def test_every_unit_appears_strongly_and_alone(script: Script) -> None:
    for i, key in enumerate(AU_KEYS):
        others = [k for k in range(17) if k not in (i, AU_INDEX["AU45"])]
        alone = (script.au[:, i] > 3.5) & (script.au[:, others].max(axis=1) < 0.5)
        assert alone.sum() >= 4, key


def test_every_pair_of_upper_units_appears(script: Script) -> None:
    for a, b in itertools.combinations(UPPER, 2):
        together = (script.au[:, a] > 1.5) & (script.au[:, b] > 1.5)
        assert together.any(), (AU_KEYS[a], AU_KEYS[b])


def _playing(script: Script) -> np.ndarray:
    """(F,) where passages are acted."""
    among = np.zeros(script.n_frames, bool)
    for passage in script.passages:
        among[passage.start : passage.end] = True
    return among


def test_free_play_is_independent_of_speech() -> None:
    script = write_script(60.0, seed=4, acting=0.0)
    assert not script.passages
    both = np.corrcoef(np.concatenate([script.au, script.articulators], axis=1).T)
    across = np.abs(both[:17, 17:])
    assert across.max() < 0.3
    assert across.mean() < 0.08


def test_as_much_is_acted_as_was_asked(script: Script, acted: Script, heldout: Script) -> None:
    assert 0.15 < _playing(script).mean() < 0.5
    assert _playing(acted).all()
    assert 0.35 < _playing(heldout).mean() < 0.7
    assert {e for p in acted.passages for e in p.emotions} <= set(EMOTIONS)
    assert len({p.emotions for p in acted.passages}) >= 6
    with pytest.raises(ValueError, match="acting"):
        write_script(1.0, seed=1, acting=1.5)


def test_acted_faces_show_their_emotion(acted: Script) -> None:
    for passage in acted.passages[:-1]:
        shown = acted.au[passage.start + 16 : passage.end - 16].mean(axis=0)
        wanted = EMOTIONS[passage.emotions[0]].units
        for key, level in wanted.items():
            assert shown[AU_INDEX[key]] > 0.3 * level * passage.strength, (passage, key)
        strangers = set(AU_KEYS) - set(wanted) - set(EMOTIONS[passage.emotions[0]].accents) - {"AU45"}
        assert shown[[AU_INDEX[key] for key in strangers]].max() < 0.1


def test_acted_faces_follow_the_voice(acted: Script) -> None:
    loud = np.log(np.sqrt(np.square(acted.speech.reshape(acted.n_frames, -1)).mean(axis=1)) + 1e-3)
    follow = []
    for passage in acted.passages[:-1]:
        rows = slice(passage.start + 16, passage.end - 16)
        key = max(EMOTIONS[passage.emotions[0]].units, default="AU2", key=EMOTIONS[passage.emotions[0]].units.get)
        follow.append(np.corrcoef(acted.au[rows, AU_INDEX[key]], loud[rows])[0, 1])
    assert np.median(follow) > 0.2
    blinking = acted.au[:, AU_INDEX["AU45"]] > 3.0
    assert loud[blinking].mean() < loud[~blinking].mean() - 0.3
    assert 0.005 < blinking.mean() < 0.12


def test_only_held_out_performances_show_what_is_reserved(script: Script, acted: Script, heldout: Script) -> None:
    for triple in RESERVED:
        columns = [AU_INDEX[key] for key in triple]
        for training in (script, acted):
            assert training.au[:, columns].min(axis=1).max() < 0.5, triple
        assert heldout.au[:, columns].min(axis=1).max() > 2.5, triple
    for names, triple in zip(BLENDS, RESERVED, strict=True):
        assert set(triple) <= {*blended(names).units, *blended(names).accents}
    assert {p.emotions for p in heldout.passages} & set(BLENDS)


def test_many_voices_speak_and_others_in_held_out_performances(script: Script, heldout: Script) -> None:
    known, unknown = voices_for(held_out=False), voices_for(held_out=True)
    engines = {voice.engine for voice in available_voices()}
    assert {voice.engine for voice in known} == engines
    assert len(known) >= 3 * len(engines)
    assert not set(TRAINING_VOICES) & set(HELD_OUT_VOICES)
    assert len({s.voice for s in script.sentences}) >= 3
    if {"flite", "espeak"} & engines:
        assert not set(known) & set(unknown)
        assert not {s.voice for s in script.sentences} & {s.voice for s in heldout.sentences}


def test_the_sound_has_rooms_and_noise_and_the_truth_has_not(script: Script) -> None:
    silent = np.ones(script.n_frames, bool)
    for sentence in script.sentences:
        silent[int(sentence.start_s * FPS) : int(np.ceil(sentence.end_s * FPS))] = False
    blocks = np.sqrt(np.square(script.speech.reshape(script.n_frames, -1)).mean(axis=1))
    assert blocks[silent].max() > 1e-4
    assert script.articulators[silent, ARTICULATORS.index("voice")].max() < 0.5


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_sentences_hold_every_vowel_beside_every_sound_that_lips_show() -> None:
    met = set()
    for text in ENGLISH:
        command = ["flite", "-voice", "kal16", "-ps", "-t", text, "-o", "none"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        met |= set(itertools.pairwise(map(from_arpabet, said)))
    lips = ("B", "P", "M", "F", "V", "W", "SH")
    wanted = {pair for lip in lips for vowel in VOWELS for pair in ((lip, vowel), (vowel, lip))}
    # English has no such words, nor ends them in these vowels.
    never = {("M", "UH"), ("V", "UH"), ("W", "OY"), ("SH", "OY"), ("AE", "W"), ("EH", "W")}
    never |= {("UH", lip) for lip in lips if lip != "SH"}
    assert wanted - met <= never


def test_blinks_are_regular_and_short() -> None:
    quiet = write_script(24.0, seed=9, kind="neutral")
    assert np.delete(quiet.au, AU_INDEX["AU45"], axis=1).max() == 0.0
    closed = quiet.au[:, AU_INDEX["AU45"]] > 0.5
    starts = np.flatnonzero(np.diff(closed.astype(int)) == 1)
    assert 4 <= len(starts) <= 9
    gaps = np.diff(starts) / 25
    assert gaps.min() >= 2.8
    assert gaps.max() <= 5.2
    assert closed.mean() < 0.15


def test_lips_close_for_the_bilabials_of_the_script(script: Script) -> None:
    close = script.articulators[:, ARTICULATORS.index("lips_close")]
    peaks = [
        close[int(p.start_s * 25) : int(np.ceil(p.end_s * 25)) + 1].max()
        for p in script.phonemes
        if p.label in BILABIALS
    ]
    assert len(peaks) > 20
    assert np.mean(np.array(peaks) > 0.9) > 0.95


def test_gaze_jumps_and_the_head_does_not(script: Script) -> None:
    steps = np.abs(np.diff(script.pose, axis=0))
    assert steps[:, :3].max() < 1.2
    assert steps[:, 3].max() > 2.0
    assert np.median(steps[:, 3]) < 0.2
    assert script.pose[:, :3].std(axis=0).min() > 0.5


def test_held_out_sentences_are_no_others() -> None:
    assert not set(HELD_OUT) & set(ENGLISH)
    assert len(set(ENGLISH) | set(HELD_OUT)) == len(ENGLISH) + len(HELD_OUT) >= 120
    assert all(FOREIGN.values())
    held = write_script(10.0, seed=1, kind="heldout")
    assert {s.text for s in held.sentences} <= set(HELD_OUT)
    assert {s.text for s in write_script(10.0, seed=1).sentences} <= set(ENGLISH)


@pytest.mark.parametrize("seconds", [0.04, 0.5, 2.0])
def test_short_scripts(seconds: float) -> None:
    short = write_script(seconds, seed=1)
    assert short.n_frames == round(seconds * 25)
    assert len(short.speech) == short.n_frames * 640


def test_nothing_is_no_script() -> None:
    with pytest.raises(ValueError, match="no frame"):
        write_script(0.0, seed=1)


def test_conflicts_are_acted_against_the_words_of_the_held_out_script(heldout: Script) -> None:
    plain, edited = heldout, write_script(60.0, seed=3, kind="conflict")
    assert edited.passages == plain.passages
    assert np.array_equal(edited.speech, plain.speech)
    assert np.array_equal(edited.articulators, plain.articulators)
    assert not np.array_equal(edited.au, plain.au)
    assert edited.acted is edited.au
    assert not plain.trials
    assert np.array_equal(write_script(60.0, seed=3, kind="conflict").au, edited.au)
    assert all(a.end <= b.start for a, b in itertools.pairwise(edited.trials))
    assert {trial.kind for trial in edited.trials} == {
        "brow_raise",
        "closed_smile",
        "jaw_on_closure",
        "contrary",
        "pair",
    }
    pairs = [trial.units for trial in edited.trials if trial.kind == "pair"]
    assert {frozenset(pair) for pair in pairs} == {
        frozenset((AU_KEYS[a], AU_KEYS[b])) for a, b in itertools.combinations(UPPER, 2)
    }
    close = edited.articulators[:, ARTICULATORS.index("lips_close")]
    loud = np.sqrt(np.square(edited.speech.reshape(1500, -1)).mean(axis=1))
    for trial in edited.trials[:-1]:
        among = slice(trial.start, trial.end)
        for unit in trial.units:
            assert edited.au[among, AU_INDEX[unit]].max() > 2.4, trial
        shown = edited.au[among, AU_INDEX[trial.units[0]]] > 2.0
        if trial.kind == "brow_raise":
            assert loud[among].max() > 1.5 * np.median(loud)
        elif trial.kind == "contrary":
            assert any(p.start <= trial.start and trial.end <= p.end for p in plain.passages)
        elif trial.kind != "pair":
            assert close[among][shown].max() > 0.8, trial


def test_conflicts_need_something_to_be_said() -> None:
    au, trials = conflicts(100, 25, (), np.zeros(64_000, np.float32), (), np.random.default_rng(1))
    assert {trial.kind for trial in trials} == {"pair"}
    assert au.max() > 2.0


def test_noise_is_on_what_is_reported_and_not_on_what_is_shown() -> None:
    script = write_script(20.0, seed=6, kind="noise")
    again = write_script(20.0, seed=6, kind="noise")
    assert script.au_clean is not None
    assert np.array_equal(script.au, again.au)
    assert script.acted is script.au_clean
    assert script.au.min() >= 0.0
    assert script.au.max() <= 5.0
    error = script.au - script.au_clean
    free = (script.au_clean > 1.0) & (script.au_clean < 4.0)
    assert 0.2 < error[free].std() < 0.7
    assert abs(error[free].mean()) < 0.1

    def shake(au: np.ndarray) -> float:
        return float(np.abs(np.diff(au, n=2, axis=0)).mean())

    assert shake(script.au) > 3 * shake(script.au_clean)
    assert write_script(1.0, seed=6).au_clean is None
