from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.engine.performer.sentences import ENGLISH, FOREIGN, HELD_OUT, HELD_OUT_FOREIGN
from studio.engine.performer.voices import Voice, available_voices, speak
from studio.engine.speech import train_encoder as module
from studio.engine.speech.corpus import HELD_OUT_VOICES, TUNING_VOICES, Clip, make_clips, speak_held_out, synthesise
from studio.engine.speech.encoder import DEFAULT_WEIGHTS, Encoder, load_encoder
from studio.engine.speech.measure import contact_figures, drive

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
        info: dict[str, object] = {"articulators": module.ARTICULATORS}
        held = [module.Held("slt", clips, clips)]
        module.fit(clips, tuning=clips, held=held, info=info, out=out, steps=steps, seed=3)
        encoder = load_encoder(out)
        assert not list(tmp_path.glob("*.part"))
        figures = encoder.info["figures"]["slt"]["clean"]["r"]
        return float(figures["jaw_open"] + figures["voice"])

    before, after = train(2, "a"), train(30, "b")
    assert after > before + 0.2
    train(2, "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()

    monkeypatch.setattr(module, "_SAVE_EVERY", 3)
    train(6, "whole")
    real, calls = module._batch, 0

    def interrupted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(6, "cut")
    assert (tmp_path / "cut.checkpoint").exists()
    train(6, "cut")
    torch.set_num_threads(threads)
    assert not (tmp_path / "cut.checkpoint").exists()
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()


def test_held_out_voices_are_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    only = (*available_voices("flite"), *(v for v in available_voices("espeak") if v.language == "fi"))
    monkeypatch.setattr("studio.engine.speech.corpus.available_voices", lambda *_: only)
    corpus = synthesise(0.6, seed=2)
    assert corpus
    assert not {*TUNING_VOICES, *HELD_OUT_VOICES} & set(corpus)
    assert not any(voice.name.endswith(("+Denis", "+linda", "+f5")) for voice in corpus)
    assert not set(TUNING_VOICES) & set(HELD_OUT_VOICES)


def test_what_is_held_out_is_said_by_no_training_voice() -> None:
    (said,) = speak_held_out(HELD_OUT_VOICES[:1]).values()
    assert {u.text for u in said} == set(HELD_OUT)
    assert not set(HELD_OUT) & set(ENGLISH)
    for language, texts in HELD_OUT_FOREIGN.items():
        assert not set(texts) & set(FOREIGN[language])
    assert speak_held_out([Voice("flite", "nobody", "en")]) == {}


def test_continuing_starts_where_the_other_ended(clips: list[Clip], tmp_path: Path) -> None:
    info: dict[str, object] = {"articulators": module.ARTICULATORS}
    held = [module.Held("slt", clips, clips)]
    first = module.fit(clips, tuning=clips, held=held, info=info, out=tmp_path / "a", steps=3, seed=3)
    start = load_encoder(tmp_path / "a")
    second = module.fit(clips, tuning=clips, held=held, info=info, out=tmp_path / "b", steps=3, seed=9, start=start,
                        shape={"hidden": 128, "fine": True})  # fmt: skip
    key = "enter.weight"
    moved = (second.net.state_dict()[key] - first.net.state_dict()[key]).abs().max()
    assert 0 < moved < 1e-2


def test_jaw_and_lips_make_up_for_what_closures_take(clips: list[Clip]) -> None:
    shipped = load_encoder(DEFAULT_WEIGHTS)
    small = shipped.levels.copy()
    small[:2] *= 0.5
    speaking = [clip for clip in clips if clip.phonemes.any()]
    mumbling = replace(shipped, levels=small)
    opened = module.opened(mumbling, speaking)

    def openness(encoder: Encoder) -> float:
        return contact_figures(drive(encoder, speaking), speaking)["mean_opening"]

    assert openness(mumbling) < openness(opened) - 0.1
    assert opened.levels[:2] == pytest.approx(max(module._GAINS) * small[:2])
    assert np.array_equal(opened.levels[2:], shipped.levels[2:])
    assert module.opened(replace(shipped, levels=np.minimum(shipped.levels * 2, 1)), speaking).levels.max() == 1.0


def test_the_command_trains_widens_and_only_calibrates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that assets/speech/README.md gives, on a handful of words."""
    monkeypatch.setattr("studio.engine.speech.corpus.available_voices", lambda *_: (SLT,))
    monkeypatch.setattr("studio.engine.speech.corpus._held_out_texts", lambda _: ("Papa has four mops.", "Five beans."))
    monkeypatch.setattr(module, "TUNING_VOICES", (SLT,))
    monkeypatch.setattr(module, "HELD_OUT_VOICES", (SLT,))
    monkeypatch.setattr(module, "_BATCH", 2)
    first, wide, same = (tmp_path / f"{name}.safetensors" for name in ("first", "wide", "same"))
    tiny = ["--minutes", "0.1", "--clips", "2", "--steps", "1"]
    module.main([str(first), *tiny])
    assert load_encoder(first).net.shape == {"width": 96, "hidden": 96, "fine": False}
    module.main([str(wide), "--start", str(first), *tiny, "--hidden", "128", "--fine"])
    encoder = load_encoder(wide)
    assert encoder.net.shape == {"width": 96, "hidden": 128, "fine": True}
    assert "--start first.safetensors" in encoder.info["command"]
    assert encoder.info["started_from"] == load_encoder(first).info["command"]
    module.main([str(same), "--start", str(wide), "--steps", "0"])
    again = load_encoder(same)
    assert all(torch.equal(a, b) for a, b in zip(again.net.parameters(), encoder.net.parameters(), strict=True))
    assert again.info["thresholds"] == encoder.info["thresholds"]
    assert again.info["voices"] == encoder.info["voices"] == 1
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.checkpoint"))


def test_the_readme_gives_the_command_that_made_what_ships() -> None:
    words = (DEFAULT_WEIGHTS.parent / "README.md").read_text(encoding="utf-8")
    info = load_encoder(DEFAULT_WEIGHTS).info
    assert info["command"] in words
    for voice, kinds in info["figures"].items():
        row = next(line for line in words.splitlines() if line.startswith("|") and voice in line and "clean" in line)
        assert f"{kinds['clean']['mouth']['closed']:.0%}".replace("%", " %") in row
