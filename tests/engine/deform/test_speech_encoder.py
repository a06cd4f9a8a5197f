import torch

from studio.engine.controls import WINDOW, WINDOW_BACK
from studio.engine.deform.speech_encoder import SpeechEncoder


def _encoder():
    torch.manual_seed(2)
    encoder = SpeechEncoder(10)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_()
    return encoder


def test_silence_is_exactly_zero():
    assert not _encoder()(torch.zeros(3, WINDOW, 10)).any()


def test_untrained_listens_to_the_centre_frame():
    torch.manual_seed(2)
    attention = SpeechEncoder(10).attention(torch.rand(4, WINDOW, 10))
    assert (attention[:, WINDOW_BACK] > 0.95).all()
    assert torch.allclose(attention.sum(1), torch.ones(4))


def test_attention_depends_on_what_is_heard():
    encoder = _encoder()
    attention = encoder.attention(torch.rand(2, WINDOW, 10))
    assert not torch.allclose(attention[0], attention[1], atol=1e-3)


def test_different_sounds_give_different_tokens():
    tokens = _encoder()(torch.eye(10)[:, None].expand(-1, WINDOW, -1))
    distances = torch.cdist(tokens, tokens) + torch.eye(10) * 1e3
    assert distances.min() > 1e-2
