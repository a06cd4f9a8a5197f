from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.engine.speech import encoder as module
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.speech.encoder import (
    DEFAULT_WEIGHTS,
    EncoderNet,
    decode_phonemes,
    default_encoder,
    load_encoder,
)
from studio.engine.speech.mel import N_INPUTS
from studio.engine.speech.phonemes import N_PHONEMES, PHONEME_INDEX, PHONEMES
from studio.errors import StudioError


@pytest.mark.parametrize("n", [1, 2, 7, 200, 401])
def test_two_frames_become_one(n: int) -> None:
    articulators, phonemes = EncoderNet()(torch.zeros(3, N_INPUTS, n))
    assert articulators.shape == (3, N_ARTICULATORS, (n + 1) // 2)
    assert phonemes.shape == (3, N_PHONEMES, (n + 1) // 2)


def test_a_grown_net_answers_as_the_small_one_and_can_learn_with_all_of_it() -> None:
    small, big = EncoderNet(dropout=0.0), EncoderNet(hidden=128, fine=True, dropout=0.0)
    for block in small.blocks:
        torch.nn.init.normal_(block.mix.weight, std=0.1)  # type: ignore[union-attr, arg-type]
    big.grow_from(small)
    assert big.shape == {"width": 96, "hidden": 128, "fine": True}
    heard = torch.randn(2, N_INPUTS, 81)
    for a, b in zip(small(heard), big(heard), strict=True):
        assert torch.allclose(a, b, atol=1e-4)
    big(heard)[0].square().sum().backward()
    assert big.enter_fine is not None
    assert float(big.enter_fine.weight.grad.abs().min()) > 0  # type: ignore[union-attr]
    assert float(big.blocks[0].mix.weight.grad[:, 96:].abs().max()) > 0  # type: ignore[union-attr, index]


def test_receptive_field_is_smaller_than_the_overlap_of_chunks() -> None:
    net = EncoderNet(fine=True).eval()
    for block in net.blocks:
        torch.nn.init.normal_(block.mix.weight)  # type: ignore[union-attr, arg-type]
    mel = torch.randn(1, N_INPUTS, 401, requires_grad=True)
    net(mel)[0][0, :, 100].sum().backward()
    assert mel.grad is not None
    reached = torch.nonzero(mel.grad[0].abs().sum(dim=0))[:, 0]
    assert 40 <= 200 - int(reached.min()) < module._OVERLAP
    assert 40 <= int(reached.max()) - 200 < module._OVERLAP


def test_chunks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    mel = np.random.default_rng(0).uniform(-1, 1, (1501, N_INPUTS)).astype(np.float32)
    whole = default_encoder().run(mel)
    monkeypatch.setattr(module, "_CHUNK", 400)
    parts = default_encoder().run(mel)
    for a, b in zip(whole, parts, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() < 1e-4


def test_viterbi_finds_the_segments() -> None:
    labels = ["SIL", "M", "AA", "P", "SIL"]
    lengths = [5, 4, 8, 4, 6]
    truth = np.repeat([PHONEME_INDEX[x] for x in labels], lengths)
    rng = np.random.default_rng(0)
    scores = rng.normal(0.0, 0.5, (len(truth), N_PHONEMES))
    scores[np.arange(len(truth)), truth] += 5.0
    scores[9] = 0.0  # a frame that says nothing
    log_probability = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    found = decode_phonemes(log_probability.astype(np.float32), len(truth) / 50)
    assert [p.label for p in found] == ["M", "AA", "P"]
    assert found[0].start_s == pytest.approx(0.09)
    assert found[2].end_s == pytest.approx(0.41)


def test_viterbi_of_nothing() -> None:
    assert decode_phonemes(np.zeros((0, N_PHONEMES), np.float32), 0.0) == ()


def test_the_shipped_encoder_is_small_and_says_what_it_is() -> None:
    assert DEFAULT_WEIGHTS.stat().st_size < 3_000_000
    info = default_encoder().info
    assert info["version"] == 2
    assert "train_encoder" in info["command"]
    assert tuple(info["phonemes"]) == PHONEMES
    assert 200_000 < sum(p.numel() for p in default_encoder().net.parameters()) < 800_000
    clean = info["figures"]["awb"]["clean"]
    assert set(clean["r"]) == set(ARTICULATORS)
    assert clean["r"]["jaw_open"] > 0.8
    assert clean["r"]["lips_close"] > 0.55  # a floor under the shipped weights; closures are their weak side


def test_calibration_is_monotone_and_starts_at_rest() -> None:
    encoder = default_encoder()
    assert (np.diff(encoder.levels, axis=1) >= 0).all()
    assert encoder.levels.min() >= 0.0
    assert encoder.levels.max() <= 1.0
    assert encoder.levels[:, 0].max() < 0.05


def test_missing_damaged_and_foreign_weights(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    with pytest.raises(StudioError, match="missing"):
        load_encoder(path)
    whole = DEFAULT_WEIGHTS.read_bytes()
    for share in (0.0, 0.01, 0.5, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(StudioError, match="damaged"):
            load_encoder(path)
    tensors = load_file(DEFAULT_WEIGHTS)
    save_file(tensors, path)
    with pytest.raises(StudioError, match="damaged"):
        load_encoder(path)
    info = dict(default_encoder().info) | {"articulators": ["jaw"]}
    save_file(tensors, path, metadata={"encoder": json.dumps(info)})
    with pytest.raises(StudioError, match="another version"):
        load_encoder(path)
