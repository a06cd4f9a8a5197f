from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from studio.engine.performer.voices import Voice, available_voices, speak
from studio.engine.speech import train_encoder as module
from studio.engine.speech.corpus import HELD_OUT_VOICE, Clip, make_clips, synthesise
from studio.engine.speech.encoder import Encoder, load_encoder

pytestmark = pytest.mark.skipif(not available_voices("flite"), reason="flite is not installed")
SLT = Voice("flite", "slt", "en")


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    said = {SLT: [speak(text, SLT) for text in ("My mother baked a map.", "Pop above the moon, papa.")]}
    return make_clips(said, 4, seed=1)


def test_clips_are_consistent(clips: list[Clip]) -> None:
    for clip in clips:
        assert len(clip.articulators) == len(clip.phonemes) == (len(clip.mel) + 1) // 2
        assert clip.articulators.min() >= 0.0
        assert clip.articulators.max() <= 1.0
    again = make_clips(
        {SLT: [speak(t, SLT) for t in ("My mother baked a map.", "Pop above the moon, papa.")]}, 4, seed=1
    )
    assert all(np.array_equal(a.mel, b.mel) for a, b in zip(clips, again, strict=True))


def test_a_short_training_learns_saves_and_repeats_itself(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 4)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def train(steps: int, name: str) -> float:
        out = tmp_path / name
        info: dict[str, object] = {"width": 96, "articulators": module.ARTICULATORS}
        module.fit(clips, held_clean=clips, held_noisy=clips, info=info, out=out, steps=steps, seed=3)
        encoder = load_encoder(out)
        assert not list(tmp_path.glob("*.part"))
        figures = encoder.info["figures"]["clean"]["r"]
        return float(figures["jaw_open"] + figures["voice"])

    before, after = train(2, "a"), train(30, "b")
    assert after > before + 0.2
    train(2, "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()

    monkeypatch.setattr(module, "_SAVE_EVERY", 3)
    train(6, "whole")
    real, calls = module.save, 0

    def interrupted(encoder: Encoder, out: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        real(encoder, out)

    monkeypatch.setattr(module, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(6, "cut")
    assert (tmp_path / "cut.checkpoint").exists()
    train(6, "cut")
    torch.set_num_threads(threads)
    assert not (tmp_path / "cut.checkpoint").exists()
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()


def test_the_held_out_voice_is_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    only = tuple(v for v in available_voices("flite"))
    monkeypatch.setattr("studio.engine.speech.corpus.available_voices", lambda *_: only)
    corpus = synthesise(0.3, seed=2)
    assert corpus
    assert HELD_OUT_VOICE not in {voice.name for voice in corpus}
