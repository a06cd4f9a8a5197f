import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.controls import WINDOW, WINDOW_BACK
from studio.engine.deform.au_encoder import ActionUnitEncoder

K = 17


def _encoder(trained=True):
    torch.manual_seed(1)
    encoder = ActionUnitEncoder(K)
    if trained:
        with torch.no_grad():
            for parameter in encoder.parameters():
                parameter.normal_()
    return encoder


def _window(seed, frames=3):
    return torch.rand(frames, WINDOW, K, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, K - 1), st.integers(0, WINDOW - 1), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_channels_are_independent(channel, frame, value, seed):
    encoder, window = _encoder(), _window(seed)
    changed = window.clone()
    changed[:, frame, channel] = value
    others = torch.arange(K) != channel
    assert torch.equal(encoder(changed)[:, others], encoder(window)[:, others])


@given(st.lists(st.floats(0, 1, width=32), min_size=K, max_size=K))
@settings(max_examples=40, deadline=None)
def test_a_constant_window_gives_exactly_its_value(values):
    held = torch.tensor(values)
    assert torch.equal(_encoder()(held.expand(2, WINDOW, K)), held.expand(2, K))


@given(st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_never_leaves_the_range_of_its_window(seed):
    window = _window(seed)
    refined = _encoder()(window)
    assert (refined <= window.amax(1) + 1e-6).all()
    assert (refined >= window.amin(1) - 1e-6).all()


def test_untrained_nearly_returns_the_centre_frame():
    window = _window(5)
    assert (_encoder(trained=False)(window) - window[:, WINDOW_BACK]).abs().max() < 0.02


def test_learns_to_calm_jitter_without_flattening_ramps():
    torch.manual_seed(0)
    encoder = ActionUnitEncoder(2)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.05)

    def batch(n):
        start, slope = torch.rand(n, 1, 2), (torch.rand(n, 1, 2) - 0.5) * 0.05
        clean = start + slope * (torch.arange(WINDOW) - WINDOW_BACK)[None, :, None]
        return clean + torch.randn(n, WINDOW, 2) * 0.1, clean[:, WINDOW_BACK]

    for _ in range(150):
        noisy, clean = batch(256)
        loss = (encoder(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    noisy, clean = batch(2000)
    raw = (noisy[:, WINDOW_BACK] - clean).square().mean().sqrt().item()
    calm = (encoder(noisy) - clean).square().mean().sqrt().item()
    assert calm < 0.6 * raw


def test_gradients_reach_every_parameter():
    encoder = _encoder()
    encoder(_window(2)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_batch_equals_one_by_one():
    encoder, window = _encoder(), _window(7, frames=5)
    alone = torch.cat([encoder(frame[None]) for frame in window])
    assert encoder(window).detach().numpy() == pytest.approx(alone.detach().numpy(), abs=1e-6)
